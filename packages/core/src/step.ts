import { failed, inspected, inspectionFailed, lowered, measured, raised, stirred } from './answers.js';
import { announceChanges } from './changes.js';
import { decisionWake, settleDecision } from './decide.js';
import type { Effect, Emit, Event } from './effects.js';
import type { HostChange, HostCounters } from './facts.js';
import { settleFlows } from './flows.js';
import { probed, probingFailed } from './probing.js';
import { reloaded } from './reload.js';
import { expireRoute, routeApplied, routeFailed } from './route.js';
import { settleTunnels } from './settle-tunnels.js';
import { settleStandIn, targetsHeard } from './stand-in.js';
import { changedAt, lineUp, replaced, routeGivenUp, type State, stateInShape, tunnelNamed } from './state.js';
import { ifaceOf, inShape, type Tunnel, unjudged } from './tunnel.js';
import { type Instant, LONG_AGO, type Millis, NEVER } from './units.js';
import {
  beginSweep,
  expireSweep,
  repaired,
  settleUpkeep,
  suspectTampering,
  sweepFailed,
  swept,
  upkeepWake,
} from './upkeep.js';

/** Byte counters are read so often, and so often while some tunnel is in doubt or carries steady traffic. */
const MEASURE_INTERVAL: Millis = 1_000;
const MEASURE_INTERVAL_CLOSE: Millis = 100;

/**
 * The whole of the gateway's judgement. Pure: the same three arguments give the same answer.
 *
 * Events only record what happened; what the gateway then wants follows from the state alone, so
 * that no event can forget a consequence.
 */
export function step(
  state: State,
  event: Event,
  now: Instant,
): { readonly state: State; readonly effects: readonly Effect[] } {
  // What happened is told before what was decided upon it.
  const heard: Effect[] = [];
  const changed: Effect[] = [];
  // What moves traffic goes before what only looks: to begin to probe is to start a program, which takes milliseconds.
  const decided: Effect[] = [];
  const wanted: Effect[] = [];
  const recorded = stateInShape(record(state, event, now, into(heard)));
  const settled = stateInShape(settle(state, recorded, now, into(decided), into(wanted)));
  announceChanges(state, settled, now, into(changed));
  return { state: settled, effects: [...heard, ...changed, ...decided, ...wanted] };
}

/** When `step` next has something to do without being told anything. Always later than the step just taken at `now`. */
export function nextWake(state: State, now: Instant): Instant {
  if (state.phase === 'stopped') return NEVER;
  const { nextMeasureAt, settled } = state;
  return Math.min(nextMeasureAt, decisionWake(state, now), upkeepWake(state), settled.wakeAt);
}

function into(effects: Effect[]): Emit {
  return (effect) => {
    effects.push(effect);
  };
}

/** A plain `switch`: `match` allocates for each of its cases, and 1,000 tunnels bring 1,000 events a second. */
function record(state: State, event: Event, now: Instant, emit: Emit): State {
  const { config } = state;
  switch (event.type) {
    case 'probed':
      return answered(state, event, now, emit);
    case 'start':
      return started(state, now, emit);
    case 'stop':
      return state.phase === 'stopping' ? state : stopping(state, now);
    case 'tick':
      return state;
    case 'raise':
      return patch(state, event.tunnel, (t) => ({ ...t, wanted: !t.leaving }));
    case 'lower':
      return patch(state, event.tunnel, (t) => ({ ...t, wanted: false }));
    case 'restart':
      return patch(state, event.tunnel, (t) => restarted(t, now));
    case 'prefer':
      return asked(state, event.tunnel);
    case 'reload':
      return reloaded(state, event.config, emit);
    case 'tunnel_raised':
      return cameUp(state, event, now);
    case 'tunnel_lowered':
      return current(state, event, lowered);
    case 'tunnel_failed':
      return current(state, event, (t) => failed(t, event.fault, now, config));
    case 'tunnel_inspected':
      return current(state, event, (t) => inspected(t, event.reading, now, config));
    case 'inspection_failed':
      return current(state, event, (t) => inspectionFailed(t, now));
    case 'probing_failed':
      return current(state, event, (t) => probingFailed(t, event, now, config, emit));
    case 'measured':
      return counted(state, event.counters, now);
    case 'host_changed':
      return noticed(state, event.change, now);
    case 'swept':
      return swept(state, event.found, emit);
    case 'sweep_failed':
      return sweepFailed(state, event.fault, emit);
    case 'repaired':
      return repaired(state, event, now, emit);
    case 'flows_aborted':
      if (event.count > 0)
        emit({ type: 'announce', news: { type: 'flows_aborted', tunnel: event.tunnel, count: event.count } });
      return state;
    case 'woke':
      return woken(state, event.gap, now, emit);
    case 'route_applied':
      return event.epoch === state.route.epoch ? routeApplied(state, now) : state;
    case 'route_failed':
      return event.epoch === state.route.epoch ? routeFailed(state, event.error, now, emit) : state;
  }
}

function settle(before: State, recorded: State, now: Instant, decide: Emit, emit: Emit): State {
  // A stopped gateway asks nothing of anybody: what it hears is only put on record.
  if (recorded.phase === 'stopped') return withoutGone(recorded);
  const state = settleStandIn(expireSweep(expireRoute(recorded, now, decide), now), emit);
  const moved = settleTunnels(before.tunnels, state, now, emit);
  const routed = settleDecision(before, moved.settled.whole ? withoutGone(moved) : moved, now, decide);
  const kept = settleFlows(settleUpkeep(routed, now, emit), emit);
  return settleStop(settleMeter(before, kept, now, emit), emit);
}

function withoutGone(state: State): State {
  const gone = (t: Tunnel): boolean => t.leaving && t.state.kind === 'down';
  return state.tunnels.some(gone) ? { ...state, ...lineUp(state.tunnels.filter((t) => !gone(t))) } : state;
}

function settleMeter(before: State, state: State, now: Instant, emit: Emit): State {
  if (!state.tunnels.some((t) => t.state.kind === 'up'))
    return state.nextMeasureAt === NEVER ? state : { ...state, nextMeasureAt: NEVER };
  const due = state.nextMeasureAt === NEVER || now >= state.nextMeasureAt;
  // Between two looks only a tunnel that has just changed can be a reason to look sooner.
  const close = due
    ? state.tunnels.some(wantsCloseLook)
    : changedAt(before.tunnels, state.tunnels).some((i) => wantsCloseLook(state.tunnels[i]!));
  const interval = close ? MEASURE_INTERVAL_CLOSE : MEASURE_INTERVAL;
  const nextAt = Math.min(state.nextMeasureAt, now + interval);
  if (!due && now < nextAt) return nextAt === state.nextMeasureAt ? state : { ...state, nextMeasureAt: nextAt };
  emit({ type: 'measure' });
  return { ...state, nextMeasureAt: now + interval };
}

/** Traffic that stops is noticed no sooner than it is looked at. */
function wantsCloseLook({ liveness, traffic }: Tunnel): boolean {
  return liveness.kind === 'suspect' || liveness.kind === 'soft_down' || traffic.flowingSince !== null;
}

function settleStop(state: State, emit: Emit): State {
  if (state.phase !== 'stopping' || state.tunnels.some((t) => t.state.kind !== 'down')) return state;
  const { applied, pending } = state.route;
  const clear = pending === null && applied !== null && applied.via === null;
  if (!clear && !routeGivenUp(state)) return state;
  emit({ type: 'announce', news: { type: 'stopped' } });
  return { ...state, phase: 'stopped', nextMeasureAt: NEVER };
}

function started(state: State, now: Instant, emit: Emit): State {
  if (state.phase !== 'stopped') return state;
  emit({ type: 'announce', news: { type: 'started', tunnels: state.tunnels.length } });
  const running: State = { ...afresh(state, now), phase: 'running', nextCheckAt: now, chooseBy: NEVER };
  return beginSweep(running, now, emit);
}

function stopping(state: State, now: Instant): State {
  return { ...afresh(state, now), phase: 'stopping' };
}

/** What was taken away between the driver's last look and now would not be missed before the next round. */
function cameUp(state: State, event: Extract<Event, { type: 'tunnel_raised' }>, now: Instant): State {
  const next = current(state, event, (t) => raised(t, event.reading, now));
  return tunnelNamed(next, event.tunnel) === tunnelNamed(state, event.tunnel) ? state : suspectTampering(next, now);
}

/** Everything measured before the gap is unknown now, not bad; whoever was primary stays so until shown otherwise. */
function woken(state: State, gap: Millis, now: Instant, emit: Emit): State {
  if (state.phase !== 'running') return state;
  emit({ type: 'announce', news: { type: 'woke', gap } });
  const tunnels = state.tunnels.map((t): Tunnel => {
    return t.state.kind === 'up' ? { ...stirred(t, now, state.config), ...unjudged(now, t) } : t;
  });
  return afresh(suspectTampering({ ...state, tunnels }, now), now);
}

/** One that is down has only to come up. One that failed does not wait out its pause. */
function restarted(t: Tunnel, now: Instant): Tunnel {
  if (t.leaving) return t;
  const asked = { ...t, wanted: true, restarting: t.state.kind !== 'down' };
  return t.state.kind === 'failed' ? { ...asked, state: { ...t.state, retryAt: now } } : asked;
}

/** Asked again, it is asked for anew. */
function asked(state: State, name: string | null): State {
  if (name === null) return { ...state, preference: null };
  const known = tunnelNamed(state, name)?.leaving === false;
  return known ? { ...state, preference: { tunnel: name, pending: true } } : state;
}

/** Whoever starts or stops the gateway does not wait out the pauses of earlier failures. */
function afresh(state: State, now: Instant): State {
  const tunnels = state.tunnels.map((t): Tunnel => {
    return t.state.kind === 'failed' ? { ...t, state: { ...t.state, retryAt: now } } : t;
  });
  return { ...state, tunnels, route: { ...state.route, retryAt: LONG_AGO, attempt: 0 } };
}

function answered(state: State, e: Extract<Event, { type: 'probed' }>, now: Instant, emit: Emit): State {
  const { target, outcome } = e.finding;
  const next = current(state, e, (t) => probed(t, e, now, state));
  const heard = next !== state && outcome.kind === 'reply' && state.config.health.targets.includes(target);
  return heard ? targetsHeard(next, emit) : next;
}

function counted(state: State, counters: HostCounters, now: Instant): State {
  const tunnels = state.tunnels.map((t) => {
    if (t.state.kind !== 'up') return t;
    const found = counters.get(ifaceOf(t));
    return inShape(found === undefined ? stirred(t, now, state.config) : measured(t, found, now, state.config));
  });
  return { ...state, tunnels };
}

function noticed(state: State, change: HostChange, now: Instant): State {
  const doubted = change.kind === 'link' ? state : suspectTampering(state, now);
  if (change.kind !== 'link' && change.kind !== 'address') return doubted;
  const tunnels = state.tunnels.map((t) => (change.iface === ifaceOf(t) ? stirred(t, now, state.config) : t));
  return { ...doubted, tunnels };
}

function patch(state: State, name: string, change: (t: Tunnel) => Tunnel): State {
  const found = tunnelNamed(state, name);
  return found === null ? state : replaced(state, change(found));
}

function current(state: State, answer: { tunnel: string; epoch: number }, change: (t: Tunnel) => Tunnel): State {
  return patch(state, answer.tunnel, (t) => (t.epoch === answer.epoch ? change(t) : t));
}
