import type { MappingState, PortMapping, UnixSeconds } from '@hurricane/core';
import type { Carrier } from './carrier.js';
import type { Endpoint, ListenError, Way, Ways } from './contracts.js';
import { REOPEN_AFTER, REOPEN_AFTER_AT_MOST } from './limits.js';
import { endpointText, type MappingSpec } from './mapping-spec.js';
import type { Onward, Passage, PassageDeps } from './passage.js';
import { TcpCarrier } from './tcp-carrier.js';
import { UdpCarrier } from './udp-carrier.js';

export interface MappingOptions extends PassageDeps {
  readonly spec: MappingSpec;
  readonly since: UnixSeconds;
  readonly ways: Ways;
}

/**
 * One mapping: listens where it should, whatever the tunnels do.
 *
 * Level-triggered: `settle` looks at the tunnels and at what is open, and makes one match the other. Where it listened
 * before goes on for those that are connected.
 */
export class Mapping implements Passage {
  readonly since: UnixSeconds;
  readonly #options: MappingOptions;
  /** By the address they listen on. */
  readonly #carriers = new Map<string, Carrier>();
  #spec: MappingSpec;
  #active: Carrier | null = null;
  #fault: ListenError | null = null;
  #closed = false;
  #asked = false;
  #settling: Promise<void> | null = null;
  #retry: NodeJS.Timeout | null = null;
  #pause = REOPEN_AFTER;

  constructor(options: MappingOptions) {
    this.#options = options;
    this.#spec = options.spec;
    this.since = options.since;
  }

  get spec(): MappingSpec {
    return this.#spec;
  }

  /** Why its port is not open where it should be; null when it is, or should be nowhere. */
  get fault(): ListenError | null {
    return this.#fault;
  }

  /** Where it listens; null when it does not. */
  get at(): Endpoint | null {
    return this.#active?.at ?? null;
  }

  get origin(): string {
    return `mapping ${this.#spec.protocol} ${this.#spec.externalPort}`;
  }

  get proxyProtocol(): boolean {
    return this.#spec.proxyProtocol;
  }

  /** The same mapping goes by another name and description. */
  relabel({ name, description }: Pick<MappingSpec, 'name' | 'description'>): void {
    this.#spec = { ...this.#spec, name, description };
  }

  onward(at: Endpoint): Onward | null {
    const { direction, internalHost, internalPort, target } = this.#spec;
    if (direction === 'in') {
      const tunnel = this.#options.ways.now().find((way) => way.address === at.address)?.tunnel ?? null;
      return { to: { address: internalHost, port: internalPort }, source: null, tunnel };
    }
    const way = this.#way();
    if (way === null || target === null) return null;
    return { to: target, source: way.address, tunnel: way.tunnel };
  }

  onChange(listener: () => void): () => void {
    return this.#options.ways.onChange(listener);
  }

  /** Resolves once it listens where it should, or `fault` says why not. */
  settle(): Promise<void> {
    this.#asked = true;
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = null;
    });
    return this.#settling;
  }

  /** Listens no more. What goes through it goes on. */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    return this.settle();
  }

  view(): PortMapping {
    const { target, ...spec } = this.#spec;
    const { state, problem } = this.#state();
    const listensAt = spec.direction === 'in' ? (this.#active?.at.address ?? null) : null;
    return {
      protocol: spec.protocol,
      internalHost: spec.internalHost,
      internalPort: spec.internalPort,
      externalPort: spec.externalPort,
      v6Address: spec.v6Address === 'auto' ? (listensAt ?? this.#way()?.address ?? null) : spec.v6Address,
      auto: spec.v6Address === 'auto',
      direction: spec.direction,
      target: target === null ? null : endpointText(target),
      description: spec.description,
      name: spec.name,
      state,
      problem,
      since: this.since,
    };
  }

  async #settle(): Promise<void> {
    while (this.#asked) {
      this.#asked = false;
      const wanted = this.#closed ? null : this.#wanted();
      const taken = wanted === null ? null : await this.#take(wanted);
      // Where it cannot listen on the new address, it goes on with the old one for as long as that is there.
      const stays =
        taken === null && wanted !== null && this.#active !== null && this.#isThere(this.#active.at.address);
      if (!stays) this.#active = taken;
      for (const [address, carrier] of this.#carriers) {
        if (carrier !== this.#active) await carrier.rest();
        if (carrier.idle) this.#carriers.delete(address);
      }
    }
  }

  /** Null: it could not; `fault` says why, and it is tried again. */
  async #take(at: Endpoint): Promise<Carrier | null> {
    const carrier = this.#carriers.get(at.address) ?? this.#carrierAt(at);
    const taken = await carrier.take();
    this.#fault = taken.isErr() ? taken.error : null;
    if (taken.isErr()) {
      this.#tryAgain();
      return null;
    }
    this.#pause = REOPEN_AFTER;
    this.#carriers.set(at.address, carrier);
    if (carrier !== this.#active)
      this.#options.log.log('info', `${this.#title()} listens on ${endpointText(carrier.at)}`);
    return carrier;
  }

  #carrierAt(at: Endpoint): Carrier {
    const make = this.#spec.protocol === 'tcp' ? TcpCarrier : UdpCarrier;
    return new make(at, this, this.#options);
  }

  #tryAgain(): void {
    if (this.#closed) return;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.settle(), this.#pause);
    this.#retry.unref();
    this.#pause = Math.min(this.#pause * 2, REOPEN_AFTER_AT_MOST);
  }

  /** Where it should listen; null: nowhere at this moment. */
  #wanted(): Endpoint | null {
    const { direction, internalHost, internalPort, externalPort } = this.#spec;
    if (direction === 'out') return { address: internalHost, port: internalPort };
    const way = this.#way();
    if (way !== null) return { address: way.address, port: externalPort };
    // Between two primaries it stays where it is.
    const stays = this.#spec.v6Address === 'auto' && this.#active !== null && this.#isThere(this.#active.at.address);
    return stays ? { address: this.#active?.at.address ?? '', port: externalPort } : null;
  }

  /** The tunnel it goes by. */
  #way(): Way | null {
    const { v6Address } = this.#spec;
    const ways = this.#options.ways.now();
    return ways.find((way) => (v6Address === 'auto' ? way.primary : way.address === v6Address)) ?? null;
  }

  #isThere(address: string): boolean {
    return this.#spec.direction === 'out' || this.#options.ways.now().some((way) => way.address === address);
  }

  #state(): { readonly state: MappingState; readonly problem: string | null } {
    const { v6Address, direction, internalPort, externalPort } = this.#spec;
    const port = direction === 'in' ? externalPort : internalPort;
    if (this.#fault !== null && this.#fault.kind !== 'no_address')
      return { state: 'failed', problem: `The system did not open port ${port}: ${describeListenError(this.#fault)}.` };
    const listensBy = this.#options.ways.now().find((way) => way.address === this.#active?.at.address);
    const way = (direction === 'in' ? listensBy : undefined) ?? this.#way();
    if (way === null || this.#active === null) {
      const problem = v6Address === 'auto' ? 'No tunnel is the primary.' : `No tunnel has the address ${v6Address}.`;
      return { state: 'waiting', problem };
    }
    if (way.liveness === 'hard_down')
      return { state: 'unreachable', problem: `Nothing comes back through tunnel ${way.tunnel}.` };
    return { state: 'open', problem: null };
  }

  #title(): string {
    const { name, protocol, externalPort } = this.#spec;
    return `Mapping of ${protocol} port ${externalPort}${name === null ? '' : ` (${name})`}`;
  }
}

/** Completes "it was not opened: …". */
export function describeListenError(error: ListenError): string {
  switch (error.kind) {
    case 'taken':
      return 'another program has it';
    case 'not_permitted':
      return 'this process may not have it';
    case 'no_address':
      return 'its address is not there';
    case 'failed':
      return error.code;
  }
}
