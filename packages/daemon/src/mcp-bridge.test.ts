import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { errAsync, okAsync } from 'neverthrow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReadText } from './config-file.js';
import { TWO_TUNNELS } from './fakes.test-support.js';
import { type BridgeOptions, bridgeMcp } from './mcp-bridge.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bridge-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the bridge for assistants', () => {
  it('passes bytes both ways, and what was asked before the end is still answered', async () => {
    const server = await echoAfterEnd();
    const { stdin, out, done } = bridge({ socket: server.path });

    stdin.write('one\n');
    stdin.end('two');

    expect(await done).toBe(0);
    expect(await out()).toBe('one\ntwo');
    server.close();
  });

  it('ends when the daemon does', async () => {
    const server = await listening((socket) => socket.end('bye'));
    const { out, done } = bridge({ socket: server.path });

    expect(await done).toBe(0);
    expect(await out()).toBe('bye');
    server.close();
  });

  it('finds the socket that the configuration names', async () => {
    const server = await listening((socket) => socket.end('here'));
    const readText: ReadText = () => okAsync(`${TWO_TUNNELS}\n[mcp]\nsocket = ${server.path}\n`);
    const { out, done } = bridge({ configFile: 'my.conf' }, readText);

    expect(await done).toBe(0);
    expect(await out()).toBe('here');
    server.close();
  });

  it('says that no daemon is there', async () => {
    const { said, done } = bridge({ socket: join(folder, 'none') });

    expect(await done).toBe(69);
    expect(said).toEqual([expect.stringContaining('no daemon listens on')]);
  });

  it('says what is wrong with a configuration that was named', async () => {
    const readText: ReadText = (file) => errAsync({ kind: 'file_missing', file });
    const { said, done } = bridge({ configFile: 'my.conf' }, readText);

    expect(await done).toBe(78);
    expect(said).toEqual(['There is no configuration file my.conf']);
  });

  it('ends at a signal', async () => {
    const server = await listening(() => undefined);
    const stop = new AbortController();
    const { done } = bridge({ socket: server.path }, undefined, stop.signal);

    stop.abort();

    expect(await done).toBe(0);
    server.close();
  });
});

function bridge(
  options: Partial<BridgeOptions>,
  readText: ReadText = (file) => errAsync({ kind: 'file_missing', file }),
  stop: AbortSignal = new AbortController().signal,
) {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const said: string[] = [];
  const err = (line: string): void => void said.push(line);
  const done = bridgeMcp({ configFile: null, socket: null, ...options }, { readText, stdin, stdout, err, stop });
  const out = async (): Promise<string> => {
    stdout.end();
    return (await stdout.toArray()).join('');
  };
  return { stdin, said, done, out };
}

async function listening(welcome: (socket: Socket) => void): Promise<Server & { readonly path: string }> {
  const path = join(folder, 's');
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    welcome(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return Object.assign(server, { path });
}

/** Says nothing before the other side has said all. */
function echoAfterEnd(): Promise<Server & { readonly path: string }> {
  return listening((socket) => {
    const heard: Buffer[] = [];
    socket.on('data', (chunk) => heard.push(chunk));
    socket.on('end', () => socket.end(Buffer.concat(heard)));
  });
}
