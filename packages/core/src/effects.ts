import type { Config, TunnelConfig } from './config/model.js';
import type {
  DriverError,
  HostChange,
  HostCounters,
  LinkReading,
  ProbeError,
  ProbeFinding,
  ProbePlan,
  RouteError,
  RoutePlan,
} from './facts.js';
import type { News } from './news.js';
import type { ProbeStream } from './side-probes.js';
import type { State } from './state.js';
import type { Millis } from './units.js';

/** What happened or was asked. Answers carry the epoch of the question; one that is out of date is ignored. */
export type Event =
  | { readonly type: 'start' | 'stop' | 'tick' }
  | { readonly type: 'reload'; readonly config: Config }
  | { readonly type: 'raise' | 'lower' | 'restart'; readonly tunnel: string }
  /** Null: ranks decide. */
  | { readonly type: 'prefer'; readonly tunnel: string | null }
  | { readonly type: 'tunnel_raised'; readonly tunnel: string; readonly epoch: number; readonly reading: LinkReading }
  | { readonly type: 'tunnel_lowered'; readonly tunnel: string; readonly epoch: number }
  | { readonly type: 'tunnel_failed'; readonly tunnel: string; readonly epoch: number; readonly fault: DriverError }
  | {
      readonly type: 'tunnel_inspected';
      readonly tunnel: string;
      readonly epoch: number;
      readonly reading: LinkReading;
    }
  | { readonly type: 'inspection_failed'; readonly tunnel: string; readonly epoch: number; readonly fault: DriverError }
  | {
      readonly type: 'probed';
      readonly tunnel: string;
      readonly epoch: number;
      readonly stream: ProbeStream;
      readonly finding: ProbeFinding;
    }
  | {
      readonly type: 'probing_failed';
      readonly tunnel: string;
      readonly epoch: number;
      readonly stream: ProbeStream;
      readonly fault: ProbeError;
    }
  | { readonly type: 'measured'; readonly counters: HostCounters }
  | { readonly type: 'host_changed'; readonly change: HostChange }
  | { readonly type: 'swept'; readonly found: readonly string[] }
  | { readonly type: 'sweep_failed'; readonly fault: DriverError }
  /** `complete`: everything could be looked at. */
  | {
      readonly type: 'repaired';
      readonly epoch: number;
      readonly found: readonly string[];
      readonly complete: boolean;
    }
  | { readonly type: 'flows_aborted'; readonly tunnel: string; readonly count: number }
  /** The machine slept, or this program was held up, for so long that what was measured before says nothing. */
  | { readonly type: 'woke'; readonly gap: Millis }
  | { readonly type: 'route_applied'; readonly epoch: number }
  | { readonly type: 'route_failed'; readonly epoch: number; readonly error: RouteError };

/** What the gateway wants of the outside, as data. The shell does it and says nothing of its own. */
export type Effect =
  | { readonly type: 'raise' | 'lower' | 'inspect'; readonly tunnel: TunnelConfig; readonly epoch: number }
  /** From here on, probe so; null: stop. Takes the place of what was asked of this tunnel's stream before. */
  | {
      readonly type: 'probe';
      readonly tunnel: string;
      readonly epoch: number;
      readonly stream: ProbeStream;
      readonly plan: ProbePlan | null;
    }
  | { readonly type: 'measure' }
  /** Clear away what an earlier run left and none of these accounts for. */
  | { readonly type: 'sweep'; readonly tunnels: readonly TunnelConfig[] }
  /** Put back what others took from these tunnels and, where it is known, from this plan. */
  | {
      readonly type: 'repair';
      readonly epoch: number;
      readonly tunnels: readonly TunnelConfig[];
      readonly plan: RoutePlan | null;
    }
  | { readonly type: 'abort_flows'; readonly tunnel: string; readonly address: string }
  | { readonly type: 'apply_route'; readonly plan: RoutePlan; readonly epoch: number }
  /** Call off what is under way for this tunnel, or for the route. */
  | { readonly type: 'abort'; readonly scope: { readonly tunnel: string } | 'route' }
  /** `judged`, where the route moves: the state in which that was decided, for whoever explains it. */
  | { readonly type: 'announce'; readonly news: News; readonly judged?: State };

export type Emit = (effect: Effect) => void;
