import { addressesView, type GatewayStatus, healthView, tunnelsView } from '@hurricane/core';

/** A path that shows one document, drawn from the gateway's status. */
export interface Endpoint {
  readonly path: string;
  readonly view: (status: GatewayStatus) => object;
}

/** In the order of the seed's documentation. */
export const ENDPOINTS: readonly Endpoint[] = [
  { path: '/health', view: healthView },
  { path: '/v6/address', view: addressesView },
  { path: '/tunnels', view: tunnelsView },
];
