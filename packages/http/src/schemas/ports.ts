import { z } from 'zod';
import type { PortBody } from '../api.js';
import type { MappedDocument, PortDocument, PortsDocument, ProbeDocument } from '../documents.js';
import { nullable, port, text, unixSeconds } from './words.js';

const protocol = z.enum(['udp', 'tcp']);
const direction = z.enum(['in', 'out']);

/** Characters of a description. */
const LONGEST_DESCRIPTION = 200;

/** `[`, 39 characters of address, `]:` and five of port. */
const LONGEST_TARGET = 47;

export const portBody: z.ZodType<PortBody> = z
  .strictObject({
    internal_port: port.describe('Port on this machine, 1 to 65535.'),
    external_port: port.describe('Port on the IPv6 address, 1 to 65535.'),
    v6_address: z
      .string()
      .regex(/^(auto|[0-9A-Fa-f:]{2,39})$/)
      .describe('Address of a tunnel such as 2001:db8::2, or "auto" for that of the primary.'),
    description: z
      .string()
      .max(LONGEST_DESCRIPTION)
      .exactOptional()
      .describe(`For people, at most ${LONGEST_DESCRIPTION} characters.`),
    direction: direction
      .exactOptional()
      .describe('"in": from the IPv6 side to the program here, also when left out. "out": from here to `target`.'),
    target: z
      .string()
      .max(LONGEST_TARGET)
      .regex(/^\[[0-9A-Fa-f:]{2,39}\]:[0-9]{1,5}$/)
      .exactOptional()
      .describe('With direction "out": the far end, such as [2001:db8::1]:7654.'),
  })
  .describe('A port mapping to be made.');

const mapping = {
  protocol,
  internal_port: port,
  external_port: port,
  v6_address: text.describe('Where it listens; never `auto`.'),
  direction,
  target: nullable(text),
  description: nullable(text),
  since: unixSeconds,
};

export const portMapping: z.ZodType<PortDocument> = z.object(mapping).describe('A port mapping that exists.');

export const mapped: z.ZodType<MappedDocument> = z
  .object({ status: z.literal('ok'), ...mapping })
  .describe('The port mapping that has been made.');

export const ports: z.ZodType<PortsDocument> = z
  .object({ ports: z.array(portMapping).describe('The oldest first.') })
  .describe('Every port mapping.');

export const probe: z.ZodType<ProbeDocument> = z
  .object({
    status: z
      .enum(['open', 'closed', 'probe_initiated', 'unknown'])
      .describe('`probe_initiated`: somebody outside has been asked, and the answer is not in yet.'),
    port,
    note: text.describe('Who looked, and from where.'),
  })
  .describe('What is known of the way in to a port from the Internet.');
