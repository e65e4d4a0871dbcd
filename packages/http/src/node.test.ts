import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { SURPLUS_CONNECTIONS } from './limits.js';
import { describeListenError, type Listener, type ServeLimits, type ServeOptions, serve } from './node.js';
import { anApp, answersIn, expectNone, RawClient } from './testing-clients.test-support.js';

const REQUEST = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n';
const listeners: Listener[] = [];
const clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await Promise.all(listeners.splice(0).map((listener) => listener.close(0)));
});

describe('listening', () => {
  test.each([
    ['127.0.0.1', /^http:\/\/127\.0\.0\.1:\d+$/],
    ['::1', /^http:\/\/\[::1\]:\d+$/],
  ])('on %s says where', async (bind, url) => {
    const listener = await aListener({}, bind);

    expect(listener.address).toBe(bind);
    expect(listener.port).toBeGreaterThan(0);
    expect(listener.url).toMatch(url);
    const response = await fetch(`${listener.url}/health`);
    expect(response.status).toBe(200);
    await response.text();
  });

  test('on an address beside the usual ones, takes that address as its name', async () => {
    const listener = await aListener({}, '127.0.0.77');
    const client = await aClient(listener);

    await client.send(`GET /health HTTP/1.1\r\nHost: 127.0.0.77:${listener.port}\r\n\r\n`);
    await client.send(`GET /health HTTP/1.1\r\nHost: 127.0.0.78:${listener.port}\r\n\r\n`);

    expect(statuses(await client.untilAnswers(2))).toEqual([200, 403]);
  });

  test('on every address, takes the IPv4 address a client came to as its name', async () => {
    const listener = await aListener({}, '::');
    const client = await aClient(listener, '127.0.0.77');

    await client.send(`GET /health HTTP/1.1\r\nHost: 127.0.0.77:${listener.port}\r\n\r\n`);

    expect(statuses(await client.untilAnswers(1))).toEqual([200]);
  });

  test('fails with the port and address when another program has them', async () => {
    const { port } = await aListener();

    expect((await attempt('127.0.0.1', port))._unsafeUnwrapErr()).toEqual({
      kind: 'port_in_use',
      address: '127.0.0.1',
      port,
      holder: { pid: process.pid, name: readFileSync('/proc/self/comm', 'utf8').trim() },
    });
  });

  test('fails on an address this machine does not have', async () => {
    expect((await attempt('192.0.2.1', 0))._unsafeUnwrapErr()).toEqual({
      kind: 'address_not_available',
      address: '192.0.2.1',
    });
  });

  test.each(['localhost', '', '127.0.0.1 ', '256.0.0.1', '::g', '[::1]', '127.0.0.1     # API bind address'])(
    'refuses "%s", which is not an address',
    async (bind) => {
      expect((await attempt(bind, 0))._unsafeUnwrapErr()).toEqual({ kind: 'bad_address', address: bind });
    },
  );

  test.each([-1, 65_536, 1.5, Number.NaN])('refuses port %d', async (port) => {
    expect((await attempt('127.0.0.1', port))._unsafeUnwrapErr()).toEqual({ kind: 'bad_port', port });
  });

  test.each([
    [
      { kind: 'port_in_use', address: '127.0.0.1', port: 8642, holder: null },
      'port 8642 on 127.0.0.1 is taken by another program: stop it or choose another port',
    ],
    [
      { kind: 'port_in_use', address: '::1', port: 80, holder: { pid: 7, name: 'nginx' } },
      'port 80 on ::1 is taken by nginx (process 7): stop it or choose another port',
    ],
    [{ kind: 'address_not_available', address: '192.0.2.1' }, 'this machine has no address 192.0.2.1 to listen on'],
    [
      { kind: 'not_permitted', address: '127.0.0.1', port: 80 },
      'not permitted to listen on port 80 of 127.0.0.1: ports below 1024 need root or CAP_NET_BIND_SERVICE',
    ],
    [{ kind: 'bad_address', address: 'x' }, '"x" is not an IPv4 or IPv6 address'],
    [{ kind: 'bad_port', port: -1 }, '-1 is not a port number: 0 to 65535'],
    [{ kind: 'listen_failed', address: '::', port: 1, code: 'EMFILE' }, 'cannot listen on port 1 of :: (EMFILE)'],
  ] as const)('describes %o in one sentence', (error, sentence) => {
    expect(describeListenError(error)).toBe(sentence);
  });
});

describe('closing', () => {
  test('is done at once when nobody is connected, and can be repeated', async () => {
    const listener = await aListener();

    expect((await listener.close(60_000))._unsafeUnwrap()).toEqual({ cut: 0 });
    expect((await listener.close(60_000))._unsafeUnwrap()).toEqual({ cut: 0 });
    await expect(RawClient.connect(listener.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('ends a silent connection and one that rests between requests at once', async () => {
    const listener = await aListener();
    const silent = await aClient(listener);
    const resting = await aClient(listener);
    await resting.send(REQUEST);
    await resting.untilAnswers(1);

    expect((await listener.close(60_000))._unsafeUnwrap()).toEqual({ cut: 0 });
    await silent.untilClosed();
    await resting.untilClosed();
  });

  test('answers a request that is on its way, and ends its connection then', async () => {
    const listener = await aListener();
    const client = await aClient(listener);
    await client.send(REQUEST);
    await client.untilAnswers(1);
    await client.send(REQUEST.slice(0, 20));
    await caughtUp(listener);

    const closing = listener.close(60_000);
    await client.send(REQUEST.slice(20));

    const answers = answersIn(await client.untilClosed());
    expect(answers.map((answer) => [answer.status, answer.headers['connection']])).toEqual([
      [200, 'keep-alive'],
      [200, 'close'],
    ]);
    expect((await closing)._unsafeUnwrap()).toEqual({ cut: 0 });
  });

  test('lets an answer that is being made be finished, and ends its connection then', async () => {
    const asked = signal();
    const release = signal();
    const fetch = async (): Promise<Response> => {
      asked.give();
      await release.given;
      return new Response('slow');
    };
    const listener = await aListener({}, '127.0.0.1', { app: { fetch } });
    const client = await aClient(listener);
    await client.send(REQUEST);
    await asked.given;

    const closing = listener.close(60_000);
    release.give();

    expect(answersIn(await client.untilClosed())).toMatchObject([{ status: 200, text: 'slow' }]);
    expect((await closing)._unsafeUnwrap()).toEqual({ cut: 0 });
  });

  test('cuts a client that holds its connection, after the limit', async () => {
    const listener = await aListener();
    const holding = await aClient(listener);
    await holding.send('GET /health HTTP/1.1\r\nHo');
    await caughtUp(listener);

    expect((await listener.close(200))._unsafeUnwrap()).toEqual({ cut: 1 });
    await holding.untilClosed();
  });

  test('waits only a moment for a client that keeps its side open after the last words', async () => {
    const listener = await aListener();
    const stubborn = await aClient(listener, listener.address, true);
    await stubborn.send('NONSENSE\r\n\r\n');
    await stubborn.untilAnswers(1);

    expect((await listener.close(60_000))._unsafeUnwrap()).toEqual({ cut: 0 });
  });

  test('takes no new connections meanwhile', async () => {
    const listener = await aListener();
    const holding = await aClient(listener);
    await holding.send('GET /health HTTP/1.1\r\nHo');
    await caughtUp(listener);

    const closing = listener.close(200);

    await expect(RawClient.connect(listener.port)).rejects.toThrow('ECONNREFUSED');
    await closing;
  });
});

describe('bounds', () => {
  const HASTY: Partial<ServeLimits> = { headersTimeout: 300, requestTimeout: 300, timeoutCheck: 20 };

  // security H10.
  test.each([
    ['a client that says nothing', ''],
    ['half a header', 'GET /health HTTP/1.1\r\nHo'],
  ])('%s is told 408 after the limit and let go', async (_what, words) => {
    const client = await aClient(await aListener(HASTY));

    if (words !== '') await client.send(words);

    const answers = answersIn(await client.untilClosed());
    expect(answers).toMatchObject([{ status: 408, headers: { 'content-type': 'application/problem+json' } }]);
    expect(JSON.parse(answers[0]?.text ?? '')).toMatchObject({ kind: 'too_slow' });
  });

  test('half a body is let go after the limit, whatever was answered before', async () => {
    const client = await aClient(await aListener(HASTY));

    await client.send('GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\nhalf');

    expect(statuses(await client.untilClosed())).toEqual([200, 408]);
  });

  test('a connection that rests is let go after the limit', async () => {
    const client = await aClient(await aListener({ keepAliveTimeout: 50 }));

    await client.send(REQUEST);

    expect(statuses(await client.untilClosed())).toEqual([200]);
  });

  test('a client that asks and asks and never reads is cut after the limit', async () => {
    const listener = await aListener({ stallTimeout: 100 });
    const deaf = await aClient(listener);
    deaf.socket.pause();

    // Some 20 MB of requests: more than the kernel keeps for a connection, so that some wait here for a server that
    // has stopped reading. Only who still has something to write hears of a reset without reading.
    void deaf.send(REQUEST.repeat(500_000));

    await deaf.untilClosed();
  });

  test('connections above the limit get a 503, and the others stay', async () => {
    const listener = await aListener({ maxConnections: 2 });
    const [first, second, third] = [await aClient(listener), await aClient(listener), await aClient(listener)];

    for (const client of [first, second, third]) await client.send(REQUEST);

    const refused = answersIn(await third.untilClosed());
    expect(refused).toMatchObject([{ status: 503, headers: { 'retry-after': '1', connection: 'close' } }]);
    expect(JSON.parse(refused[0]?.text ?? '')).toMatchObject({ kind: 'too_many_connections' });
    expect(statuses(await first.untilAnswers(1))).toEqual([200]);
    expect(statuses(await second.untilAnswers(1))).toEqual([200]);
  });

  test('a place that became free is given to the next', async () => {
    const listener = await aListener({ maxConnections: 1 });
    const first = await aClient(listener);
    await first.send(REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await first.untilClosed();

    const next = await aClient(listener);
    await next.send(REQUEST);

    expect(statuses(await next.untilAnswers(1))).toEqual([200]);
  });

  test('connections far above the limit are dropped without a word', async () => {
    const listener = await aListener({ maxConnections: 1 });
    for (let i = 0; i <= SURPLUS_CONNECTIONS; i += 1) await aClient(listener);

    expect(await (await aClient(listener)).untilClosed()).toBe('');
  });
});

describe('defects', () => {
  const boom = new Error('secret');

  test.each([
    ['rejects', () => Promise.reject(boom)],
    [
      'throws',
      () => {
        throw boom;
      },
    ],
  ])('an app that %s is a 500 that tells nothing, and reported', async (_what, fetch) => {
    const defects: unknown[] = [];
    const client = await aClient(
      await aListener({}, '127.0.0.1', { app: { fetch }, onDefect: (d) => defects.push(d) }),
    );

    await client.send(REQUEST + REQUEST);

    const answers = answersIn(await client.untilAnswers(2));
    expect(answers.map((answer) => JSON.parse(answer.text).kind)).toEqual(['defect', 'defect']);
    expect(answers[0]?.headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
    expect(answers[0]?.text).not.toContain('secret');
    expect(defects).toEqual([boom, boom]);
  });
});

async function aListener(
  limits: Partial<ServeLimits> = {},
  bind = '127.0.0.1',
  others: Partial<ServeOptions> = {},
): Promise<Listener> {
  const listening = await serve({ app: anApp().app, bind, port: 0, limits, onDefect: expectNone, ...others });
  const listener = listening._unsafeUnwrap();
  listeners.push(listener);
  return listener;
}

/** An attempt that the test expects to fail. */
function attempt(bind: string, port: number): ReturnType<typeof serve> {
  return serve({ app: anApp().app, bind, port, onDefect: expectNone });
}

async function aClient(listener: Listener, host = listener.address, stubborn = false): Promise<RawClient> {
  const client = await RawClient.connect(listener.port, host, stubborn);
  clients.push(client);
  return client;
}

/**
 * Resolves when the server has read what was sent before: one event loop serves all connections in
 * the order their bytes arrive, so an answer to a later request proves it.
 */
async function caughtUp(listener: Listener): Promise<void> {
  const later = await aClient(listener);
  await later.send(REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  await later.untilClosed();
}

function statuses(heard: string): readonly number[] {
  return answersIn(heard).map((answer) => answer.status);
}

/** Something one side waits for and the other gives. */
function signal(): { readonly given: Promise<void>; give(): void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}
