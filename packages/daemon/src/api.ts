import { addressKind, type CoreConfig, type Millis } from '@hurricane/core';
import type { AccessOptions } from '@hurricane/http';
import type {
  Closed,
  ListenError,
  Listener,
  ServeOptions,
  ServeSocketOptions,
  SocketListener,
} from '@hurricane/http/node';
import { err, ok, okAsync, type Result, ResultAsync } from 'neverthrow';
import type { ConfigFault, ReadText } from './config-file.js';
import { GROUP_FILE, groupId } from './group.js';
import type { Log } from './log.js';
import { describeTokenFault, type ReadToken, type TokenFault } from './token-file.js';

/** Why the API does not run. */
export type ApiError =
  | { readonly kind: 'no_api'; readonly error: ListenError }
  | { readonly kind: 'no_token'; readonly fault: TokenFault }
  /** `fault`: why the list of groups could not be read; null when it could. */
  | { readonly kind: 'no_group'; readonly group: string; readonly fault: ConfigFault | null };

/** Where the API listens, by TCP and perhaps by a Unix socket. */
export interface Api {
  /** For people: a URL, then perhaps a path. */
  readonly places: readonly string[];
  close(limit: Millis): ResultAsync<Closed, never>;
  /** Reads the token file again. One that is not fit leaves the old token in force, and is told in the log. */
  rereadToken(): Promise<void>;
}

export interface ApiOptions {
  readonly core: CoreConfig;
  readonly makeApp: (access: AccessOptions) => ServeOptions['app'];
  readonly onDefect: (defect: unknown) => void;
  readonly log: Log;
  readonly readText: ReadText;
  readonly readToken: ReadToken;
  readonly serve: (options: ServeOptions) => ResultAsync<Listener, ListenError>;
  readonly serveSocket: (options: ServeSocketOptions) => ResultAsync<SocketListener, ListenError>;
}

/** Begins to listen wherever the configuration says, or nowhere. */
export async function openApi(options: ApiOptions): Promise<Result<Api, ApiError>> {
  const { core, makeApp, onDefect, serve, serveSocket } = options;
  const token = await tokenOf(options);
  if (token.isErr()) return err(token.error);
  const group = await groupOf(options);
  if (group.isErr()) return err(group.error);
  const app = makeApp({
    trustedHosts: core.apiTrustedHosts,
    allowOrigins: core.apiAllowOrigin,
    ...(token.value === null ? {} : { token: token.value.rule }),
  });
  // The port comes first: whoever has it is the one gateway of this machine, and may clear a stale socket away.
  const tcp = await serve({ app, bind: core.apiBind, port: core.apiPort, onDefect });
  if (tcp.isErr()) return err({ kind: 'no_api', error: tcp.error });
  const listeners: (Listener | SocketListener)[] = [tcp.value];
  if (core.apiSocket !== null) {
    const socket = await serveSocket({ app, path: core.apiSocket, group: group.value, onDefect });
    if (socket.isErr()) {
      await tcp.value.close(0);
      return err({ kind: 'no_api', error: socket.error });
    }
    listeners.push(socket.value);
  }
  return ok({
    places: listeners.map((listener) => ('url' in listener ? listener.url : listener.path)),
    close: (limit) =>
      ResultAsync.combine(listeners.map((listener) => listener.close(limit))).map((all) => ({
        cut: all.reduce((sum, closed) => sum + closed.cut, 0),
      })),
    rereadToken: token.value?.reread ?? (() => Promise.resolve()),
  });
}

interface LiveToken {
  readonly rule: NonNullable<AccessOptions['token']>;
  readonly reread: () => Promise<void>;
}

/** Null where the configuration names no token file. */
async function tokenOf({ core, readToken, log }: ApiOptions): Promise<Result<LiveToken | null, ApiError>> {
  const file = core.apiTokenFile;
  if (file === null) return ok(null);
  const first = await readToken(file);
  if (first.isErr()) return err({ kind: 'no_token', fault: first.error });
  let token = first.value;
  return ok({
    rule: { matches: (presented) => token.matches(presented), forReads: addressKind(core.apiBind) !== 'loopback' },
    reread: async () => {
      const next = await readToken(file);
      if (next.isErr())
        return log.log('error', `${describeTokenFault(next.error)}; the token from before stays in force`);
      token = next.value;
      log.log('info', `The API token has been read again from ${file}`);
    },
  });
}

function groupOf({ core, readText }: ApiOptions): ResultAsync<number | null, ApiError> {
  const group = core.apiSocketGroup;
  if (core.apiSocket === null || group === null) return okAsync(null);
  if (typeof group === 'number') return okAsync(group);
  return readText(GROUP_FILE)
    .mapErr((fault): ApiError => ({ kind: 'no_group', group, fault }))
    .andThen((text) => groupId(group, text).mapErr((): ApiError => ({ kind: 'no_group', group, fault: null })));
}
