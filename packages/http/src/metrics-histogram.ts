import type { Labels, Sample } from './metrics-text.js';

/** How often something took how long, for one set of labels. */
interface Row {
  readonly labels: Labels;
  /** Not cumulative; one more than there are bounds. */
  readonly counts: number[];
  sum: number;
}

/** Prometheus' histogram: the memory is one row for each set of labels, whatever is observed. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #rows = new Map<string, Row>();

  /** @param bounds upper and inclusive, ascending, in the unit of what is observed. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  /** @param key tells one set of labels from another; `labels` is asked once for each. */
  observe(key: string, value: number, labels: () => Labels): void {
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = { labels: labels(), counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 };
      this.#rows.set(key, row);
    }
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? 0)) at += 1;
    row.counts[at] = (row.counts[at] ?? 0) + 1;
    row.sum += value;
  }

  /** Forgets the rows whose key is not wanted. */
  keep(wanted: (key: string) => boolean): void {
    for (const key of this.#rows.keys()) if (!wanted(key)) this.#rows.delete(key);
  }

  samples(): readonly Sample[] {
    return [...this.#rows.values()].flatMap(({ labels, counts, sum }) => {
      let count = 0;
      const buckets = counts.map((own, i): Sample => {
        count += own;
        const le = i < this.#bounds.length ? `${this.#bounds[i]}` : '+Inf';
        return { suffix: '_bucket', labels: { ...labels, le }, value: count };
      });
      return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }];
    });
  }
}
