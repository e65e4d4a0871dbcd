import { z } from 'zod';
import type {
  CheckDocument,
  ConfigDocument,
  ConfigProblemDocument,
  IndexDocument,
  LivenessDocument,
  PreferenceDocument,
  ReadinessDocument,
  TunnelSettings,
} from '../documents.js';
import type { ProblemDocument } from '../problem-document.js';
import { PROBLEM_STATUS } from '../problems.js';
import { logLevel, milliseconds, name, nullable, port, text, wholeNumber } from './words.js';

export const index: z.ZodType<IndexDocument> = z
  .object({ service: z.literal('v6-gatewayd'), version: text, endpoints: z.array(text) })
  .describe('What there is.');

export const liveness: z.ZodType<LivenessDocument> = z
  .object({ status: z.literal('alive') })
  .describe('The process runs and answers.');

export const readiness: z.ZodType<ReadinessDocument> = z
  .object({ status: z.literal('ready'), primary: name })
  .describe('IPv6 is usable.');

export const preferenceBody: z.ZodType<{ readonly tunnel: string | null }> = z
  .strictObject({
    tunnel: nullable(z.string().min(1).max(63)).describe('The name of a tunnel, or null to let the gateway choose.'),
  })
  .describe('Which tunnel is to carry the traffic.');

export const preference: z.ZodType<PreferenceDocument> = z
  .object({
    status: z.literal('ok'),
    preferred: nullable(name),
    primary: nullable(name).describe('What carries the traffic at this moment.'),
  })
  .describe('The choice as it is in force.');

export const configProblem: z.ZodType<ConfigProblemDocument> = z
  .object({
    line: nullable(wholeNumber).describe('Counted from 1; null when no one line is at fault.'),
    where: text.describe('`section.key`, `section` or empty.'),
    problem: text,
  })
  .describe('One thing wrong with a configuration.');

export const check: z.ZodType<CheckDocument> = z
  .object({
    valid: z.boolean(),
    problems: z.array(configProblem).describe('Why it would be refused.'),
    warnings: z.array(configProblem).describe('What would be accepted and not do what its author hopes.'),
    tunnels: nullable(wholeNumber),
  })
  .describe('What the gateway would say to a configuration.');

const tunnelSettings: z.ZodType<TunnelSettings> = z.object({
  name,
  type: z.enum(['he_6in4', 'wireguard', 'mullvad', 'external']),
  iface: text,
  enabled: z.boolean(),
  priority: wholeNumber,
  v6_prefix: nullable(text),
  prefix_len: wholeNumber,
  endpoint_ipv4: nullable(text),
  local_ipv4: nullable(text),
  gateway: nullable(text),
  pop_address: nullable(text),
  mtu: nullable(wholeNumber),
});

const mappingSettings = z.object({
  name: text,
  enabled: z.boolean(),
  protocol: z.enum(['udp', 'tcp']),
  internal_host: text,
  internal_port: port,
  external_port: port,
  v6_address: text.describe('An address, or `auto`.'),
  direction: z.enum(['in', 'out']),
  target: nullable(text),
  proxy_protocol: z.boolean(),
  description: nullable(text),
});

export const config: z.ZodType<ConfigDocument> = z
  .object({
    core: z.object({
      log_level: logLevel,
      state_dir: text,
      api_bind: text,
      api_port: port,
      api_socket: nullable(text),
      api_socket_group: nullable(text),
      api_token_file: nullable(text),
      api_allow_origin: z.array(text),
      api_trusted_hosts: z.array(text),
    }),
    exposure: z.object({
      mode: z.enum(['kernel', 'proxy', 'socks5']),
      socks5: z.object({
        enabled: z.boolean(),
        bind: text,
        port,
        users_file: nullable(text),
        allow_clients: z.array(text),
        allow_destinations: z.array(text),
        deny_destinations: z.array(text),
        ipv4: z.enum(['prefer6', 'only6', 'allow4']),
        race_tunnels: z.boolean(),
        resolver: nullable(z.array(text)),
      }),
      proxy: z.object({ udp_base_port: port, tcp_base_port: port }),
    }),
    mcp: z.object({ enabled: z.boolean(), socket: text, http: z.boolean(), allow_control: z.boolean() }),
    health: z.object({
      targets: z.array(text),
      method: z.enum(['auto', 'icmp', 'tcp', 'udp']),
      port,
      probe_interval_ms: milliseconds,
      quick_interval_ms: milliseconds,
      deadline_min_ms: milliseconds,
      deadline_max_ms: milliseconds,
      window_ms: milliseconds,
      slot_ms: milliseconds,
      misses_soft: wholeNumber,
      misses_hard: wholeNumber,
      hard_down_after_ms: milliseconds,
      replies_alive: wholeNumber,
    }),
    failover: z.object({
      check_interval_ms: milliseconds,
      leave_below: wholeNumber,
      take_at_least: wholeNumber,
      failback: z.enum(['auto', 'never']),
      failback_after_ms: milliseconds,
      failback_at_most_ms: milliseconds,
      abort_flows: z.boolean(),
    }),
    operation: z.object({ timeout_ms: milliseconds, retry_min_ms: milliseconds, retry_max_ms: milliseconds }),
    routing: z.object({ metric: wholeNumber, table_base: wholeNumber, rule_base: wholeNumber }),
    relay: z.object({
      max_flows: wholeNumber,
      max_flows_per_client: wholeNumber,
      engine: z.enum(['auto', 'stream', 'native']),
      low_latency: z.boolean(),
    }),
    mappings: z.array(mappingSettings),
    tunnels: z.array(tunnelSettings),
    warnings: z.array(configProblem),
  })
  .describe('The configuration in force, under the names of the file. No secret is in it.');

const kinds = Object.keys(PROBLEM_STATUS) as [ProblemDocument['kind'], ...ProblemDocument['kind'][]];

export const problem: z.ZodType<ProblemDocument> = z
  .object({
    type: text.describe('Stable: `urn:hurricane:problem:` and the kind.'),
    title: text,
    status: z.int().min(400).max(599),
    detail: text.describe('What is wrong, and what would be right.'),
    kind: z.enum(kinds),
    in: z.enum(['path', 'query', 'header', 'body']).exactOptional().describe('Where the fault is.'),
    field: text.exactOptional().describe('JSON pointer into the body, or `/name` of a parameter or header field.'),
    errors: z
      .array(z.object({ field: text, detail: text }))
      .exactOptional()
      .describe('All faults, if several.'),
    endpoints: z.array(text).exactOptional(),
    tunnels: z.array(text).exactOptional(),
    nearest: nullable(text).exactOptional(),
    addresses: z.array(text).exactOptional(),
    reasons: z.array(text).exactOptional(),
  })
  .describe('Why there is no document (RFC 9457).');
