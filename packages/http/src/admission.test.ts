import { afterEach, describe, expect, test } from 'vitest';
import { type AccessOptions, admission, clientOf, MAX_BODY, MUTATION_RATE, RATED_CLIENTS } from './admission.js';
import { createApp } from './app.js';
import { OPERATION_ROWS } from './operations.js';
import { Rate } from './rate.js';
import { type Ask, anApp, type Client, inProcess, overTcp, overUnixSocket } from './testing-clients.test-support.js';
import { aStatus } from './testing-status.test-support.js';

const WAYS = [
  ['in process', inProcess],
  ['over TCP', overTcp],
  ['over a Unix socket', overUnixSocket],
] as const;
const TOKEN = 'a-token-of-this-test-0123456789';
const matches = (presented: string): boolean => presented === TOKEN;
const bearer = (token: string): NonNullable<Ask['headers']> => ({ authorization: `Bearer ${token}` });
/** Every operation that changes anything, so that none is forgotten, and what is not there: the gate is before all. */
const WRITES: readonly (readonly [method: string, path: string])[] = [
  ...OPERATION_ROWS.filter(({ method }) => method !== 'GET').map(
    ({ method, path }) => [method, path.replaceAll(/\{\w+\}/g, '7654')] as const,
  ),
  ['DELETE', '/ports/tcp/7654'],
  ['PUT', '/nope'],
  ['PATCH', '/'],
  ['PURGE', '/health'],
];

const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
});

describe.each(WAYS)('asked %s', (_name, connect) => {
  const bySocket = connect === overUnixSocket;

  async function aClient(access: AccessOptions): Promise<Client> {
    const client = await connect(anApp(access).app);
    clients.push(client);
    return client;
  }

  // security H9.
  describe('a token for changes', () => {
    test.each(WRITES)('is asked for by %s %s', async (method, path) => {
      const client = await aClient({ token: { matches, forReads: false } });
      const passed = (await (await aClient({})).ask(path, { method })).status;
      const without = { status: bySocket ? passed : 401 };

      expect(await client.ask(path, { method })).toMatchObject(without);
      expect(await client.ask(path, { method, headers: bearer('wrong') })).toMatchObject(without);
      expect((await client.ask(path, { method, headers: bearer(TOKEN) })).status).toBe(passed);
    });

    test.each(['/', '/health', '/v6/address', '/tunnels'])('leaves %s to everybody', async (path) => {
      const client = await aClient({ token: { matches, forReads: false } });

      expect((await client.ask(path)).status).toBe(200);
      expect((await client.ask(path, { method: 'HEAD' })).status).toBe(200);
    });

    test.each(['/config', '/config/', '/conf%69g', '/x/../config', '/config?a=b', '/logs', '/logs/x'])(
      'is asked for by GET %s as well',
      async (path) => {
        const client = await aClient({ token: { matches, forReads: false } });

        const passed = (await (await aClient({})).ask(path)).status;

        expect((await client.ask(path)).status).toBe(bySocket ? passed : 401);
        expect((await client.ask(path, { headers: bearer(TOKEN) })).status).toBe(passed);
      },
    );
  });

  test.each(['/', '/health', '/v6/address', '/tunnels', '/nope'])(
    'a token for everything is asked for by %s',
    async (path) => {
      const client = await aClient({ token: { matches, forReads: true } });

      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST'])
        expect((await client.ask(path, { method })).status === 401).toBe(!bySocket);
      expect((await client.ask(path, { headers: bearer(TOKEN) })).status).toBe(path === '/nope' ? 404 : 200);
    },
  );

  test.each([
    [undefined, /none was sent/, 'Bearer realm="v6-gatewayd"'],
    [`Basic ${TOKEN}`, /holds something else/, 'Bearer realm="v6-gatewayd"'],
    [TOKEN, /holds something else/, 'Bearer realm="v6-gatewayd"'],
    [`Bearer ${TOKEN} ${TOKEN}`, /holds something else/, 'Bearer realm="v6-gatewayd"'],
    ['Bearer wrong', /not the token/, 'Bearer realm="v6-gatewayd", error="invalid_token"'],
  ])('Authorization %j is refused with a reason that does not repeat it', async (authorization, reason, challenge) => {
    const client = await aClient({ token: { matches, forReads: true } });

    const reply = await client.ask('/health', authorization === undefined ? {} : { headers: { authorization } });

    if (bySocket) return expect(reply.status).toBe(200);
    expect(reply).toMatchObject({ status: 401, headers: { 'www-authenticate': challenge } });
    expect(JSON.parse(reply.text)).toMatchObject({ kind: 'unauthorized', detail: expect.stringMatching(reason) });
    expect(reply.text).not.toContain(TOKEN);
    return expect(reply.text).not.toContain('wrong"');
  });

  test('the scheme of a token may be written in any letter case', async () => {
    const client = await aClient({ token: { matches, forReads: true } });

    expect((await client.ask('/health', { headers: { authorization: `bEARER  ${TOKEN}` } })).status).toBe(200);
  });

  test('a stranger is refused before a token is looked at', async () => {
    const client = await aClient({ token: { matches: () => expect.fail('looked at'), forReads: true } });

    expect(
      (await client.ask('/health', { headers: { origin: 'https://evil.example', ...bearer(TOKEN) } })).status,
    ).toBe(403);
  });

  describe('pages of allowed origins', () => {
    const ours = 'https://dashboard.example';
    const fields = (reply: { headers: Readonly<Record<string, string>> }) =>
      Object.keys(reply.headers).filter((name) => name.startsWith('access-control-allow'));

    test('read answers and problems alike', async () => {
      const client = await aClient({ allowOrigins: [ours], token: { matches, forReads: false } });

      for (const [path, method] of [
        ['/health', 'GET'],
        ['/nope', 'GET'],
        ['/nope', 'POST'],
      ]) {
        const reply = await client.ask(path ?? '', {
          method: method ?? '',
          headers: { origin: ours, 'sec-fetch-site': 'cross-site' },
        });
        expect(reply.status).toBe(path === '/health' ? 200 : method === 'POST' && !bySocket ? 401 : 404);
        expect(reply.headers).toMatchObject({ 'access-control-allow-origin': ours, vary: 'Origin' });
        expect(reply.headers).not.toHaveProperty('access-control-allow-credentials');
      }
    });

    test('are told what they may send before they send it', async () => {
      const client = await aClient({ allowOrigins: [ours], token: { matches, forReads: true } });

      const reply = await client.ask('/ports/udp', {
        method: 'OPTIONS',
        headers: {
          origin: ours,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
          'access-control-request-private-network': 'true',
        },
      });

      expect(reply).toMatchObject({
        status: 204,
        headers: {
          'access-control-allow-origin': ours,
          'access-control-allow-methods': expect.stringContaining('POST'),
          'access-control-allow-headers': expect.stringContaining('authorization'),
          'access-control-allow-private-network': 'true',
          vary: 'Origin',
        },
      });
    });

    test.each([
      'https://dashboard.example:444',
      'http://dashboard.example',
      'https://dashboard.example.evil.example',
      'https://evil.example, https://dashboard.example',
      'https://xdashboard.example',
      'null',
    ])('are not those of %s', async (origin) => {
      const client = await aClient({ allowOrigins: [ours] });

      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const reply = await client.ask('/health', {
          method,
          headers: { origin, 'access-control-request-method': 'POST' },
        });
        expect(reply.status).toBe(403);
        expect(fields(reply)).toEqual([]);
        expect(reply.headers).toMatchObject({ vary: 'Origin' });
      }
    });

    test('say in every answer that it depends on who asks', async () => {
      const client = await aClient({ allowOrigins: [ours] });

      const reply = await client.ask('/health');

      expect(reply).toMatchObject({ status: 200, headers: { vary: 'Origin' } });
      expect(fields(reply)).toEqual([]);
    });

    test('still have to call the gateway by its name', async () => {
      const client = await aClient({ allowOrigins: [ours] });

      const reply = await client.ask('/health', { headers: { origin: ours, host: 'evil.example' } });

      expect(reply.status).toBe(bySocket ? 200 : 403);
    });
  });

  // security H7, H12.
  describe('bodies', () => {
    test.each([
      [MAX_BODY, 404],
      [MAX_BODY + 1, 413],
    ])('of %i bytes: %i', async (bytes, status) => {
      const client = await aClient({});

      const reply = await client.ask('/nope', { method: 'POST', body: 'x'.repeat(bytes) });

      expect(reply.status).toBe(status);
      if (status === 413) expect(JSON.parse(reply.text)).toMatchObject({ kind: 'body_too_large' });
    });

    test.each([
      [MAX_BODY, 404],
      [MAX_BODY + 1, 413],
    ])('of %i bytes that do not say how many they are: %i', async (bytes, status) => {
      const client = await aClient({});

      const headers = { 'transfer-encoding': 'chunked' };
      expect((await client.ask('/nope', { method: 'POST', headers, body: 'x'.repeat(bytes) })).status).toBe(status);
    });

    test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
      'of another site as %s are refused, whatever the token',
      async (type) => {
        const client = await aClient({ token: { matches, forReads: false } });
        const headers = { 'content-type': type, ...bearer(TOKEN) };

        for (const how of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }])
          expect(
            await client.ask('/nope', { method: 'POST', headers: { ...headers, ...how }, body: '{}' }),
          ).toMatchObject({
            status: 403,
          });
      },
    );
  });

  // security H19.
  test('changes beyond the rate are told when to come again, and reads go on', async () => {
    let now = 0;
    const client = await aClient({ mutationRate: { burst: 3, perSecond: 0.5 }, now: () => now });
    const change = async (): Promise<number> => (await client.ask('/nope', { method: 'POST' })).status;

    expect([await change(), await change(), await change()]).toEqual([404, 404, 404]);
    const refused = await client.ask('/nope', { method: 'DELETE' });
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
    expect(JSON.parse(refused.text)).toMatchObject({ kind: 'too_many_requests' });
    expect((await client.ask('/health')).status).toBe(200);
    now = 2_000;
    expect([await change(), await change()]).toEqual([404, 429]);
  });

  test('a stranger and a client without a token use up nobody else’s rate', async () => {
    const client = await aClient({ mutationRate: { burst: 1, perSecond: 0.001 }, token: { matches, forReads: false } });

    for (let i = 0; i < 5; i += 1) {
      await client.ask('/nope', { method: 'POST', headers: { origin: 'https://evil.example' } });
      if (!bySocket) await client.ask('/nope', { method: 'POST', headers: bearer('wrong') });
    }

    expect((await client.ask('/nope', { method: 'POST', headers: bearer(TOKEN) })).status).toBe(404);
  });
});

describe('clients', () => {
  test.each([
    [null, 'unknown'],
    [{ socket: '/run/x' }, 'socket'],
    [{ address: '127.0.0.1', port: 1 }, 'unknown'],
    [{ address: '127.0.0.1', port: 1, peer: '192.0.2.1' }, '192.0.2.1'],
    [{ address: '::', port: 1, peer: '::ffff:192.0.2.1' }, '192.0.2.1'],
    [{ address: '::1', port: 1, peer: '::1' }, '0:0:0:0::/64'],
    [{ address: '::', port: 1, peer: '2001:DB8:1:2:3:4:5:6' }, '2001:db8:1:2::/64'],
    [{ address: '::', port: 1, peer: '2001:db8::6' }, '2001:db8:0:0::/64'],
    [{ address: '::', port: 1, peer: '2001:db8:1:2::' }, '2001:db8:1:2::/64'],
  ])('that come by %j are %s', (arrival, name) => {
    expect(clientOf(arrival)).toBe(name);
  });

  test('each have a rate of their own, and a table that has no end of places', () => {
    let now = 0;
    const rate = new Rate({ burst: 2, perSecond: 10 }, 3, () => now);

    expect(['a', 'a', 'a', 'b'].map((client) => rate.take(client))).toEqual([0, 0, 100, 0]);
    now = 50;
    expect(rate.take('a')).toBeCloseTo(50);
    now = 10_000;
    expect(['a', 'a', 'a'].map((client) => rate.take(client))).toEqual([0, 0, 100]);
    for (let i = 0; i < 100_000; i += 1) rate.take(`${i}`);
    expect(rate.size).toBe(3);
    // It gave way to others, and begins anew.
    expect(rate.take('a')).toBe(0);
  });

  test('that come again and again do not give way', () => {
    const rate = new Rate({ burst: 1, perSecond: 0.001 }, 2, () => 0);
    rate.take('busy');

    for (let i = 0; i < 10; i += 1) {
      rate.take(`${i}`);
      expect(rate.take('busy')).toBeGreaterThan(0);
    }
  });

  test('are as many as the bounds say', () => {
    expect(RATED_CLIENTS).toBe(1_024);
    expect(MUTATION_RATE).toEqual({ burst: 60, perSecond: 10 });
  });
});

test('the gate is one middleware for any app', async () => {
  const status = aStatus();
  const app = createApp({ gateway: { status: () => status }, version: '1', onDefect: () => undefined });
  app.use('*', admission({}));

  expect((await app.request('http://localhost/health')).status).toBe(200);
});
