import { readFileSync } from 'node:fs';
import { parseConfig, systemClock } from '@hurricane/core';
import { EngineInUse, FlowTable, serveSocks5, socks5SettingsOf, type Way, type Ways } from '@hurricane/relay';
import { aDnsServer } from '../../packages/relay/src/names/dns-server.test-support.js';

// The proxy in a process of its own, so that it can stand in a namespace: started with one argument, JSON of
// `Started`. Says `ready` once it listens; reads the ways again at SIGHUP, and says so.

export interface Started {
  /** The text of a configuration. */
  readonly config: string;
  readonly engine: 'stream' | 'native';
  /** A file with the JSON of the ways there are. */
  readonly ways: string;
  /** What its own name server says; a name that is missing does not exist. */
  readonly names: Readonly<Record<string, readonly string[]>>;
}

const log = {
  log: (level: string, message: string, fields?: object) => console.log(level, message, JSON.stringify(fields ?? {})),
};
const started = JSON.parse(process.argv[2] ?? '') as Started;
const engine = new EngineInUse({ log });
await engine.choose(started.engine);
if (engine.name !== started.engine) throw new Error(`the ${started.engine} engine cannot be had here`);
const readWays = (): readonly Way[] => JSON.parse(readFileSync(started.ways, 'utf8')) as readonly Way[];

const server = await aDnsServer(({ name, type }) => {
  const addresses = started.names[name];
  if (addresses === undefined) return { kind: 'rcode', rcode: 3 };
  return { kind: 'addresses', addresses: addresses.filter((a) => a.includes(':') === (type === 'AAAA')) };
});

let now = readWays();
const listeners = new Set<() => void>();
const ways: Ways = {
  now: () => now,
  onChange(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

const flows = new FlowTable({ ways, now: () => Math.floor(Date.now() / 1_000) });

process.on('SIGHUP', () => {
  now = readWays();
  for (const listener of [...listeners]) listener();
  console.log(`ways ${now.map(({ tunnel, liveness }) => `${tunnel}=${liveness}`).join(' ')}`);
});

const config = parseConfig(started.config)._unsafeUnwrap();
const served = await serveSocks5({
  engine,
  ways,
  flows,
  settings: { ...socks5SettingsOf(config), resolver: [server.place] },
  clock: systemClock,
  log,
});
console.log(served.isOk() ? 'ready' : `failed ${JSON.stringify(served.error)}`);
