import type { Candidate, FailoverExplanation, HistorySample, HistoryView, SwitchRecord } from '@hurricane/core';
import { z } from 'zod';
import type { EventDocument, GapDocument, LogLine, LogsDocument } from '../documents.js';
import { fraction, logLevel, name, nullable, text, unixMilliseconds, unixSeconds, wholeNumber } from './words.js';

const score = z.number().min(0).max(100);

export const candidate: z.ZodType<Candidate> = z
  .object({
    tunnel: name,
    priority: wholeNumber,
    score: nullable(score),
    bonus: z.number().describe('What its priority adds.'),
    rank: nullable(z.number()).describe('Score and bonus together; null while unmeasured.'),
    state: z.enum(['down', 'starting', 'up', 'stopping', 'failed']),
    liveness: z.enum(['unknown', 'alive', 'suspect', 'soft_down', 'hard_down']),
    fault_place: nullable(text),
    fit: z.boolean().describe('Nothing speaks against its having the route.'),
    passed_over: nullable(text).describe('What speaks against it; null when it is fit.'),
  })
  .describe('A tunnel, as the choice of the primary sees it.');

export const switchRecord: z.ZodType<SwitchRecord> = z
  .object({
    at: unixMilliseconds,
    from: nullable(name),
    to: name,
    reason: z.enum([
      ...['degraded', 'soft_down', 'hard_down', 'not_up', 'lowered', 'removed'],
      ...['failback', 'better_path', 'selected', 'preferred'],
    ] as [SwitchRecord['reason'], ...SwitchRecord['reason'][]]),
    from_score: nullable(score),
    to_score: nullable(score),
    candidates: z.array(candidate).describe('As they were at that moment.'),
  })
  .describe('One change of the primary.');

export const explanation: z.ZodType<FailoverExplanation> = z
  .object({
    primary: nullable(name),
    preferred: nullable(name).describe("The operator's choice; null: the gateway chooses."),
    state: z.enum(['idle', 'holding', 'stranded']),
    since: nullable(unixSeconds),
    rule: text.describe('The rule in force, one sentence.'),
    next: z.array(text).describe('What would have to happen for a switch, one sentence each.'),
    candidates: z.array(candidate).describe('The best first.'),
    switches: z.array(switchRecord).describe('The newest first, at most 50.'),
  })
  .describe('Why the present primary is the primary.');

export const historySample: z.ZodType<HistorySample> = z
  .object({
    at: unixSeconds,
    resolution_s: wholeNumber.describe('Seconds that this sample stands for.'),
    latency_ms: nullable(z.number().min(0)),
    loss: nullable(fraction),
    score: nullable(score),
    rx_bytes_per_s: nullable(z.number().min(0)),
    tx_bytes_per_s: nullable(z.number().min(0)),
  })
  .describe('One tunnel over one span of time.');

export const history: z.ZodType<HistoryView> = z
  .object({
    tiers: z
      .array(z.object({ resolution_s: z.literal([1, 10, 60]), kept_s: wholeNumber }))
      .describe('How fine the samples are, and how long each sort is kept.'),
    tunnels: z.array(z.object({ tunnel: name, samples: z.array(historySample).describe('The oldest first.') })),
  })
  .describe('Samples for graphs.');

export const logLine: z.ZodType<LogLine> = z
  .object({
    id: wholeNumber.describe('1, 2, 3 … since the start.'),
    at: unixMilliseconds,
    level: logLevel,
    text,
  })
  .describe('One line of the log.');

export const logs: z.ZodType<LogsDocument> = z
  .object({
    lines: z.array(logLine).describe('The oldest first.'),
    gap: z.boolean().describe('Lines after `since` have been overwritten.'),
    last_id: wholeNumber.describe('What to give as `since` next.'),
  })
  .describe('What the gateway has logged.');

export const event: z.ZodType<EventDocument> = z
  .object({
    id: wholeNumber,
    at: unixMilliseconds,
    level: logLevel,
    type: text.describe('Also the name of the event, such as `failed_over` or `tunnel_state`.'),
    text: text.describe('One sentence.'),
    tunnel: nullable(name),
    from: nullable(text).describe('The state, liveness, target or tunnel that was left.'),
    to: nullable(text).describe('The one that was taken.'),
    reason: nullable(text),
  })
  .describe('What `data:` of an event is. Members that an event has no use for are null.');

export const gap: z.ZodType<GapDocument> = z
  .object({ last_id: wholeNumber })
  .describe('`data:` of the event `gap`: events between the last connection and this one have been overwritten.');
