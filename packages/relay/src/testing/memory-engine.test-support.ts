import type { Clock, Instant } from '@hurricane/core';
import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type {
  ConnectError,
  ConnectOptions,
  Endpoint,
  Engine,
  Flow,
  FlowEnd,
  Leg,
  ListenError,
  Listening,
} from '../contracts.js';
import { startDeadline, unlessAborted } from '../deadline.js';
import { MemoryLeg } from './memory-leg.test-support.js';

/** What a host of the memory network does with a connection. */
export type Manners =
  | { readonly kind: 'answers'; readonly after?: number }
  /** Says nothing at all. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'fails'; readonly error: ConnectError; readonly after?: number };

export interface Attempt {
  readonly at: Instant;
  readonly to: Endpoint;
  readonly source: string | null;
}

/** An engine whose network is a table. */
export class MemoryEngine implements Engine {
  readonly name = 'stream';
  readonly attempts: Attempt[] = [];
  /** The far ends of connections that were made, in order. */
  readonly reached: MemoryLeg[] = [];
  /** Our ends of the same. */
  readonly made: MemoryLeg[] = [];
  readonly listeners = new Map<string, (leg: Leg) => void>();
  /** What an attempt finds at an address, or at `address from source`; by default everybody answers. */
  readonly hosts = new Map<string, Manners>();
  /** What a listener finds. */
  refusal: ListenError | null = null;
  /** By default the proxy carries datagrams by itself. */
  readonly exchange: Engine['exchange'];
  readonly #clock: Clock;
  #port = 40_000;

  constructor(clock: Clock, exchange?: Engine['exchange']) {
    this.#clock = clock;
    this.exchange = exchange;
  }

  listen(at: Endpoint, accept: (leg: Leg) => void): ResultAsync<Listening, ListenError> {
    if (this.refusal !== null) return errAsync(this.refusal);
    const local = { address: at.address, port: at.port === 0 ? this.#nextPort() : at.port };
    const key = `${local.address} ${local.port}`;
    this.listeners.set(key, accept);
    return okAsync({
      local,
      close: () => {
        this.listeners.delete(key);
        return Promise.resolve();
      },
    });
  }

  /** Connects to a listener; the client's end. */
  knock(at: Endpoint, from: Endpoint = { address: '127.0.0.1', port: this.#nextPort() }): MemoryLeg {
    const accept = this.listeners.get(`${at.address} ${at.port}`);
    if (accept === undefined) throw new Error(`nobody listens on ${at.address} ${at.port}`);
    const [client, server] = MemoryLeg.pair(from, at);
    accept(server);
    return client;
  }

  connect(options: ConnectOptions): ResultAsync<Leg, ConnectError> {
    return new ResultAsync(this.#connect(options));
  }

  async join(near: Leg, far: Leg, flow: Flow): Promise<FlowEnd> {
    const cut = (): void => {
      near.reset();
      far.reset();
    };
    if (flow.signal.aborted) cut();
    flow.signal.addEventListener('abort', cut, { once: true });
    const ends = await Promise.all([
      pump(near, far, (bytes) => flow.count(bytes, 0)),
      pump(far, near, (bytes) => flow.count(0, bytes)),
    ]);
    const own = ends.every((end) => end === 'finished') ? 'finished' : 'reset';
    const end = flow.signal.aborted ? (flow.signal.reason as FlowEnd) : own;
    flow.closed(end);
    return end;
  }

  async #connect({ to, source, timeout, signal }: ConnectOptions): Promise<Result<Leg, ConnectError>> {
    this.attempts.push({ at: this.#clock.now(), to, source });
    const manners = this.hosts.get(`${to.address} from ${source}`) ?? this.hosts.get(to.address) ?? { kind: 'answers' };
    const after = manners.kind === 'silent' ? timeout : (manners.after ?? 0);
    if (after > 0) {
      const deadline = startDeadline(this.#clock, after, `a host at ${to.address}`, signal);
      await unlessAborted(new Promise<void>(() => undefined), deadline.signal);
      deadline.end();
    }
    if (signal?.aborted === true) return err({ kind: 'aborted' });
    if (manners.kind === 'silent') return err({ kind: 'timed_out' });
    if (manners.kind === 'fails') return err(manners.error);
    const [ours, theirs] = MemoryLeg.pair({ address: source ?? '192.0.2.100', port: this.#nextPort() }, to);
    this.made.push(ours);
    this.reached.push(theirs);
    return ok(ours);
  }

  #nextPort(): number {
    this.#port += 1;
    return this.#port;
  }
}

async function pump(from: Leg, to: Leg, count: (bytes: number) => void): Promise<'finished' | 'reset'> {
  for (;;) {
    const bytes = await from.read();
    if (bytes.isErr()) {
      to.reset();
      return 'reset';
    }
    if (bytes.value === null) {
      to.end();
      return 'finished';
    }
    count(bytes.value.length);
    if ((await to.write(bytes.value)).isErr()) {
      from.reset();
      return 'reset';
    }
  }
}
