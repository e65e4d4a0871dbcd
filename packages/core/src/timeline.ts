import type { HistorySample, Reading } from './history.js';
import type { UnixSeconds } from './units.js';

/** Numbers of a `Reading`. */
const FIELDS = 5;

/** One tunnel's part of a timeline. */
export interface Track {
  /** A row of `FIELDS` for each moment of the timeline, in the same places. 32 bits hold more than is measured. */
  readonly rows: Float32Array;
  /** The timeline's count when it began: earlier rows are not its own. */
  readonly begun: number;
  /** Of the stretch in progress: sums of what was known, and how many went in. */
  readonly sums: Float64Array;
  readonly known: Uint16Array;
}

/** The moments of one tier, in a ring; all tunnels are sampled at the same ones. */
export class Timeline {
  readonly #resolution: number;
  readonly #kept: number;
  readonly #alignment: number;
  readonly #times: Float64Array;
  /** Rows written since it began. */
  #count = 0;
  /** The stretch in progress began then. */
  #open: UnixSeconds | null = null;
  #newest: UnixSeconds = Number.NEGATIVE_INFINITY;

  /** Seconds, all of them. It keeps so much more that it can begin at a multiple of `alignment`; 0: it need not. */
  constructor(resolution: number, kept: number, alignment: number) {
    this.#resolution = resolution;
    this.#kept = kept;
    this.#alignment = alignment;
    this.#times = new Float64Array((kept + alignment) / resolution);
  }

  begin(): Track {
    const rows = new Float32Array(this.#times.length * FIELDS);
    return { rows, begun: this.#count, sums: new Float64Array(FIELDS), known: new Uint16Array(FIELDS) };
  }

  /** `tracks` and `readings` belong together, one by one. */
  take(at: UnixSeconds, tracks: readonly Track[], readings: readonly Reading[]): void {
    const stretch = Math.floor(at / this.#resolution) * this.#resolution;
    if (this.#open !== null && this.#open !== stretch) this.#close(this.#open, tracks);
    this.#open = stretch;
    this.#newest = at;
    tracks.forEach((track, i) => {
      gather(track, readings[i]!);
    });
    // A stretch of one second is over with its only reading.
    if (this.#resolution === 1) this.#close(stretch, tracks);
  }

  #close(stretch: UnixSeconds, tracks: readonly Track[]): void {
    const place = this.#count % this.#times.length;
    this.#times[place] = stretch;
    this.#count += 1;
    this.#open = null;
    for (const { rows, sums, known } of tracks) {
      for (let field = 0; field < FIELDS; field += 1) {
        // Nothing known: 0 / 0 is NaN.
        rows[place * FIELDS + field] = sums[field]! / known[field]!;
      }
      sums.fill(0);
      known.fill(0);
    }
  }

  /** It has everything from then on. */
  reach(): UnixSeconds {
    // Where nothing coarser stands in, the stretch that is partly too old is told whole.
    if (this.#alignment === 0) return this.#newest - this.#kept - this.#resolution;
    return Math.floor((this.#newest - this.#kept + this.#resolution) / this.#alignment) * this.#alignment;
  }

  /** Oldest first: where those are that began no earlier than `from`, and before `before`, and later than `after`. */
  placesOf(track: Track, { from, before, after }: { from: number; before: number; after: number }): number[] {
    const places: number[] = [];
    const oldest = Math.max(track.begun, this.#count - this.#times.length);
    for (let row = oldest; row < this.#count; row += 1) {
      const place = row % this.#times.length;
      const at = this.#times[place]!;
      if (at >= from && at < before && at > after) places.push(place);
    }
    return places;
  }

  sampleAt({ rows }: Track, place: number): HistorySample {
    const rounded = (field: number, steps: number): number | null => {
      const value = rows[place * FIELDS + field]!;
      return Number.isNaN(value) ? null : Math.round(value * steps) / steps;
    };
    return {
      at: this.#times[place]!,
      resolution_s: this.#resolution,
      latency_ms: rounded(0, 100),
      loss: rounded(1, 1_000),
      score: rounded(2, 10),
      rx_bytes_per_s: rounded(3, 1),
      tx_bytes_per_s: rounded(4, 1),
    };
  }
}

function gather({ sums, known }: Track, reading: Reading): void {
  for (let field = 0; field < FIELDS; field += 1) {
    const value = reading[field]!;
    if (Number.isNaN(value)) continue;
    sums[field]! += value;
    known[field]! += 1;
  }
}
