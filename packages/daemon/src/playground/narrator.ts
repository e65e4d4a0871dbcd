import { styleText } from 'node:util';
import type { LogLevel, Millis } from '@hurricane/core';
import type { Report } from './reports.js';
import type { Deed } from './switchboard.js';
import { PROVIDERS } from './topology.js';

type Style = 'dim' | 'yellow' | 'red' | 'cyan' | 'bold';

/** An interruption shorter than this is a datagram or two that were on their way. */
const NO_GAP: Millis = 100;

/** Puts what happens into lines for people, each with its time of day. */
export class Narrator {
  readonly #write: (text: string) => void;
  readonly #colour: boolean;
  #source: string | null = null;
  #cut: Deed | null = null;

  constructor(write: (text: string) => void, colour: boolean) {
    this.#write = write;
    this.#colour = colour;
  }

  report(report: Report): void {
    if (report.kind === 'log') this.#line(report.text, STYLES[report.level], report.wall);
    else this.#traffic(report);
  }

  deed(deed: Deed): void {
    // Only a cut of the provider that carries traffic explains what becomes of the traffic.
    this.#cut =
      deed.what === 'cut' && this.#source !== null && providerOf(this.#source) === deed.provider ? deed : null;
    const what = deed.what === 'cut' ? 'is cut: nothing gets through it any more' : 'works again';
    this.#line(`>> ${deed.provider} ${what}`, 'bold');
  }

  problem(text: string): void {
    this.#line(`>> ${text}`, 'red');
  }

  #traffic({ source, silence, at, wall }: Extract<Report, { kind: 'traffic' }>): void {
    const before = this.#source;
    this.#source = source;
    const seen = `the Internet sees ${source} (${providerOf(source)})`;
    const cut = this.#cut !== null && at > this.#cut.at ? this.#cut : null;
    if (cut !== null) this.#cut = null;
    if (before === null) this.#line(`>> An application sends: ${seen}`, 'cyan', wall);
    else if (cut !== null) {
      const seconds = ((at - cut.at) / 1000).toFixed(2);
      this.#line(`>> The application gets answers again, ${seconds} s after the cut: ${seen}`, 'cyan', wall);
    } else {
      const gap = silence < NO_GAP ? 'without a gap' : `after ${(silence / 1000).toFixed(2)} s without an answer`;
      this.#line(`>> The application goes on ${gap}: ${seen}`, 'cyan', wall);
    }
  }

  #line(text: string, style: Style | null, wall: Millis = Date.now()): void {
    this.#write(`${this.#paint('dim', timeOfDay(new Date(wall)))}  ${this.#paint(style, text)}\n`);
  }

  #paint(style: Style | null, text: string): string {
    return this.#colour && style !== null ? styleText(style, text) : text;
  }
}

const STYLES: Readonly<Record<LogLevel, Style | null>> = { debug: 'dim', info: null, warn: 'yellow', error: 'red' };

/** The provider that gave an address out. */
export const providerOf = (source: string): string =>
  PROVIDERS.find((provider) => provider.client === source)?.name ?? 'no provider';

function timeOfDay(now: Date): string {
  const two = (n: number): string => `${n}`.padStart(2, '0');
  const clock = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':');
  return `${clock}.${`${now.getMilliseconds()}`.padStart(3, '0')}`;
}
