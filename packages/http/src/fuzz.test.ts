import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonSchema, OperationObject } from './openapi-document.js';
import { OPENAPI } from './openapi-document.js';
import { type Ask, anApp, inProcess } from './testing-clients.test-support.js';
import { departureOf } from './testing-conformance.test-support.js';
import { everySource, inProxyMode, obedientGateway, twoTunnels } from './testing-sources.test-support.js';

const REQUESTS = 10_000;
const SEED = Number(process.env['SEED'] ?? 9457);

/** What a 5xx may mean: the gateway's state, and never a fault of the API's. */
const MEANT = ['not_ready', 'not_offered', 'no_address', 'port_failed', 'too_many_subscribers'];

interface Generated extends Ask {
  readonly path: string;
}

const operations = Object.entries(OPENAPI.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

const junk: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('', '0', '-1', '70000', '1e3', '__proto__', 'constructor', '../..', '%00', '\r\nx: y', '$(reboot)'),
  fc.constantFrom('he', 'wg-backup', 'auto', '2001:db8:1234:5678::2', 'x'.repeat(5_000)),
  fc.integer().map(String),
);

test(`${REQUESTS} generated requests get no answer that is a fault or is not described`, async () => {
  const rate = { burst: REQUESTS * 2, perSecond: REQUESTS };
  const modes = [everySource(), everySource(obedientGateway(twoTunnels())), {}, everySource(emptyGateway())];
  const apps = modes.map((sources) => anApp({ ...sources, mutationRate: rate }));
  const clients = await Promise.all(apps.map(({ app }) => inProcess(app)));
  const statuses = new Map<number, number>();

  await fc.assert(
    fc.asyncProperty(fc.nat(clients.length - 1), request(), async (which, { path, ...how }) => {
      const client = clients[which];
      if (client === undefined) throw new Error('there is no such client');
      if (how.method === 'GET' && /^\/events\/?(\?|$)/.test(path)) return follow(apps[which]?.app, path, how);
      // The client throws when an answer is not what the document promises.
      const reply = await client.ask(path, how);
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      if (reply.status >= 500 && how.method !== 'HEAD') expect(MEANT).toContain(JSON.parse(reply.text).kind);
    }),
    { numRuns: REQUESTS, seed: SEED, endOnFailure: true },
  );

  expect(apps.flatMap(({ defects }) => defects)).toEqual([]);
  // Were they all refused at the door, nothing would have been tried.
  for (const status of [200, 202, 400, 404, 405, 406, 409, 415, 422])
    expect(statuses.get(status) ?? 0).toBeGreaterThan(20);
}, 120_000);

async function follow(app: ReturnType<typeof anApp>['app'] | undefined, path: string, how: Ask): Promise<void> {
  const headers = { host: 'localhost', ...how.headers };
  const response = await app?.request(`http://localhost${path}`, { method: 'GET', headers });
  if (response === undefined) throw new Error('there is no such app');
  const streams = response.headers.get('content-type') === 'text/event-stream';
  const text = streams ? '' : await response.text();
  await (streams ? response.body?.cancel() : undefined);
  const answered = { status: response.status, headers: Object.fromEntries(response.headers), text };
  expect(departureOf('GET', path, answered)).toBeNull();
}

function emptyGateway(): ReturnType<typeof obedientGateway> {
  const { tunnels: _none, ...rest } = inProxyMode(twoTunnels());
  return obedientGateway({ ...rest, tunnels: [], primary: null });
}

/** A request of some operation: right, nearly right, or wrong in one of the ways that clients are wrong. */
function request(): fc.Arbitrary<Generated> {
  return fc.oneof(...operations.map(requestOf));
}

function requestOf({ path, method, operation }: (typeof operations)[number]): fc.Arbitrary<Generated> {
  const strange = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH');
  return fc
    .record({
      path: fc.tuple(pathOf(path, operation), queryOf(operation)).map(([way, query]) => `${way}${query}`),
      method: mostly(fc.constant(method), strange),
      headers: headersOf(operation),
      body: bodyOf(operation),
    })
    .map(({ body, method: chosen, ...rest }) => {
      // Fetch gives GET and HEAD no body.
      const carries = body !== null && chosen !== 'GET' && chosen !== 'HEAD';
      return { ...rest, method: chosen, ...(carries ? { body } : {}) };
    });
}

function mostly<A, B>(usual: fc.Arbitrary<A>, strange: fc.Arbitrary<B>): fc.Arbitrary<A | B> {
  return fc.oneof({ arbitrary: usual, weight: 9 }, { arbitrary: strange, weight: 1 });
}

function pathOf(path: string, operation: OperationObject): fc.Arbitrary<string> {
  const parts = path.split('/').map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) return fc.constant(part);
    const schema = operation.parameters?.find((parameter) => parameter.name === name)?.schema ?? {};
    const right = name === 'name' ? fc.constantFrom('he', 'wg-backup') : valid(schema).map(String);
    // An empty part would make it another path.
    return mostly(right, junk.filter((text) => text.length > 0).map(encoded));
  });
  const whole = fc.tuple(...parts).map((each) => each.join('/'));
  return mostly(
    whole,
    fc.oneof(
      whole.map((way) => `${way}/`),
      junk.map((text) => `/${encoded(text)}`),
    ),
  );
}

function queryOf({ parameters = [] }: OperationObject): fc.Arbitrary<string> {
  const own = parameters.filter((parameter) => parameter.in === 'query');
  const pairs = own.map(({ name, schema }) => {
    const pair = mostly(valid(schema).map(String), junk).map((value) => `${name}=${encoded(value)}`);
    return mostly(
      fc.option(pair, { nil: '', freq: 5 }),
      fc.tuple(pair, pair).map((both) => both.join('&')),
    );
  });
  const strays = mostly(
    fc.constant(''),
    fc.tuple(junk, junk).map(([a, b]) => `${encoded(a)}=${encoded(b)}`),
  );
  return fc.tuple(...pairs, strays).map((each) => {
    const text = each.filter((pair) => pair !== '').join('&');
    return text === '' ? '' : `?${text}`;
  });
}

function headersOf({ requestBody }: OperationObject): fc.Arbitrary<Record<string, string>> {
  const [type = 'application/json'] = Object.keys(requestBody?.content ?? {});
  const types = fc.constantFrom('text/plain', 'application/json; charset=utf-8', 'text/html', 'application/json;', 'x');
  return fc.record(
    {
      'content-type': mostly(fc.constant(type), types),
      accept: mostly(
        fc.constant('*/*'),
        fc.constantFrom('application/json', 'text/html', 'text/*;q=0', 'a', ';', 'image/png'),
      ),
      'last-event-id': fc.constantFrom('x-1', '-', '0', '99999999999999999999', 'a-b-c'),
      'content-encoding': mostly(fc.constant('identity'), fc.constantFrom('gzip', 'br')),
    },
    { requiredKeys: ['content-type'] },
  );
}

function bodyOf({ requestBody }: OperationObject): fc.Arbitrary<string | null> {
  const [media] = Object.values(requestBody?.content ?? {});
  if (media === undefined) return mostly(fc.constant(null), fc.json());
  const right = valid(media.schema);
  if (media.schema.type === 'string') return fc.oneof(junk, fc.constant(String(media.example)));
  const damaged = fc
    .tuple(right, fc.constantFrom(...Object.keys(media.schema.properties ?? {}), '__proto__', 'x'), fc.jsonValue())
    .map(([body, key, value]) => JSON.stringify({ ...(body as object), [key]: value }));
  const cut = fc.tuple(right, fc.nat(60)).map(([body, at]) => JSON.stringify(body).slice(0, at));
  return fc.oneof(
    right.map((body) => JSON.stringify(body)),
    damaged,
    cut,
    fc.json(),
    junk,
  );
}

/** Values that a schema of ours allows. */
function valid(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valid));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'null':
      return fc.constant(null);
    case 'integer':
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1e6, 2 ** 31 - 1) });
    case 'object':
      return validObject(schema);
    default:
      return validText(schema);
  }
}

function validObject({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> {
  const members = Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, valid(member)]));
  return fc.record(members, { requiredKeys: [...required] });
}

function validText({ pattern, maxLength = 40, minLength = 0 }: JsonSchema): fc.Arbitrary<string> {
  const ours = fc.constantFrom('he', 'wg-backup', 'auto', '2001:db8:1234:5678::2', '2001:db8::9', '[2001:db8::1]:7654');
  const any = fc.oneof(ours, fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 30) }));
  const fits = new RegExp(pattern ?? '', 'u');
  return pattern === undefined ? any : fc.oneof(ours, fc.stringMatching(fits)).filter((text) => fits.test(text));
}

/** Lone halves of characters cannot be written in a URL. */
function encoded(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, ''));
}
