import type { Millis } from '@hurricane/core';
import { type Report, uptime } from './reports.js';

/** A silence worth telling even when traffic comes back from the same address. */
const NOTABLE_SILENCE: Millis = 500;

/** Turns an application's answers into reports: of a new address, and of the end of a silence. */
export class Sightings {
  readonly #report: (report: Report) => void;
  #source: string | null = null;
  #lastAnswer: Millis = uptime();

  constructor(report: (report: Report) => void) {
    this.#report = report;
  }

  /** @param source where the Internet saw the packet come from that it has just answered. */
  answered(source: string): void {
    const at = uptime();
    const silence = at - this.#lastAnswer;
    this.#lastAnswer = at;
    if (source === this.#source && silence < NOTABLE_SILENCE) return;
    this.#source = source;
    this.#report({ kind: 'traffic', source, silence, at, wall: Date.now() });
  }
}
