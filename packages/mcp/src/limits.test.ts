import { describe, expect, it, vi } from 'vitest';
import type { McpLimits } from './limits.js';
import { LineClient, mcpStage, type Served, served } from './testing-stage.test-support.js';

describe('a client that takes more than its share', () => {
  it('is not read from while it reads nothing, and has all its answers once it does', async () => {
    await withLimits({ maxBacklog: 200_000 }, async (server) => {
      const late = await LineClient.to(server.path);
      await late.initialize();
      late.socket.pause();

      for (let id = 0; id < 200; id += 1) late.send({ jsonrpc: '2.0', method: 'tools/list', id });
      const other = await LineClient.to(server.path);
      await other.initialize();
      for (let i = 0; i < 20; i += 1) await other.ask('ping');
      late.socket.resume();

      for (let id = 0; id < 200; id += 1) expect((await late.next())?.['id']).toBe(id);
      late.close();
      other.close();
    });
  });

  it('is cut when it reads nothing for too long', async () => {
    await withLimits({ stallTimeout: 300 }, async (server) => {
      const deaf = await LineClient.to(server.path);
      await deaf.initialize();
      deaf.socket.pause();

      // Each answer is some 20 kB: the kernels' buffers are full after a few.
      const listing = { jsonrpc: '2.0', method: 'tools/list' };
      for (let id = 0; id < 2_000; id += 1) deaf.send({ ...listing, id });

      await vi.waitFor(() => expect(server.server.connections).toBe(0), 5_000);
      deaf.close();
    });
  });

  it('does not hold the others up meanwhile', async () => {
    await withLimits({}, async (server) => {
      const deaf = await LineClient.to(server.path);
      await deaf.initialize();
      deaf.socket.pause();
      for (let id = 0; id < 2_000; id += 1) deaf.send({ jsonrpc: '2.0', method: 'tools/list', id });
      const other = await LineClient.to(server.path);

      await other.initialize();
      expect((await other.call('check_health')).result).toMatchObject({ structuredContent: { status: 'ok' } });

      deaf.close();
      other.close();
    });
  });

  it('loses its connection when it follows everything and never reads', async () => {
    const stage = await mcpStage();
    await using server = await served({ ...stage, limits: { maxBacklog: 10_000, stallTimeout: 60_000 } });
    const deaf = await LineClient.to(server.path);
    await deaf.initialize();
    await deaf.ask('resources/subscribe', { uri: 'hurricane://events' });
    deaf.socket.pause();

    for (let i = 0; i < 20_000 && server.server.connections > 0; i += 1) {
      stage.stage.gateway.prefer(i % 2 === 0 ? 'he' : null);
      await new Promise((resolve) => setImmediate(resolve));
    }

    expect(server.server.connections).toBe(0);
    deaf.close();
  });

  it('has so many requests answered at once, and the others after', async () => {
    await withLimits({ maxPending: 2 }, async (server) => {
      const client = await LineClient.to(server.path);
      await client.initialize();
      const slow = { jsonrpc: '2.0', method: 'tools/call', params: { name: 'diagnose', arguments: { watch_s: 0.1 } } };

      client.send({ ...slow, id: 1 }, { ...slow, id: 2 }, { jsonrpc: '2.0', method: 'ping', id: 3 });

      const order = [await client.next(), await client.next(), await client.next()].map((line) => line?.['id']);
      expect(order.slice(0, 1)).not.toContain(3);
      expect(order.sort()).toEqual([1, 2, 3]);
      client.close();
    });
  });

  it('is told so and closed when there are too many', async () => {
    await withLimits({ maxConnections: 2 }, async (server) => {
      const clients = [await LineClient.to(server.path), await LineClient.to(server.path)];
      for (const client of clients) await client.initialize();
      const surplus = await LineClient.to(server.path);

      expect(await surplus.next()).toMatchObject({ id: null, error: { code: -32_000, message: /2 connections/ } });
      expect(await surplus.next()).toBeNull();
      expect((await clients[0]?.call('check_health'))?.result).toBeDefined();
      for (const client of [...clients, surplus]) client.close();
    });
  });

  it('gives way to a new one after it has rested for long', async () => {
    await withLimits({ maxConnections: 1, restBeforeGivingWay: 0 }, async (server) => {
      const resting = await LineClient.to(server.path);
      await resting.initialize();
      // What it has said is noticed when somebody else comes; from then on it rests.
      const first = await LineClient.to(server.path);
      expect(await first.next()).toMatchObject({ error: { code: -32_000 } });
      const second = await LineClient.to(server.path);

      expect((await second.initialize()).result).toBeDefined();
      expect(await resting.next()).toBeNull();
      for (const client of [resting, first, second]) client.close();
    });
  });

  it('has a limited time to say something, to rest, and to wait for its last answers', async () => {
    await withLimits({ openingTimeout: 50 }, async (server) => {
      const silent = await LineClient.to(server.path);
      expect(await silent.next()).toBeNull();
    });
    await withLimits({ idleTimeout: 100 }, async (server) => {
      const resting = await LineClient.to(server.path);
      await resting.initialize();
      expect(await resting.next()).toBeNull();
    });
    await withLimits({ partingTimeout: 100 }, async (server) => {
      const parting = await LineClient.to(server.path);
      await parting.initialize();
      const params = { name: 'diagnose', arguments: { watch_s: 30 } };
      parting.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
      parting.socket.end();
      expect(await parting.next()).toBeNull();
    });
  });
});

describe('a client that goes away', () => {
  it.each([
    ['before it has said anything', ''],
    ['in the middle of a line', '{"jsonrpc":"2.0","id":1,'],
    // That it has not only said all is noticed when the answer cannot be written.
    ['in the middle of a call', callOf('diagnose', { watch_s: 0.3 })],
    [
      'in the middle of a simulation',
      callOf('simulate_failover', { fault: 'lossy', loss_percent: 50, look_ahead_s: 600 }),
    ],
    [
      'while it follows',
      '{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"hurricane://events"}}\n',
    ],
  ])('leaves nothing behind: %s', async (_what, bytes) => {
    const stage = await mcpStage();
    await using server = await served(stage);
    const client = await LineClient.to(server.path);
    await client.initialize();

    client.send(bytes);
    await new Promise((resolve) => setImmediate(resolve));
    client.close();

    // A simulation goes on to its end, which takes a second on a busy machine.
    await vi.waitFor(() => expect(server.server.connections).toBe(0), 10_000);
    stage.stage.gateway.prefer('wg');
    expect(server.defects).toEqual([]);
  });

  it('has its call ended when the server closes', async () => {
    const server = await served(await mcpStage());
    const client = await LineClient.to(server.path);
    await client.initialize();
    client.send(callOf('diagnose', { watch_s: 30 }));

    await server[Symbol.asyncDispose]();

    expect(await client.next()).toBeNull();
  });
});

function callOf(name: string, given: object): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: given } })}\n`;
}

async function withLimits(limits: Partial<McpLimits>, story: (server: Served) => Promise<void>): Promise<void> {
  await using server = await served({ ...(await mcpStage()), limits });
  await story(server);
  expect(server.defects).toEqual([]);
}
