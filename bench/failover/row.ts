import type { HostNeeds } from '../../test/support/require-host.js';
import type { Figures } from '../figures.js';
import type { Effort } from './effort.js';

/** Something to measure by itself: called by `name` on the command line, one or more lines of the table. */
export interface Row {
  readonly name: string;
  /** For `--help`. */
  readonly about: string;
  readonly needs: HostNeeds;
  /** Leaves nothing behind, however it ends. Throws when it could not measure. */
  measure(effort: Effort, say: Progress): Promise<readonly Line[]>;
}

/** Takes what a waiting reader wants to know. */
export type Progress = (text: string) => void;

export interface Line {
  readonly what: string;
  readonly unit: Unit;
  /** Each measurement, in `unit`. */
  readonly values: readonly number[];
  readonly goal: readonly Bound[];
  /** The same of other programs, as their users or their code have it: see `SOURCES`. */
  readonly anchors: string;
  /** What was counted, where that is not the number of values. */
  readonly n?: string;
}

export interface Bound {
  readonly of: Exclude<keyof Figures, 'n'>;
  readonly atMost: number;
}

export type Unit = 's' | 'ms' | '/s' | 'B/s' | '%' | 'MB' | 'lost' | 'alarms' | 'times';
