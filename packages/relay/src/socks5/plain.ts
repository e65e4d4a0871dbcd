import type { Caller, ConnectError, FlowEnd, FlowPlace, FlowsAfter, Leg, Outcome, Way } from '../contracts.js';
import { isLost } from '../names/live-way.js';
import { ATTEMPT_LIMIT } from '../names/tunnels.js';
import type { Signal } from '../signal.js';
import { connect } from './connect.js';
import type { Asked } from './handshake.js';
import { replyToDialError } from './reply.js';
import { refuse, type Service } from './service.js';

/** Lets clients in, and sees them through. */
export interface Door {
  /** Null: it is turned away. Else what gives its place back. */
  enter(client: string): (() => void) | null;
  /** `work`: all that is left to be done for a client. */
  serve(leg: Leg, leave: () => void, work: (signal: Signal) => Promise<void>): void;
}

/** One that is being connected. */
interface Waiting {
  readonly caller: Caller;
  readonly leave: () => void;
  readonly way: Way | null;
  /** In the table of flows: whoever has been told of success is carried. */
  readonly place: FlowPlace;
  /** Why it was called off; null: it was not. */
  recalled: 'lost' | 'stopped' | null;
  recall: () => void;
}

/**
 * Clients that the engine has heard by itself, and connects by itself where there is one way only: those that asked for
 * an address and need no race. All others, and those whose way is lost meanwhile, are served like everybody else.
 */
export class PlainClients {
  readonly #service: Service;
  readonly #flows: FlowsAfter;
  readonly #door: Door;
  readonly #waiting = new Set<Waiting>();
  readonly #leave: () => void;
  #carried = 0;
  #whenNone: () => void = () => {};

  constructor(service: Service, flows: FlowsAfter, door: Door) {
    this.#service = service;
    this.#flows = flows;
    this.#door = door;
    const { ways } = service;
    this.#leave = ways.onChange(() => this.#recall('lost', ({ way }) => way !== null && isLost(ways, way)));
  }

  readonly asked = (caller: Caller): void => {
    const leave = this.#door.enter(caller.client.address);
    if (leave === null) {
      caller.reset();
      return;
    }
    const plain = this.#service.dialer.plain(caller.to);
    const place = plain === null ? null : this.#flows.hold(caller.client.address);
    if (plain === null || place === null) {
      this.#dial(caller, caller.take(), leave);
      return;
    }
    const waiting: Waiting = { caller, leave, way: plain.way, place, recalled: null, recall: () => {} };
    const outcome: Outcome = {
      begun: (cut) => this.#begun(waiting, cut),
      failed: (error, leg) => this.#failed(waiting, error, leg),
    };
    this.#waiting.add(waiting);
    waiting.recall = caller.connect(plain.way?.address ?? null, ATTEMPT_LIMIT, outcome);
  };

  /** Ends those that are not connected yet. Resolves once all have ended. */
  async close(): Promise<void> {
    this.#leave();
    const none = new Promise<void>((resolve) => {
      this.#whenNone = resolve;
    });
    this.#recall('stopped', () => true);
    this.#look();
    await none;
  }

  #recall(why: NonNullable<Waiting['recalled']>, which: (waiting: Waiting) => boolean): void {
    for (const waiting of [...this.#waiting].filter(which)) {
      waiting.recalled ??= why;
      waiting.recall();
    }
  }

  #begun(waiting: Waiting, cut: (how: FlowEnd) => void): ReturnType<Outcome['begun']> {
    const { caller, leave, way, place } = waiting;
    const { counters, log } = this.#service;
    const tunnel = way?.tunnel ?? null;
    const facts = { kind: 'tcp', origin: 'socks5', client: caller.client, target: caller.to, tunnel } as const;
    const { id, count, closed } = place.open(facts, cut);
    this.#waiting.delete(waiting);
    leave();
    counters.replied('succeeded');
    this.#carried += 1;
    log.log('debug', 'SOCKS5 connection begins', { flow: id, tunnel });
    return {
      count,
      closed: (end) => {
        closed(end);
        this.#carried -= 1;
        log.log('debug', 'SOCKS5 connection ends', { flow: id, end });
        this.#look();
      },
    };
  }

  #failed(waiting: Waiting, error: ConnectError, leg: Leg): void {
    const { caller, leave, way, place, recalled } = waiting;
    this.#waiting.delete(waiting);
    place.giveUp();
    if (way !== null) this.#service.dialer.forget(caller.to);
    if (error.kind === 'aborted' && recalled === null) {
      // The client has gone.
      leg.reset();
      leave();
    } else if (recalled === 'lost' || error.kind === 'no_source') this.#dial(caller, leg, leave);
    else this.#door.serve(leg, leave, () => refuse(leg, replyToDialError(error), this.#service));
    this.#look();
  }

  /** By the way of everybody else. */
  #dial({ to }: Caller, leg: Leg, leave: () => void): void {
    const request: Asked['request'] = { command: 'connect', target: { kind: 'address', ...to } };
    const asked: Asked = { request, rest: new Uint8Array(0) };
    this.#door.serve(leg, leave, (signal) => connect(leg, asked, this.#service, signal, leave));
  }

  #look(): void {
    if (this.#waiting.size + this.#carried === 0) this.#whenNone();
  }
}
