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

/** What happened or was asked. Answers carry the epoch of the question; one that is out of date is ignored. */
export type Event =
  | { readonly type: 'start' | 'stop' | 'tick' }
  | { readonly type: 'reload'; readonly config: Config }
  | { readonly type: 'raise' | 'lower'; readonly tunnel: string }
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
  | { readonly type: 'probed'; readonly tunnel: string; readonly epoch: number; readonly finding: ProbeFinding }
  | { readonly type: 'probing_failed'; readonly tunnel: string; readonly epoch: number; readonly fault: ProbeError }
  | { readonly type: 'measured'; readonly counters: HostCounters }
  | { readonly type: 'host_changed'; readonly change: HostChange }
  | { readonly type: 'route_applied'; readonly epoch: number }
  | { readonly type: 'route_failed'; readonly epoch: number; readonly error: RouteError };

/** What the gateway wants of the outside, as data. The shell does it and says nothing of its own. */
export type Effect =
  | { readonly type: 'raise' | 'lower' | 'inspect'; readonly tunnel: TunnelConfig; readonly epoch: number }
  /** From here on, probe so; null: stop. Takes the place of whatever was asked for this tunnel before. */
  | { readonly type: 'probe'; readonly tunnel: string; readonly epoch: number; readonly plan: ProbePlan | null }
  | { readonly type: 'measure' }
  | { readonly type: 'apply_route'; readonly plan: RoutePlan; readonly epoch: number }
  /** Call off what is under way for this tunnel, or for the route. */
  | { readonly type: 'abort'; readonly scope: { readonly tunnel: string } | 'route' }
  | { readonly type: 'announce'; readonly news: News };

export type Emit = (effect: Effect) => void;
