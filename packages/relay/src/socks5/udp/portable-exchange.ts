import type { ResultAsync } from 'neverthrow';
import type { Endpoint, ListenError } from '../../contracts.js';
import type { Exchange, ExchangeOptions, Letter } from '../../exchange-contract.js';
import { LONGEST_PAYLOAD, writeDatagram } from '../codec-write.js';
import { Outlet } from './outlet.js';
import { openUdp, type UdpPort } from './port.js';

/** One client's datagrams over `node:dgram`, each of which is heard. */
export function portableExchange(options: ExchangeOptions): ResultAsync<Exchange, ListenError> {
  const { address } = options;
  const family = address.includes(':') ? 6 : 4;
  return openUdp(family, address, (bytes, from) => options.heard(bytes, from)).map(
    (near) => new PortableExchange(near, options),
  );
}

class PortableExchange implements Exchange {
  readonly #near: UdpPort;
  readonly #options: ExchangeOptions;
  readonly #outlets: { readonly 4: Outlet; readonly 6: Outlet };
  #client: Endpoint | null = null;

  constructor(near: UdpPort, options: ExchangeOptions) {
    this.#near = near;
    this.#options = options;
    this.#outlets = { 4: new Outlet(4, this.#fromOutside), 6: new Outlet(6, this.#fromOutside) };
  }

  get local(): Endpoint {
    return this.#near.local;
  }

  answerTo(client: Endpoint): void {
    this.#client = client;
  }

  send({ payload, to, source }: Letter): void {
    const family = to.address.includes(':') ? 6 : 4;
    if (this.#outlets[family].send(payload, to, source)) this.#options.carried(payload.length, 0, 1);
    else this.#options.lost(1);
  }

  async recall(closing: 'ipv6' | null): Promise<void> {
    if (closing === 'ipv6') this.#outlets[6].close();
  }

  async counted(): Promise<void> {}

  async close(): Promise<void> {
    this.#near.close();
    this.#outlets[4].close();
    this.#outlets[6].close();
  }

  readonly #fromOutside = (payload: Uint8Array, from: Endpoint): void => {
    const isTaken =
      this.#client !== null &&
      payload.length <= LONGEST_PAYLOAD &&
      this.#near.send(writeDatagram(from, payload), this.#client);
    if (isTaken) this.#options.carried(0, payload.length, 0);
    else this.#options.lost(1);
  };
}
