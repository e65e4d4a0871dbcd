import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppOptions } from './app-options.js';
import type { Arrival } from './guard.js';
import type { Listener } from './node.js';
import type { PlainRequest } from './quick-reads.js';
import { anApp, listen, RawClient } from './testing-clients.test-support.js';
import { aStatus } from './testing-status.test-support.js';

const ARRIVAL: Arrival = { address: '127.0.0.1', port: 8642 };
const PATHS = ['/health', '/v6/address', '/tunnels', '/livez'];

const plain = (parts: { url?: string; method?: string; fields?: readonly string[] } = {}): PlainRequest => ({
  method: parts.method ?? 'GET',
  url: parts.url ?? '/health',
  rawHeaders: ['Host', 'localhost:8642', 'User-Agent', 'curl/8', 'Accept', '*/*', ...(parts.fields ?? [])],
});

const quick = (request: PlainRequest, options: Partial<AppOptions> = {}) => anApp(options).app.quick(request, ARRIVAL);

describe('a plain read', () => {
  it.each(PATHS)('of %s gets what the app answers', async (url) => {
    const { app } = anApp();
    const through = await app.request(url, { headers: { host: 'localhost' } });

    const answer = app.quick(plain({ url }), ARRIVAL);

    expect(answer).toMatchObject({ status: 200, headers: Object.fromEntries(through.headers) });
    expect(answer?.body).toBe(await through.text());
  });

  it('is counted', () => {
    const counted: unknown[] = [];
    const metrics = { text: () => '', countAnswer: (...facts: unknown[]) => void counted.push(facts) };

    quick(plain(), { metrics });

    expect(counted).toEqual([['getHealth', 200, expect.any(Number)]]);
  });

  it('is shown what was made for the same state, and made anew for another', () => {
    const status = aStatus();
    let asked = 0;
    const source = {
      state: {},
      status: () => {
        asked += 1;
        return status;
      },
    };
    const { app } = anApp({ gateway: source });

    const answers = [app.quick(plain(), ARRIVAL), app.quick(plain(), ARRIVAL)];
    expect([asked, answers[0] === answers[1]]).toEqual([1, true]);

    source.state = {};
    expect(app.quick(plain(), ARRIVAL)).not.toBe(answers[0]);
    expect(asked).toBe(2);
  });

  it('of a gateway that says nothing of its state is made anew each time', () => {
    const { app } = anApp();

    expect(app.quick(plain(), ARRIVAL)).not.toBe(app.quick(plain(), ARRIVAL));
  });

  it('is answered by a Unix socket whatever the name', () => {
    const { app } = anApp();
    const request = { ...plain(), rawHeaders: ['Host', 'anything'] };

    expect(app.quick(request, { socket: '/run/s' })).toMatchObject({ status: 200 });
    expect(app.quick(request, ARRIVAL)).toBeNull();
  });
});

describe('left to the app is', () => {
  it.each<[string, PlainRequest]>([
    ['another method', plain({ method: 'HEAD' })],
    ['another path', plain({ url: '/config' })],
    ['a query', plain({ url: '/health?x=1' })],
    ['an absolute target', plain({ url: 'http://localhost:8642/health' })],
    ['a page of another origin', plain({ fields: ['Origin', 'https://evil.example'] })],
    ['a page’s image', plain({ fields: ['Sec-Fetch-Site', 'cross-site'] })],
    ['a name that is not ours', { ...plain(), rawHeaders: ['Host', 'rebound.example'] }],
    ['another port’s name', { ...plain(), rawHeaders: ['Host', 'localhost:1'] }],
    ['a second Host', plain({ fields: ['host', 'rebound.example'] })],
    ['no Host', { ...plain(), rawHeaders: [] }],
    ['a body', plain({ fields: ['Content-Length', '5'] })],
    ['a body of unknown length', plain({ fields: ['Transfer-Encoding', 'chunked'] })],
    ['a wish for another media type', plain({ fields: ['Accept', 'text/html'] })],
    ['a token', plain({ fields: ['Authorization', 'Bearer x'] })],
  ])('%s', (_, request) => {
    expect(quick(request)).toBeNull();
  });

  it('everything where reads need a token, or pages of other origins may read', () => {
    expect(quick(plain(), { token: { matches: () => true, forReads: true } })).toBeNull();
    expect(quick(plain(), { allowOrigins: ['https://dashboard.example'] })).toBeNull();
    expect(quick(plain(), { token: { matches: () => true, forReads: false } })).not.toBeNull();
  });

  it('a source that throws', () => {
    const gateway = {
      status: () => {
        throw new Error('broken');
      },
    };

    expect(quick(plain(), { gateway })).toBeNull();
  });
});

describe('over a connection', () => {
  let listener: Listener;
  beforeAll(async () => {
    listener = await listen(anApp().app);
  });
  afterAll(async () => {
    await listener.close(1_000);
  });

  it.each(PATHS)('%s has the same bytes both ways', async (path) => {
    const ask = async (field: string): Promise<string> => {
      const client = await RawClient.connect(listener.port);
      await client.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${field}\r\n`);
      return (await client.untilClosed()).replace(/^date: .*\r\n/im, '');
    };

    // A field that is not known to be harmless takes the way through the app.
    const [short, long] = [await ask(''), await ask('X-Anything: 1\r\n')];

    expect(fieldsOf(short)).toEqual(fieldsOf(long));
  });
});

/** Node and Hono write the same fields in another order and case. */
function fieldsOf(reply: string): unknown {
  const [head = '', body] = reply.split('\r\n\r\n');
  const [status, ...fields] = head.split('\r\n');
  return { status, body, fields: fields.map((field) => field.toLowerCase()).sort() };
}
