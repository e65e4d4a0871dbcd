import { match } from 'ts-pattern';
import type { Objection, Unworthiness } from './candidacy.js';
import { describeDriverError } from './errors.js';
import { type FaultPlace, placeOf } from './fault-place.js';
import { primaryOf, type State } from './state.js';
import type { Tunnel } from './tunnel.js';
import type { Instant, Millis } from './units.js';

/** What speaks against a tunnel, to be said after its name. */
export function sentenceAgainst(t: Tunnel, objection: Objection, state: State, now: Instant): string {
  return match(objection)
    .returnType<string>()
    .with({ kind: 'not_wanted' }, () => unwanted(t, state))
    .with({ kind: 'not_up' }, () => notUp(t, now))
    .with({ kind: 'silent' }, ({ liveness }) => `answers nothing (${liveness})${broken(placeOf(t, state))}`)
    .with({ kind: 'unjudged' }, () => 'has not been judged yet: too few probes have come back')
    .with({ kind: 'poor' }, (o) => poor(t, o, state))
    .with({ kind: 'in_doubt' }, () => 'has just missed a probe')
    .with(
      { kind: 'unsteady' },
      ({ until }) => `is only just back: it must be steady for another ${seconds(until - now)}`,
    )
    .with({ kind: 'unproven' }, () => 'has answered no probe since the primary fell silent')
    .with({ kind: 'awaits' }, ({ tunnel }) => `waits for ${tunnel}, which may be better, to show that it is well`)
    .with({ kind: 'not_asked_for' }, ({ tunnel }) => `${tunnel} was asked for`)
    .with({ kind: 'no_failback' }, () => 'the primary is left only when it fails (failback = never)')
    .with({ kind: 'less_preferred' }, (o) => `priority ${o.priority} is less preferred than ${o.than}`)
    .with({ kind: 'no_lead' }, (o) => noLead(o.lead, o.needed))
    .with({ kind: 'no_clear_lead' }, () => 'scores better, but is hardly faster and loses hardly less')
    .with(
      { kind: 'between_checks' },
      (o) => `is ahead, but scores count at the next check in ${seconds(o.checkAt - now)}`,
    )
    .with({ kind: 'held_back' }, ({ since, hold }) => {
      const most = seconds(hold);
      return `sound for ${seconds(now - since)} of the ${most} it must be before it takes the route back`;
    })
    .exhaustive();
}

export const seconds = (ms: Millis): string => `${Math.max(0, Math.round(ms / 100) / 10)} s`;

function unwanted(t: Tunnel, state: State): string {
  if (state.phase !== 'running') return `the gateway is ${state.phase}`;
  if (t.leaving) return 'a reload has removed it';
  if (t.restarting) return 'is being restarted';
  if (t.wanted) return 'is to be run with another configuration first';
  return t.config.enabled ? 'was lowered by the operator' : 'is switched off';
}

function notUp({ state }: Tunnel, now: Instant): string {
  switch (state.kind) {
    case 'failed':
      return `failed: ${describeDriverError(state.fault)}; next try in ${seconds(state.retryAt - now)}`;
    case 'starting':
      return 'is coming up';
    case 'stopping':
      return 'is going down';
    case 'down':
    case 'up':
      return `is ${state.kind}`;
  }
}

function poor(t: Tunnel, { score, needed }: Extract<Unworthiness, { kind: 'poor' }>, state: State): string {
  if (t === primaryOf(state)) return `scores ${score}, and a primary is left below ${needed}`;
  return needed === 1 ? `scores ${score}` : `scores ${score}, and a backup must score at least ${needed}`;
}

function noLead(lead: number, needed: number): string {
  if (lead < 0) return `ranks ${-lead} below the primary`;
  return `ranks ${lead} above the primary, and must be ahead by ${needed}`;
}

function broken(place: FaultPlace | null): string {
  return place === null ? '' : `, broken ${PLACES[place]}`;
}

const PLACES: { readonly [P in FaultPlace]: string } = {
  local: 'on this machine',
  underlay: 'on the IPv4 path',
  pop: 'at the tunnel server',
  upstream: 'beyond the tunnel server',
  target: 'at the probe targets',
};
