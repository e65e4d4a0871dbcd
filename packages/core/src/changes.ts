import type { Emit } from './effects.js';
import { primaryOf, type State } from './state.js';
import type { Tunnel } from './tunnel.js';
import type { Instant } from './units.js';

/** Turns the difference between two states into news. Decides nothing. */
export function announceChanges(before: State, after: State, now: Instant, emit: Emit): void {
  const primary = primaryOf(before);
  for (const t of after.tunnels) {
    const was = before.tunnels.find((o) => o.config.name === t.config.name);
    if (was === undefined) continue;
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
        },
      });
    const from = was.probing.target ?? before.config.health.targets[0]!;
    const to = t.probing.target ?? after.config.health.targets[0]!;
    if (t.state.kind === 'up' && t.probing.target !== null && from !== to)
      emit({ type: 'announce', news: { type: 'target_switched', tunnel: t.config.name, from, to } });
  }
  for (const was of before.tunnels) {
    if (after.tunnels.some((t) => t.config.name === was.config.name) || was.state.kind === 'down') continue;
    announceState(was, { ...was, state: { kind: 'down' } }, now, emit);
  }
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
