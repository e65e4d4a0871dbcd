import type { Property } from './json-schema.js';

// The vocabulary of what tools take.

/** Names of tunnels have at most so many characters (core's configuration). */
const LONGEST_NAME = 63;

/** Characters of a mapping's description, as in the REST API. */
const LONGEST_DESCRIPTION = 200;

/** `[`, 39 characters of address, `]:` and five of port. */
const LONGEST_TARGET = 47;

export const TUNNEL_NAME: Property = {
  type: 'string',
  maxLength: LONGEST_NAME,
  description: 'The name of a tunnel, as get_tunnel_status shows it.',
};

export const PROTOCOL: Property = { type: 'string', enum: ['udp', 'tcp'], description: 'UDP or TCP.' };

export const portNumber = (description: string): Property => ({
  type: 'integer',
  minimum: 1,
  maximum: 65_535,
  description,
});

export const V6_ADDRESS: Property = {
  type: 'string',
  maxLength: 39,
  pattern: '^(auto|[0-9A-Fa-f:]{2,39})$',
  default: 'auto',
  description: 'address of a tunnel such as 2001:db8::2, or "auto" for that of the primary.',
};

export const DIRECTION: Property = {
  type: 'string',
  enum: ['in', 'out'],
  default: 'in',
  description: '"in": from the IPv6 side to the program here. "out": from here to "target".',
};

export const TARGET: Property = {
  type: 'string',
  maxLength: LONGEST_TARGET,
  pattern: '^\\[[0-9A-Fa-f:]{2,39}\\]:[0-9]{1,5}$',
  description: 'with direction "out", the far end, such as [2001:db8::1]:7654.',
};

export const DESCRIPTION: Property = {
  type: 'string',
  maxLength: LONGEST_DESCRIPTION,
  description: 'What the mapping is for, for people.',
};
