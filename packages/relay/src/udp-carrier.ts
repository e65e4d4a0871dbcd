import { okAsync, type ResultAsync } from 'neverthrow';
import type { Carrier } from './carrier.js';
import type { Admitted, ConnectError, Endpoint, ListenError, Listening } from './contracts.js';
import { UDP_IDLE_LIMIT, UDP_PEERS_AT_MOST } from './limits.js';
import type { Passage, PassageDeps } from './passage.js';

export interface UdpLimits {
  readonly idle: number;
  readonly peers: number;
}

const UDP_LIMITS: UdpLimits = { idle: UDP_IDLE_LIMIT, peers: UDP_PEERS_AT_MOST };

/** Takes datagrams at one address, and says whose go on and where to; an engine carries them. */
export class UdpCarrier implements Carrier {
  readonly #at: Endpoint;
  readonly #passage: Passage;
  readonly #deps: PassageDeps;
  readonly #limits: UdpLimits;
  #open: Listening | null = null;
  #taking = false;
  #sessions = 0;

  constructor(at: Endpoint, passage: Passage, deps: PassageDeps, limits: UdpLimits = UDP_LIMITS) {
    this.#at = at;
    this.#passage = passage;
    this.#deps = deps;
    this.#limits = limits;
  }

  get at(): Endpoint {
    return this.#open?.local ?? this.#at;
  }

  get idle(): boolean {
    return this.#open === null;
  }

  take(): ResultAsync<void, ListenError> {
    this.#taking = true;
    if (this.#open !== null) return okAsync(undefined);
    return this.#deps.engine
      .datagrams({
        at: this.#at,
        ...this.#limits,
        admit: (peer, bytes) => this.#admit(peer, bytes),
        over: (fault) => this.#over(fault),
        lost: (count) => this.#deps.faults.count('udp', 'dropped', count),
      })
      .map((open) => {
        this.#open = open;
      });
  }

  /** The socket stays for as long as peers have sessions: their replies have to come from its address and port. */
  async rest(): Promise<void> {
    this.#taking = false;
    await this.#closeIfDone();
  }

  /** A probe's socket has a port of its own, and so never a session. */
  #admit(client: Endpoint, bytes: Uint8Array): Admitted | null {
    const { nonces, flows, faults } = this.#deps;
    if (nonces.mayComeFrom(client.address) && nonces.takes(bytes)) return null;
    const onward = this.#taking ? this.#passage.onward(this.at) : null;
    if (onward === null) {
      faults.count('udp', 'no_way');
      return null;
    }
    const { to, source, tunnel } = onward;
    const opened = flows.open({ kind: 'udp', origin: this.#passage.origin, client, target: to, tunnel });
    if (opened.isErr()) return null;
    this.#sessions += 1;
    return { to, source, flow: opened.value };
  }

  #over(fault: ConnectError | null): void {
    if (fault !== null) this.#deps.faults.count('udp', fault.kind);
    this.#sessions -= 1;
    void this.#closeIfDone();
  }

  async #closeIfDone(): Promise<void> {
    if (this.#taking || this.#sessions > 0) return;
    const open = this.#open;
    this.#open = null;
    await open?.close();
  }
}
