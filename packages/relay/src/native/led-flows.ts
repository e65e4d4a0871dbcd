import type { Endpoint, FlowEnd, Led, Outcome, Route } from '../contracts.js';
import { connectErrorOf } from '../stream-errors.js';
import { SOCKET_ADDRESS_BYTES } from './arena.js';
import { Names } from './client-names.js';
import { nameOf } from './errno-names.js';
import type { Command, LedNews } from './protocol.js';
import { PAIR_ENDS } from './protocol.js';
import { socketAddressOf } from './socket-address.js';

/** What is known here of a connection that the loop has led on. */
interface Known {
  /** Null: it must not be. Without `failed`: of one that was connected before it was known. */
  led: Led | Omit<Led, 'failed'> | null;
  /** How it ends once the loop has cut it. */
  how: FlowEnd | null;
}

/** The routes that a loop leads connections on by, and those connections. */
export class LedFlows {
  readonly #post: (command: Command) => void;
  /** By era; of each listener those that the loop may still speak of. */
  readonly #routes = new Map<number, { readonly listener: number; readonly route: Route | null }>();
  readonly #flows = new Map<number, Known>();
  readonly #names = new Names();
  #latest: Route | null = null;
  #room = 0;

  constructor(post: (command: Command) => void) {
    this.#post = post;
  }

  get size(): number {
    return this.#flows.size;
  }

  /** For how many more there is room. */
  get room(): number {
    return this.#latest?.room() ?? 0;
  }

  /** Whether the loop goes by what there is room for. */
  get isRoomKnown(): boolean {
    return this.room === this.#room;
  }

  lead(listener: number, era: number, route: Route | null): void {
    const to = route === null ? null : socketAddressOf(route.to);
    const source = route === null || route.source === null ? null : socketAddressOf({ address: route.source, port: 0 });
    const isFit = to !== null && (source !== null || route?.source === null);
    this.#routes.set(era, { listener, route });
    if (isFit) this.#latest = route;
    this.#post({
      kind: 'route',
      listener,
      era,
      to: isFit ? to : null,
      source,
      except: (route?.except ?? []).flatMap((address) => socketAddressOf({ address, port: 0 }) ?? []),
      timeout: route?.timeout ?? 0,
      room: this.roomToTell(),
    });
  }

  roomToTell(): number {
    this.#room = this.room;
    return this.#room;
  }

  routed(listener: number, era: number): void {
    for (const [earlier, { listener: of }] of this.#routes)
      if (of === listener && earlier < era) this.#routes.delete(earlier);
  }

  unlistened(listener: number): void {
    this.routed(listener, Number.POSITIVE_INFINITY);
  }

  /** It has been led on because somebody said so. */
  adopt(flow: number, outcome: Outcome): void {
    this.#know(flow, (cut) => outcome.begun(cut));
  }

  hear({ begun, clients, failed, over }: LedNews): void {
    for (let i = 0; 2 * i < begun.length; i += 1) {
      const at = SOCKET_ADDRESS_BYTES * i;
      const client = this.#names.of(clients.subarray(at, at + SOCKET_ADDRESS_BYTES));
      this.#begin(begun[2 * i] ?? 0, begun[2 * i + 1] ?? 0, client);
    }
    for (let i = 0; i < failed.length; i += 3) {
      const call = failed[i + 1] === 1 ? { syscall: 'bind' } : {};
      const led = this.#take(failed[i] ?? 0);
      if (led !== null && 'failed' in led) led.failed(connectErrorOf({ code: nameOf(failed[i + 2] ?? 0), ...call }));
    }
    for (let i = 0; i < over.length; i += 4) {
      const how = this.#flows.get(over[i] ?? 0)?.how;
      const end = PAIR_ENDS[over[i + 1] ?? 0] ?? 'reset';
      const led = this.#take(over[i] ?? 0);
      led?.count(over[i + 2] ?? 0, over[i + 3] ?? 0);
      led?.closed(end === 'cut' ? (how ?? 'reset') : end);
    }
  }

  count(flow: number, sent: number, received: number): void {
    this.#flows.get(flow)?.led?.count(sent, received);
  }

  /** The loop is gone. */
  fail(): void {
    for (const { led } of [...this.#flows.values()]) led?.closed('reset');
    this.#flows.clear();
    this.#routes.clear();
  }

  #begin(flow: number, era: number, client: Endpoint): void {
    const { route } = this.#routes.get(era) ?? { route: null };
    this.#know(flow, (cut) => route?.begun(client, cut) ?? null);
  }

  #know(flow: number, begun: (cut: (how: FlowEnd) => void) => Known['led']): void {
    const known: Known = { led: null, how: null };
    this.#flows.set(flow, known);
    const cut = (how: FlowEnd): void => {
      known.how ??= how;
      this.#post({ kind: 'cut', flow });
    };
    known.led = begun(cut);
    if (known.led === null) cut('reset');
  }

  #take(flow: number): Known['led'] {
    const known = this.#flows.get(flow);
    this.#flows.delete(flow);
    return known?.led ?? null;
  }
}
