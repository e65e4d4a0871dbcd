import { okAsync, type ResultAsync } from 'neverthrow';
import type { Carrier } from './carrier.js';
import type { Endpoint, FlowEnd, Led, Leg, ListenError, Listening, Route } from './contracts.js';
import { CONNECT_LIMIT, PROBE_LIMIT } from './limits.js';
import { endpointText } from './mapping-spec.js';
import type { Onward, Passage, PassageDeps } from './passage.js';
import { proxyHeader } from './proxy-header.js';

/** Takes TCP connections at one address and leads each onward; where nothing is to be asked, the engine does. */
export class TcpCarrier implements Carrier {
  readonly #at: Endpoint;
  readonly #passage: Passage;
  readonly #deps: PassageDeps;
  #listening: Listening | null = null;
  #follows: readonly (() => void)[] = [];

  constructor(at: Endpoint, passage: Passage, deps: PassageDeps) {
    this.#at = at;
    this.#passage = passage;
    this.#deps = deps;
  }

  get at(): Endpoint {
    return this.#listening?.local ?? this.#at;
  }

  get idle(): boolean {
    return this.#listening === null;
  }

  take(): ResultAsync<void, ListenError> {
    if (this.#listening !== null) return okAsync(undefined);
    return this.#deps.engine
      .listen(this.#at, (leg) => void this.#serve(leg))
      .map((listening) => {
        this.#listening = listening;
        if (listening.lead !== undefined) this.#follow();
      });
  }

  async rest(): Promise<void> {
    const listening = this.#listening;
    this.#listening = null;
    for (const leave of this.#follows) leave();
    this.#follows = [];
    await listening?.close();
  }

  /** Tells the engine where to, and again whenever that may have changed. */
  #follow(): void {
    const tell = (): void => this.#listening?.lead?.(this.#route());
    // Later: by then the table of flows has heard of the same change, and has ended what that ends.
    const soon = (): void => queueMicrotask(tell);
    this.#follows = [this.#passage.onChange(soon), this.#deps.nonces.onChange(tell)];
    tell();
  }

  #route(): Route | null {
    const { flows, nonces } = this.#deps;
    const onward = this.#passage.proxyProtocol ? null : this.#passage.onward(this.at);
    if (onward === null) return null;
    const { losses } = flows;
    return {
      to: onward.to,
      source: onward.source,
      timeout: CONNECT_LIMIT,
      except: nonces.sources(),
      room: () => flows.room,
      begun: (client, cut) => this.#begun(client, onward, losses, cut),
    };
  }

  #begun(client: Endpoint, { to, tunnel }: Onward, losses: number, cut: (how: FlowEnd) => void): Led | null {
    const { flows, faults } = this.#deps;
    const facts = { kind: 'tcp', origin: this.#passage.origin, client, target: to, tunnel } as const;
    const opened = flows.openAfter(facts, losses, cut);
    if (opened.isErr()) {
      this.#refused(`${opened.error.kind} (${opened.error.limit})`);
      return null;
    }
    const { count, closed } = opened.value;
    return {
      count,
      closed: (end) => {
        closed(end);
        this.#ended(end);
      },
      failed: ({ kind }) => {
        closed('reset');
        faults.count('tcp', kind);
        this.#refused(`${endpointText(to)}: ${kind}`);
      },
    };
  }

  async #serve(near: Leg): Promise<void> {
    const { engine, flows } = this.#deps;
    if (await this.#isProbe(near)) return near.end();
    const onward = this.#passage.onward(this.at);
    if (onward === null) return this.#refuse(near, 'no_way', 'no tunnel to leave by');
    const { to, source, tunnel } = onward;
    const opened = flows.open({ kind: 'tcp', origin: this.#passage.origin, client: near.remote, target: to, tunnel });
    if (opened.isErr()) return this.#refuse(near, null, `${opened.error.kind} (${opened.error.limit})`);
    const flow = opened.value;
    const far = await engine.connect({ to, source, timeout: CONNECT_LIMIT, signal: flow.signal });
    if (far.isErr()) {
      flow.closed(flow.signal.aborted ? flow.signal.reason : 'reset');
      if (far.error.kind === 'aborted') return near.reset();
      return this.#refuse(near, far.error.kind, `${endpointText(to)}: ${far.error.kind}`);
    }
    if (this.#passage.proxyProtocol) void far.value.write(proxyHeader(near.remote, near.local));
    const end = await engine.join(near, far.value, flow);
    this.#ended(end);
  }

  /** A program sees a reset where we cannot lead on, as it would from a machine that refuses. */
  #refuse(near: Leg, fault: Parameters<PassageDeps['faults']['count']>[1] | null, why: string): void {
    near.reset();
    if (fault !== null) this.#deps.faults.count('tcp', fault);
    this.#refused(why);
  }

  #refused(why: string): void {
    this.#deps.log.log('debug', `${this.#passage.origin}: a connection was refused: ${why}`);
  }

  #ended(end: FlowEnd): void {
    this.#deps.log.log('debug', `${this.#passage.origin}: a connection ended: ${end}`);
  }

  /** A probe of ours comes from a tunnel's address and begins with its nonce; everybody else's bytes are passed on. */
  async #isProbe(near: Leg): Promise<boolean> {
    const { nonces } = this.#deps;
    if (!nonces.mayComeFrom(near.remote.address)) return false;
    const first = await near.read(AbortSignal.timeout(PROBE_LIMIT));
    if (first.isErr() || first.value === null) return false;
    if (nonces.takes(first.value)) return true;
    near.unread(first.value);
    return false;
  }
}
