import { writeSync } from 'node:fs';
import type { Host } from './host.js';
import { Loop } from './loop.js';
import type { LoopLimits } from './loop-outside.js';
import type { Command, News } from './protocol.js';
import type { Sys } from './sys.js';

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/** A loop in the thread of the test: it turns whenever Node's own does, and never sleeps. */
export class InlineHost implements Host {
  readonly gone: Promise<string | null>;
  readonly #sys: Sys;
  readonly #loop: Loop;
  #commands: Command[] = [];
  #listener: (news: readonly News[]) => void = () => {};
  #over: (why: string | null) => void = () => {};
  #isOver = false;
  #isStopped = false;
  #heard = 0;

  constructor(sys: Sys, limits: LoopLimits) {
    this.#sys = sys;
    this.gone = new Promise((resolve) => {
      this.#over = resolve;
    });
    this.#loop = new Loop(sys, {
      limits,
      pollFor: 0,
      commands: () => this.#commands.splice(0),
      isAsked: () => this.#commands.length > 0,
      mayDoze: () => false,
      awake: () => {},
      hears: () => {
        this.#heard += 1;
      },
      // As from a thread: later, and a copy.
      tell: (news) => {
        const copy = structuredClone(news);
        setImmediate(() => this.#listener(copy));
      },
    });
    setImmediate(() => this.#turn());
  }

  get heard(): number {
    return this.#heard;
  }

  post(command: Command): void {
    if (this.#isOver) return;
    this.#commands.push(structuredClone(command));
    writeSync(this.#loop.wake, ONE);
  }

  onNews(listener: (news: readonly News[]) => void): void {
    this.#listener = listener;
  }

  hold(): void {}

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.gone;
  }

  #turn(): void {
    try {
      if (!this.#isStopped) this.#loop.turn();
    } catch (error) {
      this.#end(String(error));
      return;
    }
    if (this.#isStopped) this.#end(null);
    else setImmediate(() => this.#turn());
  }

  #end(why: string | null): void {
    this.#isOver = true;
    this.#loop.close();
    this.#sys.close(this.#loop.wake);
    setImmediate(() => setImmediate(() => this.#over(why)));
  }
}
