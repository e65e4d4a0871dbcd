import { failed } from './answers.js';
import { isSound } from './candidacy.js';
import type { Emit } from './effects.js';
import type { LinkReading } from './facts.js';
import { isCalm, settleProbing } from './probing.js';
import { ringsWake } from './rings.js';
import { sidesWake } from './side-probes.js';
import { carriesRoute, type State } from './state.js';
import { trafficWake } from './traffic.js';
import { isDue, type Look, type Starting, type Tunnel, type TunnelState, unjudged } from './tunnel.js';
import { type Instant, LONG_AGO, NEVER } from './units.js';
import { isSweeping } from './upkeep.js';

/** Brings one tunnel nearer to what is wanted of it. */
export function settleTunnel(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  const moved = settleOperation(t, state, now, emit);
  const seen = settleLook(moved, state, now, emit);
  const sound = isSound(seen, state);
  const since = !sound ? null : (seen.soundSince ?? now);
  return settleProbing(since === seen.soundSince ? seen : { ...seen, soundSince: since }, state, now, emit);
}

function settleOperation(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  const due = isDue(t, state);
  const { timeout } = state.config.operation;
  const begin = (type: 'raise' | 'lower', attempt: number): Tunnel => {
    const epoch = t.epoch + 1;
    const tunnel = type === 'raise' ? t.config : (t.running ?? t.config);
    emit({ type, tunnel, epoch });
    const deadline = now + timeout;
    const next: TunnelState =
      type === 'raise'
        ? { kind: 'starting', deadline, attempt, calledOff: false }
        : { kind: 'stopping', deadline, attempt };
    const look: Look = { kind: 'idle', nextAt: NEVER };
    return { ...t, epoch, running: tunnel, look, state: next, ...unjudged(now, t) };
  };
  switch (t.state.kind) {
    case 'down':
      return due && !isSweeping(state) && interfaceFree(t, state) ? begin('raise', 1) : t;
    case 'starting':
    case 'stopping': {
      const expired = now >= t.state.deadline;
      const callOff = t.state.kind === 'starting' && !due && !t.state.calledOff;
      if (expired || callOff) emit({ type: 'abort', scope: { tunnel: t.config.name } });
      if (!expired) return callOff ? { ...t, state: { ...(t.state as Starting), calledOff: true } } : t;
      return failed({ ...t, epoch: t.epoch + 1 }, { kind: 'timed_out', after: timeout }, now, state.config);
    }
    case 'failed':
      // A failed operation may have half happened, so the way out is down first unless it is wanted up.
      if (due) return now < t.state.retryAt ? t : begin('raise', t.state.attempt + 1);
      if ((t.state.lowering && now < t.state.retryAt) || carriesRoute(state, t)) return t;
      return begin('lower', t.state.lowering ? t.state.attempt + 1 : 1);
    case 'up':
      // A tunnel carrying the default route is lowered only once the route has left it.
      return due || carriesRoute(state, t) ? t : begin('lower', 1);
  }
}

/** Two tunnels may trade interfaces in one reload: the first to go must be gone. */
function interfaceFree(t: Tunnel, state: State): boolean {
  return !state.tunnels.some((o) => o !== t && o.config.name !== t.config.name && o.running?.iface === t.config.iface);
}

function settleLook(t: Tunnel, state: State, now: Instant, emit: Emit): Tunnel {
  if (t.state.kind !== 'up') return t;
  if (t.look.kind === 'busy' ? now < t.look.deadline : now < t.look.nextAt) return t;
  emit({ type: 'inspect', tunnel: t.running ?? t.config, epoch: t.epoch });
  return { ...t, look: { kind: 'busy', deadline: now + state.config.operation.timeout, again: false } };
}

/**
 * Whether `is` needs nothing, because `was` needed nothing and what has been heard since makes no difference: one
 * more reply to a calm tunnel, or a look at its counters. It names all that `settleTunnel` and `tunnelWake` ask of
 * such a tunnel, and spares nearly every event of a quiet day the making of five plans that are thrown away.
 */
export function needsTheSame(was: Tunnel, is: Tunnel, state: State): boolean {
  const policy = state.config.health;
  if (is.state.kind !== 'up' || is.state !== was.state || !isCalm(was, policy) || !isCalm(is, policy)) return false;
  if (was.traffic.flowingSince !== null || is.traffic.flowingSince !== null) return false;
  const word = is.wanted === was.wanted && is.restarting === was.restarting && is.config === was.config;
  const run = is.running === was.running && is.epoch === was.epoch && is.look === was.look;
  const sound = is.soundSince === was.soundSince && isSound(is, state) === (is.soundSince !== null);
  return word && run && sound && sameLink(was.reading, is.reading) && asksTheSame(was, is);
}

function sameLink(a: LinkReading | null, b: LinkReading | null): boolean {
  if (a === b) return true;
  return a !== null && b !== null && a.address === b.address && a.mtu === b.mtu && a.endpoint === b.endpoint;
}

function asksTheSame({ probing: was, sides }: Tunnel, { probing: is, sides: next }: Tunnel): boolean {
  // How much loss explains full-sized probes that were missed changes with every probe.
  if (next !== sides || sides.size.misses > 0) return false;
  return is.told === was.told && is.target === was.target && is.retryAt === was.retryAt;
}

/** When `settleTunnel` next has something to do by itself. */
export function tunnelWake(t: Tunnel, state: State, now: Instant): Instant {
  switch (t.state.kind) {
    case 'down':
      return NEVER;
    case 'starting':
    case 'stopping':
      return t.state.deadline;
    case 'failed':
      return isDue(t, state) || !carriesRoute(state, t) ? t.state.retryAt : NEVER;
    case 'up': {
      const look = t.look.kind === 'busy' ? t.look.deadline : t.look.nextAt;
      const probing = t.probing.told === null && t.reading?.address != null ? t.probing.retryAt : NEVER;
      const { sides, traffic } = t;
      return Math.min(
        look,
        probing === LONG_AGO ? NEVER : probing,
        sidesWake(sides),
        ringsWake(t, now),
        trafficWake(traffic, now),
      );
    }
  }
}
