import type { MappingConfig } from '@hurricane/core';
import { EngineInUse, Faults, FlowTable, Mappings, Nonces, type Way } from '@hurricane/relay';
import { errAsync, okAsync } from 'neverthrow';

// node relay.js PORT TARGET stream|native: a mapping from [::1]:PORT to 127.0.0.1:TARGET, as the daemon has it.

const [externalPort = 0, internalPort = 0] = process.argv.slice(2).map(Number);
const wish = process.argv[4] === 'native' ? 'native' : 'stream';

const way: Way = { tunnel: 'lo', iface: 'lo', address: '::1', primary: true, liveness: 'alive' };
const ways = { now: () => [way], onChange: () => () => undefined };
const now = (): number => Math.floor(Date.now() / 1_000);
const quiet = { log: () => undefined };

const engine = new EngineInUse({ log: { log: (_, message) => console.error(message) } });
await engine.choose(wish);
if (engine.name !== wish) throw new Error(`the ${wish} engine cannot be had here`);

const mapping: MappingConfig = {
  name: 'bench',
  enabled: true,
  protocol: 'tcp',
  internalHost: '127.0.0.1',
  internalPort,
  externalPort,
  v6Address: 'auto',
  direction: 'in',
  target: null,
  proxyProtocol: false,
  description: null,
};
const mappings = new Mappings({
  ways,
  engine,
  flows: new FlowTable({ ways, now }),
  faults: new Faults(),
  nonces: new Nonces(),
  log: quiet,
  store: { load: () => okAsync({ mappings: [], setAside: null }), save: () => okAsync(undefined) },
  knock: () => errAsync({ reason: 'a bench' }),
  now,
  reserved: [],
});
await mappings.adopt([mapping]);
const [{ state, problem } = { state: 'failed', problem: null }] = (await mappings.list()).unwrapOr([]);
if (state !== 'open') throw new Error(problem ?? state);
