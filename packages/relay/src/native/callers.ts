import type { Millis } from '@hurricane/core';
import type { Caller, ConnectError, Endpoint, Handshakes, Leg, Outcome } from '../contracts.js';
import { connectErrorOf } from '../stream-errors.js';
import { nameOf } from './errno-names.js';
import type { NativeLeg } from './native-leg.js';
import type { AskedNews, Command, FailedCall } from './protocol.js';
import { socketAddressOf } from './socket-address.js';
import { ECANCELED } from './sys.js';

/** What callers need of their engine. */
export interface CallersHome {
  post(command: Command): void;
  legOf(id: number, ends: Pick<Leg, 'local' | 'remote'>): NativeLeg;
  /** Who decides, and the port of a listener; null: it is closed. */
  termsOf(listener: number): { readonly terms: Handshakes; readonly port: number } | null;
}

/** One that is being connected. */
interface Waiting {
  readonly ends: Pick<Leg, 'local' | 'remote'>;
  readonly outcome: Outcome;
}

/** Those that are connected from the same address, in one message. */
interface Batch {
  readonly ids: number[];
  readonly source: string | null;
  readonly timeout: Millis;
}

/** Clients that the loop has heard, until they are connected or handed over. */
export class Callers {
  readonly #home: CallersHome;
  readonly #waiting = new Map<number, Waiting>();
  /** How many the loop has told of that it had begun to hear, whatever became of them. */
  #told = 0;
  #isGone = false;
  /** Of those that are being told of: who is to be connected. */
  #batches: Batch[] = [];

  constructor(home: CallersHome) {
    this.#home = home;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How many the loop hears at this moment, of so many that it has begun to hear, ever. */
  hearing(heard: number): number {
    return this.#isGone ? 0 : (heard - this.#told) | 0;
  }

  /** One has been handed over before it had asked for anything that is told of. */
  handedOver(): void {
    this.#told += 1;
  }

  hear(asked: AskedNews): void {
    this.#told += asked.ids.length;
    for (const [i, id] of asked.ids.entries()) {
      const found = this.#home.termsOf(asked.listeners[i] ?? 0);
      // Null: it was closed while this one was on its way.
      if (found === null) {
        this.#home.post({ kind: 'reset', id });
        continue;
      }
      const remote = { address: asked.clients[i] ?? '', port: asked.clientPorts[i] ?? 0 };
      const local = { address: asked.locals[i] ?? '', port: found.port };
      found.terms.asked(
        this.#caller(id, { local, remote }, { address: asked.targets[i] ?? '', port: asked.ports[i] ?? 0 }),
      );
    }
    this.#send();
  }

  /** Both ends are there. Null: nobody waits for that. */
  joined(id: number): Outcome | null {
    return this.#take(id)?.outcome ?? null;
  }

  unconnected(id: number, call: FailedCall, errno: number): void {
    const bind = call === 'bind' ? { syscall: 'bind' } : {};
    const error = errno === ECANCELED ? ABORTED : connectErrorOf({ code: nameOf(errno), ...bind });
    this.#failed(id, error);
  }

  /** The engine is gone. */
  fail(error: ConnectError): void {
    this.#isGone = true;
    for (const id of [...this.#waiting.keys()]) this.#failed(id, error);
  }

  #failed(id: number, error: ConnectError): void {
    const waiting = this.#take(id);
    waiting?.outcome.failed(error, this.#home.legOf(id, waiting.ends));
  }

  #take(id: number): Waiting | null {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting ?? null;
  }

  #caller(id: number, ends: Waiting['ends'], to: Endpoint): Caller {
    return {
      client: ends.remote,
      to,
      connect: (source, timeout, outcome) => {
        this.#waiting.set(id, { ends, outcome });
        this.#connect(id, source, timeout);
        return () => this.#recall(id);
      },
      take: () => {
        this.#home.post({ kind: 'take', id });
        return this.#home.legOf(id, ends);
      },
      reset: () => this.#home.post({ kind: 'reset', id }),
    };
  }

  #recall(id: number): void {
    if (!this.#waiting.has(id)) return;
    // It follows what it calls off.
    this.#send();
    this.#home.post({ kind: 'recall', id });
  }

  #send(): void {
    for (const { ids, source, timeout } of this.#batches.splice(0))
      this.#home.post({ kind: 'onward', ids, source: source === null ? null : addressOf(source), timeout });
  }

  #connect(id: number, source: string | null, timeout: Millis): void {
    const same = this.#batches.find((batch) => batch.source === source && batch.timeout === timeout);
    if (same === undefined) this.#batches.push({ ids: [id], source, timeout });
    else same.ids.push(id);
  }
}

const ABORTED: ConnectError = { kind: 'aborted' };

/** Of what is no address bind(2) says EINVAL, as of one that is not of this machine: nothing leaves from there. */
function addressOf(source: string): Uint8Array {
  return socketAddressOf({ address: source, port: 0 }) ?? new Uint8Array(0);
}
