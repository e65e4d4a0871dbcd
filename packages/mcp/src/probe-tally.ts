import type { ProbeStream, StepRecord } from '@hurricane/core';
import type { ProbeTallyRow } from './documents.js';

/** Rows told apart: tunnels, each with some targets. What goes beyond is not counted. */
const ROWS_AT_MOST = 1_024;

interface Row {
  readonly tunnel: string;
  readonly stream: ProbeStream;
  readonly target: string;
  sent: number;
  readonly rtts: number[];
}

/** Counts the probes that come to their end while it observes a gateway. */
export class ProbeTally {
  readonly #rows = new Map<string, Row>();

  /** Must be given to `Gateway.observe`, which nothing here can disturb. */
  readonly observe = ({ event }: StepRecord): void => {
    if (event.type !== 'probed') return;
    const { tunnel, stream, finding } = event;
    const row = this.#rowOf(tunnel, stream, finding.target);
    if (row === null) return;
    const { outcome } = finding;
    // A late reply has been counted as a probe before, as lost.
    if (outcome.kind !== 'reply' || !outcome.late) row.sent += 1;
    if (outcome.kind === 'reply') row.rtts.push(outcome.rtt);
  };

  rows(): readonly ProbeTallyRow[] {
    return [...this.#rows.values()].map(({ tunnel, stream, target, sent, rtts }) => {
      const answered = Math.min(sent, rtts.length);
      return { tunnel, stream, target, sent, answered, median_ms: medianOf(rtts) };
    });
  }

  #rowOf(tunnel: string, stream: ProbeStream, target: string): Row | null {
    const key = `${tunnel} ${stream} ${target}`;
    const found = this.#rows.get(key);
    if (found !== undefined) return found;
    if (this.#rows.size >= ROWS_AT_MOST) return null;
    const row: Row = { tunnel, stream, target, sent: 0, rtts: [] };
    this.#rows.set(key, row);
    return row;
  }
}

export function tallyLine(row: ProbeTallyRow): string {
  const median = row.median_ms === null ? '' : `, ${row.median_ms} ms`;
  return `- ${row.tunnel}, ${row.stream} ${row.target}: ${row.answered} of ${row.sent} answered${median}`;
}

function medianOf(rtts: readonly number[]): number | null {
  const sorted = [...rtts].sort((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  return middle === undefined ? null : Math.round(middle * 10) / 10;
}
