import type { DiagnosisView, RehearsalView, RehearsedEvent, RingEvidence, TunnelDiagnosis } from '@hurricane/core';
import { z } from 'zod';
import type { ControlReport, DiagnosisReport, HistorySummary, ProbeTallyRow, Spread } from '../documents.js';

// Schemas of the documents that exist only here. Nothing at run time loads them: see output-schemas.ts.

const name = z.string();
const whole = z.int().min(0);
const nullable = <T extends z.ZodType>(schema: T): z.ZodNullable<T> => schema.nullable();
const level = z.enum(['debug', 'info', 'warn', 'error']);

export const spread: z.ZodType<Spread> = z.object({ min: z.number(), mean: z.number(), max: z.number() });

export const historySummary: z.ZodType<HistorySummary> = z.object({
  known_s: whole.describe('Seconds with measurements.'),
  unreachable_s: whole.describe('Seconds with a score of 0.'),
  latency_ms: nullable(spread),
  loss: nullable(spread).describe('0 to 1.'),
  score: nullable(spread),
  rx_bytes: nullable(whole),
  tx_bytes: nullable(whole),
});

const ring: z.ZodType<RingEvidence> = z.object({
  address: nullable(z.string()),
  verdict: z.enum(['answers', 'silent', 'unknown']),
  heard_s_ago: nullable(z.number().min(0)),
  misses_in_a_row: whole,
});

const tunnelDiagnosis: z.ZodType<TunnelDiagnosis> = z.object({
  tunnel: name,
  findings: z.array(z.string()),
  state: z.enum(['down', 'starting', 'up', 'stopping', 'failed']),
  liveness: z.enum(['unknown', 'alive', 'suspect', 'soft_down', 'hard_down']),
  fault_place: nullable(z.enum(['local', 'underlay', 'pop', 'upstream', 'target'])),
  underlay: ring.describe('The IPv4 path to the provider.'),
  pop: ring.describe("The provider's end of the tunnel."),
  targets: ring,
  full_size: ring.describe('Packets as large as the interface takes.'),
});

const view = {
  findings: z.array(z.string()).describe('One sentence each.'),
  targets_silent: z.boolean(),
  tunnels: z.array(tunnelDiagnosis),
} satisfies { readonly [K in keyof DiagnosisView]: z.ZodType<DiagnosisView[K]> };

const probeRow: z.ZodType<ProbeTallyRow> = z.object({
  tunnel: name,
  stream: z.enum(['targets', 'pop', 'underlay', 'internet', 'size']),
  target: z.string(),
  sent: whole,
  answered: whole,
  median_ms: nullable(z.number().min(0)),
});

export const diagnosis: z.ZodType<DiagnosisReport> = z.object({
  ...view,
  watched_s: z.number().min(0),
  probes: z.array(probeRow).describe('Probes that came to their end while it was watched.'),
});

const rehearsedEvent: z.ZodType<RehearsedEvent> = z.object({
  after_ms: whole,
  level,
  type: z.string(),
  text: z.string(),
});

export const rehearsal: z.ZodType<RehearsalView> = z.object({
  supposed: z.string(),
  summary: z.string(),
  primary_before: nullable(name),
  primary_after: nullable(name),
  first_move_after_ms: nullable(whole).describe('Until the route first moves; null: it does not.'),
  outage_ms: whole.describe('The route on a tunnel that carries nothing, or on none, in all.'),
  events: z.array(rehearsedEvent),
  events_left_out: whole,
  looked_ahead_s: z.number().min(0),
  cut_short: z.boolean(),
  assumptions: z.array(z.string()),
});

export const control: z.ZodType<ControlReport> = z.object({
  status: z.literal('ok'),
  preferred: nullable(name).describe("The operator's choice; null: the gateway chooses."),
  primary: nullable(name).describe('What carries the traffic at this moment.'),
});
