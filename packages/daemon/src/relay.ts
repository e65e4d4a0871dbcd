import { join } from 'node:path';
import type { Config, Gateway, Millis, PortMappings } from '@hurricane/core';
import type { FlowSource } from '@hurricane/http';
import {
  describeSocks5Error,
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
  streamEngine,
  waysOf,
} from '@hurricane/relay';
import { okAsync, ResultAsync } from 'neverthrow';
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
  /** To be called once, before the gateway starts: from then on it follows the tunnels. */
  begin(): ResultAsync<void, Socks5Error>;
  /** Takes on another configuration. What that does not change is not touched. */
  reload(config: Config): Promise<void>;
  /** Takes no new clients at once, and ends those that have not finished after `limit`. */
  stop(limit: Millis): Promise<void>;
}

/** Where the mappings that programs have asked for are kept, in `state_dir`. */
const PORTS_FILE = 'ports.json';

/** One thing the relay offers, from `begin` to `stop`. */
type Service = Pick<Relay, 'reload'> & { stop(): Promise<void> };

/** Null in kernel mode, where programs use the tunnels by themselves. */
export function relayFor(options: RelayOptions): Relay | null {
  const { gateway, config, log } = options;
  const { mode } = config.exposure;
  if (mode === 'kernel') return null;
  const now = (): number => gateway.clock.wall();
  const ways = waysOf(gateway);
  const { maxFlows: limit, maxFlowsPerClient: perClient } = config.relay;
  const table = new FlowTable({ ways, now, limit, perClient });
  const faults = new Faults();
  const shared = { ways, flows: table, engine: streamEngine(), faults, log, now };
  const ports = mode === 'proxy' ? mappingsOf(options, shared) : null;
  // The SOCKS5 server is one more service here: it takes `shared` and its settings from the configuration.
  const services: readonly Service[] = ports === null ? [] : [mappingService(ports, config)];
  return {
    flows: { list: () => table.list(), totals: () => table.totals(), faults: () => faults.list() },
    ...(ports === null ? {} : { ports }),
    begin: () => each(services, (service) => service.begin()),
    reload: (next) => each(services, (service) => service.reload(next)),
    stop: async (limit) => {
      await each(services, (service) => service.stop());
      const cut = await table.drain(limit);
      if (cut > 0) log.log('info', `Ended ${cut} connection${cut === 1 ? '' : 's'} through the relay`);
      table.close();
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

function mappingService(mappings: Mappings, started: Config): Service {
  return {
    begin: async () => {
      await mappings.restore();
      await mappings.adopt(started.mappings);
    },
    reload: (config) => mappings.adopt(config.mappings),
    stop: () => mappings.stop(),
  };
}

async function each(services: readonly Service[], work: (service: Service) => Promise<void>): Promise<void> {
  for (const service of services) await work(service);
}
