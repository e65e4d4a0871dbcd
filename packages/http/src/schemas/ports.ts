import { z } from 'zod';
import type { PortBody } from '../api.js';
import type {
  FlowDocument,
  FlowsDocument,
  MappedDocument,
  PortDocument,
  PortsDocument,
  ProbeDocument,
} from '../documents.js';
import { bytes, milliseconds, name, nullable, port, text, unixSeconds, wholeNumber } from './words.js';

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
  internal_host: text.describe('Where the program is, or with "out" where the gateway listens for it.'),
  internal_port: port,
  external_port: port,
  v6_address: nullable(text).describe('Where it listens, or with "out" what it leaves from; never `auto`.'),
  auto: z.boolean().describe('It follows the primary. While there is none, `v6_address` is null.'),
  direction,
  target: nullable(text),
  description: nullable(text),
  name: nullable(text).describe('Of its section in the configuration; null: made over this API.'),
  state: z
    .enum(['open', 'unreachable', 'waiting', 'failed'])
    .describe('`waiting`: no tunnel has its address. `failed`: the system did not open its port; it is tried again.'),
  problem: nullable(text).describe('Why it is not `open`.'),
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
      .enum(['reachable', 'unreachable', 'unknown'])
      .describe('`unknown`: it could not be found out; the note says why.'),
    port,
    address: nullable(text).describe('What was sent to.'),
    vantage: nullable(name).describe('The tunnel it was sent out through.'),
    latency_ms: nullable(milliseconds).describe('From there to here.'),
    note: text.describe('Who looked, and from where.'),
  })
  .describe('What is known of the way in to a port from the Internet.');

export const flow: z.ZodType<FlowDocument> = z
  .object({
    id: wholeNumber,
    kind: z.enum(['tcp', 'udp']),
    origin: text.describe('What it goes by, such as `mapping udp 7654` or `socks5`.'),
    client: text.describe('Address and port.'),
    target: text.describe('Address and port.'),
    tunnel: nullable(name).describe('The tunnel it leaves or arrives by; null: none.'),
    since: unixSeconds,
    sent_bytes: bytes.describe('From the client to the target.'),
    received_bytes: bytes,
  })
  .describe('A connection, or a session of datagrams.');

export const flows: z.ZodType<FlowsDocument> = z
  .object({
    total: wholeNumber.describe('How many there are.'),
    flows: z.array(flow).describe('The oldest first, at most 1,000.'),
  })
  .describe('What the relay carries at this moment.');
