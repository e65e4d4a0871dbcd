import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { err, ok } from 'neverthrow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Forwarder, forward, onFreePort } from './forwarder.js';

describe('a forwarder', () => {
  let folder: string;
  let echo: Server;
  let open: Forwarder[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forwarder-'));
    // Answers only once the asker has said all: half of a connection has to stay open.
    echo = createServer({ allowHalfOpen: true }, (socket) => {
      const parts: Buffer[] = [];
      socket.on('data', (part) => parts.push(Buffer.from(part)));
      socket.on('end', () => socket.end(Buffer.concat(parts)));
    });
    echo.listen({ host: '127.0.0.1', port: 0 });
    await once(echo, 'listening');
    open = [];
  });
  afterEach(async () => {
    await Promise.all(open.map((each) => each.close()));
    echo.close();
    await rm(folder, { recursive: true });
  });

  it('carries bytes both ways, through a socket for its user alone and a port', async () => {
    const path = join(folder, 'door.sock');
    const { port } = echo.address() as AddressInfo;
    const inner = (await forward({ path }, { host: '127.0.0.1', port }))._unsafeUnwrap();
    const outer = (await forward({ host: '127.0.0.1', port: 0 }, { path }))._unsafeUnwrap();
    open = [inner, outer];
    const message = 'x'.repeat(500_000);

    const answer = await ask(connect({ host: '127.0.0.1', port: outer.port ?? 0 }), message);

    expect(answer).toBe(message);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(inner.port).toBeNull();
  });

  it('hangs up when nobody is at the other end', async () => {
    const door = (await forward({ host: '127.0.0.1', port: 0 }, { path: join(folder, 'none.sock') }))._unsafeUnwrap();
    open = [door];

    expect(await ask(connect({ host: '127.0.0.1', port: door.port ?? 0 }), 'hello')).toBe('');
  });

  it('ends what is under way when it is closed', async () => {
    const { port } = echo.address() as AddressInfo;
    const door = (await forward({ host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port }))._unsafeUnwrap();
    const client = connect({ host: '127.0.0.1', port: door.port ?? 0 });
    await once(client, 'connect');

    await Promise.all([door.close(), once(client, 'close')]);
  });
});

describe('looking for a free port', () => {
  it('takes the first after the wanted one that is not taken', async () => {
    const found = await onFreePort(8642, async (port) => (port < 8645 ? err('taken') : ok(port)));

    expect(found._unsafeUnwrap()).toBe(8645);
  });

  it('takes any when all of those are taken, and does not leave the range of ports', async () => {
    const asked: number[] = [];
    const found = await onFreePort(65_530, async (port) => {
      asked.push(port);
      return port === 0 ? ok(port) : err('taken');
    });

    expect(found.isOk()).toBe(true);
    expect(asked).toEqual([65_530, 65_531, 65_532, 65_533, 65_534, 65_535, 0]);
  });

  it('gives up at once when the port is not the trouble', async () => {
    const problem = { kind: 'system', doing: 'listen', code: 'EMFILE' } as const;

    expect((await onFreePort(8642, async () => err(problem)))._unsafeUnwrapErr()).toBe(problem);
  });
});

async function ask(socket: Socket, message: string): Promise<string> {
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += String(text);
  });
  socket.on('error', () => undefined);
  socket.end(message);
  await once(socket, 'close');
  return answer;
}
