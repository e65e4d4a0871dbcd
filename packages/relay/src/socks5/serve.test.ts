import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settled } from '@hurricane/core/testing';
import { errAsync } from 'neverthrow';
import { afterAll, describe, expect, test } from 'vitest';
import { userLine } from '../access/users-file.js';
import type { ConnectError } from '../contracts.js';
import type { MemoryLeg } from '../testing/memory-leg.test-support.js';
import { aStage, aWay, SETTINGS, type Stage, type Zone } from '../testing/memory-stage.test-support.js';
import { serveSocks5 } from './serve.js';
import { HANDSHAKE_LIMIT, OPENING_OF_CLIENT_AT_MOST } from './settings.js';

// A client's bytes and the proxy's, byte for byte; numbers are those of the list of edge cases.

const LISTEN = SETTINGS.listen;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const heard = (leg: MemoryLeg): string => Buffer.from(leg.bytes).toString('hex');
const ascii = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

const GREETING = '05 01 00';
const toV6 = '04 20010db8000500000000000000000001 0050';
const toV4 = '01 cb007101 0050';
const toName = (name: string, port = '0050'): string =>
  `03 ${name.length.toString(16).padStart(2, '0')} ${ascii(name)} ${port}`;
const CHOSEN = '0500';
const failure = (code: number): string => `${CHOSEN}050${code}0001000000000000`;

/** Shakes hands and asks, all in one; what came back. */
async function ask(stage: Stage, request: string): Promise<{ readonly client: MemoryLeg; readonly said: string }> {
  const client = stage.engine.knock(LISTEN);
  client.write(hex(`${GREETING} ${request}`));
  await settled();
  return { client, said: heard(client) };
}

async function answerTo(stage: Stage, request: string): Promise<string> {
  return (await ask(stage, request)).said;
}

describe('CONNECT', () => {
  test('27: tells the address it leaves from, then carries bytes both ways', async () => {
    const stage = await aStage();
    const { client, said } = await ask(stage, `05 01 00 ${toV6}`);
    const [far] = stage.engine.reached;

    client.write(hex('0102'));
    far?.write(hex('0304'));
    await settled();

    expect(said).toMatch(/^05000500000420010db8000100000000000000000002[0-9a-f]{4}$/);
    expect(far && heard(far)).toBe('0102');
    expect(heard(client)).toBe('0304');
    expect(stage.engine.attempts).toEqual([
      { at: 0, to: { address: '2001:db8:5::1', port: 80 }, source: '2001:db8:1::2' },
    ]);
    expect(stage.flows.all[0]?.facts).toMatchObject({ kind: 'tcp', origin: 'socks5', tunnel: 'he' });
  });

  test('31: an IPv4 target is answered with an IPv4 address, and leaves by no tunnel', async () => {
    const stage = await aStage();

    expect(await answerTo(stage, `05 01 00 ${toV4}`)).toMatch(/^050005000001c0000264[0-9a-f]{4}$/);
    expect(stage.engine.attempts[0]?.source).toBeNull();
    expect(stage.flows.all[0]?.facts.tunnel).toBeNull();
  });

  test('30: keeps what came before its answer, in order', async () => {
    const stage = await aStage();
    stage.engine.hosts.set('2001:db8:5::1', { kind: 'answers', after: 100 });
    const { client } = await ask(stage, `05 01 00 ${toV6} 01`);
    client.write(hex('02'));
    await settled();
    client.write(hex('03'));

    await stage.clock.runFor(100);

    expect(heard(stage.engine.reached[0] as MemoryLeg)).toBe('010203');
  });

  test('29: says nothing of the target before it says that it was reached', async () => {
    const stage = await aStage();
    stage.engine.hosts.set('2001:db8:5::1', { kind: 'answers', after: 100 });
    const { client } = await ask(stage, `05 01 00 ${toV6}`);

    expect(heard(client)).toBe('');
  });

  test('a client that has said its last word is still served', async () => {
    const stage = await aStage();
    stage.engine.hosts.set('2001:db8:5::1', { kind: 'answers', after: 100 });
    const { client } = await ask(stage, `05 01 00 ${toV6} 01`);
    client.end();
    await stage.clock.runFor(100);
    const [far] = stage.engine.reached;

    far?.write(hex('02'));
    far?.end();
    await settled();

    expect(heard(client)).toMatch(/02$/);
    expect(stage.flows.all[0]?.end).toBe('finished');
  });

  test('a client that goes while it waits takes the attempt along', async () => {
    const stage = await aStage();
    stage.engine.hosts.set('2001:db8:5::1', { kind: 'silent' });
    const { client } = await ask(stage, `05 01 00 ${toV6}`);

    client.reset();
    await settled();

    expect(stage.server.counts().opening).toBe(0);
    expect(stage.clock.pending()).toEqual([]);
    expect(stage.ways.listeners).toBe(0);
  });
});

describe('26: what went wrong is told by the right code', () => {
  const errors: readonly (readonly [ConnectError['kind'], number])[] = [
    ['refused', 5],
    ['network_unreachable', 3],
    ['host_unreachable', 4],
    ['timed_out', 4],
  ];

  test.each(errors)('%s is %i', async (kind, code) => {
    const stage = await aStage();
    stage.engine.hosts.set('2001:db8:5::1', { kind: 'fails', error: { kind } as ConnectError });

    const { client, said } = await ask(stage, `05 01 00 ${toV6}`);

    expect(said).toBe(failure(code));
    // 28: a FIN, so that it can be read.
    expect(client.wasReset).toBe(false);
    expect(stage.server.counts().opening).toBe(0);
  });

  test('a failure of another kind is 1', async () => {
    const stage = await aStage();
    stage.engine.hosts.set('2001:db8:5::1', { kind: 'fails', error: { kind: 'failed', code: 'EPROTO' } });

    expect(await answerTo(stage, `05 01 00 ${toV6}`)).toBe(failure(1));
  });

  test.each([
    ['an unknown command', '05 09 00 01', 7],
    ['an unknown type of address', '05 01 00 02', 8],
    ['20: a reserved byte that is not 0', '05 01 01 01', 1],
    ['22: a name without letters', '05 01 00 03 00', 1],
    ['24: port 0', '05 01 00 01 cb007101 0000', 1],
    ['22: a NUL in a name', `05 01 00 ${toName('a\0b')}`, 1],
    ['22: an address for old libraries', `05 01 00 ${toName('0x7f.1')}`, 1],
    ['22: two dots', `05 01 00 ${toName('..')}`, 1],
    ['22: 255 letters', `05 01 00 ${toName('x'.repeat(255))}`, 1],
    ['a name that does not exist', `05 01 00 ${toName('no.example')}`, 4],
    ['a name without an address', `05 01 00 ${toName('empty.example')}`, 4],
  ])('%s', async (_what, request, code) => {
    const stage = await aStage({}, { 'empty.example/6': [], 'empty.example/4': [] });

    expect(await answerTo(stage, request)).toBe(failure(code));
    expect(stage.engine.attempts).toEqual([]);
  });

  test('names that are not answered come to an end', async () => {
    const stage = await aStage({}, { 'slow.example/6': null, 'slow.example/4': null });
    const { client } = await ask(stage, `05 01 00 ${toName('slow.example')}`);

    await stage.clock.runFor(20_000);

    expect(heard(client)).toBe(failure(4).slice(CHOSEN.length));
  });
});

describe('22, 23: nothing leads into this host', () => {
  const zone: Zone = {
    'inside.example/6': ['::1', 'fe80::1', '::ffff:10.0.0.1'],
    'inside.example/4': ['127.0.0.1', '169.254.169.254'],
    'both.example/6': ['::1', '2001:db8:5::1'],
    'both.example/4': ['10.0.0.1'],
    'localhost/6': ['::1'],
    'localhost/4': ['127.0.0.1'],
  };
  test.each([
    ['127.0.0.1', '05 01 00 01 7f000001 21c2'],
    ['0.0.0.0', '05 01 00 01 00000000 0050'],
    ['::1', `05 01 00 04 ${'00'.repeat(15)}01 0050`],
    ['::', `05 01 00 04 ${'00'.repeat(16)} 0050`],
    ['::ffff:127.0.0.1', '05 01 00 04 00000000000000000000ffff7f000001 21c2'],
    ['64:ff9b::7f00:1', '05 01 00 04 0064ff9b00000000000000007f000001 21c2'],
    ['fe80::1', '05 01 00 04 fe800000000000000000000000000001 0050'],
    ['our own address', '05 01 00 04 20010db8000100000000000000000002 0050'],
    ['"127.0.0.1"', `05 01 00 ${toName('127.0.0.1')}`],
    ['"[::1]"', `05 01 00 ${toName('[::1]')}`],
    ['"localhost"', `05 01 00 ${toName('localhost')}`],
    ['a name that leads there', `05 01 00 ${toName('inside.example')}`],
    ['the same for RESOLVE', `05 f0 00 ${toName('inside.example', '0000')}`],
  ])('%s is 2', async (_what, request) => {
    const stage = await aStage({}, zone);

    expect(await answerTo(stage, request)).toBe(failure(2));
    expect(stage.engine.attempts).toEqual([]);
  });

  test('of a name with several addresses, only those that may be reached are tried', async () => {
    const stage = await aStage({}, zone);

    await answerTo(stage, `05 01 00 ${toName('both.example')}`);

    expect(stage.engine.attempts.map(({ to }) => to.address)).toEqual(['2001:db8:5::1']);
  });
});

describe('77: the way out', () => {
  const zone: Zone = { 'dual.example/6': ['2001:db8:5::1'], 'dual.example/4': ['203.0.113.1'] };
  const DUAL = `05 01 00 ${toName('dual.example')}`;

  test.each(['prefer6', 'allow4'] as const)('%s: without a tunnel, IPv4', async (ipv4) => {
    const stage = await aStage({ ipv4 }, zone);
    stage.ways.become();

    expect(await answerTo(stage, DUAL)).toMatch(/^050005000001/);
  });

  test('only6: without a tunnel, 3, and nothing leaves by another path', async () => {
    const stage = await aStage({ ipv4: 'only6' }, zone);
    stage.ways.become();

    expect(await answerTo(stage, DUAL)).toBe(failure(3));
    expect(await answerTo(stage, `05 01 00 ${toV6}`)).toBe(failure(3));
    expect(await answerTo(stage, `05 01 00 ${toV4}`)).toBe(failure(3));
    expect(await answerTo(stage, '05 03 00 01 00000000 0000')).toBe(failure(3));
    expect(await answerTo(stage, '05 02 00 01 00000000 0000')).toBe(failure(3));
    expect(stage.engine.attempts).toEqual([]);
    expect(stage.resolver.asked).toEqual(['dual.example/6']);
  });

  test('a tunnel that is hard-down is none', async () => {
    const stage = await aStage({ ipv4: 'only6' }, zone);
    stage.ways.become(
      aWay({ liveness: 'hard_down' }),
      aWay({ tunnel: 'wg', address: '2001:db8:2::2', primary: false }),
    );

    await answerTo(stage, DUAL);

    expect(stage.engine.attempts.map(({ source }) => source)).toEqual(['2001:db8:2::2']);
  });

  test('an attempt whose tunnel dies is made again through the next, at once', async () => {
    const stage = await aStage({}, zone);
    stage.engine.hosts.set('2001:db8:5::1', { kind: 'silent' });
    const { client } = await ask(stage, `05 01 00 ${toV6}`);
    await stage.clock.runFor(700);
    stage.engine.hosts.delete('2001:db8:5::1');

    stage.ways.become(aWay({ tunnel: 'wg', address: '2001:db8:2::2' }));
    await settled();

    expect(heard(client)).toMatch(/^0500000420010db8000200000000000000000002/);
    expect(stage.engine.attempts.map(({ at, source }) => [at, source])).toEqual([
      [0, '2001:db8:1::2'],
      [700, '2001:db8:2::2'],
    ]);
    expect(stage.flows.all[0]?.facts.tunnel).toBe('wg');
  });

  test('new connections take the new primary, those before stay until theirs is dead', async () => {
    const stage = await aStage();
    const first = await ask(stage, `05 01 00 ${toV6}`);
    stage.ways.become(aWay({ tunnel: 'wg', address: '2001:db8:2::2' }), aWay({ primary: false }));
    const second = await ask(stage, `05 01 00 ${toV6}`);
    first.client.write(hex('01'));
    await settled();
    expect(heard(stage.engine.reached[0] as MemoryLeg)).toBe('01');

    stage.flows.cut('he', 'tunnel_down');
    await settled();

    expect(first.client.wasReset).toBe(true);
    expect(second.client.wasReset).toBe(false);
    expect(stage.flows.all.map(({ facts, end }) => [facts.tunnel, end])).toEqual([
      ['he', 'tunnel_down'],
      ['wg', null],
    ]);
  });
});

describe('Happy Eyeballs', () => {
  const zone: Zone = { 'dual.example/6': ['2001:db8:5::1'], 'dual.example/4': ['203.0.113.1'] };

  test('H1: IPv6 into a black hole costs 250 ms', async () => {
    const stage = await aStage({}, zone);
    stage.engine.hosts.set('2001:db8:5::1', { kind: 'silent' });
    const { client } = await ask(stage, `05 01 00 ${toName('dual.example')}`);

    await stage.clock.runFor(249);
    expect(heard(client)).toBe('');
    await stage.clock.runFor(1);

    expect(heard(client)).toMatch(/^05000001/);
    expect(stage.engine.attempts.map(({ at, to }) => [at, to.address])).toEqual([
      [0, '2001:db8:5::1'],
      [250, '203.0.113.1'],
    ]);
  });
});

describe('a race of tunnels', () => {
  const SERVER = '2001:db8:5::1';
  const BACKUP = aWay({ tunnel: 'wg', address: '2001:db8:2::2', primary: false });
  async function racing(): Promise<Stage> {
    const stage = await aStage({ raceTunnels: true });
    stage.ways.become(aWay(), BACKUP);
    return stage;
  }
  const tried = (stage: Stage): readonly string[] => stage.engine.attempts.map(({ at, source }) => `${source}@${at}`);

  test('the primary wins unless another is faster by more than 30 ms', async () => {
    const stage = await racing();
    stage.engine.hosts.set(`${SERVER} from 2001:db8:1::2`, { kind: 'answers', after: 29 });

    await ask(stage, `05 01 00 ${toV6}`);
    await stage.clock.runFor(29);

    expect(tried(stage)).toEqual(['2001:db8:1::2@0']);
    expect(stage.flows.all[0]?.facts.tunnel).toBe('he');
  });

  test('the winner is remembered while it is healthy', async () => {
    const stage = await racing();
    stage.engine.hosts.set(`${SERVER} from 2001:db8:1::2`, { kind: 'answers', after: 200 });
    await ask(stage, `05 01 00 ${toV6}`);
    await stage.clock.runFor(100);

    await ask(stage, `05 01 00 ${toV6}`);
    expect(stage.flows.all.map(({ facts }) => facts.tunnel)).toEqual(['wg', 'wg']);
    expect(tried(stage)).toEqual(['2001:db8:1::2@0', '2001:db8:2::2@30', '2001:db8:2::2@100']);

    stage.ways.become(aWay(), { ...BACKUP, liveness: 'hard_down' });
    await ask(stage, `05 01 00 ${toV6}`);
    await stage.clock.runFor(200);
    expect(stage.flows.all.at(-1)?.facts.tunnel).toBe('he');
  });

  test('a winner that fails is forgotten', async () => {
    const stage = await racing();
    stage.engine.hosts.set(`${SERVER} from 2001:db8:1::2`, { kind: 'answers', after: 200 });
    await ask(stage, `05 01 00 ${toV6}`);
    await stage.clock.runFor(100);
    stage.engine.hosts.set(`${SERVER} from 2001:db8:2::2`, { kind: 'fails', error: { kind: 'refused' } });

    expect(await answerTo(stage, `05 01 00 ${toV6}`)).toBe(failure(5));
    const { client } = await ask(stage, `05 01 00 ${toV6}`);
    await stage.clock.runFor(400);

    expect(heard(client)).toMatch(/^050000/);
    expect(stage.flows.all.at(-1)?.facts.tunnel).toBe('he');
  });

  test('every tunnel fails: the first reason is told', async () => {
    const stage = await racing();
    stage.engine.hosts.set(SERVER, { kind: 'fails', error: { kind: 'refused' } });

    expect(await answerTo(stage, `05 01 00 ${toV6}`)).toBe(failure(5));
    expect(stage.clock.pending()).toEqual([]);
    expect(stage.ways.listeners).toBe(0);
  });
});

describe('the handshake', () => {
  test('neg-slowloris: has ten seconds in total, not for each byte', async () => {
    const stage = await aStage();
    expect(HANDSHAKE_LIMIT).toBe(10_000);
    const client = stage.engine.knock(LISTEN);
    const bytes = hex(`${GREETING} 05 01 00 ${toV6}`);
    for (let i = 0; i < 9; i += 1) {
      client.write(bytes.subarray(i, i + 1));
      await stage.clock.runFor(1_100);
    }
    expect(client.heard()).not.toContain(null);

    await stage.clock.runFor(HANDSHAKE_LIMIT - 9 * 1_100);

    expect(client.heard()).toContain(null);
    expect(stage.server.counts()).toMatchObject({ opening: 0, failed: { timed_out: 1 } });
    expect(stage.clock.pending()).toEqual([]);
  });

  test('S2: silence, another protocol, no method', async () => {
    const stage = await aStage();
    const silent = stage.engine.knock(LISTEN);
    const http = stage.engine.knock(LISTEN);
    http.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    const none = stage.engine.knock(LISTEN);
    none.write(hex('05 01 02'));
    await settled();

    expect(http.heard()).toEqual([null]);
    expect(heard(none)).toBe('05ff');
    await stage.clock.runFor(HANDSHAKE_LIMIT);
    expect(silent.heard()).toEqual([null]);
    expect(stage.server.counts().failed).toEqual({ not_socks5: 1, no_method: 1, timed_out: 1 });
  });

  test('a peer that resets at every stage leaves nothing behind', async () => {
    const stage = await aStage({}, { 'slow.example/6': null, 'slow.example/4': null });
    stage.engine.hosts.set('2001:db8:5::1', { kind: 'silent' });
    const stages = [
      ...Array.from({ length: 25 }, (_, cut) => hex(`${GREETING} 05 01 00 ${toV6}`).subarray(0, cut)),
      hex(`${GREETING} 05 01 00 ${toName('slow.example')}`),
      hex(`${GREETING} 05 02 00 01 00000000 0000`),
      hex(`${GREETING} 05 f0 00 ${toName('slow.example')}`),
    ];
    for (const bytes of stages) {
      const client = stage.engine.knock(LISTEN);
      client.write(bytes);
      await settled();
      client.reset();
      await settled();
      expect(`${Buffer.from(bytes).toString('hex')} ${stage.server.counts().opening}`).toMatch(/ 0$/);
    }
    await stage.clock.runFor(20_000);

    expect(stage.server.counts().opening).toBe(0);
    expect(stage.clock.pending()).toEqual([]);
    expect(stage.ways.listeners).toBe(0);
    expect([...stage.engine.listeners.keys()]).toEqual(['127.0.0.1 1080']);
    expect(stage.log.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('who may come in', () => {
  test('clients of the list; others hear nothing', async () => {
    const network = { bytes: Uint8Array.of(192, 0, 2, 0), length: 24 };
    const stage = await aStage({ allowClients: [network] });
    const stranger = stage.engine.knock(LISTEN, { address: '198.51.100.1', port: 1 });
    const friend = stage.engine.knock(LISTEN, { address: '192.0.2.1', port: 1 });
    friend.write(hex(GREETING));
    await settled();

    expect(stranger.wasReset).toBe(true);
    expect(heard(friend)).toBe(CHOSEN);
    expect(stage.server.counts().refused).toEqual({ not_allowed: 1, too_many: 0 });
  });

  test('so many of one address, and others all the same', async () => {
    const stage = await aStage();
    const of = (address: string): MemoryLeg => stage.engine.knock(LISTEN, { address, port: 1 });
    const first = Array.from({ length: OPENING_OF_CLIENT_AT_MOST }, () => of('127.0.0.1'));

    expect(of('127.0.0.1').wasReset).toBe(true);
    expect(of('127.0.0.2').wasReset).toBe(false);
    first[0]?.reset();
    await settled();
    expect(of('127.0.0.1').wasReset).toBe(false);
  });

  test('as many connections as the table of flows takes', async () => {
    const stage = await aStage();
    stage.flows.refusal = { kind: 'too_many_of_client', limit: 1 };

    const { said } = await ask(stage, `05 01 00 ${toV6}`);

    expect(said).toBe(failure(1));
    expect(stage.engine.made[0]?.left).toBe('reset');
    expect(stage.server.counts().failed).toEqual({ too_many_of_client: 1 });
  });
});

describe('passwords', () => {
  let folder: string | null = null;
  afterAll(async () => {
    if (folder !== null) await rm(folder, { recursive: true });
  });

  test('S9: right, wrong, empty, and never in the log', async () => {
    folder = await mkdtemp(join(tmpdir(), 'hurricane-socks5-'));
    const usersFile = join(folder, 'users');
    await writeFile(usersFile, (await userLine('alice', 'open-sesame'))._unsafeUnwrap(), { mode: 0o600 });
    const stage = await aStage({ usersFile });
    const show = async (name: string, password: string): Promise<string> => {
      const client = stage.engine.knock(LISTEN);
      const field = (text: string): string => text.length.toString(16).padStart(2, '0') + ascii(text);
      client.write(hex(`05 02 00 02 01 ${field(name)} ${field(password)} 05 01 00 ${toV6}`));
      let said = '';
      // The hash is made on another thread.
      while (!/^0502(01..)/.test(said)) {
        await settled();
        said += heard(client);
      }
      await settled();
      return said + heard(client);
    };

    expect(await show('alice', 'open-sesame')).toMatch(/^05020100050000/);
    expect(await show('alice', 'wrong-guess')).toBe('05020101');
    expect(await show('', 'x')).toBe('05020101');
    expect(await show('alice', '')).toBe('05020101');
    expect(stage.log.join('\n')).not.toMatch(/sesame|guess/);
  });

  test('a users file that is not fit keeps the proxy from starting', async () => {
    const stage = await aStage();
    const { engine, ways, flows } = stage;
    const settings = { ...SETTINGS, usersFile: '/nowhere/users' };
    const log = { log: () => undefined };

    const served = await serveSocks5({ engine, ways, flows, settings, log });

    expect(served._unsafeUnwrapErr()).toEqual({
      kind: 'users',
      fault: { kind: 'users_missing', file: '/nowhere/users' },
    });
  });
});

describe('RESOLVE and RESOLVE_PTR', () => {
  const zone: Zone = {
    'dual.example/6': ['2001:db8:5::1'],
    'dual.example/4': ['203.0.113.1'],
    'six.example/6': ['2001:db8:5::6'],
    'six.example/4': [],
    '203.0.113.1/ptr': ['dual.example'],
    '203.0.113.2/ptr': [],
  };
  test.each([
    [`05 f0 00 ${toName('dual.example', '0000')}`, '05000001cb0071010000'],
    [`05 f0 00 ${toName('six.example', '0000')}`, '0500000420010db80005000000000000000000060000'],
    [`05 f0 00 ${toName('203.0.113.9', '0000')}`, '05000001cb0071090000'],
    [`05 f0 00 ${toName('no.example', '0000')}`, '05040001000000000000'],
    ['05 f1 00 01 cb007101 0000', `050000030c${ascii('dual.example')}0000`],
    ['05 f1 00 01 cb007102 0000', '05040001000000000000'],
    ['05 f1 00 01 7f000001 0000', '05020001000000000000'],
    [`05 f1 00 ${toName('dual.example', '0000')}`, '05080001000000000000'],
  ])('%s', async (request, reply) => {
    const stage = await aStage({}, zone);

    expect(await answerTo(stage, request)).toBe(CHOSEN + reply);
    expect(stage.server.counts().opening).toBe(0);
  });

  test('only6: IPv6 alone', async () => {
    const stage = await aStage({ ipv4: 'only6' }, zone);
    const said = await answerTo(stage, `05 f0 00 ${toName('dual.example', '0000')}`);

    expect(said).toBe(`${CHOSEN}0500000420010db80005000000000000000000010000`);
  });
});

describe('the end of it all', () => {
  test('ends handshakes and waits, and leaves flows to whoever owns them', async () => {
    const stage = await aStage();
    const open = await ask(stage, `05 01 00 ${toV6}`);
    const shaking = stage.engine.knock(LISTEN);
    const binding = await ask(stage, '05 02 00 01 00000000 0000');
    await settled();
    let closed = false;
    const closing = stage.server.close().then(() => {
      closed = true;
    });
    await settled();

    expect(shaking.heard()).toContain(null);
    expect(binding.client.heard()).toContain(null);
    expect(open.client.wasReset).toBe(false);
    expect(closed).toBe(false);
    expect([...stage.engine.listeners.keys()]).toEqual([]);

    stage.flows.cut('he', 'stopped');
    await closing;
    expect(closed).toBe(true);
  });

  test('a fault of ours costs one client', async () => {
    const stage = await aStage();
    const { engine } = stage;
    engine.connect = (): never => {
      throw new Error('a slip');
    };

    const { client } = await ask(stage, `05 01 00 ${toV6}`);
    await settled();

    expect(client.wasReset).toBe(true);
    expect(stage.log.filter((line) => line.startsWith('error'))).toHaveLength(1);
    expect(stage.server.counts().opening).toBe(0);
  });

  test('a port that is taken keeps the proxy from starting', async () => {
    const { engine, ways, flows } = await aStage();
    engine.listen = () => errAsync({ kind: 'taken' });
    const served = await serveSocks5({ engine, ways, flows, settings: SETTINGS, log: { log: () => undefined } });

    expect(served._unsafeUnwrapErr()).toEqual({ kind: 'listen', at: LISTEN, error: { kind: 'taken' } });
  });
});

describe('BIND', () => {
  const first = (said: string): { readonly address: string; readonly port: number } => ({
    address: '2001:db8:1::2',
    port: Number.parseInt(said.slice(-4), 16),
  });

  test('32, 36: says where, then who came, and carries what was sent meanwhile', async () => {
    const stage = await aStage();
    const { client, said } = await ask(stage, '05 02 00 01 00000000 0000');
    const place = first(said);
    const peer = stage.engine.knock(place, { address: '2001:db8:5::9', port: 0x1234 });
    peer.write(hex('aa'));
    client.write(hex('bb'));
    await settled();

    expect(said).toMatch(/^05000500000420010db8000100000000000000000002/);
    expect(heard(client)).toBe('0500000420010db80005000000000000000000091234aa');
    expect(heard(peer)).toBe('bb');
    expect(stage.flows.all[0]?.facts).toMatchObject({ origin: 'socks5 bind', tunnel: 'he' });
    // 37: one and no more.
    expect(stage.engine.listeners.has(`${place.address} ${place.port}`)).toBe(false);
  });

  test('33: lets in only whom the client expects; others do not use it up', async () => {
    const stage = await aStage();
    const { client, said } = await ask(stage, `05 02 00 ${toV6}`);
    const place = first(said);
    const stranger = stage.engine.knock(place, { address: '2001:db8:6::1', port: 1 });
    const peer = stage.engine.knock(place, { address: '2001:db8:5::1', port: 2 });
    await settled();

    expect(stranger.wasReset).toBe(true);
    expect(peer.wasReset).toBe(false);
    expect(heard(client)).toMatch(/0002$/);
  });

  test('34: nobody comes: 6, and the port is closed', async () => {
    const stage = await aStage();
    const { client } = await ask(stage, '05 02 00 01 00000000 0000');

    await stage.clock.runFor(60_000);

    expect(heard(client)).toBe('05060001000000000000');
    expect(stage.engine.listeners.size).toBe(1);
  });

  test('35: the client goes, or the tunnel dies: the port is closed', async () => {
    const stage = await aStage();
    const one = await ask(stage, '05 02 00 01 00000000 0000');
    const two = await ask(stage, '05 02 00 01 00000000 0000');
    one.client.reset();
    await settled();
    expect(stage.engine.listeners.size).toBe(2);

    stage.ways.become(aWay({ liveness: 'hard_down' }));
    await settled();

    expect(heard(two.client)).toBe('05060001000000000000');
    expect(stage.engine.listeners.size).toBe(1);
  });

  test.each([
    ['an address inside', 4, '05 02 00 01 0a000001 0015'],
    ['an IPv6 address inside', 2, '05 02 00 04 fc000000000000000000000000000001 0015'],
    ['an IPv4 address, which cannot come to an IPv6 one', 4, `05 02 00 ${toV4}`],
    ['a name that does not exist', 4, `05 02 00 ${toName('no.example')}`],
  ])('%s is %i', async (_what, code, request) => {
    expect(await answerTo(await aStage(), request)).toBe(failure(code));
  });
});
