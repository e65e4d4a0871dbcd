import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HealthView, TunnelView } from '@hurricane/core';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import { apiClient, documentOf, MAX_ANSWER } from './client.js';
import type { Listener } from './node.js';
import { anApp, listen } from './testing-clients.test-support.js';
import { everySource, OURS, obedientGateway } from './testing-sources.test-support.js';

const listeners: Listener[] = [];
const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close(0)));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

describe('the typed client', () => {
  test('knows the document of each path', async () => {
    const client = apiClient(await aGateway());

    const health = await documentOf(client.health.$get());
    const tunnel = await documentOf(client.tunnels[':name'].$get({ param: { name: 'wg-backup' } }));

    expectTypeOf(health._unsafeUnwrap()).toEqualTypeOf<HealthView>();
    expectTypeOf(tunnel._unsafeUnwrap()).toEqualTypeOf<TunnelView>();
    expect(health._unsafeUnwrap().status).toBe('ok');
    expect(tunnel._unsafeUnwrap().name).toBe('wg-backup');
  });

  test('sends bodies, queries and parts of paths', async () => {
    const gateway = obedientGateway();
    const client = apiClient(await aGateway(gateway));
    const mapping = { internal_port: 1, external_port: 2, v6_address: OURS };

    await documentOf(client.failover.$post({ json: { tunnel: null } }));
    await documentOf(client.tunnels[':name'].restart.$post({ param: { name: 'he' } }));
    const mapped = await documentOf(client.ports.udp.$post({ json: mapping }));
    const probed = await documentOf(client.probe.tcp.$get({ query: { port: '7' } }));
    const gone = await documentOf(
      client.ports[':protocol'][':external_port'].$delete({ param: { protocol: 'udp', external_port: '2' } }),
    );

    expect(gateway.told).toEqual(['prefer null', 'restart he']);
    expect(mapped._unsafeUnwrap()).toMatchObject({ ...mapping, status: 'ok' });
    expect(probed._unsafeUnwrap()).toMatchObject({ port: 7, status: 'unknown' });
    expect(gone._unsafeUnwrap()).toMatchObject(mapping);
  });

  test('gives a problem as a value', async () => {
    const client = apiClient(await aGateway());

    const answer = await documentOf(client.tunnels[':name'].up.$post({ param: { name: 'hee' } }));

    expect(answer._unsafeUnwrapErr()).toMatchObject({ kind: 'problem', problem: { kind: 'unknown_tunnel' } });
  });

  test('shows its token', async () => {
    const token = { matches: (shown: string) => shown === 'open sesame'.replace(' ', '-'), forReads: true };
    const base = await aGateway(obedientGateway(), { token });

    expect((await documentOf(apiClient(base).health.$get()))._unsafeUnwrapErr()).toMatchObject({
      problem: { kind: 'unauthorized' },
    });
    expect((await documentOf(apiClient(base, { token: 'open-sesame' }).health.$get())).isOk()).toBe(true);
  });

  test.each<[string, RequestListener, object]>([
    ['speaks of something else', (_, answer) => answer.end('<html>'), { kind: 'foreign', status: 200 }],
    ['fails in its own way', (_, answer) => answer.writeHead(502).end('no'), { kind: 'foreign', status: 502 }],
    ['leads elsewhere', (_, answer) => answer.writeHead(302, { location: '/x' }).end(), { kind: 'no_answer' }],
    ['hangs up', (request) => request.destroy(), { kind: 'no_answer' }],
    ['never answers', () => undefined, { kind: 'no_answer', cause: expect.objectContaining({ name: 'TimeoutError' }) }],
    [
      'says JSON and is none',
      (_, answer) => answer.writeHead(200, { 'content-type': 'application/json' }).end('{'),
      { kind: 'foreign' },
    ],
    [
      'does not stop',
      (_, answer) => answer.writeHead(200, { 'content-type': 'application/json' }).end(' '.repeat(MAX_ANSWER + 1)),
      { kind: 'too_long', limit: MAX_ANSWER },
    ],
  ])('is not fooled by a server that %s', async (_what, listener, fault) => {
    const server = createServer(listener).listen(0, '127.0.0.1');
    servers.push(server);
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;

    const answer = await documentOf(apiClient(`http://127.0.0.1:${port}`, { deadline: 500 }).health.$get());

    expect(answer._unsafeUnwrapErr()).toMatchObject(fault);
  });
});

async function aGateway(
  gateway: ReturnType<typeof obedientGateway> = obedientGateway(),
  access: Parameters<typeof anApp>[0] = {},
): Promise<string> {
  const listener = await listen(anApp({ ...everySource(gateway), ...access }).app);
  listeners.push(listener);
  return listener.url;
}
