import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Listener } from './node.js';
import { anApp, answersIn, listen, RawClient, type Reply } from './testing-clients.test-support.js';

// What only a bare TCP client can send. One server takes all of it: whatever a client did must not
// have harmed it, so every test ends by asking for /health on a connection of its own.

let listener: Listener;
const clients: RawClient[] = [];

beforeAll(async () => {
  listener = await listen(anApp().app);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  const [answer] = answersIn(await exchange(get('/health', 'Connection: close')));
  expect(answer?.status).toBe(200);
});

afterAll(async () => {
  await listener.close(1_000);
});

describe('a request in pieces', () => {
  // security H14. The original took the first piece for the whole.
  test('split in two at every byte, is answered as if whole', async () => {
    const whole = get('/tunnels', 'Connection: close');
    const expected = withoutDate(await exchange(whole));

    for (let at = 1; at < whole.length; at += 1) {
      const client = await aClient();
      await client.send(whole.slice(0, at));
      await client.send(whole.slice(at));
      expect(withoutDate(await client.untilClosed()), `split at byte ${at}`).toBe(expected);
    }
  });

  test('byte by byte, is answered as if whole', async () => {
    const client = await aClient();

    for (const byte of get('/health', 'Connection: close')) await client.send(byte);

    expect(answersIn(await client.untilClosed())).toMatchObject([{ status: 200 }]);
  });
});

describe('pipelining', () => {
  // security H15.
  test('20 requests in one piece get 20 answers in their order', async () => {
    const paths = Array.from(
      { length: 20 },
      (_, i) => ['/health', '/v6/address', '/tunnels', `/nope${i}`][i % 4] ?? '',
    );
    const client = await aClient();

    await client.send(paths.map((path) => get(path)).join(''));

    const answers = answersIn(await client.untilAnswers(20));
    expect(answers.map(subjectOf)).toEqual(paths);
  });

  test('requests ahead of a malformed one are answered first', async () => {
    const heard = await exchange(`${get('/health')}${get('/tunnels')}NONSENSE\r\n\r\n`);

    expect(answersIn(heard).map((answer) => answer.status)).toEqual([200, 200, 400]);
  });

  test('a body on a GET is passed over and never taken for the next request', async () => {
    const body = get('/nope');
    const client = await aClient();

    await client.send(`${get('/health', `Content-Length: ${body.length}`)}${body}${get('/tunnels')}`);

    const answers = answersIn(await client.untilAnswers(2));
    expect(answers.map(subjectOf)).toEqual(['/health', '/tunnels']);
  });
});

describe('what is not quite HTTP', () => {
  test.each<[what: string, request: string, status: number, kind: string]>([
    ['a lower-case method', 'get /health HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'bad_request'],
    ['an invented method', 'FETCH /health HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'bad_request'],
    ['no HTTP version', 'GET /health\r\n\r\n', 400, 'bad_request'],
    ['an unknown HTTP version', 'GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n', 400, 'bad_request'],
    ['a line without a colon', 'GET /health HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n', 400, 'bad_request'],
    ['a space before a colon', 'GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n', 400, 'bad_request'],
    ['two different lengths', post('Content-Length: 1\r\nContent-Length: 2'), 400, 'bad_request'],
    ['a length and chunks', post('Content-Length: 1\r\nTransfer-Encoding: chunked'), 400, 'bad_request'],
    ['a length of 1e12', post('Content-Length: 1e12'), 400, 'bad_request'],
    ['a TLS hello', '\x16\x03\x01\x00\x05hello', 400, 'bad_request'],
    ['no Host', 'GET /health HTTP/1.1\r\n\r\n', 400, 'bad_request'],
    ['no Host in HTTP/1.0', 'GET /health HTTP/1.0\r\n\r\n', 400, 'bad_request'],
    ['an empty Host', 'GET /health HTTP/1.1\r\nHost:\r\n\r\n', 400, 'bad_request'],
    [
      'two Hosts, ours first',
      'GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'two Hosts, ours last',
      'GET /health HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n',
      400,
      'bad_request',
    ],
    ['the same Host twice', 'GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n', 400, 'bad_request'],
    ['a Host that is none', 'GET /health HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'bad_request'],
    ['a Host with a path', 'GET /health HTTP/1.1\r\nHost: localhost/x\r\n\r\n', 400, 'bad_request'],
    ['a Host with a user', 'GET /health HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n', 400, 'bad_request'],
    ['a target without a slash', 'GET health HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'bad_request'],
    ['a backslash in the path', 'GET /\\evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'bad_request'],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'bad_request'],
    [
      'a foreign absolute target',
      'GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n',
      403,
      'host_refused',
    ],
    [
      'a foreign Host under our absolute target',
      'GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n\r\n',
      403,
      'host_refused',
    ],
    ['an absolute target without a Host', 'GET http://localhost/health HTTP/1.1\r\n\r\n', 400, 'bad_request'],
    ['TRACE', 'TRACE /health HTTP/1.1\r\nHost: localhost\r\n\r\n', 405, 'method_not_allowed'],
    ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n', 405, 'method_not_allowed'],
    [
      'a strange expectation',
      'GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: the-unexpected\r\n\r\n',
      417,
      'expectation_failed',
    ],
  ])('%s', async (_what, request, status, kind) => {
    const client = await aClient();

    await client.send(request);

    const [answer] = answersIn(await client.untilAnswers(1));
    expect(answer?.status).toBe(status);
    expectProblem(answer, kind);
  });

  test.each([
    ['an absolute target of ours', 'GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['HTTP/1.0 with a Host', 'GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n'],
    ['an empty line ahead', '\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    [
      'an upgrade nobody offers',
      'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    [
      'a declared body that never comes',
      'GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\n',
    ],
    [
      'chunks without end',
      'GET /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    ],
  ])('%s is answered', async (_what, request) => {
    const client = await aClient();

    await client.send(request);

    expect(answersIn(await client.untilAnswers(1))[0]?.status).toBe(200);
  });
});

// security H12.
describe('what is too large', () => {
  test.each([
    ['a header field of 64 KiB', get('/health', `X-Long: ${'x'.repeat(65_536)}`)],
    ['a header of 1 MB', get('/health', ...Array.from({ length: 1_000 }, (_, i) => `X-${i}: ${'x'.repeat(1_000)}`))],
    ['10,000 header fields', get('/health', ...Array.from({ length: 10_000 }, (_, i) => `X-${i}: y`))],
    ['a target of 100 KB', get(`/${'x'.repeat(100_000)}`)],
  ])('%s is refused with 431, which the client gets to read', async (_what, request) => {
    const answers = answersIn(await exchange(request));

    expect(answers).toMatchObject([{ status: 431 }]);
    expectProblem(answers[0], 'headers_too_large');
  });

  test('a client that reads only when it has sent everything still gets to read the 431', async () => {
    const client = await aClient();
    client.socket.pause();

    await client.send(get('/health', `X-Long: ${'x'.repeat(8_000_000)}`));
    client.socket.resume();

    expect(answersIn(await client.untilClosed())).toMatchObject([{ status: 431 }]);
  });

  test('a foreign Origin is seen behind 3,000 other fields', async () => {
    const fields = [...Array.from({ length: 3_000 }, () => 'a:'), 'Origin: https://evil.example'];

    expect(answersIn(await exchange(get('/health', ...fields, 'Connection: close')))).toMatchObject([{ status: 403 }]);
  });
});

// security H11. In the original a single one held up everybody.
describe('clients that do nothing', () => {
  test('a silent one is not noticed by the others', async () => {
    await aClient();

    expect(answersIn(await exchange(get('/health', 'Connection: close')))).toMatchObject([{ status: 200 }]);
  });

  test('200 of them, half with half a request, are not noticed by the others', async () => {
    for (let i = 0; i < 200; i += 1) {
      const client = await aClient();
      if (i % 2 === 0) await client.send('GET /health HTTP/1.1\r\nHo');
    }

    const started = performance.now();
    for (let i = 0; i < 20; i += 1) {
      expect(answersIn(await exchange(get('/health', 'Connection: close')))).toMatchObject([{ status: 200 }]);
    }
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

/** A request from this machine. */
function get(path: string, ...fields: readonly string[]): string {
  return `GET ${path} HTTP/1.1\r\n${['Host: localhost', ...fields].map((field) => `${field}\r\n`).join('')}\r\n`;
}

function post(fields: string): string {
  return `POST /health HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n\r\n`;
}

async function aClient(): Promise<RawClient> {
  const client = await RawClient.connect(listener.port);
  clients.push(client);
  return client;
}

/** Everything the server says to `request` until it closes. */
async function exchange(request: string): Promise<string> {
  const client = await aClient();
  void client.send(request);
  return client.untilClosed();
}

function withoutDate(heard: string): string {
  return heard.replace(/^date: .*$/im, 'Date');
}

/** Which of the test's paths an answer is about. */
function subjectOf(answer: Reply): string {
  const document: Record<string, unknown> = JSON.parse(answer.text);
  if ('v6_reachable' in document) return '/health';
  if ('addresses' in document) return '/v6/address';
  if ('tunnels' in document) return '/tunnels';
  return /"(\/nope\d*)"/.exec(`${document['detail']}`)?.[1] ?? 'unknown';
}

function expectProblem(answer: Reply | undefined, kind: string): void {
  expect(answer?.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
  });
  expect(JSON.parse(answer?.text ?? '')).toMatchObject({ kind, status: answer?.status });
}
