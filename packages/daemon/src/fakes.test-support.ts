import { EventEmitter } from 'node:events';
import type { BackendDriver, Host, LinkReading, Logger, LogLevel } from '@hurricane/core';
import { ABSENT } from '@hurricane/core';
import { BearerToken, type ListenError, type Listener, type ServeOptions } from '@hurricane/http/node';
import { errAsync, ok, okAsync, ResultAsync } from 'neverthrow';
import type { ReadText } from './config-file.js';
import type { Outside } from './daemon.js';
import type { Log } from './log.js';
import { aborted, watchSignals } from './signals.js';

/** Two external tunnels; the smallest configuration that does something. */
export const TWO_TUNNELS = `
[tunnel.he]
type = external
iface = he0
v6_prefix = 2001:db8:1::2

[tunnel.wg]
type = external
iface = wg0
v6_prefix = 2001:db8:2::2
priority = 1
`;

/** A log that remembers its lines, and the level it was last set to. */
export interface RememberedLog extends Log {
  readonly lines: readonly string[];
  readonly level: LogLevel | null;
}

export function rememberedLog(): RememberedLog {
  const lines: string[] = [];
  let level: LogLevel | null = null;
  return {
    lines,
    get level() {
      return level;
    },
    log: ((at, message) => void lines.push(`${at}: ${message}`)) satisfies Logger['log'],
    setLevel: (next) => {
      level = next;
    },
    flush: () => Promise.resolve(),
  };
}

/** A host of external tunnels that remembers what was asked of it. */
export interface FakeHost extends Host {
  readonly asked: readonly string[];
}

/** @param stubborn tunnels that never go down. */
export function fakeHost(stubborn: readonly string[] = []): FakeHost {
  const asked: string[] = [];
  const up: LinkReading = { ...ABSENT, link: 'up', prefixLength: 64, carrier: 'existing interface' };
  const external: BackendDriver<'external'> = {
    type: 'external',
    up: (tunnel) => {
      asked.push(`up ${tunnel.name}`);
      return okAsync({ ...up, address: tunnel.address });
    },
    down: (tunnel, signal) => {
      asked.push(`down ${tunnel.name}`);
      if (stubborn.includes(tunnel.name)) return untilAborted(signal);
      return okAsync(undefined);
    },
    inspect: (tunnel) => okAsync({ ...up, address: tunnel.address }),
  };
  return {
    asked,
    drivers: { external },
    prober: { watch: (_plan, _report, signal) => untilAborted(signal) },
    routes: { apply: () => okAsync(undefined) },
    meter: { read: () => okAsync(new Map()) },
    close: async () => {
      asked.push('close');
    },
  };
}

/** A listening API that remembers whether it was closed. */
export interface FakeApi {
  readonly serve: (options: ServeOptions) => ResultAsync<Listener, ListenError>;
  readonly closed: () => boolean;
}

export function fakeApi(): FakeApi {
  let closed = false;
  return {
    closed: () => closed,
    serve: ({ bind, port }) =>
      okAsync({
        address: bind,
        port,
        url: `http://${bind}:${port}`,
        close: () => {
          closed = true;
          return okAsync({ cut: 0 });
        },
      }),
  };
}

/** A file that can be rewritten, or be missing. */
export interface FakeFile {
  readonly readText: ReadText;
  text: string | null;
}

export function fakeFile(text: string | null): FakeFile {
  const file: FakeFile = {
    text,
    readText: (name) => (file.text === null ? errAsync({ kind: 'file_missing', file: name }) : okAsync(file.text)),
  };
  return file;
}

/** Everything the daemon needs, all of it well. `signal` sends it one. */
export interface FakeOutside extends Outside {
  readonly log: RememberedLog;
  readonly signal: (name: NodeJS.Signals) => void;
}

export function fakeOutside(parts: Partial<Outside> = {}): FakeOutside {
  const source = new EventEmitter();
  return {
    signals: watchSignals(source),
    readText: fakeFile(TWO_TUNNELS).readText,
    exampleFile: () => '/etc/v6-gatewayd.conf.example',
    mayChangeNetwork: () => true,
    isInstalled: () => true,
    makeHost: () => fakeHost(),
    serve: fakeApi().serve,
    bind: (_server, { path }) => okAsync(path),
    serveSocket: ({ path }) => okAsync({ path, close: () => okAsync({ cut: 0 }) }),
    readToken: () => okAsync(BearerToken.of('0123456789abcdef')._unsafeUnwrap()),
    limits: { api: 50, relay: 50, gateway: 50, host: 50 },
    ...parts,
    log: rememberedLog(),
    signal: (name) => void source.emit(name),
  };
}

const untilAborted = (signal: AbortSignal): ResultAsync<void, never> =>
  new ResultAsync(aborted(signal).then(() => ok(undefined)));
