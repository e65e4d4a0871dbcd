import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { MCP_DEFAULTS, type Millis } from '@hurricane/core';
import { type ConfigFault, loadConfig, type ReadText } from './config-file.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { DEFAULT_CONFIG_FILE } from './invocation.js';
import { mcpPlaces } from './mcp-places.js';
import { describeConfigFault, exitCodeOf } from './start-error.js';

export interface BridgeOptions {
  /** Null: the default one, which need not be there. */
  readonly configFile: string | null;
  /** Null: the one the configuration names. */
  readonly socket: string | null;
}

export interface BridgeOutside {
  readonly readText: ReadText;
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** One line for people. */
  readonly err: (line: string) => void;
  /** Ends it. */
  readonly stop: AbortSignal;
}

/** A daemon on this machine takes a connection at once; one that is very busy, in a moment. */
const CONNECT_LIMIT: Millis = 5_000;

/**
 * `mcp`: joins standard input and output to the daemon's MCP socket, byte for byte, so that a client that starts
 * programs needs nothing else. Ends when either side does; what was asked before the end is still answered.
 */
export async function bridgeMcp(options: BridgeOptions, outside: BridgeOutside): Promise<ExitCode> {
  const places = await placesOf(options, outside.readText);
  if ('fault' in places) {
    for (const sentence of describeConfigFault(places.fault)) outside.err(sentence);
    return exitCodeOf(places.fault);
  }
  let first: NodeJS.ErrnoException | null = null;
  for (const path of places.paths) {
    const made = await connected(path);
    if (!(made instanceof Error)) return join(made, outside);
    first ??= made;
  }
  outside.err(unreachable(places.paths[0] ?? '', first));
  return first?.code === 'EACCES' ? EXIT.noPermission : EXIT.unavailable;
}

type Places = { readonly paths: readonly string[] } | { readonly fault: ConfigFault };

/** Whoever may use the socket need not be able to read the configuration, which names it. */
async function placesOf({ configFile, socket }: BridgeOptions, readText: ReadText): Promise<Places> {
  if (socket !== null) return { paths: [socket] };
  const config = await loadConfig(configFile ?? DEFAULT_CONFIG_FILE, readText);
  if (config.isOk()) return { paths: mcpPlaces(config.value.mcp.socket) };
  const unread = configFile === null && ['file_missing', 'file_forbidden'].includes(config.error.kind);
  return unread ? { paths: mcpPlaces(MCP_DEFAULTS.socket) } : { fault: config.error };
}

function connected(path: string): Promise<Socket | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const socket = connect({ path, allowHalfOpen: true });
    const late = setTimeout(() => settle(Object.assign(new Error('too late'), { code: 'ETIMEDOUT' })), CONNECT_LIMIT);
    const failed = (error: Error): void => settle(error);
    const settle = (made: Socket | NodeJS.ErrnoException): void => {
      clearTimeout(late);
      socket.off('error', failed);
      if (made !== socket) socket.destroy();
      resolve(made);
    };
    socket.once('connect', () => settle(socket));
    socket.once('error', failed);
  });
}

function join(socket: Socket, { stdin, stdout, err, stop }: BridgeOutside): Promise<ExitCode> {
  return new Promise((resolve) => {
    let lost: string | null = null;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      lost = error.code ?? error.message;
    });
    socket.once('close', () => {
      stdin.unpipe(socket);
      if (lost !== null && !stop.aborted) err(`the connection to the daemon is lost (${lost})`);
      resolve(lost === null || stop.aborted ? EXIT.ok : EXIT.unavailable);
    });
    // The daemon has said all: there is nothing to ask any more.
    socket.once('end', () => socket.destroySoon());
    stdout.on('error', () => socket.destroy());
    stop.addEventListener('abort', () => socket.destroy());
    if (stop.aborted) socket.destroy();
    stdin.pipe(socket);
    socket.pipe(stdout, { end: false });
  });
}

function unreachable(path: string, error: NodeJS.ErrnoException | null): string {
  switch (error?.code) {
    case 'EACCES':
      return `not permitted to use ${path}: it belongs to the daemon's own user, so run this as root (sudo)`;
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `no daemon listens on ${path}: start v6-gatewayd, and see that [mcp] enabled is on`;
    default:
      return `cannot connect to ${path} (${error?.code ?? 'unknown'})`;
  }
}
