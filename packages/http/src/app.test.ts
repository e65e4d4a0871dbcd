import { Hono } from 'hono';
import { afterEach, describe, expect, test } from 'vitest';
import { createApp } from './app.js';
import { PATHS as ALL_PATHS } from './operations.js';
import type { GatewaySource } from './sources.js';
import { anApp, type Client, inProcess, overTcp, overUnixSocket } from './testing-clients.test-support.js';
import { aReading, aStatus, aTunnel, HEALTHY, heTunnel, SAMPLE_TIME } from './testing-status.test-support.js';

/** The documents that are drawn from the state alone. */
const ENDPOINTS = ['/health', '/v6/address', '/tunnels'];
const PATHS = ['/', ...ENDPOINTS];

describe.each([
  ['in process', inProcess],
  ['over TCP', overTcp],
  ['over a Unix socket', overUnixSocket],
])('asked %s', (_name, connect) => {
  /** No browser opens a Unix socket, so any name will do there. */
  const anyHost = connect === overUnixSocket;
  const clients: Client[] = [];

  async function clientOf(app = anApp().app): Promise<Client> {
    const client = await connect(app);
    clients.push(client);
    return client;
  }

  async function documentOf(path: string, gateway: GatewaySource): Promise<unknown> {
    const client = await clientOf(anApp({ gateway }).app);
    const reply = await client.ask(path);
    expect(reply).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    return JSON.parse(reply.text);
  }

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
  });

  describe('the documents', () => {
    test('GET /health has the fields of the sample, by name, type and value', async () => {
      expect(await documentOf('/health', sample())).toMatchObject({
        status: 'ok',
        v6_reachable: true,
        v6_latency_ms: 35,
        active_tunnels: 1,
        last_check: SAMPLE_TIME,
      });
    });

    test('GET /v6/address has the fields of the sample, by name, type and value', async () => {
      const document = await documentOf('/v6/address', sample());

      expect(document).toEqual({
        addresses: [
          expect.objectContaining({
            iface: 'he0',
            address: '2001:db8:1234:5678::2',
            prefix: 64,
            reachable: true,
            latency_ms: 35,
          }),
        ],
      });
    });

    test('GET /tunnels has the fields of the sample, by name, type and value', async () => {
      const document = await documentOf('/tunnels', sample());

      expect(document).toEqual({
        tunnels: [
          expect.objectContaining({
            name: 'he',
            type: 'he_6in4',
            state: 'up',
            iface: 'he0',
            v6_prefix: '2001:db8:1234:5678::/64',
            rx_bytes: 1_234_567,
            tx_bytes: 987_654,
            last_check: SAMPLE_TIME,
          }),
        ],
      });
    });

    test('GET / names the service, its version and the paths there are', async () => {
      expect(await documentOf('/', sample())).toEqual({
        service: 'v6-gatewayd',
        version: '1.2.3',
        endpoints: ALL_PATHS,
      });
    });

    test.each([
      ['ok', aStatus()],
      ['degraded', aStatus([aTunnel()], { stranded: true })],
      [
        'degraded',
        aStatus([aTunnel(), aTunnel({ config: heTunnel('b', 'he1'), primary: false, state: 'failed', health: null })]),
      ],
      [
        'down',
        aStatus([
          aTunnel({
            liveness: 'hard_down',
            health: { ...HEALTHY, reachable: false, latency: null, loss: 1, score: 0 },
          }),
        ]),
      ],
      ['down', aStatus([aTunnel({ state: 'down', health: null, reading: null, primary: false })])],
      ['down', aStatus([])],
    ])('GET /health answers 200 and says %s', async (status, gatewayStatus) => {
      expect(await documentOf('/health', { status: () => gatewayStatus })).toMatchObject({ status });
    });

    test('an unmeasured latency and check are null, and never 0 or -1', async () => {
      const gateway = { status: () => aStatus([aTunnel({ health: null, liveness: 'unknown', lastCheck: null })]) };

      expect(await documentOf('/health', gateway)).toMatchObject({
        v6_latency_ms: null,
        last_check: null,
        v6_reachable: false,
      });
      expect(await documentOf('/v6/address', gateway)).toMatchObject({
        addresses: [{ latency_ms: null, reachable: false }],
      });
      expect(await documentOf('/tunnels', gateway)).toMatchObject({ tunnels: [{ last_check: null }] });
    });

    test('counters beyond 32 bits arrive whole', async () => {
      const counters = { rx: 2n ** 32n + 17n, tx: 2n ** 53n - 1n };
      const gateway = { status: () => aStatus([aTunnel({ reading: aReading({ counters }) })]) };

      expect(await documentOf('/tunnels', gateway)).toMatchObject({
        tunnels: [{ rx_bytes: 4_294_967_313, tx_bytes: 9_007_199_254_740_991 }],
      });
    });

    test('a name with quotes, backslashes and control characters stays one JSON string', async () => {
      const name = 'he "quoted" \\ \n\u0000 </script>';
      const gateway = { status: () => aStatus([aTunnel({ config: heTunnel(name, 'he0') })]) };

      expect(await documentOf('/tunnels', gateway)).toMatchObject({ tunnels: [{ name }] });
    });

    // The original wrote a comma before the first tunnel that was up.
    test('a first tunnel that is down leaves the list of addresses valid', async () => {
      const down = aTunnel({ state: 'down', reading: null, health: null, primary: false });
      const up = aTunnel({ config: heTunnel('b', 'he1') });

      expect(await documentOf('/v6/address', { status: () => aStatus([down, up]) })).toMatchObject({
        addresses: [{ iface: 'he1' }],
      });
      expect(await documentOf('/v6/address', { status: () => aStatus([down]) })).toEqual({ addresses: [] });
      expect(await documentOf('/tunnels', { status: () => aStatus([]) })).toEqual({ tunnels: [] });
    });

    test('starting and stopping tunnels read "down", failed ones "error"', async () => {
      const states = ['down', 'starting', 'up', 'stopping', 'failed'] as const;
      const tunnels = states.map((state, i) =>
        aTunnel({ state, config: heTunnel(state, `he${i}`), primary: state === 'up' }),
      );

      expect(await documentOf('/tunnels', { status: () => aStatus(tunnels) })).toMatchObject({
        tunnels: [{ state: 'down' }, { state: 'down' }, { state: 'up' }, { state: 'down' }, { state: 'error' }],
      });
    });

    test('the state is read for every request', async () => {
      let calls = 0;
      const client = await clientOf(
        anApp({
          gateway: {
            status: () => {
              calls += 1;
              return aStatus([], { phase: calls === 1 ? 'running' : 'stopping' });
            },
          },
        }).app,
      );

      const first = await client.ask('/health');
      const second = await client.ask('/health');

      expect(JSON.parse(first.text).reasons).not.toContain('the gateway is stopping');
      expect(JSON.parse(second.text).reasons).toContain('the gateway is stopping');
    });
  });

  describe('paths and methods', () => {
    test.each(PATHS)('HEAD %s is GET without the body', async (path) => {
      const client = await clientOf();

      const get = await client.ask(path);
      const head = await client.ask(path, { method: 'HEAD' });

      expect(head).toMatchObject({ status: 200, text: '' });
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
    });

    test.each(['/health?', '/health?strict=1&a=b', '/health/', '/health/?a', '/%68ealth', '/v6/../health'])(
      '%s is /health',
      async (path) => {
        const client = await clientOf();

        expect((await client.ask(path)).text).toBe((await client.ask('/health')).text);
      },
    );

    test.each(['/healthz', '/health/x', '/v6', '/v6/address/x', '//health', '/HEALTH', '/health%2f', '/%ff', '/%'])(
      '%s is not found, and the answer says what is there',
      async (path) => {
        const client = await clientOf();

        const reply = await client.ask(path);

        const detail = expect.stringContaining('GET / lists what there is');
        expectProblem(reply, {
          status: 404,
          title: 'Not Found',
          kind: 'not_found',
          endpoints: ['/', ...ALL_PATHS],
          detail,
        });
      },
    );

    describe.each(PATHS)('%s', (path) => {
      test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
        'refuses %s and says what is allowed',
        async (method) => {
          const client = await clientOf();

          const reply = await client.ask(path, { method });

          expectProblem(reply, { status: 405, title: 'Method Not Allowed', kind: 'method_not_allowed' });
          expect(reply.headers).toMatchObject({ allow: 'GET, HEAD' });
        },
      );
    });

    test('any method on a path that is not there is 404', async () => {
      const client = await clientOf();

      expectProblem(await client.ask('/nope', { method: 'POST' }), { status: 404 });
    });

    test('a long path is not repeated in full', async () => {
      const client = await clientOf();

      const reply = await client.ask(`/${'x'.repeat(5_000)}`);

      expectProblem(reply, { status: 404 });
      expect(reply.text.length).toBeLessThan(1_500);
    });
  });

  describe('who may ask', () => {
    // security H1, H3, H4.
    test.each([
      ['127.0.0.1:PORT', 200],
      ['127.0.0.1', 200],
      ['localhost:PORT', 200],
      ['LOCALHOST:PORT', 200],
      ['[::1]:PORT', 200],
      ['[::1]', 200],
      ['evil.example', 403],
      ['evil.example:PORT', 403],
      ['127.evil.example:PORT', 403],
      ['127.0.0.1.evil.example:PORT', 403],
      ['localhost.evil.example', 403],
      ['localhost:9', 403],
      ['127.0.0.1:9', 403],
      ['192.0.2.7:PORT', 403],
      ['[2001:db8::7]:PORT', 403],
    ])('Host %s: %i', async (host, status) => {
      const client = await clientOf();

      for (const path of [...PATHS, '/nope']) {
        const reply = await client.ask(path, { headers: { host: host.replace('PORT', `${client.port}`) } });

        if (status === 200 || anyHost) expect(reply.status).toBe(path === '/nope' ? 404 : 200);
        else expectProblem(reply, { status, kind: 'host_refused' });
        if (reply.status === 403) expect(reply.text).not.toContain('he0');
      }
    });

    // security H5.
    test.each([
      ['http://127.0.0.1:PORT', 200],
      ['http://localhost:PORT', 200],
      ['http://[::1]:PORT', 200],
      ['null', 403],
      ['https://evil.example', 403],
      ['http://127.0.0.1', 403],
      ['http://127.0.0.1:9', 403],
      ['http://localhost:9', 403],
      ['http://127.0.0.1:PORT.evil.example', 403],
      ['http://evil.example:PORT', 403],
      ['http://127.0.0.1:PORT/', 403],
      ['file://', 403],
      ['http://evil.example, http://127.0.0.1:PORT', 403],
    ])('Origin %s: %i', async (origin, status) => {
      const client = await clientOf();

      for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
        const reply = await client.ask('/health', {
          method,
          headers: { origin: origin.replaceAll('PORT', `${client.port}`) },
        });

        // The Host is "localhost" there, and pages of other names are strangers.
        if (status === 403 || anyHost) expect(reply.status).toBe(403);
        else expect(reply.status).toBe(method === 'GET' || method === 'HEAD' ? 200 : 405);
      }
    });

    // What a proxy passes on that does not look at the name itself.
    test.each([
      ['localhost', 'http://localhost', 200],
      ['gateway.lan', 'https://gateway.lan', 200],
      ['gateway.lan', 'http://localhost', 403],
      ['rebound.example', 'http://rebound.example', 403],
    ])('a page that asks for %s and is of %s: %i', async (host, origin, status) => {
      const client = await clientOf(anApp({ trustedHosts: ['gateway.lan'] }).app);

      expect((await client.ask('/health', { headers: { host, origin } })).status).toBe(status);
    });

    // security H8.
    test.each([
      ['cross-site', 403],
      ['Cross-Site', 403],
      ['same-origin', 200],
      ['same-site', 403],
      ['none, same-origin', 403],
      ['none', 200],
    ])('Sec-Fetch-Site %s: %i', async (site, status) => {
      const client = await clientOf();

      for (const path of PATHS) {
        expect((await client.ask(path, { headers: { 'sec-fetch-site': site } })).status).toBe(status);
      }
    });

    test('a trusted name is taken with the listening port or none, one with a port only so', async () => {
      const client = await clientOf(anApp({ trustedHosts: ['Gateway.lan', 'proxy.lan:8443'] }).app);
      const statusFor = async (host: string): Promise<number> =>
        (await client.ask('/health', { headers: { host } })).status;

      expect(await statusFor('gateway.lan')).toBe(200);
      expect(await statusFor(`gateway.lan:${client.port}`)).toBe(200);
      expect(await statusFor('gateway.lan:9')).toBe(anyHost ? 200 : 403);
      expect(await statusFor('proxy.lan:8443')).toBe(200);
      expect(await statusFor('proxy.lan')).toBe(anyHost ? 200 : 403);
    });

    // security H6.
    test('a preflight gets no permission', async () => {
      const client = await clientOf();

      const reply = await client.ask('/health', {
        method: 'OPTIONS',
        headers: {
          'access-control-request-method': 'POST',
          'access-control-request-private-network': 'true',
          host: `127.0.0.1:${client.port}`,
          origin: `http://127.0.0.1:${client.port}`,
        },
      });

      expect(reply.status).toBe(405);
      expect(permissionsIn(reply)).toEqual([]);
    });
  });

  // security H25.
  test.each([
    ['/', {}],
    ['/health', {}],
    ['/v6/address', {}],
    ['/tunnels', {}],
    ['/health', { method: 'HEAD' }],
    ['/nope', {}],
    ['/health', { method: 'POST' }],
    ['/health', { headers: { host: 'evil.example' } }],
    ['/health', { headers: { origin: 'https://evil.example' } }],
    ['/health', { headers: { 'sec-fetch-site': 'cross-site' } }],
  ])('%s %o carries the security header fields and no permission', async (path, how) => {
    const client = await clientOf();

    const reply = await client.ask(path, how);

    expectSafe(reply);
  });

  // security H24.
  test.each([
    ['an Error', new Error('secret at /home/someone')],
    ['something else', 'secret'],
  ])('a gateway that throws %s is a 500 that tells nothing, and reported', async (_what, thrown) => {
    const { app, defects } = anApp({
      gateway: {
        status: () => {
          throw thrown;
        },
      },
    });
    const client = await clientOf(app);

    for (const path of ENDPOINTS) {
      const reply = await client.ask(path);

      expectProblem(reply, { status: 500, title: 'Internal Server Error', kind: 'defect' });
      expectSafe(reply);
      expect(reply.text).not.toMatch(/secret|\/home|\.ts:/);
    }
    expect(defects).toEqual([thrown, thrown, thrown]);
    expect((await client.ask('/')).status).toBe(200);
  });

  test('a reporter that throws does not keep the answer from the client', async () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    const client = await clientOf(anApp({ gateway: { status: fail }, onDefect: fail }).app);

    expectProblem(await client.ask('/health'), { status: 500 });
  });
});

describe('mounted in another app', () => {
  function site(): Hono {
    const outer = new Hono();
    outer.get('/', (c) => c.text('the site'));
    outer.route('/gateway', anApp().app);
    outer.get('/about', (c) => c.text('about'));
    return outer;
  }

  test('answers below its own path and leaves the rest alone', async () => {
    const outer = site();

    expect(await (await outer.request('/')).text()).toBe('the site');
    expect(await (await outer.request('/about')).text()).toBe('about');
    expect((await outer.request('/gateway/health')).status).toBe(200);
    expect((await outer.request('/gateway/health/')).status).toBe(200);
    expect((await outer.request('/gateway/health', { method: 'POST' })).status).toBe(405);
    expect((await outer.request('/elsewhere')).headers.get('content-type')).not.toContain('problem');
  });

  test('names its paths as they are reached from outside', async () => {
    const outer = site();
    const below = ALL_PATHS.map((path) => `/gateway${path}`);

    expect(await (await outer.request('/gateway')).json()).toMatchObject({ endpoints: below });
    expect(await (await outer.request('/gateway/nope')).json()).toMatchObject({ endpoints: ['/gateway', ...below] });
  });

  test('guards its own paths only', async () => {
    const outer = site();
    const headers = { host: 'evil.example' };

    expect((await outer.request('/about', { headers })).status).toBe(200);
    expect((await outer.request('/gateway/health', { headers })).status).toBe(403);
  });

  test('contains its own defects', async () => {
    const defects: unknown[] = [];
    const boom = new Error('boom');
    const fail = (): never => {
      throw boom;
    };
    const app = createApp({ gateway: { status: fail }, version: '1', onDefect: (defect) => defects.push(defect) });
    const outer = new Hono().route('/gateway', app).onError((_error, c) => c.text('outer', 500));

    expect(await (await outer.request('/gateway/health')).json()).toMatchObject({ kind: 'defect' });
    expect(defects).toEqual([boom]);
  });
});

test('a request that cannot be read at all is a defect of ours, and reported', async () => {
  const { app, defects } = anApp();
  const boom = new Error('boom');
  const request = new Request('http://localhost/health');
  Object.defineProperty(request, 'headers', {
    get: () => {
      throw boom;
    },
  });

  const response = await app.request(request);

  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({ kind: 'defect' });
  expect(defects).toEqual([boom]);
});

function sample(): GatewaySource {
  const status = aStatus();
  return { status: () => status };
}

function expectProblem(
  reply: { status: number; headers: Readonly<Record<string, string>>; text: string },
  wanted: Record<string, unknown>,
): void {
  expect(reply.headers).toMatchObject({ 'content-type': 'application/problem+json' });
  const problem: unknown = JSON.parse(reply.text);
  expect(problem).toMatchObject({
    type: expect.stringMatching(/^urn:hurricane:problem:\w+$/),
    status: reply.status,
    title: expect.any(String),
    detail: expect.any(String),
    ...wanted,
  });
}

function expectSafe(reply: { headers: Readonly<Record<string, string>> }): void {
  expect(reply.headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
  });
  expect(reply.headers).not.toHaveProperty('server');
  expect(reply.headers).not.toHaveProperty('x-powered-by');
  expect(permissionsIn(reply)).toEqual([]);
}

function permissionsIn(reply: { headers: Readonly<Record<string, string>> }): readonly string[] {
  return Object.keys(reply.headers).filter((name) => name.startsWith('access-control-'));
}
