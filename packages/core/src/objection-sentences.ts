import type { Objection, Unworthiness } from './candidacy.js';
import { describeDriverError } from './errors.js';
import { type FaultPlace, placeOf } from './fault-place.js';
import { primaryOf, type State } from './state.js';
import type { Tunnel } from './tunnel.js';
import type { Instant, Millis } from './units.js';

/** What speaks against a tunnel, to be said after its name. */
export function sentenceAgainst(t: Tunnel, o: Objection, state: State, now: Instant): string {
  // A `match` of so many arms costs some twenty times as much, and a thousand tunnels are explained at once.
  switch (o.kind) {
    case 'not_wanted':
      return unwanted(t, state);
    case 'not_up':
      return notUp(t, now);
    case 'silent':
      return `answers nothing (${o.liveness})${broken(placeOf(t, state))}`;
    case 'unjudged':
      return 'has not been judged yet: too few probes have come back';
    case 'poor':
      return poor(t, o, state);
    case 'in_doubt':
      return 'has just missed a probe';
    case 'unsteady':
      return `is only just back: it must be steady for another ${seconds(o.until - now)}`;
    case 'unproven':
      return 'has answered no probe since the primary fell silent';
    case 'awaits':
      return `waits for ${o.tunnel}, which may be better, to show that it is well`;
    case 'not_asked_for':
      return `${o.tunnel} was asked for`;
    case 'no_failback':
      return 'the primary is left only when it fails (failback = never)';
    case 'less_preferred':
      return `priority ${o.priority} is less preferred than ${o.than}`;
    case 'no_lead':
      return noLead(o.lead, o.needed);
    case 'no_clear_lead':
      return 'scores better, but is hardly faster and loses hardly less';
    case 'between_checks':
      return `is ahead, but scores count at the next check in ${seconds(o.checkAt - now)}`;
    case 'held_back':
      return `sound for ${seconds(now - o.since)} of the ${seconds(o.hold)} it must be before it takes the route back`;
  }
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
