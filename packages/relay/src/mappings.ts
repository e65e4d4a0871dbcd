import {
  MAX_PORT_MAPPINGS,
  type MappingConfig,
  type PortError,
  type PortMapping,
  type PortMappingRequest,
  type PortMappings,
  type PortProbe,
  type PortProtocol,
  type UnixSeconds,
} from '@hurricane/core';
import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { Ways } from './contracts.js';
import type { FlowTable } from './flows.js';
import { Mapping } from './mapping.js';
import { addressRefusalOf, type HolderOf, portErrorOf, reservedIn, takenBy } from './mapping-errors.js';
import {
  carriesTheSame,
  configuredSpec,
  isSame,
  keyOf,
  type MappingSpec,
  requestOf,
  specOf,
  storedOf,
} from './mapping-spec.js';
import type { PassageDeps } from './passage.js';
import { type Knock, probeMapping } from './probe.js';
import type { MappingStore } from './store.js';

export interface MappingsOptions extends PassageDeps {
  readonly ways: Ways;
  readonly flows: FlowTable;
  readonly store: MappingStore;
  readonly knock: Knock;
  readonly now: () => UnixSeconds;
  /** Ports that are the gateway's own. */
  readonly reserved: readonly number[];
  /** Which program has a port, as it completes "taken by …"; null: it cannot be told. */
  readonly holderOf?: HolderOf;
}

/**
 * The table of port mappings, those of the configuration and those that programs ask for.
 *
 * The latter are kept in the store: `map` and `unmap` resolve once that is done. Whatever changes the table waits for
 * what was asked before.
 */
export class Mappings implements PortMappings {
  readonly #options: MappingsOptions;
  /** By protocol and external port. */
  readonly #table = new Map<string, Mapping>();
  readonly #leave: () => void;
  #last: Promise<unknown> = Promise.resolve();
  /** Nothing is opened any more. */
  #stopped = false;
  /** Why the store must not be written: something may be in it that could not be read. */
  #storeFault: string | null = null;

  constructor(options: MappingsOptions) {
    this.#options = options;
    this.#leave = options.ways.onChange(() => {
      for (const mapping of this.#table.values()) void mapping.settle();
    });
  }

  map(request: PortMappingRequest): ResultAsync<PortMapping, PortError> {
    return new ResultAsync(this.#inTurn(() => this.#map(request)));
  }

  unmap(protocol: PortProtocol, externalPort: number): ResultAsync<PortMapping, PortError> {
    return new ResultAsync(this.#inTurn(() => this.#unmap(protocol, externalPort)));
  }

  list(): ResultAsync<readonly PortMapping[], PortError> {
    const mappings = [...this.#table.values()].map((mapping) => mapping.view());
    return okAsync(mappings.sort((a, b) => a.since - b.since));
  }

  probe(protocol: PortProtocol, port: number): ResultAsync<PortProbe, PortError> {
    const mapping = this.#table.get(keyOf({ protocol, externalPort: port }));
    const unknown = { finding: 'unknown', vantage: null, latency: null } as const;
    if (mapping === undefined) {
      const note = `This gateway maps no ${protocol} port ${port}, and would not know if something arrived.`;
      return okAsync({ ...unknown, address: null, note });
    }
    const { v6Address, direction, problem } = mapping.view();
    const { at } = mapping;
    if (direction === 'out' || at === null) {
      const note =
        direction === 'out' ? 'This mapping leads out: nothing comes in by it.' : (problem ?? 'It is closed.');
      return okAsync({ ...unknown, address: v6Address, note });
    }
    const { ways, nonces, knock } = this.#options;
    return new ResultAsync(probeMapping({ protocol, at, ways, nonces, knock }).then((found) => ok(found)));
  }

  /** Makes the mappings of the configuration what it says; those that it does not change are not touched. */
  adopt(configured: readonly MappingConfig[]): Promise<void> {
    return this.#inTurn(() => this.#adopt(configured.filter(({ enabled }) => enabled).map(configuredSpec)));
  }

  /** Brings back what programs had asked for before a restart. To be called once, before everything else. */
  restore(): Promise<void> {
    return this.#inTurn(() => this.#restore());
  }

  /** Takes no new clients. What goes through goes on. */
  stop(): Promise<void> {
    this.#leave();
    this.#stopped = true;
    return this.#inTurn(async () => {
      await Promise.all([...this.#table.values()].map((mapping) => mapping.close()));
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #map(request: PortMappingRequest): Promise<Result<PortMapping, PortError>> {
    const asked = specOf(request);
    if (asked.isErr()) return err(asked.error);
    const spec = asked.value;
    const key = keyOf(spec);
    const there = this.#table.get(key);
    if (there !== undefined && isSame(there.spec, spec)) return ok(there.view());
    const refusal = there === undefined ? this.#refusalOf(spec) : takenBy(there.spec);
    if (refusal !== null) return err(refusal);
    const mapping = this.#open(spec, this.#options.now());
    await mapping.settle();
    if (mapping.fault !== null) {
      await mapping.close();
      return err(await portErrorOf(spec, mapping.fault, this.#options.holderOf));
    }
    this.#table.set(key, mapping);
    const saved = await this.#save();
    if (saved.isOk()) return ok(mapping.view());
    await this.#remove(mapping);
    return err(saved.error);
  }

  async #unmap(protocol: PortProtocol, externalPort: number): Promise<Result<PortMapping, PortError>> {
    const mapping = this.#table.get(keyOf({ protocol, externalPort }));
    if (mapping === undefined) return err({ kind: 'unknown_mapping', protocol, externalPort });
    const { name } = mapping.spec;
    if (name !== null) return err({ kind: 'mapping_configured', name });
    const view = mapping.view();
    this.#table.delete(keyOf(mapping.spec));
    const saved = await this.#save();
    if (saved.isErr()) {
      this.#table.set(keyOf(mapping.spec), mapping);
      return err(saved.error);
    }
    await this.#remove(mapping);
    return ok(view);
  }

  async #adopt(wanted: readonly MappingSpec[]): Promise<void> {
    if (this.#stopped) return;
    const staysAs = (mapping: Mapping): MappingSpec | undefined =>
      wanted.find((spec) => carriesTheSame(spec, mapping.spec));
    for (const mapping of [...this.#table.values()])
      if (mapping.spec.name !== null && staysAs(mapping) === undefined) await this.#remove(mapping);
    let displaced = false;
    for (const spec of wanted) {
      const there = this.#table.get(keyOf(spec));
      if (there !== undefined && carriesTheSame(there.spec, spec)) {
        displaced ||= there.spec.name === null;
        there.relabel(spec);
        continue;
      }
      if (there !== undefined) {
        this.#log(
          'warn',
          `The configured mapping "${spec.name}" takes the place of a mapping of ${keyOf(spec)} that a program made`,
        );
        displaced = true;
        await this.#remove(there);
      }
      await this.#bringUp(this.#open(spec, this.#options.now()));
    }
    // A mapping that has become the configuration's, or gave way to it, is kept there and not here.
    const saved = displaced ? await this.#save() : ok(undefined);
    if (saved.isErr()) this.#log('error', 'Port mappings cannot be kept over a restart', saved.error);
  }

  async #restore(): Promise<void> {
    const loaded = await this.#options.store.load();
    if (loaded.isErr()) {
      this.#storeFault = loaded.error.code;
      this.#log('error', `The port mappings of before cannot be read (${loaded.error.code}): none is taken on`);
      return;
    }
    const { mappings, setAside } = loaded.value;
    if (setAside !== null)
      this.#log('error', `The file of port mappings was damaged: it is kept as ${setAside}, and none is taken on`);
    for (const stored of mappings) {
      const spec = specOf(requestOf(stored));
      if (spec.isOk()) await this.#bringUp(this.#open(spec.value, stored.since));
    }
  }

  /** Takes it into the table, open or not: it opens when it can. */
  async #bringUp(mapping: Mapping): Promise<void> {
    if (this.#stopped) return;
    if (this.#table.size >= MAX_PORT_MAPPINGS) {
      this.#log('error', `Mapping of ${keyOf(mapping.spec)}: there are ${MAX_PORT_MAPPINGS} already`);
      return;
    }
    this.#table.set(keyOf(mapping.spec), mapping);
    await mapping.settle();
    const { state, problem } = mapping.view();
    if (state === 'failed') this.#log('warn', `Mapping of ${keyOf(mapping.spec)}: ${problem ?? ''}`);
  }

  #open(spec: MappingSpec, since: UnixSeconds): Mapping {
    return new Mapping({ ...this.#options, spec, since });
  }

  async #remove(mapping: Mapping): Promise<void> {
    if (this.#table.get(keyOf(mapping.spec)) === mapping) this.#table.delete(keyOf(mapping.spec));
    await mapping.close();
    this.#options.flows.end('stopped', ({ origin }) => origin === mapping.origin);
  }

  #refusalOf(spec: MappingSpec): PortError | null {
    if (this.#table.size >= MAX_PORT_MAPPINGS) return { kind: 'too_many_mappings', limit: MAX_PORT_MAPPINGS };
    return reservedIn(spec, this.#options.reserved) ?? addressRefusalOf(spec, this.#options.ways.now());
  }

  #save(): ResultAsync<void, PortError> {
    if (this.#storeFault !== null) return errAsync({ kind: 'failed', code: this.#storeFault });
    const made = [...this.#table.values()].filter(({ spec }) => spec.name === null);
    return this.#options.store
      .save(made.map((mapping) => storedOf(mapping.spec, mapping.since)))
      .mapErr(({ code }) => ({ kind: 'failed', code }));
  }

  #log(level: 'warn' | 'error', message: string, fields?: PortError): void {
    this.#options.log.log(level, message, fields === undefined ? undefined : { ...fields });
  }
}
