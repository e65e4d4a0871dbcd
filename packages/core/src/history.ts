import { Timeline, type Track } from './timeline.js';
import type { UnixSeconds } from './units.js';

// Documents: they go on the wire as they are, and so are named as the wire has it.

/** What is asked of the past. */
export interface HistoryQuery {
  /** Null: every tunnel. */
  readonly tunnel: string | null;
  /** Only samples later than this; null: all that are kept. */
  readonly since: UnixSeconds | null;
}

export interface HistoryTier {
  /** Seconds from one sample to the next. */
  readonly resolution_s: 1 | 10 | 60;
  /** For so many seconds. */
  readonly kept_s: number;
}

export interface HistoryView {
  /** Finest first. */
  readonly tiers: readonly HistoryTier[];
  /** In file order. */
  readonly tunnels: readonly TunnelHistory[];
}

export interface TunnelHistory {
  readonly tunnel: string;
  /** Oldest first, each moment in the finest resolution that is still kept of it. */
  readonly samples: readonly HistorySample[];
}

/** One tunnel from `at` on for `resolution_s` seconds: the mean of what was known. Null: nothing was. */
export interface HistorySample {
  readonly at: UnixSeconds;
  readonly resolution_s: number;
  readonly latency_ms: number | null;
  /** 0 to 1. */
  readonly loss: number | null;
  /** 0 to 100. */
  readonly score: number | null;
  readonly rx_bytes_per_s: number | null;
  readonly tx_bytes_per_s: number | null;
}

/** Latency (ms), loss (0 to 1), score, bytes received and sent per second. NaN: unknown. */
export type Reading = readonly [latency: number, loss: number, score: number, rx: number, tx: number];

/** What is known of a tunnel of which nothing is. */
export const NOTHING: Reading = [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN];

/** Ten minutes to look at closely, two hours for an outage, a day for the habits of a line. */
export const HISTORY_TIERS: readonly [HistoryTier, HistoryTier, HistoryTier] = [
  { resolution_s: 1, kept_s: 600 },
  { resolution_s: 10, kept_s: 7_200 },
  { resolution_s: 60, kept_s: 86_400 },
];

/** So many samples go into one answer: some 3 MB as JSON, and seven tunnels in full. */
export const SAMPLES_AT_MOST = 20_000;

/** Every tunnel's past, in memory of a fixed size: some 56 KB a tunnel. */
export class History {
  readonly #timelines: readonly Timeline[] = HISTORY_TIERS.map(
    // The finer of two tiers reaches back as far as the last sample of the coarser one that has to stand in for it.
    ({ resolution_s, kept_s }, i) => new Timeline(resolution_s, kept_s, HISTORY_TIERS[i + 1]?.resolution_s ?? 0),
  );
  #tracks: ReadonlyMap<string, readonly Track[]> = new Map();

  /** From here on, these and no others. What was known of others is forgotten. */
  keep(names: readonly string[]): void {
    const unchanged = names.length === this.#tracks.size && names.every((name) => this.#tracks.has(name));
    const track = (name: string): readonly Track[] => this.#tracks.get(name) ?? this.#timelines.map((t) => t.begin());
    if (!unchanged || !sameOrder(names, this.#tracks)) this.#tracks = new Map(names.map((name) => [name, track(name)]));
  }

  /** One second's readings, of every tunnel that is kept. */
  take(at: UnixSeconds, readingOf: (tunnel: string) => Reading): void {
    const readings = [...this.#tracks.keys()].map(readingOf);
    this.#timelines.forEach((timeline, tier) => {
      const tracks = [...this.#tracks.values()].map((each) => each[tier]!);
      timeline.take(at, tracks, readings);
    });
  }

  /** Tunnels of which there is too much for one answer are told more coarsely, and then less far back. */
  view({ tunnel, since }: HistoryQuery): HistoryView {
    const asked = [...this.#tracks].filter(([name]) => tunnel === null || name === tunnel);
    const share = Math.floor(SAMPLES_AT_MOST / Math.max(1, asked.length));
    const after = since ?? Number.NEGATIVE_INFINITY;
    const tunnels = asked.map(([name, tracks]) => ({ tunnel: name, samples: this.#samplesOf(tracks, after, share) }));
    return { tiers: HISTORY_TIERS, tunnels };
  }

  #samplesOf(tracks: readonly Track[], after: UnixSeconds, atMost: number): readonly HistorySample[] {
    for (let finest = 0; finest < this.#timelines.length - 1; finest += 1) {
      const spans = this.#spansFrom(finest, tracks, after);
      if (spans.reduce((sum, { places }) => sum + places.length, 0) <= atMost) return spans.flatMap(samplesIn);
    }
    const [coarsest] = this.#spansFrom(this.#timelines.length - 1, tracks, after);
    return coarsest === undefined ? [] : samplesIn({ ...coarsest, places: coarsest.places.slice(-atMost) });
  }

  /** Oldest first: each tier from where the finer ones begin to where it ends. */
  #spansFrom(finest: number, tracks: readonly Track[], after: UnixSeconds): readonly Span[] {
    const spans: Span[] = [];
    let before = Number.POSITIVE_INFINITY;
    for (let tier = finest; tier < this.#timelines.length; tier += 1) {
      const timeline = this.#timelines[tier]!;
      const from = timeline.reach();
      const places = timeline.placesOf(tracks[tier]!, { from, before, after });
      spans.unshift({ timeline, track: tracks[tier]!, places });
      before = Math.min(before, from);
    }
    return spans;
  }
}

/** A part of a tunnel's past, by its places in one ring. */
interface Span {
  readonly timeline: Timeline;
  readonly track: Track;
  readonly places: readonly number[];
}

const samplesIn = ({ timeline, track, places }: Span): readonly HistorySample[] =>
  places.map((place) => timeline.sampleAt(track, place));

function sameOrder(names: readonly string[], tracks: ReadonlyMap<string, unknown>): boolean {
  let place = 0;
  for (const name of tracks.keys()) if (name !== names[place++]) return false;
  return true;
}
