import { describe, expect, it, vi } from 'vitest';
import { type Answer, LineClient, mcpStage, type Served, served } from './testing-stage.test-support.js';

/** Every revision that was ever published. */
const LEGACY = ['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const MODERN = '2026-07-28';
const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
};

describe('versions', () => {
  it.each(LEGACY)('speaks %s when a client asks for it', async (version) => {
    const { answer } = await withClient((client) => client.initialize(version));

    expect(answer.result).toMatchObject({ protocolVersion: version });
  });

  it('offers the newest of the legacy era to a client that asks for one that there is not', async () => {
    const { answer } = await withClient((client) => client.initialize('1999-01-01'));

    expect(answer.result).toMatchObject({ protocolVersion: '2025-11-25' });
  });

  it('tells a modern client what it is, and how long that may be relied upon', async () => {
    const { answer } = await withClient((client) => client.ask('server/discover', { _meta: META }));

    expect(answer.result).toMatchObject({
      resultType: 'complete',
      supportedVersions: [MODERN],
      capabilities: { tools: {}, resources: { subscribe: true, listChanged: true } },
      instructions: expect.stringContaining('check_health'),
      ttlMs: expect.any(Number),
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'v6-gatewayd', version: '1.2.3' } },
    });
  });

  it.each([
    ['an unknown revision', { ...META, 'io.modelcontextprotocol/protocolVersion': '2031-01-01' }, -32_022],
    ['no capabilities', { 'io.modelcontextprotocol/protocolVersion': MODERN }, -32_602],
  ])('refuses %s', async (_what, meta, code) => {
    const { answer } = await withClient((client) => client.ask('tools/list', { _meta: meta }));

    expect(answer.error).toMatchObject({ code });
  });

  it('takes `initialize` after a `server/discover`, as clients do that know both eras', async () => {
    const { answer } = await withClient(async (client) => {
      await client.ask('server/discover', { _meta: META });
      await client.initialize();
      return client.call('check_health');
    });

    expect(answer.result).toMatchObject({ structuredContent: { status: 'ok' } });
  });

  it('lets modern results be kept as long as it takes until the next probe', async () => {
    const { answer } = await withClient((client) =>
      client.ask('resources/read', { uri: 'hurricane://health', _meta: META }),
    );

    expect(answer.result).toMatchObject({ resultType: 'complete', ttlMs: 600, cacheScope: 'private' });
  });
});

describe('requests', () => {
  it.each([0, -1, 7, Number.MAX_SAFE_INTEGER, '', '7', 'ü', 'x'.repeat(10_000)])(
    'are answered under their own id: %j',
    async (id) => {
      const { answer } = await withClient(async (client) => {
        await client.initialize();
        return client.ask('ping', undefined, id);
      });

      expect(answer).toEqual({ jsonrpc: '2.0', id, result: {} });
    },
  );

  it.each([
    ['an unknown method', 'no/such', {}, -32_601, /./],
    ['an unknown tool', 'tools/call', { name: 'check_helth' }, -32_602, /Did you mean "check_health"\?/],
    ['no tool at all', 'tools/call', {}, -32_602, /./],
    ['an unknown resource', 'resources/read', { uri: 'hurricane://x' }, -32_602, /hurricane:\/\/health/],
    ['an unknown prompt', 'prompts/get', { name: 'x' }, -32_602, /why_is_my_ipv6_slow/],
    [
      'a wrong argument of a prompt',
      'prompts/get',
      { name: 'explain_last_failover', arguments: { x: '1' } },
      -32_602,
      /x/,
    ],
    ['a cursor that is none', 'tools/list', { cursor: 'x' }, -32_602, /cursor/],
    ['something that cannot be completed', 'completion/complete', completion('nothing'), -32_602, /./],
  ])('are refused with a code and a sentence: %s', async (_what, method, params, code, message) => {
    const { answer } = await withClient(async (client) => {
      await client.initialize();
      return client.ask(method, params);
    });

    expect(answer.error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('reads a missing resource as the modern era has it', async () => {
    const { answer } = await withClient((client) =>
      client.ask('resources/read', { uri: 'hurricane://tunnels/none', _meta: META }),
    );

    expect(answer.error).toMatchObject({ code: -32_602, data: { uri: 'hurricane://tunnels/none' } });
  });

  it.each([...LEGACY, MODERN])('are answered with an error when they come as a batch, in %s', async (version) => {
    const { answer } = await withClient(async (client) => {
      if (version === MODERN) await client.ask('tools/list', { _meta: META });
      else await client.initialize(version);
      client.send([
        { jsonrpc: '2.0', id: 1, method: 'tools/list' },
        { jsonrpc: '2.0', id: 2, method: 'prompts/list' },
      ]);
      expect(await client.next()).toMatchObject({
        id: null,
        error: { code: -32_600, message: expect.stringContaining('Batches') },
      });
      return client.ask('tools/list', version === MODERN ? { _meta: META } : {});
    });

    expect(answer.result).toMatchObject({ tools: expect.any(Array) });
  });

  it('says that an id is still in use, and answers the first all the same', async () => {
    await withServer(async ({ path }) => {
      const client = await LineClient.to(path);
      await client.initialize();
      const call = {
        jsonrpc: '2.0',
        id: 5,
        method: 'tools/call',
        params: { name: 'diagnose', arguments: { watch_s: 0.1 } },
      };
      client.send(call, { ...call, method: 'ping' });

      expect(await client.next()).toMatchObject({ id: 5, error: { code: -32_600 } });
      expect(await client.next()).toMatchObject({ id: 5, result: { structuredContent: {} } });
      client.close();
    });
  });

  it('lets a modern client listen as often as it may, and answers it all the while', async () => {
    const { answer } = await withClient(async (client) => {
      const notifications = { resourceSubscriptions: ['hurricane://health'] };
      const params = { notifications, _meta: META };
      for (let id = 0; id <= 64; id += 1) client.send({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params });
      return client.ask('tools/call', { name: 'check_health', _meta: META }, 'x');
    });

    expect(answer.result).toMatchObject({ structuredContent: { status: 'ok' } });
  });

  it('never answers notifications, known and unknown', async () => {
    const { answer } = await withClient(async (client) => {
      await client.initialize();
      client.send(
        { jsonrpc: '2.0', method: 'no/such' },
        { jsonrpc: '2.0', method: 'notifications/cancelled', params: {} },
      );
      client.send({ jsonrpc: '2.0', id: 99, result: {} });
      client.send({ jsonrpc: '2.0', id: 1_000, method: 'ping' });
      return (await client.next()) as unknown as Answer;
    });

    expect(answer.id).toBe(1_000);
  });
});

describe('frames', () => {
  const frames = [
    {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'ü€😀', version: '1' } },
    },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    { jsonrpc: '2.0', id: 'é', method: 'ping' },
  ];
  const bytes = Buffer.from(frames.map((frame) => `${JSON.stringify(frame)}\r\n\n`).join(''));

  it('may be cut at every byte', async () => {
    await withServer(async ({ path }) => {
      for (let cut = 1; cut < bytes.length; cut += 1) {
        const client = await LineClient.to(path);
        client.socket.write(bytes.subarray(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
        client.socket.write(bytes.subarray(cut));
        expect((await client.next())?.['id']).toBe(1);
        expect(await client.next()).toEqual({ jsonrpc: '2.0', id: 'é', result: {} });
        client.close();
      }
    });
  });

  it('may come byte by byte, and without an end of the last line', async () => {
    await withServer(async ({ path }) => {
      const client = await LineClient.to(path);
      for (const byte of bytes.subarray(0, -3)) client.socket.write(Uint8Array.of(byte));
      client.socket.end();

      expect((await client.next())?.['id']).toBe(1);
      expect(await client.next()).toEqual({ jsonrpc: '2.0', id: 'é', result: {} });
      expect(await client.next()).toBeNull();
    });
  });

  it('may be joined, as many as there are', async () => {
    await withServer(async ({ path }) => {
      const client = await LineClient.to(path);
      await client.initialize();
      client.send(...Array.from({ length: 500 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' })));

      const ids = new Set<unknown>();
      for (let i = 0; i < 500; i += 1) ids.add((await client.next())?.['id']);
      client.close();

      expect(ids.size).toBe(500);
    });
  });

  it('may nest as deep as a line is long', async () => {
    const { answer } = await withClient(async (client) => {
      await client.initialize();
      const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
      client.send(
        `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"check_health","arguments":${deep}}}\n`,
      );
      await client.next();
      return client.ask('ping');
    });

    expect(answer.result).toEqual({});
  });
});

function completion(uri: string): object {
  return { ref: { type: 'ref/resource', uri }, argument: { name: 'name', value: '' } };
}

async function withServer(story: (server: Served) => Promise<void>): Promise<void> {
  await using it = await served(await mcpStage());
  await story(it);
  expect(it.defects).toEqual([]);
}

async function withClient(story: (client: LineClient) => Promise<Answer>): Promise<{ readonly answer: Answer }> {
  await using it = await served(await mcpStage());
  const client = await LineClient.to(it.path);
  const answer = await story(client);
  client.close();
  await vi.waitFor(() => expect(it.server.connections).toBe(0));
  expect(it.defects).toEqual([]);
  return { answer };
}
