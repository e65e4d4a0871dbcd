import type { LedReport } from './led-report.js';
import type { Pair, PairLimits } from './pair.js';
import type { News, PairEnd } from './protocol.js';
import { Table } from './table.js';

/** All pairs of a loop, and what is told of them. */
export class Pairs {
  readonly #tell: (news: News) => void;
  readonly #report: LedReport;
  readonly #pairs = new Table<Pair>();
  #countsAreSeen = true;

  constructor(tell: (news: News) => void, report: LedReport) {
    this.#tell = tell;
    this.#report = report;
  }

  get size(): number {
    return this.#pairs.size;
  }

  add(pair: Pair): void {
    this.#pairs.set(pair.flow, pair);
  }

  get(flow: number): Pair | undefined {
    return this.#pairs.get(flow);
  }

  /** Those that were led on have the numbers of connections that arrive, and their own way to be told of. */
  over(pair: Pair, end: PairEnd): void {
    const [sent, received] = pair.takeCounts();
    this.#pairs.delete(pair.flow);
    if (pair.flow < 0) this.#report.over(pair.flow, end, sent, received);
    else this.#tell({ kind: 'over', flow: pair.flow, end, sent, received });
  }

  /** Tells what was carried, and ends what has carried nothing for too long. */
  look(now: number, limits: PairLimits): void {
    for (const pair of this.#pairs.values()) pair.look(now, limits);
    if (this.#countsAreSeen) this.#tellCounts();
  }

  countsAreSeen(): void {
    this.#countsAreSeen = true;
  }

  closeAll(): void {
    for (const pair of this.#pairs.values()) pair.close('reset');
  }

  /** One message at a time: while the main thread is busy the numbers wait here. */
  #tellCounts(): void {
    const counts: number[] = [];
    for (const pair of this.#pairs.values()) {
      const [sent, received] = pair.takeCounts();
      if (sent > 0 || received > 0) counts.push(pair.flow, sent, received);
    }
    if (counts.length === 0) return;
    this.#countsAreSeen = false;
    this.#tell({ kind: 'counts', counts: Float64Array.from(counts) });
  }
}
