import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { createApp } from './app.js';
import type { RateLimit } from './rate.js';
import { obedientGateway } from './testing-sources.test-support.js';

const HERE = 'http://127.0.0.1:8642/mcp';

describe('/mcp', () => {
  it('is what the app was given, behind the same gate as everything else', async () => {
    const asked: string[] = [];
    const app = appWith(async (request) => {
      asked.push(await request.text());
      return Response.json({ ours: true });
    });

    const answered = await app.request(HERE, { method: 'POST', body: '{"a":1}' });
    const rebound = await app.request('http://evil.example/mcp', { method: 'POST', body: '{}' });
    const foreign = await app.request(HERE, { method: 'POST', headers: { origin: 'http://evil.example' }, body: '{}' });
    const large = await app.request(HERE, { method: 'POST', body: 'x'.repeat(70_000) });

    expect(await answered.json()).toEqual({ ours: true });
    expect([rebound.status, foreign.status, large.status]).toEqual([403, 403, 413]);
    expect(asked).toEqual(['{"a":1}']);
  });

  it('is asked as often as anybody likes, while changes beside it are counted', async () => {
    const app = appWith(() => Promise.resolve(new Response('ours')), undefined, { burst: 1, perSecond: 0.001 });
    const site = new Hono().route('/gateway', app);
    const posts = async (path: string): Promise<number[]> => {
      const statuses: number[] = [];
      for (let i = 0; i < 3; i += 1)
        statuses.push((await site.request(`http://127.0.0.1:8642/gateway${path}`, { method: 'POST' })).status);
      return statuses;
    };

    expect(await posts('/mcp')).toEqual([200, 200, 200]);
    expect(await posts('/mcp/x')).toEqual([404, 429, 429]);
    expect(await posts('/mcp')).toEqual([200, 200, 200]);
  });

  it('needs the token, as changes do', async () => {
    const app = appWith(() => Promise.resolve(new Response('ours')), {
      matches: (token) => token === 'x',
      forReads: false,
    });

    const without = await app.request(HERE, { method: 'POST', body: '{}' });
    const withIt = await app.request(HERE, { method: 'POST', headers: { authorization: 'Bearer x' }, body: '{}' });

    expect([without.status, withIt.status]).toEqual([401, 200]);
  });

  it('is not there otherwise', async () => {
    const app = createApp({ gateway: obedientGateway(), version: '1', onDefect: fail });

    expect((await app.request(HERE, { method: 'POST', body: '{}' })).status).toBe(404);
  });
});

function appWith(
  mcp: (request: Request) => Promise<Response>,
  token?: { readonly matches: (presented: string) => boolean; readonly forReads: boolean },
  mutationRate?: RateLimit,
) {
  const access = { ...(token === undefined ? {} : { token }), ...(mutationRate === undefined ? {} : { mutationRate }) };
  return createApp({ gateway: obedientGateway(), version: '1', onDefect: fail, mcp, ...access });
}

function fail(defect: unknown): never {
  throw defect;
}
