import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { Accept, Endpoint, Handshakes, ListenError, Listening, Route } from '../contracts.js';
import type { Command } from './protocol.js';

interface Listener {
  readonly at: Endpoint;
  readonly accept: Accept;
  readonly opened: (outcome: Result<Listening, ListenError>) => void;
  /** Null: it still listens. */
  closed: (() => void) | null;
  port: number;
  /** Null: its clients are not heard. */
  terms: Handshakes | null;
}

/** What listeners need of their engine. */
export interface ListenersHome {
  post(command: Command): void;
  lead(id: number, route: Route | null): void;
  /** How many clients are heard at this moment. */
  hearing(): number;
}

/** What an engine has listening, and who waits for that to begin or to end. */
export class Listeners {
  readonly #home: ListenersHome;
  readonly #listeners = new Map<number, Listener>();

  constructor(home: ListenersHome) {
    this.#home = home;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** `address`: as the kernel has it. */
  open(id: number, at: Endpoint, address: Uint8Array, accept: Accept): ResultAsync<Listening, ListenError> {
    this.#home.post({ kind: 'listen', id, at: address });
    const opened = new Promise<Result<Listening, ListenError>>((resolve) => {
      this.#listeners.set(id, { at, accept, opened: resolve, closed: null, port: at.port, terms: null });
    });
    return new ResultAsync(opened);
  }

  listening(id: number, port: number): void {
    const listener = this.#listeners.get(id);
    if (listener === undefined) return;
    const local = { address: listener.at.address, port };
    const lead = (route: Route | null): void => {
      if (this.accepts(id) !== null) this.#home.lead(id, route);
    };
    const shakeHands = (terms: Handshakes): (() => number) => {
      listener.terms = terms;
      const { clients, patience, atOnce } = terms;
      if (listener.closed === null) this.#home.post({ kind: 'handshakes', listener: id, clients, patience, atOnce });
      return () => this.#home.hearing();
    };
    listener.port = port;
    listener.opened(ok({ local, lead, shakeHands, close: () => this.#close(id) }));
  }

  notListening(id: number, error: ListenError): void {
    const listener = this.#listeners.get(id);
    this.#listeners.delete(id);
    listener?.opened(err(error));
  }

  unlistened(id: number): void {
    const listener = this.#listeners.get(id);
    this.#listeners.delete(id);
    listener?.closed?.();
  }

  /** Who takes what arrives; null: nobody, it is closed or about to be. */
  accepts(id: number): Accept | null {
    return this.#open(id)?.accept ?? null;
  }

  /** Who decides about clients that have been heard; null: as above. */
  termsOf(id: number): { readonly terms: Handshakes; readonly port: number } | null {
    const { terms = null, port = 0 } = this.#open(id) ?? {};
    return terms === null ? null : { terms, port };
  }

  /** The engine is gone: whoever waits for an answer gets one. */
  fail(error: ListenError): void {
    for (const [id, { closed }] of [...this.#listeners])
      if (closed === null) this.notListening(id, error);
      else this.unlistened(id);
  }

  #open(id: number): Listener | null {
    const listener = this.#listeners.get(id);
    return listener === undefined || listener.closed !== null ? null : listener;
  }

  #close(id: number): Promise<void> {
    const listener = this.#listeners.get(id);
    if (listener === undefined) return Promise.resolve();
    this.#home.post({ kind: 'unlisten', id });
    return new Promise((resolve) => {
      const before = listener.closed;
      listener.closed = () => {
        before?.();
        resolve();
      };
    });
  }
}
