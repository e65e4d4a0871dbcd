import { isIPv6 } from 'node:net';
import { type Millis, networkOf, type UnixSeconds } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import type { Flow, FlowEnd, FlowFacts, FlowPlace, FlowRefusal, FlowsAfter, FlowView, Way, Ways } from './contracts.js';
import { CLIENTS_REMEMBERED, FLOWS_AT_MOST, FLOWS_OF_ONE_CLIENT, LED_AT_MOST, LOSSES_REMEMBERED } from './limits.js';
import { CallOff } from './signal.js';

export interface FlowTableOptions {
  readonly ways: Ways;
  readonly now: () => UnixSeconds;
  /** Default: `FLOWS_AT_MOST`. */
  readonly limit?: number;
  /** Default: `FLOWS_OF_ONE_CLIENT`. */
  readonly perClient?: number;
  /** Told of the end of each flow, for debugging. */
  readonly onEnd?: (view: FlowView, end: FlowEnd) => void;
}

/** What all flows of a kind have come to since the start. Numbers only grow, but for `active`. */
export interface FlowTotals {
  readonly kind: FlowFacts['kind'];
  readonly active: number;
  readonly sent: number;
  readonly received: number;
  readonly ended: Readonly<Record<FlowEnd, number>>;
  readonly refused: Readonly<Record<FlowRefusal['kind'], number>>;
}

interface Totals {
  sent: number;
  received: number;
  readonly ended: Record<FlowEnd, number>;
  readonly refused: Record<FlowRefusal['kind'], number>;
}

/** A flow in the table; counted in place, for this is done for every datagram. */
interface Entry {
  readonly facts: FlowFacts;
  readonly id: number;
  readonly since: UnixSeconds;
  readonly client: string;
  readonly abort: { abort(how: FlowEnd): void };
  sent: number;
  received: number;
}

/** Every flow there is. Those of a tunnel that goes away, or from which nothing comes back, are ended at once. */
export class FlowTable implements FlowsAfter {
  readonly #options: FlowTableOptions;
  readonly #entries = new Map<number, Entry>();
  readonly #clients = new Map<string, number>();
  readonly #totals = { tcp: noTotals(), udp: noTotals() };
  readonly #leave: () => void;
  /** By tunnel: how many losses there had been when it was lost last. */
  readonly #lost = new Map<string, number>();
  #ways: readonly Way[];
  #losses = 0;
  /** Places that are kept for flows which have not begun. */
  #held = 0;
  /** No client has more flows than this; it may be that none has so many. */
  #busiest = 0;
  #lastId = 0;
  #whenEmpty: () => void = () => {};

  constructor(options: FlowTableOptions) {
    this.#options = options;
    this.#ways = options.ways.now();
    this.#leave = options.ways.onChange(() => this.#endLost());
  }

  open(facts: FlowFacts): Result<Flow, FlowRefusal> {
    const abort = new CallOff<FlowEnd>();
    return this.#enter(facts, abort).map((entry) => ({ ...this.#flowOf(entry), signal: abort.signal }));
  }

  openAfter(facts: FlowFacts, losses: number, cut: (how: FlowEnd) => void): Result<Omit<Flow, 'signal'>, FlowRefusal> {
    return this.#enter(facts, { abort: cut }).map((entry) => this.#begun(entry, losses));
  }

  hold(address: string): FlowPlace | null {
    const client = clientOf(address);
    if (this.#refusalOf(client) !== null) return null;
    const losses = this.#losses;
    this.#held += 1;
    this.#comes(client);
    return {
      open: (facts, cut) => {
        this.#held -= 1;
        return this.#begun(this.#add(facts, client, { abort: cut }), losses);
      },
      giveUp: () => {
        this.#held -= 1;
        this.#goes(client);
      },
    };
  }

  get losses(): number {
    return this.#losses;
  }

  get room(): number {
    const { limit = FLOWS_AT_MOST, perClient = FLOWS_OF_ONE_CLIENT } = this.#options;
    const inAll = Math.max(0, Math.min(limit - this.#entries.size - this.#held, LED_AT_MOST));
    // Flows that have ended leave the bound too high: it is found out anew only where that makes a difference.
    if (perClient - this.#busiest < inAll) this.#busiest = greatest(this.#clients.values());
    return Math.max(0, Math.min(inAll, perClient - this.#busiest));
  }

  list(): readonly FlowView[] {
    return [...this.#entries.values()].map(viewOf);
  }

  get size(): number {
    return this.#entries.size;
  }

  totals(): readonly FlowTotals[] {
    return (['tcp', 'udp'] as const).map((kind) => {
      let active = 0;
      for (const { facts } of this.#entries.values()) if (facts.kind === kind) active += 1;
      const { sent, received, ended, refused } = this.#totals[kind];
      return { kind, active, sent, received, ended: { ...ended }, refused: { ...refused } };
    });
  }

  /** Ends those that `which` picks, at once. Default: all of them. */
  end(how: FlowEnd, which: (facts: FlowFacts) => boolean = () => true): void {
    for (const { facts, abort } of [...this.#entries.values()]) if (which(facts)) abort.abort(how);
  }

  /**
   * Lets connections finish for at most `limit`, then ends them; sessions of datagrams, which know no end, at once.
   * Resolves to how many connections were cut.
   */
  async drain(limit: Millis): Promise<number> {
    this.end('stopped', ({ kind }) => kind === 'udp');
    let late: NodeJS.Timeout | undefined;
    const time = new Promise<void>((resolve) => {
      late = setTimeout(resolve, limit);
    });
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      if (this.#entries.size === 0) resolve();
    });
    await Promise.race([time, empty]);
    clearTimeout(late);
    const left = this.#entries.size;
    this.end('stopped');
    return left;
  }

  /** Follows the tunnels no further. */
  close(): void {
    this.#leave();
  }

  #enter(facts: FlowFacts, abort: Entry['abort']): Result<Entry, FlowRefusal> {
    const client = clientOf(facts.client.address);
    const refusal = this.#refusalOf(client);
    if (refusal !== null) {
      this.#totals[facts.kind].refused[refusal.kind] += 1;
      return err(refusal);
    }
    this.#comes(client);
    return ok(this.#add(facts, client, abort));
  }

  /** Of a client that has been counted. */
  #add(facts: FlowFacts, client: string, abort: Entry['abort']): Entry {
    this.#lastId += 1;
    const id = this.#lastId;
    const entry: Entry = { facts, id, since: this.#options.now(), client, abort, sent: 0, received: 0 };
    this.#entries.set(id, entry);
    return entry;
  }

  /** It began after so many losses. */
  #begun(entry: Entry, losses: number): Omit<Flow, 'signal'> {
    const { tunnel } = entry.facts;
    if (tunnel !== null && (this.#lost.get(tunnel) ?? 0) > losses) entry.abort.abort('tunnel_down');
    return this.#flowOf(entry);
  }

  #comes(client: string): void {
    const own = (this.#clients.get(client) ?? 0) + 1;
    this.#clients.set(client, own);
    this.#busiest = Math.max(this.#busiest, own);
  }

  #goes(client: string): void {
    const left = (this.#clients.get(client) ?? 1) - 1;
    if (left === 0) this.#clients.delete(client);
    else this.#clients.set(client, left);
  }

  #flowOf(entry: Entry): Omit<Flow, 'signal'> {
    return {
      id: entry.id,
      count: (sent, received) => this.#count(entry, sent, received),
      closed: (end) => this.#closed(entry, end),
    };
  }

  #refusalOf(client: string): FlowRefusal | null {
    const { limit = FLOWS_AT_MOST, perClient = FLOWS_OF_ONE_CLIENT } = this.#options;
    if (this.#entries.size + this.#held >= limit) return { kind: 'too_many_flows', limit };
    if ((this.#clients.get(client) ?? 0) >= perClient) return { kind: 'too_many_of_client', limit: perClient };
    return null;
  }

  #count(entry: Entry, sent: number, received: number): void {
    entry.sent += sent;
    entry.received += received;
    const totals = this.#totals[entry.facts.kind];
    totals.sent += sent;
    totals.received += received;
  }

  #closed(entry: Entry, end: FlowEnd): void {
    if (!this.#entries.delete(entry.id)) return;
    const { client, facts } = entry;
    this.#goes(client);
    this.#totals[facts.kind].ended[end] += 1;
    this.#options.onEnd?.(viewOf(entry), end);
    if (this.#entries.size === 0) this.#whenEmpty();
  }

  /** One that came by a tunnel while it was called unreachable goes on: it shows that something comes back. */
  #endLost(): void {
    const before = this.#ways;
    this.#ways = this.#options.ways.now();
    const lost = new Set(before.filter((way) => isLost(way, this.#ways)).map((way) => way.tunnel));
    if (lost.size === 0) return;
    this.#losses += 1;
    for (const tunnel of lost) {
      this.#lost.delete(tunnel);
      this.#lost.set(tunnel, this.#losses);
    }
    for (const tunnel of [...this.#lost.keys()].slice(0, -LOSSES_REMEMBERED)) this.#lost.delete(tunnel);
    this.end('tunnel_down', ({ tunnel }) => tunnel !== null && lost.has(tunnel));
  }
}

function greatest(numbers: Iterable<number>): number {
  let most = 0;
  for (const number of numbers) most = Math.max(most, number);
  return most;
}

function viewOf({ facts, id, since, sent, received }: Entry): FlowView {
  return { id, ...facts, since, sent, received };
}

function isLost(way: Way, ways: readonly Way[]): boolean {
  const next = ways.find(({ tunnel }) => tunnel === way.tunnel);
  if (next === undefined || next.address !== way.address) return true;
  return next.liveness === 'hard_down' && way.liveness !== 'hard_down';
}

/** Whoever has one IPv6 address has a /64 of them (RFC 6177). */
function clientOf(address: string): string {
  const known = clients.get(address);
  if (known !== undefined) return known;
  const [plain = address] = address.split('%');
  const client = isIPv6(plain) ? networkOf(plain, 64) : plain;
  if (clients.size >= CLIENTS_REMEMBERED) clients.clear();
  clients.set(address, client);
  return client;
}

/** Most connections come from where others came from. */
const clients = new Map<string, string>();

function noTotals(): Totals {
  return {
    sent: 0,
    received: 0,
    ended: { finished: 0, reset: 0, idle: 0, half_closed_idle: 0, tunnel_down: 0, stopped: 0 },
    refused: { too_many_flows: 0, too_many_of_client: 0 },
  };
}
