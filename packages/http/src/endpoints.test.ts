import { readFileSync } from 'node:fs';
import { HEALTH_DEFAULTS } from '@hurricane/core';
import { MemoryPortMappings } from '@hurricane/core/testing';
import { errAsync, okAsync } from 'neverthrow';
import { afterEach, describe, expect, test } from 'vitest';
import type { AppOptions } from './app-options.js';
import { type Ask, anApp, type Client, inProcess, overTcp, type Reply } from './testing-clients.test-support.js';
import {
  everySource,
  HandInsight,
  inProxyMode,
  OURS,
  obedientGateway,
  someLogs,
  twoTunnels,
} from './testing-sources.test-support.js';
import { aStatus, aTunnel, SAMPLE_TIME } from './testing-status.test-support.js';

// Every answer here is held to the OpenAPI document by the clients themselves.

const MAPPING = { internal_port: 7654, external_port: 7654, v6_address: OURS, description: 'I2P-UDP' };
const JSON_TYPE = { 'content-type': 'application/json' };

describe.each([
  ['in process', inProcess],
  ['over a socket', overTcp],
])('asked %s', (_name, connect) => {
  const clients: Client[] = [];

  async function clientOf(options: Partial<AppOptions> = everySource()): Promise<Client> {
    const client = await connect(anApp(options).app);
    clients.push(client);
    return client;
  }

  async function ask(path: string, how: Ask = {}, options: Partial<AppOptions> = everySource()): Promise<Reply> {
    return (await clientOf(options)).ask(path, how);
  }

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
  });

  describe('one tunnel', () => {
    test('is the row that /tunnels has of it', async () => {
      const client = await clientOf();

      const { tunnels } = bodyOf(await client.ask('/tunnels')) as { tunnels: unknown[] };

      expect(bodyOf(await client.ask('/tunnels/wg-backup'))).toEqual(tunnels[1]);
      expect(bodyOf(await client.ask('/tunnels/wg-backup/'))).toEqual(tunnels[1]);
    });

    test.each([
      ['/tunnels/wgbackup', 'wg-backup'],
      ['/tunnels/HE', 'he'],
      ['/tunnels/zzz', null],
      ['/tunnels/__proto__', null],
      ['/tunnels/constructor', null],
      ['/tunnels/%00', null],
      ['/tunnels/%F0%9F%8C%80', null],
      [`/tunnels/${'x'.repeat(4_000)}`, null],
      ['/tunnels/he%2fup', null],
    ])('%s is unknown, and the answer says which there are', async (path, nearest) => {
      const reply = await ask(path);

      expectProblem(reply, 404, 'unknown_tunnel', { field: '/name', tunnels: ['he', 'wg-backup'] });
      expect(bodyOf(reply)).toMatchObject({ nearest });
      expect(reply.text.length).toBeLessThan(1_000);
    });
  });

  describe('verbs', () => {
    test.each([
      ['up', 'raise wg-backup'],
      ['down', 'lower wg-backup'],
      ['restart', 'restart wg-backup'],
    ])('POST /tunnels/wg-backup/%s tells the gateway once and answers 202 with the tunnel', async (word, told) => {
      const gateway = obedientGateway();

      const reply = await ask(`/tunnels/wg-backup/${word}`, { method: 'POST' }, everySource(gateway));

      expect(reply.status).toBe(202);
      expect(bodyOf(reply)).toMatchObject({ name: 'wg-backup' });
      expect(gateway.told).toEqual([told]);
    });

    test.each(['up', 'down', 'restart'])('POST /tunnels/nope/%s is 404 and tells nothing', async (word) => {
      const gateway = obedientGateway();

      const reply = await ask(`/tunnels/nope/${word}`, { method: 'POST' }, everySource(gateway));

      expectProblem(reply, 404, 'unknown_tunnel', { tunnels: ['he', 'wg-backup'] });
      expect(gateway.told).toEqual([]);
    });

    test('a GET changes nothing and says what is allowed', async () => {
      const gateway = obedientGateway();

      const reply = await ask('/tunnels/he/down', {}, everySource(gateway));

      expectProblem(reply, 405, 'method_not_allowed');
      expect(reply.headers['allow']).toBe('POST');
      expect(gateway.told).toEqual([]);
    });

    test.each(['/tunnels/he/up', '/tunnels/he/down', '/tunnels/he/restart'])(
      '%s of an app whose gateway has no verbs is 503',
      async (path) => {
        const reply = await ask(path, { method: 'POST' }, { gateway: { status: twoTunnels } });

        expectProblem(reply, 503, 'not_offered');
      },
    );
  });

  describe('the choice of the primary', () => {
    test.each([
      ['he', 'prefer he'],
      [null, 'prefer null'],
    ])('POST /failover with %o tells the gateway and answers what is in force', async (tunnel, told) => {
      const gateway = obedientGateway();

      const reply = await ask('/failover', json({ tunnel }), everySource(gateway));

      expect(reply.status).toBe(200);
      expect(bodyOf(reply)).toEqual({ status: 'ok', preferred: tunnel, primary: 'he' });
      expect(gateway.told).toEqual([told]);
    });

    test('an unknown tunnel is 422, with the nearest', async () => {
      const gateway = obedientGateway();

      const reply = await ask('/failover', json({ tunnel: 'wg-bakcup' }), everySource(gateway));

      expectProblem(reply, 422, 'unknown_tunnel', { in: 'body', field: '/tunnel', nearest: 'wg-backup' });
      expect(gateway.told).toEqual([]);
    });

    test.each<[unknown, string]>([
      [{}, '/tunnel'],
      [{ tunnel: 1 }, '/tunnel'],
      [{ tunnel: '' }, '/tunnel'],
      [{ tunnel: ['he'] }, '/tunnel'],
      [{ tunnel: 'x'.repeat(64) }, '/tunnel'],
      [{ tunnel: 'he', force: true }, '/force'],
      [{ tunel: 'he' }, '/tunnel'],
      [['he'], ''],
      ['he', ''],
      [null, ''],
      [1, ''],
    ])('%o is 400 at %o', async (body, field) => {
      expectProblem(await ask('/failover', json(body)), 400, 'bad_body', { in: 'body', field });
    });

    test('GET /failover/explain is what the gateway explains', async () => {
      const insight = new HandInsight();

      const reply = await ask('/failover/explain', {}, { ...everySource(), insight });

      expect(bodyOf(reply)).toEqual(insight.explain());
    });
  });

  describe('port mappings', () => {
    test.each(['udp', 'tcp'])(
      'POST /ports/%s has the members of the sample, and the mapping exists',
      async (protocol) => {
        const client = await clientOf();

        const reply = await client.ask(`/ports/${protocol}`, json(MAPPING));

        expect(reply.status).toBe(200);
        expect(bodyOf(reply)).toMatchObject({
          status: 'ok',
          internal_port: 7654,
          external_port: 7654,
          v6_address: OURS,
        });
        expect(bodyOf(await client.ask('/ports'))).toEqual({
          ports: [
            {
              protocol,
              ...MAPPING,
              internal_host: '127.0.0.1',
              auto: false,
              direction: 'in',
              target: null,
              name: null,
              state: 'open',
              problem: null,
              since: SAMPLE_TIME,
            },
          ],
        });
      },
    );

    test('the same again succeeds, another on that port is 409, and removing it frees it', async () => {
      const client = await clientOf();
      const other = json({ ...MAPPING, internal_port: 1 });

      expect((await client.ask('/ports/udp', json(MAPPING))).status).toBe(200);
      expect((await client.ask('/ports/udp', json(MAPPING))).status).toBe(200);
      expectProblem(await client.ask('/ports/udp', other), 409, 'port_taken', { field: '/external_port' });
      const removed = await client.ask('/ports/udp/7654', { method: 'DELETE' });
      expect(removed.status).toBe(200);
      expect(bodyOf(removed)).toMatchObject({ protocol: 'udp', external_port: 7654 });
      expectProblem(await client.ask('/ports/udp/7654', { method: 'DELETE' }), 404, 'unknown_mapping');
      expect((await client.ask('/ports/udp', other)).status).toBe(200);
    });

    test('an address is taken in any spelling, and answered in the canonical one', async () => {
      const reply = await ask('/ports/udp', json({ ...MAPPING, v6_address: '2001:DB8:1234:5678:0:0:0:2' }));

      expect(bodyOf(reply)).toMatchObject({ v6_address: OURS });
    });

    test('"auto" becomes the address it stands for', async () => {
      const reply = await ask('/ports/udp', json({ ...MAPPING, v6_address: 'auto' }));

      expect(bodyOf(reply)).toMatchObject({ v6_address: OURS });
    });

    test('direction and target go along', async () => {
      const out = { ...MAPPING, direction: 'out', target: '[2001:db8::9]:7654' };

      expect(bodyOf(await ask('/ports/udp', json(out)))).toMatchObject({ direction: 'out', target: out.target });
      expectProblem(await ask('/ports/udp', json({ ...MAPPING, direction: 'out' })), 422, 'bad_target', {
        field: '/target',
      });
    });

    // security H18.
    test.each<[Record<string, unknown>, number, string, string]>([
      [{ external_port: 0 }, 400, 'bad_body', '/external_port'],
      [{ external_port: -1 }, 400, 'bad_body', '/external_port'],
      [{ external_port: 65_536 }, 400, 'bad_body', '/external_port'],
      [{ external_port: 70_000 }, 400, 'bad_body', '/external_port'],
      [{ external_port: 1.5 }, 400, 'bad_body', '/external_port'],
      [{ external_port: '7654' }, 400, 'bad_body', '/external_port'],
      [{ external_port: null }, 400, 'bad_body', '/external_port'],
      [{ external_port: undefined }, 400, 'bad_body', '/external_port'],
      [{ external_port: 8642 }, 409, 'port_reserved', '/external_port'],
      [{ internal_port: 0 }, 400, 'bad_body', '/internal_port'],
      [{ v6_address: undefined }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: '' }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: '::ffff:127.0.0.1' }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: 'fe80::1%lo' }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: 'fe80::1%$(reboot)' }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: '192.0.2.1' }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: ':::' }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: '12345::' }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: `${OURS}/64` }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: `${OURS}\n` }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: 'x'.repeat(60_000) }, 400, 'bad_body', '/v6_address'],
      [{ v6_address: '::' }, 422, 'address_not_ours', '/v6_address'],
      [{ v6_address: '::1' }, 422, 'address_not_ours', '/v6_address'],
      [{ v6_address: '2001:db8:9::9' }, 422, 'address_not_ours', '/v6_address'],
      [{ description: 7 }, 400, 'bad_body', '/description'],
      [{ description: 'x'.repeat(201) }, 400, 'bad_body', '/description'],
      [{ direction: 'sideways' }, 400, 'bad_body', '/direction'],
      [{ target: '127.0.0.1:80' }, 400, 'bad_body', '/target'],
      [{ exernal_port: 1 }, 400, 'bad_body', '/exernal_port'],
    ])('%o is %i %s at %s, and nothing is mapped', async (wrong, status, kind, field) => {
      const client = await clientOf();

      const reply = await client.ask('/ports/udp', json({ ...MAPPING, ...wrong }));

      expectProblem(reply, status, kind, { in: 'body', field });
      expect(reply.text.length).toBeLessThan(1_500);
      expect(bodyOf(await client.ask('/ports'))).toEqual({ ports: [] });
    });

    test('all that is wrong is told at once', async () => {
      const reply = await ask('/ports/udp', json({ external_port: 0, v6_address: 'x', extra: 1 }));

      const fields = (bodyOf(reply) as { errors: { field: string }[] }).errors.map((fault) => fault.field);
      expect(fields).toEqual(['/internal_port', '/external_port', '/v6_address', '/extra']);
    });

    test.each([['<script>alert(1)</script>'], ['\r\nSet-Cookie: x'], ['\u001b[2J'], ['🌀']])(
      'a description %o comes back as the text it is',
      async (description) => {
        expect(bodyOf(await ask('/ports/udp', json({ ...MAPPING, description })))).toMatchObject({ description });
      },
    );

    test('a limit is 429', async () => {
      const ports = new MemoryPortMappings({ addresses: () => [OURS], limit: 0 });

      expectProblem(await ask('/ports/udp', json(MAPPING), { ...everySource(), ports }), 429, 'too_many_mappings');
    });

    test.each([
      [{ kind: 'not_permitted', port: 80 }, 403, 'port_not_permitted'],
      [{ kind: 'no_address' }, 503, 'no_address'],
      [{ kind: 'failed', code: 'EMFILE' }, 503, 'port_failed'],
    ] as const)('a relay that says %o is %i', async (error, status, kind) => {
      const table = new MemoryPortMappings({ addresses: () => [OURS] });
      const ports: AppOptions['ports'] = {
        map: () => errAsync(error),
        unmap: (protocol, port) => table.unmap(protocol, port),
        list: () => okAsync([]),
        probe: (protocol, port) => table.probe(protocol, port),
      };

      expectProblem(await ask('/ports/udp', json(MAPPING), { ...everySource(), ports }), status, kind);
    });

    test.each<[string, Ask]>([
      ['/ports', {}],
      ['/ports/udp', json(MAPPING)],
      ['/ports/tcp', json(MAPPING)],
      ['/ports/udp/7654', { method: 'DELETE' }],
    ])('%s outside proxy mode is 409, with how to enable it', async (path, how) => {
      const kernel = obedientGateway(twoTunnels());
      const reply = await ask(path, how, everySource(kernel));

      expectProblem(reply, 409, 'ports_not_offered', {
        detail: expect.stringMatching(/mode "kernel".*"mode = proxy" under \[exposure\]/),
      });
      const without = { gateway: obedientGateway(inProxyMode(twoTunnels())) };
      expectProblem(await ask(path, how, without), 409, 'ports_not_offered');
    });

    test.each([
      '/ports/udp/0',
      '/ports/udp/65536',
      '/ports/udp/-1',
      '/ports/udp/1e3',
      '/ports/udp/007',
      '/ports/udp/7654x',
      '/ports/udp/%37654%20',
      '/ports/icmp/7654',
      '/ports/__proto__/1',
    ])('DELETE %s is 400', async (path) => {
      expectProblem(await ask(path, { method: 'DELETE' }), 400, 'bad_parameter', { in: 'path' });
    });
  });

  describe('flows', () => {
    test('GET /flows lists what the relay carries', async () => {
      expect(bodyOf(await ask('/flows'))).toEqual({
        total: 2,
        flows: [
          {
            id: 1,
            kind: 'tcp',
            origin: 'mapping tcp 80',
            client: '[2001:db8:ffff::1]:40000',
            target: '127.0.0.1:80',
            tunnel: 'he',
            since: SAMPLE_TIME,
            sent_bytes: 10,
            received_bytes: 20,
          },
          expect.objectContaining({ id: 2, kind: 'udp', target: '[::1]:7654' }),
        ],
      });
    });

    test('without a relay there are none to be had', async () => {
      const { flows, ...rest } = everySource();

      expectProblem(await ask('/flows', {}, rest), 503, 'not_offered');
    });
  });

  describe('probes', () => {
    test.each(['udp', 'tcp'])('GET /probe/%s has the members of the sample', async (protocol) => {
      const kernel = everySource(obedientGateway(twoTunnels()));

      for (const options of [everySource(), kernel]) {
        const reply = await ask(`/probe/${protocol}?port=7654`, {}, options);

        expect(reply.status).toBe(200);
        expect(bodyOf(reply)).toEqual({
          status: 'unknown',
          port: 7654,
          address: null,
          vantage: null,
          latency_ms: null,
          note: expect.stringContaining(protocol),
        });
      }
    });

    // security H22.
    test.each([
      '',
      '?',
      '?port',
      '?port=',
      '?port=0',
      '?port=-1',
      '?port=70000',
      '?port=99999999999999999999',
      '?port=1.5',
      '?port=0x50',
      '?port=1;id',
      '?port=%31%00',
      '?port=7654&port=7655',
      '?port=7654&port=7654',
      '?port[]=7654',
      '?Port=7654',
      '?port=7654&target=2001:db8::1',
      '?port=7654&__proto__=1',
      '?port=%F0%9F%8C%80',
      '?port=%ff',
      '?port=٧',
    ])('GET /probe/udp%s is 400', async (query) => {
      expectProblem(await ask(`/probe/udp${encodeURI(decodeSafely(query))}`), 400, 'bad_parameter', { in: 'query' });
    });
  });

  describe('bodies', () => {
    // security H7.
    test.each<[string | null]>([
      ['text/plain'],
      ['application/x-www-form-urlencoded'],
      ['multipart/form-data; boundary=x'],
      ['application/jsonp'],
      ['application/json; charset=utf-16'],
      ['application/json, text/plain'],
      [''],
      [null],
    ])('as %o are 415, with nothing mapped', async (type) => {
      const client = await clientOf();
      const body = new TextEncoder().encode(JSON.stringify(MAPPING));

      const headers: Record<string, string> = type === null ? {} : { 'content-type': type };
      const reply = await client.ask('/ports/tcp', { method: 'POST', headers, body });

      expectProblem(reply, 415, 'wrong_media_type', { in: 'header', field: '/content-type' });
      expect(reply.headers['accept']).toBe('application/json');
      expect(bodyOf(await client.ask('/ports'))).toEqual({ ports: [] });
    });

    test.each([
      'application/json',
      'Application/JSON',
      'application/json; charset="UTF-8"',
      'application/json;charset=utf8',
    ])('as %s are read', async (type) => {
      const how = { ...json(MAPPING), headers: { 'content-type': type } };

      expect((await ask('/ports/tcp', how)).status).toBe(200);
    });

    test.each(['gzip', 'br', 'deflate, gzip', 'x'])('encoded with %s are 415', async (encoding) => {
      const how = { ...json(MAPPING), headers: { ...JSON_TYPE, 'content-encoding': encoding } };

      const reply = await ask('/ports/tcp', how);

      expectProblem(reply, 415, 'encoded_body', { field: '/content-encoding' });
    });

    // security H17.
    test.each<[string, string | Uint8Array]>([
      ['empty', ''],
      ['blank', ' \n'],
      ['truncated', '{"internal_port": 7654'],
      ['no JSON', 'internal_port=7654'],
      ['followed by garbage', `${JSON.stringify(MAPPING)}}`],
      ['two documents', `${JSON.stringify(MAPPING)}${JSON.stringify(MAPPING)}`],
      ['behind a byte order mark', `\ufeff${JSON.stringify(MAPPING)}`],
      ['with a NUL', `${JSON.stringify(MAPPING)}\0`],
      ['not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
      ['UTF-16', new Uint8Array([0xff, 0xfe, 0x7b, 0x00])],
      ['with a member twice', `{"external_port":1,"external_port":7654,${JSON.stringify(MAPPING).slice(1)}`],
      ['with a member twice, once escaped', `{"external\\u005fport":1,${JSON.stringify(MAPPING).slice(1)}`],
    ])('that are %s are 400', async (_what, body) => {
      const reply = await ask('/ports/udp', { method: 'POST', headers: JSON_TYPE, body });

      expectProblem(reply, 400, 'unreadable_body', { in: 'body' });
    });

    // security H17.
    test.each([
      ['a prototype', `{"__proto__":{"admin":true},${JSON.stringify(MAPPING).slice(1)}`, '/__proto__'],
      ['a constructor', `{"constructor":{"prototype":{}},${JSON.stringify(MAPPING).slice(1)}`, '/constructor'],
      ['a huge number', JSON.stringify(MAPPING).replace('7654', '1e400'), '/internal_port'],
      ['minus zero', JSON.stringify(MAPPING).replace('7654', '-0'), '/internal_port'],
      ['half a character', JSON.stringify(MAPPING).replace('I2P-UDP', '\\ud800'), '/description'],
      ['depth', `${'['.repeat(30_000)}${']'.repeat(30_000)}`, ''],
      [
        'depth inside',
        `{"target":${'['.repeat(30_000)}${']'.repeat(30_000)},${JSON.stringify(MAPPING).slice(1)}`,
        '/target',
      ],
      ['a list', `[${JSON.stringify(MAPPING)}]`, ''],
    ])('with %s are 400, and change nothing', async (_what, body, field) => {
      const client = await clientOf();
      const before = (await client.ask('/health')).text;

      const reply = await client.ask('/ports/udp', { method: 'POST', headers: JSON_TYPE, body });

      expectProblem(reply, 400, 'bad_body', { field });
      expect((await client.ask('/health')).text).toBe(before);
      expect(bodyOf(await client.ask('/ports'))).toEqual({ ports: [] });
    });

    test('of 64 KiB are read, and one byte more is 413', async () => {
      const padded = (length: number): string => JSON.stringify(MAPPING).padEnd(length, ' ');

      const whole = { ...json(MAPPING), body: padded(65_536) };
      expect((await ask('/ports/udp', whole)).status).toBe(200);
      expectProblem(await ask('/ports/udp', { ...whole, body: padded(65_537) }), 413, 'body_too_large');
    });
  });

  describe('configuration', () => {
    test('GET /config shows what is in force and no secret', async () => {
      const document = bodyOf(await ask('/config'));

      expect(document).toMatchObject({
        core: { api_port: 8642 },
        exposure: { mode: 'proxy' },
        health: { probe_interval_ms: HEALTH_DEFAULTS.interval },
        failover: { leave_below: 30, take_at_least: 50 },
        tunnels: [{ name: 'he', endpoint_ipv4: '192.0.2.1' }, { name: 'wg-backup' }],
      });
    });

    test('a setting that nobody has decided about stays hidden', async () => {
      const status = aStatus([aTunnel()]);
      const config = { ...status.config, core: { ...status.config.core, apiToken: 'hunter2' } };

      const reply = await ask('/config', {}, { gateway: { status: () => ({ ...status, config }) } });

      expect(reply.text).not.toMatch(/hunter2/);
    });

    test('POST /config/check says what is wrong with a text, and where', async () => {
      const reply = await ask('/config/check', plain('[tunnel.he]\ntype = he_6in5\niface = he0\n'));

      expect(bodyOf(reply)).toMatchObject({
        valid: false,
        tunnels: null,
        problems: [{ line: 2, where: 'tunnel.he.type', problem: expect.stringContaining('he_6in5') }],
      });
    });

    test('POST /config/check finds nothing wrong with the example, and counts its tunnels', async () => {
      const example = readFileSync(new URL('../../../config/v6-gatewayd.conf.example', import.meta.url), 'utf8');

      expect(bodyOf(await ask('/config/check', plain(example)))).toMatchObject({ valid: true, problems: [] });
      expect(
        (bodyOf(await ask('/config/check', plain('[tunnel.a]\ntype=external\niface=a0\n'))) as Counted).tunnels,
      ).toBe(1);
    });

    test('POST /config/check takes an empty text, and only text', async () => {
      expect((await ask('/config/check', plain(''))).status).toBe(200);
      expectProblem(await ask('/config/check', json('')), 415, 'wrong_media_type');
      expectProblem(await ask('/config/check', plain('#'.repeat(65_537))), 413, 'body_too_large');
    });
  });

  describe('history and logs', () => {
    test.each([
      ['/history', { tunnel: null, since: null }],
      ['/history?tunnel=he', { tunnel: 'he', since: null }],
      [`/history?since=${SAMPLE_TIME}&tunnel=he`, { tunnel: 'he', since: SAMPLE_TIME }],
      ['/history?since=0', { tunnel: null, since: 0 }],
    ])('GET %s asks for %o', async (path, query) => {
      const insight = new HandInsight();

      expect((await ask(path, {}, { ...everySource(), insight })).status).toBe(200);
      expect(insight.asked).toEqual([query]);
    });

    test.each([
      '?since=-1',
      '?since=soon',
      '?since=1.5',
      '?since=9007199254740993',
      '?tunnel=',
      '?tunel=he',
      '?since=1&since=2',
    ])('GET /history%s is 400', async (query) => {
      expectProblem(await ask(`/history${query}`), 400, 'bad_parameter', { in: 'query' });
    });

    test('GET /history of an unknown tunnel is 404', async () => {
      expectProblem(await ask('/history?tunnel=hee'), 404, 'unknown_tunnel', { in: 'query', field: '/tunnel' });
    });

    test('GET /logs gives lines after an id, and the id to go on with', async () => {
      const lines = [1, 2, 3].map((id) => ({ id, at: id, level: 'info' as const, text: `line ${id}` }));
      const client = await clientOf({ ...everySource(), logs: someLogs(lines) });

      expect(bodyOf(await client.ask('/logs'))).toEqual({ lines, gap: false, last_id: 3 });
      expect(bodyOf(await client.ask('/logs?since=2'))).toEqual({ lines: [lines[2]], gap: false, last_id: 3 });
      expectProblem(await client.ask('/logs?since=x'), 400, 'bad_parameter');
    });

    test.each(['/history', '/logs', '/failover/explain', '/events'])(
      'GET %s of an app without it is 503',
      async (path) => {
        expectProblem(await ask(path, {}, {}), 503, 'not_offered');
      },
    );
  });

  describe('for balancers', () => {
    test('GET /livez is 200 whatever the tunnels do', async () => {
      expect((await ask('/livez', {}, { gateway: { status: () => aStatus([]) } })).status).toBe(200);
    });

    test('GET /readyz is 200 while IPv6 is usable and 503 with the reasons otherwise', async () => {
      const dead = aStatus([aTunnel({ liveness: 'hard_down' })]);

      expect(bodyOf(await ask('/readyz'))).toEqual({ status: 'ready', primary: 'he' });
      const reply = await ask('/readyz', {}, { gateway: { status: () => dead } });
      expectProblem(reply, 503, 'not_ready', { reasons: ['primary tunnel he is unreachable'] });
      expect(reply.headers['retry-after']).toBe('1');
    });
  });

  describe('what a client accepts', () => {
    test.each([
      ['application/json', 200],
      ['*/*', 200],
      ['application/*', 200],
      ['text/html, application/xhtml+xml, */*;q=0.8', 200],
      ['APPLICATION/JSON;q=0.1', 200],
      ['text/html', 406],
      ['application/json;q=0', 406],
      ['*/*, application/json;q=0.0', 406],
      ['application/xml, text/*', 406],
      ['nonsense', 406],
    ])('%s: %i', async (accept, status) => {
      const reply = await ask('/health', { headers: { accept } });

      if (status === 406) expectProblem(reply, 406, 'not_acceptable', { in: 'header', field: '/accept' });
      else expect(reply.status).toBe(200);
    });
  });

  test.each([
    ['/failover', 'POST'],
    ['/ports', 'GET, HEAD'],
    ['/ports/udp', 'POST'],
    ['/ports/udp/1', 'DELETE'],
    ['/config/check', 'POST'],
    ['/events', 'GET, HEAD'],
  ])('PATCH %s is 405 with Allow: %s', async (path, allow) => {
    const reply = await ask(path, { method: 'PATCH' });

    expectProblem(reply, 405, 'method_not_allowed');
    expect(reply.headers['allow']).toBe(allow);
  });
});

type Counted = { readonly tunnels: number | null };

function json(body: unknown): Ask {
  return { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) };
}

function plain(body: string): Ask {
  return { method: 'POST', headers: { 'content-type': 'text/plain' }, body };
}

function bodyOf(reply: Reply): unknown {
  return JSON.parse(reply.text);
}

function decodeSafely(query: string): string {
  try {
    return decodeURI(query);
  } catch {
    return query;
  }
}

function expectProblem(reply: Reply, status: number, kind: string, members: object = {}): void {
  expect({ ...reply.headers, text: reply.text }).toMatchObject({ 'content-type': 'application/problem+json' });
  expect(JSON.parse(reply.text)).toMatchObject({ status, kind, ...members });
  expect(reply.status).toBe(status);
}
