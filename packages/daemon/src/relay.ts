import { join } from 'node:path';
import type { Config, Gateway, Millis, PortMappings } from '@hurricane/core';
import type { FlowSource } from '@hurricane/http';
import {
  describeSocks5Error,
  EngineInUse,
  Faults,
  FlowTable,
  fileStore,
  type HolderOf,
  type Knock,
  Mappings,
  Nonces,
  type Socks5Error,
  type Socks5Server,
  serveSocks5,
  socks5SettingsOf,
  waysOf,
} from '@hurricane/relay';
import { err, ok, type Result } from 'neverthrow';
import type { Log } from './log.js';

/** What the relay needs of the world outside, beside sockets. */
export interface RelayOutside {
  readonly knock: Knock;
  readonly holderOf: HolderOf;
}

export interface RelayOptions extends RelayOutside {
  readonly gateway: Gateway;
  readonly config: Config;
  readonly log: Log;
}

/** What carries bytes for programs, in the modes that ask for it. */
export interface Relay {
  /** For the API. */
  readonly flows: FlowSource;
  readonly ports?: PortMappings;
  /** To be called once, before the gateway starts: from then on it follows the tunnels. Err: nothing of it is open. */
  begin(): Promise<Result<void, Socks5Error>>;
  /** Takes on another configuration. What that does not change is not touched. */
  reload(config: Config): Promise<void>;
  /** Takes no new clients at once, and ends those that have not finished after `limit`. */
  stop(limit: Millis): Promise<void>;
}

/** Where the mappings that programs have asked for are kept, in `state_dir`. */
const PORTS_FILE = 'ports.json';

/** One thing the relay offers, once it has begun. */
type Service = Pick<Relay, 'reload'> & { stop(): Promise<void> };

/** Null where programs use the tunnels by themselves: in kernel mode, without a proxy beside it. */
export function relayFor(options: RelayOptions): Relay | null {
  const { gateway, config, log } = options;
  const { mode, socks5 } = config.exposure;
  if (mode === 'kernel' && !socks5.enabled) return null;
  const now = (): number => gateway.clock.wall();
  const ways = waysOf(gateway);
  const { maxFlows: limit, maxFlowsPerClient: perClient, lowLatency } = config.relay;
  const table = new FlowTable({ ways, now, limit, perClient });
  const faults = new Faults();
  const engine = new EngineInUse({ log, lowLatency });
  const shared = { ways, flows: table, engine, faults, log, now };
  const ports = mode === 'proxy' ? mappingsOf(options, shared) : null;
  const services: Service[] = [];
  let proxy: Socks5Server | null = null;
  return {
    flows: {
      list: () => table.list(),
      totals: () => table.totals(),
      faults: () => faults.list(),
      engine: () => engine.name,
      socks5: () => proxy?.counts() ?? null,
    },
    ...(ports === null ? {} : { ports }),
    begin: async () => {
      await engine.choose(config.relay.engine);
      if (socks5.enabled) {
        const served = await serveSocks5({ ...shared, settings: socks5SettingsOf(config) });
        if (served.isErr()) return err(served.error);
        proxy = served.value;
        services.push(proxyService(proxy, log));
      }
      if (ports !== null) services.push(await mappingService(ports, config));
      return ok(undefined);
    },
    reload: (next) => each(services, (service) => service.reload(next)),
    stop: async (limit) => {
      await each(services, (service) => service.stop());
      const cut = await table.drain(limit);
      if (cut > 0) log.log('info', `Ended ${cut} connection${cut === 1 ? '' : 's'} through the relay`);
      table.close();
      await engine.close();
    },
  };
}

type Shared = Pick<ConstructorParameters<typeof Mappings>[0], 'ways' | 'flows' | 'engine' | 'faults' | 'log' | 'now'>;

function mappingsOf({ config, knock, holderOf }: RelayOptions, shared: Shared): Mappings {
  const { core, exposure } = config;
  const store = fileStore(join(core.stateDir, PORTS_FILE), shared.now);
  const reserved = [core.apiPort, exposure.socks5.port];
  return new Mappings({ ...shared, nonces: new Nonces(), store, reserved, knock, holderOf });
}

async function mappingService(mappings: Mappings, started: Config): Promise<Service> {
  await mappings.restore();
  await mappings.adopt(started.mappings);
  return { reload: (config) => mappings.adopt(config.mappings), stop: () => mappings.stop() };
}

/** Where it listens stays as it was at the start; its users may change. */
function proxyService(server: Socks5Server, log: Log): Service {
  const { address, port } = server.local;
  log.log('info', `SOCKS5 proxy listens on ${address.includes(':') ? `[${address}]` : address}:${port}`);
  return {
    reload: () =>
      server.reload().match(
        () => undefined,
        (fault) => log.log('error', `${describeSocks5Error({ kind: 'users', fault })}: its users stay as they were`),
      ),
    // Connections that it has joined are the flow table's to end, after this.
    stop: () => {
      void server.close();
      return Promise.resolve();
    },
  };
}

async function each(services: readonly Service[], work: (service: Service) => Promise<void>): Promise<void> {
  for (const service of services) await work(service);
}
