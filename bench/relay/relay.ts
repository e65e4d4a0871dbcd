import { type MappingConfig, parseConfig } from '@hurricane/core';
import {
  EngineInUse,
  Faults,
  FlowTable,
  Mappings,
  Nonces,
  serveSocks5,
  socks5SettingsOf,
  type Way,
} from '@hurricane/relay';
import { errAsync, okAsync } from 'neverthrow';

// node relay.js PORT TCP UDP ADDRESS IFACE stream|native [low-latency]: what the daemon carries with that engine,
// without the daemon: mappings from [ADDRESS]:PORT to ports of 127.0.0.1, and the SOCKS5 proxy on 127.0.0.1:PORT.

const [port = 0, tcp = 0, udp = 0] = process.argv.slice(2, 5).map(Number);
const [address = '', iface = '', ...words] = process.argv.slice(5);
const wish = words.includes('native') ? 'native' : 'stream';

const way: Way = { tunnel: 'bench', iface, address, primary: true, liveness: 'alive' };
const all = [way];
const ways = { now: () => all, onChange: () => () => undefined };
const now = (): number => Math.floor(Date.now() / 1_000);
const log = { log: () => undefined };
/** All clients of the bench are one. */
const AT_MOST = 60_000;
const flows = new FlowTable({ ways, now, limit: AT_MOST, perClient: AT_MOST });
const terms = { log, lowLatency: words.includes('low-latency') };
const engine = new EngineInUse(terms);
await engine.choose(wish);
if (engine.name !== wish) throw new Error(`the ${wish} engine cannot be had here`);
const shared = { ways, flows, engine, log };

const mapping = (protocol: 'tcp' | 'udp', internalPort: number): MappingConfig => ({
  name: protocol,
  enabled: true,
  protocol,
  internalHost: '127.0.0.1',
  internalPort,
  externalPort: port,
  v6Address: 'auto',
  direction: 'in',
  target: null,
  proxyProtocol: false,
  description: null,
});
const mappings = new Mappings({
  ...shared,
  faults: new Faults(),
  nonces: new Nonces(),
  store: { load: () => okAsync({ mappings: [], setAside: null }), save: () => okAsync(undefined) },
  knock: () => errAsync({ reason: 'a bench' }),
  now,
  reserved: [],
});
await mappings.adopt([mapping('tcp', tcp), mapping('udp', udp)]);

const text = `[tunnel.he]\ntype = external\n[exposure.socks5]\nport = ${port}\nallow_destinations = 127.0.0.1\n`;
const settings = parseConfig(text).map(socks5SettingsOf);
if (settings.isErr()) throw new Error(JSON.stringify(settings.error));
const served = await serveSocks5({ ...shared, settings: settings.value });
if (served.isErr()) throw new Error(served.error.kind);
