import type { Logger, Millis, RelayPolicy } from '@hurricane/core';
import type { ResultAsync } from 'neverthrow';
import type {
  Accept,
  ConnectError,
  ConnectOptions,
  DatagramEngine,
  DatagramOptions,
  Endpoint,
  Engine,
  Flow,
  FlowEnd,
  Handshakes,
  Leg,
  ListenError,
  Listening,
  Route,
} from './contracts.js';
import { tryEngine } from './engine-trial.js';
import { REOPEN_AFTER, REOPEN_AFTER_AT_MOST } from './limits.js';
import { POLL_FOR } from './native/native-limits.js';
import type { NativeEngine } from './native-engine.js';
import { type StreamEngine, streamEngine } from './stream-engine.js';
import { StreamLeg } from './stream-leg.js';

/** Which engine is asked for; `auto`: the native one where it works. */
export type EngineWish = RelayPolicy['engine'];

export interface EngineInUseOptions {
  readonly log: Logger;
  /** Whether the native engine polls for a moment before it sleeps. Default: no. */
  readonly lowLatency?: boolean;
  /** Starts the native engine; an error is half a sentence. Default: the real one, which is loaded only for this. */
  readonly startNative?: (terms: {
    readonly lowLatency: boolean;
  }) => Promise<{ readonly engine: NativeEngine } | { readonly reason: string }>;
}

/** Opens at an address what listens there. */
type Opening = (engine: Engine & DatagramEngine, at: Endpoint) => ResultAsync<Listening, ListenError>;

/** What listens, and on whose account. */
interface Held {
  readonly at: Endpoint;
  readonly open: Opening;
  /** Null: it is to be opened anew. */
  now: Listening | null;
  isClosed: boolean;
}

/**
 * The engine of a relay: the portable one, until the native one has been asked for and has passed its trial.
 *
 * When the native one fails, its connections are reset, and the portable one takes over what listens.
 */
export class EngineInUse implements Engine, DatagramEngine {
  readonly #options: EngineInUseOptions;
  readonly #stream: StreamEngine = streamEngine();
  readonly #held = new Set<Held>();
  #native: NativeEngine | null = null;

  constructor(options: EngineInUseOptions) {
    this.#options = options;
  }

  get name(): Engine['name'] {
    return this.#native === null ? 'stream' : 'native';
  }

  /** How often descriptors have run out. */
  get shortages(): number {
    return (this.#native?.shortages() ?? 0) + this.#stream.shortages();
  }

  /** To be called once, before anything else. Says in the log which it is, and why. */
  async choose(wish: EngineWish): Promise<void> {
    await this.#choose(wish);
    if (this.#isQuick && this.#native === null)
      this.#options.log.log('warn', '[relay] low_latency = yes has no effect: only the native engine has it');
  }

  get #isQuick(): boolean {
    return this.#options.lowLatency ?? false;
  }

  async #choose(wish: EngineWish): Promise<void> {
    const { log } = this.#options;
    if (wish === 'stream') return log.log('info', 'The relay carries connections with its portable engine');
    const reason = await this.#tryNative();
    const how = this.#isQuick ? `, which polls for ${POLL_FOR} ms before it sleeps` : '';
    if (reason === null) return log.log('info', `The relay carries connections with its native engine${how}`);
    const instead = 'The relay carries connections with its portable engine';
    if (wish === 'auto') return log.log('info', `${instead}; the native one cannot be had: ${reason}`);
    const remedy = 'install the npm package koffi beside the gateway, on Linux on x64 or arm64, or set engine = auto';
    log.log('warn', `${instead}, though [relay] engine = native: ${reason}. Remedy: ${remedy}`);
  }

  listen(at: Endpoint, accept: Accept): ResultAsync<Listening, ListenError> {
    return this.#hold(at, (engine, where) => engine.listen(where, accept));
  }

  datagrams(options: DatagramOptions): ResultAsync<Listening, ListenError> {
    return this.#hold(options.at, (engine, at) => engine.datagrams({ ...options, at }));
  }

  connect(options: ConnectOptions): ResultAsync<Leg, ConnectError> {
    return this.#current.connect(options);
  }

  /** When the native one fails, its clients' control connections are reset, and their exchanges end with them. */
  get exchange(): Engine['exchange'] {
    return this.#native?.exchange;
  }

  /** Two legs of different engines: one of them is of the one that has failed, and its connection is gone. */
  async join(near: Leg, far: Leg, flow: Flow): Promise<FlowEnd> {
    const [a, b] = [near instanceof StreamLeg, far instanceof StreamLeg];
    if (a && b) return this.#stream.join(near, far, flow);
    if (!a && !b && this.#native !== null) return this.#native.join(near, far, flow);
    near.reset();
    far.reset();
    flow.closed('reset');
    return 'reset';
  }

  /** Resets what the native engine carries. */
  async close(): Promise<void> {
    const native = this.#native;
    this.#native = null;
    await native?.close();
  }

  get #current(): Engine & DatagramEngine {
    return this.#native ?? this.#stream;
  }

  /** Null: it is in use from here on. */
  async #tryNative(): Promise<string | null> {
    const started = await (this.#options.startNative ?? startNative)({ lowLatency: this.#isQuick });
    if ('reason' in started) return started.reason;
    const { engine } = started;
    const failed = engine.gone.then((why) => why ?? 'it was closed');
    const found = await Promise.race([tryEngine(engine), failed]);
    if (found !== null) {
      await engine.close();
      return found;
    }
    this.#native = engine;
    void engine.gone.then((why) => {
      if (why !== null) this.#takeOver(why);
    });
    return null;
  }

  #takeOver(why: string): void {
    this.#native = null;
    const lost = `The native engine has failed: ${why}. Its connections were reset`;
    this.#options.log.log('error', `${lost}; the portable one takes new ones until the gateway is started again`);
    for (const held of this.#held) {
      held.now = null;
      void this.#reopen(held, REOPEN_AFTER);
    }
  }

  #hold(at: Endpoint, open: Opening): ResultAsync<Listening, ListenError> {
    return open(this.#current, at).map((now) => {
      const held: Held = { at: now.local, open, now, isClosed: false };
      this.#held.add(held);
      // One that takes over leads nothing by itself: what arrives is handed over.
      const lead = now.lead === undefined ? {} : { lead: (route: Route | null) => held.now?.lead?.(route) };
      const terms = (given: Handshakes): (() => number) => held.now?.shakeHands?.(given) ?? (() => 0);
      const shakeHands = now.shakeHands === undefined ? {} : { shakeHands: terms };
      return { local: now.local, ...lead, ...shakeHands, close: () => this.#close(held) };
    });
  }

  async #reopen(held: Held, pause: Millis): Promise<void> {
    if (held.isClosed) return;
    const opened = await held.open(this.#stream, held.at);
    if (opened.isOk()) {
      if (held.isClosed) await opened.value.close();
      else held.now = opened.value;
      return;
    }
    const again = setTimeout(() => void this.#reopen(held, Math.min(2 * pause, REOPEN_AFTER_AT_MOST)), pause);
    again.unref();
  }

  #close(held: Held): Promise<void> {
    held.isClosed = true;
    this.#held.delete(held);
    return held.now?.close() ?? Promise.resolve();
  }
}

async function startNative(terms: {
  readonly lowLatency: boolean;
}): Promise<{ readonly engine: NativeEngine } | { readonly reason: string }> {
  const { startNativeEngine } = await import('./native-engine.js');
  const started = await startNativeEngine(terms);
  return started.isOk() ? { engine: started.value } : { reason: started.error };
}
