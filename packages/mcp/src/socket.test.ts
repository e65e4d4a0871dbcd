import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LineClient, mcpStage, served } from './testing-stage.test-support.js';

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

describe('the socket', () => {
  it('has mode 0600 whatever the umask', async () => {
    const before = process.umask(0);
    await using it = await served(await mcpStage());
    process.umask(before);

    expect(statSync(it.path).mode & 0o777).toBe(0o600);
  });

  it('answers a client of the seed: initialize, tools/list, tools/call', async () => {
    await using it = await served(await mcpStage());
    const client = await LineClient.to(it.path);

    const initialized = await client.initialize();
    const listed = await client.ask('tools/list');
    const called = await client.call('check_health', {});
    client.close();

    expect(initialized.result).toMatchObject({ protocolVersion: '2025-11-25', serverInfo: { name: 'v6-gatewayd' } });
    expect(listed.result).toMatchObject({
      tools: expect.arrayContaining(
        ['get_tunnel_status', 'get_ipv6_address', 'check_health'].map((name) => expect.objectContaining({ name })),
      ),
    });
    expect(called.result).toMatchObject({ structuredContent: { status: 'ok', primary: 'he' } });
    expect(it.defects).toEqual([]);
  });

  it.each([
    ['no JSON', '{"jsonrpc":"2.0",\n', null, -32_700],
    ['bytes that are no text', Buffer.from([0x22, 0xff, 0x22, 0x0a]), null, -32_700],
    ['a batch', `[${JSON.stringify(PING)}]\n`, null, -32_600],
    ['a number', '1\n', null, -32_600],
    ['an id of null', '{"jsonrpc":"2.0","id":null,"method":"ping"}\n', null, -32_600],
    ['an id with a fraction', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}\n', null, -32_600],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}\n', 1, -32_600],
    ['a method that is none', '{"jsonrpc":"2.0","id":"a","method":7}\n', 'a', -32_600],
    ['neither a request nor an answer', '{"jsonrpc":"2.0","id":3}\n', 3, -32_600],
    ['a list of params', '{"jsonrpc":"2.0","id":4,"method":"ping","params":[]}\n', 4, -32_602],
    ['a member that there is not', '{"jsonrpc":"2.0","id":5,"method":"ping","more":1}\n', 5, -32_600],
    ['a request that is an answer as well', '{"jsonrpc":"2.0","id":6,"method":"ping","result":{}}\n', 6, -32_600],
    ['a "_meta" that is none', '{"jsonrpc":"2.0","id":7,"method":"ping","params":{"_meta":null}}\n', 7, -32_600],
    [
      'a token that is none',
      '{"jsonrpc":"2.0","id":8,"method":"ping","params":{"_meta":{"progressToken":{}}}}\n',
      8,
      -32_600,
    ],
  ])('answers %s and goes on', async (_what, bytes, id, code) => {
    await using it = await served(await mcpStage());
    const client = await LineClient.to(it.path);

    client.socket.write(bytes);
    const answer = await client.next();
    const after = await client.initialize();
    client.close();

    expect(answer).toMatchObject({ jsonrpc: '2.0', id, error: { code } });
    expect(after).toMatchObject({ id: 'init', result: {} });
  });

  it('answers a line that is too long, and ends the connection', async () => {
    await using it = await served({ ...(await mcpStage()), limits: { maxLine: 1_000 } });
    const client = await LineClient.to(it.path);

    client.send(`{"a":"${'x'.repeat(2_000)}`);

    expect(await client.next()).toMatchObject({ id: null, error: { code: -32_600, message: /1000 bytes/ } });
    expect(await client.next()).toBeNull();
  });
});
