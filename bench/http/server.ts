import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { healthView, tunnelsView } from '@hurricane/core';
import { createApp, Metrics, OPENAPI } from '@hurricane/http';
import { serve } from '@hurricane/http/node';
import fastify from 'fastify';
import { aReading, aStatus, aTunnel, heTunnel } from '../../packages/http/src/testing-status.test-support.js';

// One server in a process of its own, forked with what it is and how many tunnels it has. Tells its port; answers
// every message with how long it takes to make /tunnels.

/** After these, V8 has compiled what it will. */
const WARM = 300;
const MEASURED = 200;

const [kind = '', count = ''] = process.argv.slice(2);
const tunnels = Array.from({ length: Number(count) }, (_, i) => {
  const reading = aReading({ address: `2001:db8:${i.toString(16)}::2` });
  return aTunnel({ config: heTunnel(`t${i}`, `he${i}`), reading, primary: i === 0 });
});
const status = aStatus(tunnels);
const onDefect = (defect: unknown): never => {
  throw defect;
};
const metrics = new Metrics({ version: '1' });
/** A gateway of so many tunnels takes two steps a second for each, and a new state with each. */
const steady = { status: () => status, state: {} };
setInterval(() => Object.assign(steady, { state: {} }), Math.max(1, 500 / tunnels.length)).unref();
const app = createApp({ gateway: steady, metrics, version: '1', onDefect });

process.on('message', async () => process.send?.(await blocks()));
process.on('disconnect', () => process.exit(0));
process.send?.(await portOf(kind));

function portOf(asked: string): Promise<number> {
  switch (asked) {
    case 'hurricane':
      return ours();
    case 'node:http':
      return bare();
    case 'fastify':
      return withFastify();
    default:
      throw new Error(`there is no server "${asked}"`);
  }
}

async function ours(): Promise<number> {
  return (await serve({ app, bind: '127.0.0.1', port: 0, onDefect }))._unsafeUnwrap().port;
}

/** The limit: the same fields and bytes, made once. */
async function bare(): Promise<number> {
  const ready = new Map<string, { readonly headers: Record<string, string>; readonly body: Buffer }>();
  for (const path of ['/health', '/tunnels']) {
    const answer = await app.request(path);
    const body = Buffer.from(await answer.text());
    ready.set(path, { headers: { ...Object.fromEntries(answer.headers), 'content-length': `${body.length}` }, body });
  }
  const server = createServer((request, response) => {
    const found = ready.get(request.url ?? '');
    response.writeHead(found === undefined ? 404 : 200, found?.headers).end(found?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Documents made for every request, as ours are, and written by the same schemas. No gate before them. */
async function withFastify(): Promise<number> {
  const server = fastify();
  const schemaOf = (name: string): object => ({ schema: { response: { 200: inlined({ $ref: `#/x/${name}` }) } } });
  server.get('/health', schemaOf('Health'), () => healthView(status));
  server.get('/tunnels', schemaOf('Tunnels'), () => tunnelsView(status));
  await server.listen({ host: '127.0.0.1', port: 0 });
  return (server.server.address() as AddressInfo).port;
}

function inlined(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inlined);
  if (typeof schema !== 'object' || schema === null) return schema;
  const name = '$ref' in schema ? String(schema.$ref).split('/').at(-1) : undefined;
  if (name !== undefined) return inlined(OPENAPI.components.schemas[name]);
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, inlined(value)]));
}

/** In milliseconds: all of it happens in one turn of the event loop. */
async function blocks(): Promise<readonly number[]> {
  const took: number[] = [];
  for (let i = 0; i < WARM + MEASURED; i += 1) {
    const started = performance.now();
    await app.request('/tunnels');
    if (i >= WARM) took.push(performance.now() - started);
    // Between two, others have their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return took;
}
