import { okAsync, type ResultAsync } from 'neverthrow';
import type { Carrier } from './carrier.js';
import type { Endpoint, Leg, ListenError, Listening } from './contracts.js';
import { CONNECT_LIMIT, PROBE_LIMIT } from './limits.js';
import { endpointText } from './mapping-spec.js';
import type { Passage, PassageDeps } from './passage.js';
import { proxyHeader } from './proxy-header.js';

/** Takes TCP connections at one address and leads each onward. */
export class TcpCarrier implements Carrier {
  readonly #at: Endpoint;
  readonly #passage: Passage;
  readonly #deps: PassageDeps;
  #listening: Listening | null = null;

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
      });
  }

  async rest(): Promise<void> {
    const listening = this.#listening;
    this.#listening = null;
    await listening?.close();
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
    this.#deps.log.log('debug', `${this.#passage.origin}: a connection ended: ${end}`);
  }

  /** A program sees a reset where we cannot lead on, as it would from a machine that refuses. */
  #refuse(near: Leg, fault: Parameters<PassageDeps['faults']['count']>[1] | null, why: string): void {
    near.reset();
    if (fault !== null) this.#deps.faults.count('tcp', fault);
    this.#deps.log.log('debug', `${this.#passage.origin}: a connection was refused: ${why}`);
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
