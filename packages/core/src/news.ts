import { match } from 'ts-pattern';
import type { LogLevel } from './config/model.js';
import { describeDriverError } from './errors.js';
import type { DriverError, RouteError } from './facts.js';
import type { FaultPlace } from './fault-place.js';
import type { HealthScore } from './health.js';
import type { LivenessKind } from './liveness.js';
import { type TunnelState, UNREST_SAID } from './tunnel.js';
import type { Millis } from './units.js';

/** Why the primary changed. `degraded` is the score's verdict, the others are immediate. */
export type SwitchReason =
  | 'degraded'
  | 'soft_down'
  | 'hard_down'
  | 'not_up'
  | 'lowered'
  | 'removed'
  | 'failback'
  | 'better_path'
  /** The operator asked for it. */
  | 'preferred';

/** What the outside may care about. Log lines, metrics, events and notifications are all drawn from these. */
export type News =
  | { readonly type: 'started'; readonly tunnels: number }
  | {
      readonly type: 'tunnel_state';
      readonly tunnel: string;
      readonly from: TunnelState['kind'];
      readonly to: TunnelState['kind'];
      /** Set when `to` is `up`: what came up. */
      readonly iface: string;
      readonly address: string | null;
      readonly carrier: string | null;
      /** Set when `to` is `failed`. */
      readonly fault: DriverError | null;
      readonly retryIn: Millis | null;
    }
  | {
      readonly type: 'tunnel_liveness';
      readonly tunnel: string;
      readonly from: LivenessKind;
      readonly to: LivenessKind;
      readonly primary: boolean;
      /** How often it has become unreachable of late. */
      readonly unrest: number;
    }
  | { readonly type: 'probing_failed'; readonly tunnel: string; readonly fault: DriverError }
  | { readonly type: 'target_switched'; readonly tunnel: string; readonly from: string; readonly to: string }
  /** Where a silent tunnel is broken has been found out, or has changed. */
  | { readonly type: 'fault_located'; readonly tunnel: string; readonly place: FaultPlace; readonly unrest: number }
  | { readonly type: 'targets_silent' | 'targets_heard'; readonly targets: readonly string[] }
  /** `size` in bytes; `remedy` says where the interface's MTU is set. */
  | { readonly type: 'mtu_black_hole'; readonly tunnel: string; readonly size: number; readonly remedy: string }
  | { readonly type: 'mtu_black_hole_over'; readonly tunnel: string }
  | { readonly type: 'primary_selected'; readonly primary: string; readonly score: HealthScore }
  | { readonly type: 'primary_degraded'; readonly primary: string; readonly score: HealthScore }
  | {
      readonly type: 'failed_over';
      readonly from: string;
      readonly to: string;
      readonly fromScore: HealthScore;
      readonly toScore: HealthScore;
      readonly reason: SwitchReason;
    }
  /** The operator asked for a tunnel, or for none (null), or a reload took away the one asked for. */
  | { readonly type: 'preferred'; readonly tunnel: string | null }
  | { readonly type: 'no_backup'; readonly primary: string }
  | { readonly type: 'primary_lost'; readonly primary: string }
  | { readonly type: 'route_failed'; readonly fault: RouteError; readonly retryIn: Millis }
  /** What an earlier run had left behind and was removed. */
  | { readonly type: 'swept'; readonly found: readonly string[] }
  | { readonly type: 'sweep_failed'; readonly fault: DriverError }
  /** What somebody else had taken away and was put back. */
  | { readonly type: 'repaired'; readonly found: readonly string[] }
  | { readonly type: 'flows_aborted'; readonly tunnel: string; readonly count: number }
  | { readonly type: 'woke'; readonly gap: Millis }
  | { readonly type: 'reloaded'; readonly added: number; readonly removed: number; readonly changed: number }
  | { readonly type: 'stopped' };

export interface Sentence {
  readonly level: LogLevel;
  readonly text: string;
}

/** The log line for a piece of news. The failover wording is the seed document's, word for word. */
export function sentenceOf(news: News): Sentence {
  const say = (level: LogLevel, text: string): Sentence => ({ level, text });
  return match(news)
    .returnType<Sentence>()
    .with({ type: 'started' }, (n) => say('info', `Gateway started with ${count(n.tunnels, 'tunnel')}`))
    .with({ type: 'tunnel_state', to: 'failed', fault: { kind: 'aborted' } }, (n) =>
      say('debug', `Tunnel ${n.tunnel}: ${n.from} -> called off`),
    )
    .with({ type: 'tunnel_state', to: 'failed' }, (n) =>
      say(
        'error',
        `Tunnel ${n.tunnel} failed: ${n.fault === null ? 'unknown reason' : describeDriverError(n.fault)}` +
          (n.retryIn === null ? '' : `; next try in ${seconds(n.retryIn)}`),
      ),
    )
    .with({ type: 'tunnel_state', to: 'up' }, (n) =>
      say(
        'info',
        `Tunnel ${n.tunnel} is up on ${n.iface}` +
          (n.address === null ? '' : ` with ${n.address}`) +
          (n.carrier === null ? '' : ` (${n.carrier})`),
      ),
    )
    .with({ type: 'tunnel_state', to: 'down' }, (n) => say('info', `Tunnel ${n.tunnel} is down`))
    .with({ type: 'tunnel_state' }, (n) => say('debug', `Tunnel ${n.tunnel}: ${n.from} -> ${n.to}`))
    .with({ type: 'tunnel_liveness' }, (n) => livenessSentence(n))
    .with({ type: 'probing_failed' }, (n) =>
      say('error', `Cannot probe tunnel ${n.tunnel}: ${describeDriverError(n.fault)}`),
    )
    .with({ type: 'target_switched' }, (n) =>
      say('info', `Tunnel ${n.tunnel} reaches ${n.to} but not ${n.from}: probing ${n.to}`),
    )
    .with({ type: 'fault_located' }, (n) =>
      say(n.unrest > UNREST_SAID ? 'debug' : 'info', `Tunnel ${n.tunnel} is broken ${PLACES[n.place]}`),
    )
    .with({ type: 'targets_silent' }, (n) =>
      say(
        'warn',
        `No probe target answers through any tunnel (${n.targets.join(', ')}), though the providers do: ` +
          'tunnels are judged by their providers until one is heard again',
      ),
    )
    .with({ type: 'targets_heard' }, () => say('info', 'Probe targets answer again'))
    .with({ type: 'mtu_black_hole' }, (n) =>
      say(
        'warn',
        `Tunnel ${n.tunnel} loses packets of ${n.size} bytes without a word, while small ones pass ` +
          `(MTU black hole): ${n.remedy}`,
      ),
    )
    .with({ type: 'mtu_black_hole_over' }, (n) => say('info', `Tunnel ${n.tunnel} passes full-sized packets again`))
    .with({ type: 'primary_selected' }, (n) =>
      say('info', `Selected primary tunnel: ${n.primary} (health: ${n.score})`),
    )
    .with({ type: 'primary_degraded' }, (n) =>
      say('warn', `Primary tunnel ${n.primary} health degraded: ${n.score}/100`),
    )
    .with({ type: 'failed_over', reason: 'failback' }, { type: 'failed_over', reason: 'better_path' }, (n) =>
      say('info', `Failing back from ${n.from} to ${n.to} (health: ${n.fromScore} -> ${n.toScore})`),
    )
    .with({ type: 'failed_over', reason: 'preferred' }, (n) =>
      say('info', `Switching from ${n.from} to ${n.to} as asked (health: ${n.fromScore} -> ${n.toScore})`),
    )
    .with({ type: 'failed_over' }, (n) =>
      say('info', `Failing over from ${n.from} to ${n.to} (health: ${n.fromScore} -> ${n.toScore})`),
    )
    .with({ type: 'preferred', tunnel: null }, () => say('info', 'The primary is chosen by rank again'))
    .with({ type: 'preferred' }, (n) =>
      say('info', `Tunnel ${n.tunnel} was asked for: it has the route whenever it is well`),
    )
    .with({ type: 'no_backup' }, (n) =>
      say('error', `No healthy backup for ${n.primary}: traffic stays on it until one is fit`),
    )
    .with({ type: 'primary_lost' }, (n) =>
      say('error', `Primary tunnel ${n.primary} is gone and no tunnel can replace it`),
    )
    .with({ type: 'route_failed' }, (n) =>
      say('error', `Cannot set the default route: ${describeDriverError(n.fault)}; next try in ${seconds(n.retryIn)}`),
    )
    .with({ type: 'swept' }, (n) => say('warn', `Removed what an earlier run had left: ${n.found.join(', ')}`))
    .with({ type: 'sweep_failed' }, (n) =>
      say('warn', `Cannot look for what an earlier run left: ${describeDriverError(n.fault)}`),
    )
    .with({ type: 'repaired' }, (n) =>
      say('warn', `Something else on this machine changed our routing; put back: ${n.found.join(', ')}`),
    )
    .with({ type: 'flows_aborted' }, (n) =>
      say('info', `Ended ${count(n.count, 'connection')} over unreachable tunnel ${n.tunnel}`),
    )
    .with({ type: 'woke' }, (n) => say('info', `Asleep for ${seconds(n.gap)}: every tunnel is measured afresh`))
    .with({ type: 'reloaded' }, (n) =>
      say('info', `Configuration reloaded: ${n.added} added, ${n.removed} removed, ${n.changed} changed`),
    )
    .with({ type: 'stopped' }, () => say('info', 'Gateway stopped'))
    .exhaustive();
}

/** Ends of "Tunnel he is broken …". */
export const PLACES: { readonly [P in FaultPlace]: string } = {
  local: 'on this machine',
  underlay: 'on the IPv4 path: the tunnel server cannot be reached',
  pop: 'at the tunnel server: it can be reached, and nothing comes back through the tunnel',
  upstream: 'beyond the tunnel server, which itself answers',
  target: 'at the probe targets: they answer through no tunnel',
};

const LAST_WORD = ' again and again: further changes are for debugging';

function livenessSentence(news: Extract<News, { type: 'tunnel_liveness' }>): Sentence {
  const name = news.primary ? `Primary tunnel ${news.tunnel}` : `Tunnel ${news.tunnel}`;
  const restless = news.unrest > UNREST_SAID;
  switch (news.to) {
    case 'alive':
      return { level: news.from === 'hard_down' && !restless ? 'info' : 'debug', text: `${name} answers again` };
    case 'soft_down':
      // Of a standby, only what lasts is worth a line.
      return { level: news.primary ? 'warn' : 'debug', text: `${name} has stopped answering` };
    case 'hard_down':
      return {
        level: restless && !news.primary ? 'debug' : 'warn',
        text: `${name} is unreachable${news.unrest === UNREST_SAID ? LAST_WORD : ''}`,
      };
    case 'unknown':
    case 'suspect':
      return { level: 'debug', text: `${name}: ${news.from} -> ${news.to}` };
  }
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
const seconds = (ms: Millis): string => `${Math.max(0.1, Math.round(ms / 100) / 10)} s`;
