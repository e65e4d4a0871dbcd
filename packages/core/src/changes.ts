import type { Emit } from './effects.js';
import { placeOf } from './fault-place.js';
import { isMtuBlackHole, mtuRemedy } from './full-size.js';
import { changedAt, primaryOf, type State, tunnelNamed } from './state.js';
import type { Tunnel } from './tunnel.js';
import type { Instant } from './units.js';

/** Turns the difference between two states into news. Decides nothing. */
export function announceChanges(before: State, after: State, now: Instant, emit: Emit): void {
  const primary = primaryOf(before);
  const preferred = after.preference?.tunnel ?? null;
  if (preferred !== (before.preference?.tunnel ?? null))
    emit({ type: 'announce', news: { type: 'preferred', tunnel: preferred } });
  if (before.tunnels === after.tunnels) return;
  for (const t of changedIn(after, before)) {
    const was = tunnelNamed(before, t.config.name);
    if (was === null) continue;
    announceState(was, t, now, emit);
    if (was.liveness.kind !== t.liveness.kind && t.state.kind === 'up' && was.state.kind === 'up')
      emit({
        type: 'announce',
        news: {
          type: 'tunnel_liveness',
          tunnel: t.config.name,
          from: was.liveness.kind,
          to: t.liveness.kind,
          primary: primary?.config.name === t.config.name,
          unrest: t.unrest.times,
        },
      });
    announceFindings([was, before], [t, after], emit);
    const from = was.probing.target ?? before.config.health.targets[0]!;
    const to = t.probing.target ?? after.config.health.targets[0]!;
    if (t.state.kind === 'up' && t.probing.target !== null && from !== to)
      emit({ type: 'announce', news: { type: 'target_switched', tunnel: t.config.name, from, to } });
  }
  if (before.places === after.places) return;
  for (const was of changedIn(before, after)) {
    if (after.places.has(was.config.name) || was.state.kind === 'down') continue;
    announceState(was, { ...was, state: { kind: 'down' } }, now, emit);
  }
}

function changedIn({ tunnels }: State, other: State): readonly Tunnel[] {
  return changedAt(other.tunnels, tunnels).map((i) => tunnels[i]!);
}

/** What has been found out about a tunnel that is up. */
function announceFindings(was: readonly [Tunnel, State], is: readonly [Tunnel, State], emit: Emit): void {
  const [t] = is;
  if (t.state.kind !== 'up') return;
  const tunnel = t.config.name;
  const place = placeOf(...is);
  if (place !== null && place !== placeOf(...was))
    emit({ type: 'announce', news: { type: 'fault_located', tunnel, place, unrest: t.unrest.times } });
  const hole = isMtuBlackHole(t);
  if (hole === isMtuBlackHole(was[0])) return;
  const size = t.reading?.mtu ?? 0;
  // A look that has ended because the tunnel fell silent has found nothing out.
  if (hole) emit({ type: 'announce', news: { type: 'mtu_black_hole', tunnel, size, remedy: mtuRemedy(t) } });
  else if (t.sides.size.misses === 0) emit({ type: 'announce', news: { type: 'mtu_black_hole_over', tunnel } });
}

function announceState(was: Tunnel, is: Tunnel, now: Instant, emit: Emit): void {
  if (was.state.kind === is.state.kind) return;
  emit({
    type: 'announce',
    news: {
      type: 'tunnel_state',
      tunnel: is.config.name,
      from: was.state.kind,
      to: is.state.kind,
      iface: is.config.iface,
      address: is.reading?.address ?? null,
      carrier: is.reading?.carrier ?? null,
      fault: is.state.kind === 'failed' ? is.state.fault : null,
      retryIn: is.state.kind === 'failed' ? is.state.retryAt - now : null,
    },
  });
}
