import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BearerToken } from '@hurricane/http/node';
import { errAsync, okAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import { type Ask, askApi, MAX_DOCUMENT } from './ask-api.js';
import { checkConfig } from './check.js';
import { EXIT } from './exit-codes.js';
import { fakeFile, TWO_TUNNELS } from './fakes.test-support.js';
import { reportStatus } from './status.js';
import type { ReadToken } from './token-file.js';

const HEALTH = {
  status: 'ok',
  v6_reachable: true,
  v6_latency_ms: 12,
  primary: 'he',
  reasons: ['tunnel wg is unreachable'],
};

const HE = {
  name: 'he',
  type: 'he_6in4',
  state: 'up',
  iface: 'he0',
  v6_prefix: '2001:db8:1::/64',
  primary: true,
  enabled: true,
  score: 95,
  latency_ms: 12,
  loss: 0.05,
};

const WG = { name: 'wg', type: 'wireguard', state: 'error', iface: 'wg0', enabled: true, score: null, error: 'no' };

describe('status', () => {
  it('is a table, the primary marked', async () => {
    const { out, exitCode } = await report(
      answering(HEALTH, { tunnels: [HE, WG, { ...WG, name: 'x', state: 'down', enabled: false }] }),
    );

    expect(out).toEqual([
      'IPv6: ok through he, 12 ms',
      '  tunnel wg is unreachable',
      '',
      '   TUNNEL  STATE  HEALTH  LATENCY  LOSS  INTERFACE  PREFIX           TYPE',
      '*  he      up     95      12 ms    5 %   he0        2001:db8:1::/64  he_6in4',
      '   wg      error  -       -        -     wg0        -                wireguard',
      '   x       off    -       -        -     wg0        -                wireguard',
    ]);
    expect(exitCode).toBe(EXIT.ok);
  });

  it('says in its exit code that IPv6 does not work', async () => {
    const { out, exitCode } = await report(answering({ ...HEALTH, status: 'down', primary: null }, { tunnels: [] }));

    expect(exitCode).toBe(EXIT.failure);
    expect(out.at(-1)).toBe('There are no tunnels.');
  });

  it('prints the documents as they came for programs', async () => {
    const { out } = await report(answering(HEALTH, { tunnels: [HE], further: 1 }), { json: true });

    expect(JSON.parse(out.join('\n'))).toEqual({ health: HEALTH, tunnels: { tunnels: [HE], further: 1 } });
  });

  it('shows nothing of a foreign answer that would move the cursor', async () => {
    const { out } = await report(
      answering({ ...HEALTH, primary: 'a\x1b[2J', reasons: ['b\nc'] }, { tunnels: [{ ...HE, name: '\x07' }] }),
    );

    expect(out.join('')).not.toMatch(/\p{Cc}/u);
    expect(out[1]).toBe('  b\\nc');
  });

  it.each([
    ['no object', 'hello', { tunnels: [] }],
    ['no status', {}, { tunnels: [] }],
    ['no tunnels', HEALTH, { tunnels: 'many' }],
    ['half a tunnel', HEALTH, { tunnels: [{ name: 'he' }] }],
    ['null', HEALTH, null],
  ])('says so when something else answers: %s', async (_what, health, tunnels) => {
    const { out, errors, exitCode } = await report(answering(health, tunnels));

    expect(out).toEqual([]);
    expect(errors).toEqual([expect.stringMatching(/^the daemon at http.* is not a v6-gatewayd/)]);
    expect(exitCode).toBe(EXIT.unavailable);
  });

  it.each([
    [null, null, 'http://127.0.0.1:8642'],
    [null, '[core]\napi_port = 9000\napi_bind = 0.0.0.0\napi_token_file = /t', 'http://127.0.0.1:9000'],
    ['my.conf', '[core]\napi_bind = ::\napi_token_file = /t', 'http://[::1]:8642'],
    ['my.conf', '[core]\napi_bind = 192.0.2.1\napi_token_file = /t', 'http://192.0.2.1:8642'],
  ])('asks where the configuration says: %j, %j', async (configFile, text, url) => {
    const asked: string[] = [];
    const ask: Ask = (at) => {
      asked.push(at);
      return errAsync({ url: at, problem: 'is not there' });
    };

    await reportStatus(
      { configFile, url: null, json: false },
      fakeFile(text === null ? null : `${text}\n${TWO_TUNNELS}`).readText,
      ask,
    );

    expect(asked).toEqual([`${url}/health`]);
  });

  it('needs the file it was told to look in', async () => {
    const options = { configFile: 'my.conf', url: null, json: false };

    const { errors, exitCode } = await reportStatus(
      options,
      fakeFile(null).readText,
      answering(HEALTH, { tunnels: [] }),
    );

    expect(errors).toEqual(['There is no configuration file my.conf']);
    expect(exitCode).toBe(EXIT.config);
  });
});

describe('a document of the API', () => {
  it.each<[string, RequestListener, string]>([
    ['an error', (_req, res) => res.writeHead(403).end('{}'), 'answered with status 403'],
    ['not JSON', (_req, res) => res.end('<html>'), 'answered with something that is not JSON'],
    [
      'endless',
      (_req, res) => res.end(Buffer.alloc(MAX_DOCUMENT + 1)),
      `answered with more than ${MAX_DOCUMENT} bytes`,
    ],
    ['cut off', (_req, res) => res.destroy(), 'cannot be asked (UND_ERR_SOCKET)'],
    [
      'elsewhere',
      (_req, res) => res.writeHead(302, { location: 'http://192.0.2.1/' }).end(),
      'cannot be asked (unexpected redirect)',
    ],
  ])('is refused when it is %s', async (_what, listener, problem) => {
    const result = await askOnce(listener);

    expect(result._unsafeUnwrapErr().problem).toBe(problem);
  });

  it('is read', async () => {
    const result = await askOnce((_req, res) => res.end('{"status":"ok"}'));

    expect(result._unsafeUnwrap()).toEqual({ status: 'ok' });
  });

  it('says when nobody listens', async () => {
    const port = await portOf(createServer().listen(0, '127.0.0.1'));

    const result = await askApi(`http://127.0.0.1:${port}/health`);

    expect(result._unsafeUnwrapErr().problem).toBe('is not there: nothing listens at that address');
  });
});

describe('-t', () => {
  const check = (text: string | null, readToken: ReadToken = someToken) =>
    checkConfig('/etc/gateway.conf', fakeFile(text).readText, readToken, null);

  it('says that a configuration is good', async () => {
    expect(await check(TWO_TUNNELS)).toEqual({ out: ['configuration ok: 2 tunnels'], errors: [], exitCode: EXIT.ok });
  });

  it('tells what a good one will not do, too', async () => {
    const { out, errors, exitCode } = await check(
      `[core]\napi_bind = 0.0.0.0\napi_token_file = /t\n${TWO_TUNNELS.split('[tunnel.wg]')[0]}`,
    );

    expect(out).toEqual(['configuration ok: 1 tunnel']);
    expect(errors).toEqual([expect.stringMatching(/^\/etc\/gateway.conf:2: core.api_bind: warning: "0.0.0.0" makes/)]);
    expect(exitCode).toBe(EXIT.ok);
  });

  it('tells every problem, in the form editors jump to', async () => {
    const { out, errors, exitCode } = await check('[core]\napi_port = 0\n[tunnel.x]\ntype = magic\n');

    expect(out).toEqual([]);
    expect(errors[0]).toMatch(/^\/etc\/gateway.conf:2: core.api_port: /);
    expect(errors.some((line) => line.startsWith('/etc/gateway.conf:4: tunnel.x.type: '))).toBe(true);
    expect(exitCode).toBe(EXIT.config);
  });

  it('looks at the token file as well', async () => {
    const read: string[] = [];
    const missing: ReadToken = (file) => {
      read.push(file);
      return errAsync({ kind: 'token_missing', file });
    };

    const { out, errors, exitCode } = await check(`[core]\napi_token_file = /t\n${TWO_TUNNELS}`, missing);

    expect({ read, out }).toEqual({ read: ['/t'], out: [] });
    expect(errors).toEqual([expect.stringMatching(/^There is no token file \/t /)]);
    expect(exitCode).toBe(EXIT.config);
  });

  it('says how to go on without a file', async () => {
    const { errors, exitCode } = await check(null);

    expect(errors).toEqual([
      'There is no configuration file /etc/gateway.conf: write one, name another with -c FILE, or look around without one: hurricane playground',
    ]);
    expect(exitCode).toBe(EXIT.config);
  });
});

const someToken: ReadToken = () => okAsync(BearerToken.of('0123456789abcdef0123456789abcdef')._unsafeUnwrap());

const answering =
  (health: unknown, tunnels: unknown): Ask =>
  (url) =>
    okAsync(url.endsWith('/health') ? health : tunnels);

const report = (ask: Ask, parts: { json?: boolean } = {}) =>
  reportStatus({ configFile: null, url: 'http://127.0.0.1:8642', json: false, ...parts }, fakeFile(null).readText, ask);

async function askOnce(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const result = await askApi(`http://127.0.0.1:${port}/health`);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return result;
}

/** A port that was free a moment ago. */
async function portOf(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
