import type { Socket } from 'node:net';
import { parseConfig } from '@hurricane/core';
import { VirtualClock } from '@hurricane/core/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { ConnectOptions, Endpoint, Engine } from '../contracts.js';
import { closeAll, deaf, type EngineOnTrial } from '../engine-contract.test-support.js';
import { FlowTable } from '../flows.js';
import {
  attemptsTo,
  aWay,
  client,
  connecting,
  echo,
  endOf,
  type HandWays,
  HOST,
  handWays,
  program,
} from '../loopback.test-support.js';
import { inlineTrial, nativeIsMissing, nativeTrial } from '../native/trial.test-support.js';
import { streamEngine } from '../stream-engine.js';
import { IDLE_LIMITS } from '../stream-join.js';
import { writeReply } from './codec-write.js';
import { socks5SettingsOf } from './from-config.js';
import { type Socks5Options, type Socks5Server, serveSocks5 } from './serve.js';
import { HANDSHAKE_LIMIT, HEARD_AT_MOST, HEARD_FOR } from './settings.js';

// What a client sees is the same whoever hears it: the proxy, or an engine by itself.

const missing = await nativeIsMissing();
const LIMITS = { ...IDLE_LIMITS, sweep: 10 };
const NONE = '050100';
const PATIENCE = 3_000;

const ENGINES: readonly (readonly [string, () => Promise<EngineOnTrial>])[] = [
  ['portable', async () => ({ engine: streamEngine(LIMITS), close: async () => {} })],
  ['native, in its thread', () => nativeTrial(LIMITS)],
  ['native, in one thread', () => inlineTrial(LIMITS)],
];

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await closeAll();
});

interface Stage {
  readonly server: Socks5Server;
  readonly flows: FlowTable;
  readonly ways: HandWays;
  /** Connections that the proxy itself asked for. */
  readonly asked: ConnectOptions[];
  readonly log: string[];
  closed(): Promise<void>;
}

interface Change extends Partial<Pick<Socks5Options, 'clock' | 'resolver'>> {
  readonly config?: string;
  readonly perClient?: number;
}

describe.each(ENGINES)('a SOCKS5 client, with the %s engine', (name, start) => {
  const isNative = name !== 'portable';
  if (isNative && missing !== null) {
    it.skip(`(skipped: ${missing})`, () => {});
    return;
  }
  let trial: EngineOnTrial;
  beforeAll(async () => {
    trial = await start();
  });
  afterAll(() => trial.close());

  async function aStage({ config = '', perClient = 100, ...parts }: Change = {}): Promise<Stage> {
    const ways = handWays(aWay());
    const flows = new FlowTable({ ways, now: () => 1_700_000_000, perClient });
    const asked: ConnectOptions[] = [];
    const { engine: under } = trial;
    const engine: Engine = {
      name: under.name,
      listen: (at, accept) => under.listen(at, accept),
      join: (near, far, flow) => under.join(near, far, flow),
      connect: (options) => {
        asked.push(options);
        return under.connect(options);
      },
    };
    const text = `[tunnel.a]\ntype = external\n[exposure.socks5]\nallow_destinations = 127.0.0.0/8, ::1\n${config}`;
    const settings = { ...socks5SettingsOf(parseConfig(text)._unsafeUnwrap()), listen: { address: HOST, port: 0 } };
    const lines: string[] = [];
    const log = { log: (level: string, message: string) => void lines.push(`${level}: ${message}`) };
    const server = (await serveSocks5({ engine, ways, flows, settings, log, ...parts }))._unsafeUnwrap();
    const closed = async (): Promise<void> => {
      flows.end('stopped');
      await server.close();
    };
    closing.push(closed);
    return { server, flows, ways, asked, log: lines, closed };
  }

  async function target(serve: (socket: Socket) => void = echo, host = HOST): ReturnType<typeof program> {
    const here = await program(serve, host);
    closing.push(here.close);
    return here;
  }

  it('is told the address that its target sees, and is a flow with its bytes until it ends', async () => {
    const { server, flows, asked } = await aStage();
    const seen: Endpoint[] = [];
    const to = await target((socket) => {
      seen.push({ address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 });
      echo(socket);
    }, '::1');
    const talk = await Talk.to(server.local);

    talk.says(NONE);
    expect(await talk.hears(2)).toBe('0500');
    talk.says(connectTo(to));
    const heard = await talk.hears(22);
    const [where] = await waitFor(() => seen.length > 0 && seen, PATIENCE, 'the target to see it');
    expect(heard).toBe(told(where));
    talk.says('0102030405');
    expect(await talk.hears(5)).toBe('0102030405');

    const [flow] = await waitFor(() => flows.list().length > 0 && flows.list(), PATIENCE, 'a flow');
    expect(flow).toMatchObject({ kind: 'tcp', origin: 'socks5', client: talk.local, tunnel: 'a' });
    expect(flow?.target).toEqual({ address: '::1', port: to.port });
    talk.ends();
    expect(await talk.end()).toBe(null);
    await waitFor(() => flows.size === 0, PATIENCE, 'its end');
    expect(flows.totals()[0]).toMatchObject({ sent: 5, received: 5, ended: { finished: 1, reset: 0 } });
    expect(server.counts()).toMatchObject({ clients: 1, failed: {}, replies: { succeeded: 1 }, opening: 0 });
    // The plain way is the engine's own, where it has one.
    expect(asked).toHaveLength(isNative ? 0 : 1);
  });

  it('may send its words in any two parts, or all at once with what follows', async () => {
    const { server } = await aStage();
    const to = await target();
    const words = `${NONE}${connectTo(to)}616263`;
    const splits = Array.from({ length: words.length / 2 }, (_, i) => 2 * (i + 1));

    const heard = await Promise.all(
      splits.map(async (at) => {
        const talk = await Talk.to(server.local);
        talk.says(words.slice(0, at));
        if (at >= NONE.length) expect(await talk.hears(2)).toBe('0500');
        else await turns(5);
        talk.says(words.slice(at));
        talk.ends();
        return talk.rest();
      }),
    );

    for (const said of heard) expect(said).toMatch(/^(0500)?05000001[0-9a-f]{12}616263$/);
  });

  it('may send its words byte by byte', async () => {
    const { server } = await aStage();
    const to = await target();
    const talk = await Talk.to(server.local);

    for (const byte of `${NONE}${connectTo(to)}`.match(/../g) ?? []) {
      talk.says(byte);
      await turns(3);
    }

    expect(await talk.hears(12)).toMatch(/^050005000001/);
  });

  it('that has said its last word is still answered', async () => {
    const { server } = await aStage();
    const to = await target((socket) => void socket.resume().once('end', () => socket.end('late')));
    const talk = await Talk.to(server.local);

    talk.says(NONE);
    await talk.hears(2);
    talk.says(connectTo(to));
    talk.ends();

    expect(await talk.rest()).toMatch(new RegExp(`^05000001[0-9a-f]{12}${hexOf('late')}$`));
  });

  it('sees a reset as a reset, and its own is passed on', async () => {
    const { server, flows } = await aStage();
    const ends: Promise<string | null>[] = [];
    const to = await target((socket) => {
      ends.push(endOf(socket));
      socket.once('data', () => socket.resetAndDestroy());
    });
    const first = await connected(server, to);
    const second = await connected(server, to);

    first.says('61');
    second.resets();

    expect(await first.end()).toBe('ECONNRESET');
    expect(await ends[1]).toBe('ECONNRESET');
    await waitFor(() => flows.size === 0, PATIENCE, 'both to end');
    await waitFor(() => flows.totals()[0]?.ended.reset === 2, PATIENCE, 'both to be counted');
  });

  it.each([
    ['a port where nobody listens', '', 5, 'refused'],
    ['a network that clients may not reach', '', 2, 'not_allowed'],
    ['IPv4 where it has to be IPv6', 'ipv4 = only6', 3, 'network_unreachable'],
    ['IPv6 without a tunnel', '', 3, 'network_unreachable'],
    ['IPv6 by a tunnel whose address is not of this machine', '', 3, 'network_unreachable'],
  ] as const)('is told of %s', async (what, config, code, reply) => {
    const { server, ways, flows } = await aStage({ config });
    const closed = await program(echo, what.startsWith('IPv6') ? '::1' : HOST);
    closed.close();
    if (what.includes('without')) ways.set();
    if (what.includes('not of this')) ways.set(aWay({ address: '2001:db8::77' }));
    const to = what.includes('may not') ? { address: '10.1.2.3', port: 80 } : closed;
    const talk = await Talk.to(server.local);

    talk.says(NONE);
    await talk.hears(2);
    talk.says(connectTo(to));

    expect(await talk.rest()).toBe(`050${code}0001000000000000`);
    expect(server.counts().replies).toEqual({ [reply]: 1 });
    talk.ends();
    await waitFor(() => server.counts().opening === 0, PATIENCE, 'its place to be free');
    expect(flows.totals()[0]).toMatchObject({ active: 0, refused: { too_many_flows: 0 } });
  });

  it.each([
    ['another protocol', '474554202f', '', { not_socks5: 1 }],
    ['no method', '0500', '05ff', { no_method: 1 }],
    ['another method', '050102', '05ff', { no_method: 1 }],
    ['an unknown command', `${NONE}05090001cb0071010050`, '050005070001000000000000', { bad_request: 1 }],
    ['port 0', `${NONE}05010001cb0071010000`, '050005010001000000000000', { bad_request: 1 }],
    ['an address to be resolved', `${NONE}05f00001cb0071010050`, '050005000001cb0071010000', {}],
    ['a name that is none', `${NONE}0501000301200050`, '050005010001000000000000', {}],
    ['an address by its text', `${NONE}05f0000309${hexOf('203.0.113')}0050`, '050005010001000000000000', {}],
  ])('is answered on %s', async (_what, words, answer, failed) => {
    const { server } = await aStage();
    const [whole, slow] = [await Talk.to(server.local), await Talk.to(server.local)];

    whole.says(words);
    for (const byte of words.match(/../g) ?? []) {
      slow.says(byte);
      await turns(3);
    }

    expect(await whole.rest()).toBe(answer);
    expect(await slow.rest()).toBe(answer);
    const twice = Object.fromEntries(Object.entries(failed).map(([kind, count]) => [kind, 2 * count]));
    expect(server.counts().failed).toEqual(twice);
  });

  it('that goes before it has said everything gives its place back', async () => {
    const { server } = await aStage();
    const talks = [await Talk.to(server.local), await Talk.to(server.local), await Talk.to(server.local)];
    const [silent, ended, reset] = talks;
    ended?.says('0501');
    reset?.says(NONE);
    await reset?.hears(2);

    silent?.ends();
    ended?.ends();
    reset?.resets();

    await waitFor(() => server.counts().clients === 3, PATIENCE, 'them to be known');
    await waitFor(() => server.counts().opening === 0, PATIENCE, 'their places to be free');
    expect(await silent?.rest()).toBe('');
    expect(await ended?.rest()).toBe('');
    expect(server.counts().failed).toEqual({ gave_up: 2 });
  });

  it('counts as opening from its first word on until it is a flow, at any moment as one of the two', async () => {
    const { server, flows } = await aStage();
    const to = await target();
    const talks = [await Talk.to(server.local), await Talk.to(server.local), await Talk.to(server.local)];
    const [served, ended, reset] = talks;
    for (const talk of talks) {
      talk.says(NONE);
      await talk.hears(2);
    }
    expect(server.counts().opening).toBe(3);

    served?.says(connectTo(to));
    expect(await served?.hears(10)).toMatch(/^05000001/);
    expect(server.counts().opening + flows.size).toBe(3);
    await waitFor(() => flows.size === 1, PATIENCE, 'a flow');
    expect(server.counts().opening).toBe(2);

    ended?.ends();
    await waitFor(() => server.counts().opening === 1, PATIENCE, 'one place to be free');
    reset?.resets();
    await waitFor(() => server.counts().opening === 0, PATIENCE, 'all places to be free');
  });

  it('that goes while it waits takes its connection along', async () => {
    const { server, flows } = await aStage();
    const talk = await Talk.to(server.local);
    talk.says(NONE);
    await talk.hears(2);
    const to = await deaf();
    const before = attemptsTo(to);
    talk.says(connectTo(to));
    await waitFor(() => attemptsTo(to) === before + 1, PATIENCE, 'its connection to be on its way');

    talk.resets();

    await waitFor(() => attemptsTo(to) === before, PATIENCE, 'its connection to be given up');
    await waitFor(() => server.counts().opening === 0, PATIENCE, 'its place to be free');
    expect(server.counts().replies).toEqual({});
    expect(flows.totals()[0]?.ended).toMatchObject({ reset: 0, finished: 0 });
  });

  it('that takes its time is heard to the end of its limit, and not beyond', async () => {
    const clock = new VirtualClock();
    const { server } = await aStage({ clock });
    const to = await target();
    const [slow, silent] = [await Talk.to(server.local), await Talk.to(server.local)];
    slow.says(NONE);
    await slow.hears(2);
    // Also an engine has left both to the proxy by then, which knows how old they are.
    await waitFor(() => clock.pending().length === 2, PATIENCE, 'both to be waited for');
    await clock.runFor(HANDSHAKE_LIMIT - PATIENCE);

    slow.says(connectTo(to));
    expect(await slow.hears(10)).toMatch(/^05000001/);
    expect(server.counts()).toMatchObject({ opening: 1, failed: {} });
    await clock.runFor(PATIENCE - (isNative ? HEARD_FOR : 0));

    expect(await silent.rest()).toBe('');
    expect(server.counts().failed).toEqual({ timed_out: 1 });
  });

  it('is one of many at once', async () => {
    const { server, flows } = await aStage({ perClient: 1_000 });
    const to = await target();
    const talks = await Promise.all(Array.from({ length: HEARD_AT_MOST + 50 }, () => Talk.to(server.local)));

    for (const talk of talks) talk.says(NONE);
    for (const talk of talks) expect(await talk.hears(2)).toBe('0500');
    for (const talk of talks) talk.says(connectTo(to));
    for (const talk of talks) expect(await talk.hears(10)).toMatch(/^05000001/);

    await waitFor(() => flows.size === talks.length, PATIENCE, 'all to be flows');
    expect(server.counts()).toMatchObject({ clients: talks.length, opening: 0 });
  });

  it('is one of as many as the table of flows takes', async () => {
    const { server, flows } = await aStage({ perClient: 2 });
    const to = await target();
    const first = [await connected(server, to), await connected(server, to)];
    await waitFor(() => flows.size === 2, PATIENCE, 'two flows');
    const third = await Talk.to(server.local);
    third.says(NONE);
    await third.hears(2);

    third.says(connectTo(to));

    expect(await third.rest()).toBe('05010001000000000000');
    expect(server.counts().failed).toEqual({ too_many_of_client: 1 });
    first[0]?.resets();
    await waitFor(() => flows.size === 1, PATIENCE, 'one to end');
    await connected(server, to);
  });

  it('from elsewhere than the list has it hears nothing', async () => {
    const { server } = await aStage({ config: 'allow_clients = 192.0.2.0/24' });

    const talk = new Talk(connecting(server.local));
    talk.says(NONE);

    expect(await talk.end()).toBe('ECONNRESET');
    expect(talk.heard).toBe('');
    expect(server.counts().refused).toEqual({ not_allowed: 1, too_many: 0 });
  });

  it('from within the list is served', async () => {
    const { server } = await aStage({ config: 'allow_clients = 192.0.2.0/24, 127.0.0.0/8' });

    await connected(server, await target());
  });

  it('is cut when its tunnel is lost, and the next one leaves by the next tunnel', async () => {
    const { server, flows, ways } = await aStage();
    const to = await target(echo, '::1');
    ways.set(aWay(), aWay({ tunnel: 'b', primary: false }));
    const talk = await connected(server, to);

    // At once: the table may not have been told of it.
    ways.set(aWay({ liveness: 'hard_down' }), aWay({ tunnel: 'b', primary: false }));

    expect(await talk.end()).toBe('ECONNRESET');
    await connected(server, to);
    const [flow] = await waitFor(() => flows.size === 1 && flows.list(), PATIENCE, 'the next flow');
    expect(flow?.tunnel).toBe('b');
    expect(flows.totals()[0]?.ended.tunnel_down).toBe(1);
  });

  it('may not leave by a tunnel that is lost while it connects', async () => {
    const { server, ways, asked } = await aStage();
    const to = await deaf('::1');
    const attempts = attemptsTo(to);
    ways.set(aWay(), aWay({ tunnel: 'b', primary: false }));
    const talk = await Talk.to(server.local);
    talk.says(NONE);
    await talk.hears(2);
    talk.says(connectTo(to));
    await waitFor(() => attemptsTo(to) === attempts + 1, PATIENCE, 'its connection to be on its way');
    const before = asked.length;

    ways.set(aWay({ liveness: 'hard_down' }), aWay({ tunnel: 'b', primary: false }));
    await waitFor(() => asked.length > before, PATIENCE, 'another attempt');
    expect(server.counts().opening).toBe(1);

    ways.set();
    expect(await talk.rest()).toBe('05030001000000000000');
  });

  it('that waits when the proxy stops is told so; one that is a flow goes on', async () => {
    const { server, flows } = await aStage();
    const carried = await connected(server, await target());
    const to = await deaf();
    const before = attemptsTo(to);
    await waitFor(() => flows.size === 1, PATIENCE, 'a flow');
    const waits = await Talk.to(server.local);
    waits.says(NONE);
    await waits.hears(2);
    waits.says(connectTo(to));
    await waitFor(() => attemptsTo(to) === before + 1, PATIENCE, 'its connection to be on its way');
    let isClosed = false;

    const closed = server.close().then(() => {
      isClosed = true;
    });

    expect(await waits.rest()).toBe('05010001000000000000');
    waits.ends();
    carried.says('6162');
    expect(await carried.hears(2)).toBe('6162');
    expect(isClosed).toBe(false);
    carried.ends();
    await closed;
    expect(flows.size).toBe(0);
  });
});

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const hexOf = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('hex');
const told = (bound: Endpoint | undefined): string => hexOf(writeReply('succeeded', bound ?? null));

/** The request, which has the same form as a reply. */
function connectTo(to: Endpoint): string {
  return `0501${told(to).slice(4)}`;
}

async function connected(server: Socks5Server, to: Endpoint): Promise<Talk> {
  const talk = await Talk.to(server.local);
  talk.says(NONE);
  expect(await talk.hears(2)).toBe('0500');
  talk.says(connectTo(to));
  expect(await talk.hears(to.address.includes(':') ? 22 : 10)).toMatch(/^050000/);
  return talk;
}

/** A client that speaks and hears in hexadecimal. */
class Talk {
  readonly #socket: Socket;
  readonly #end: Promise<string | null>;
  #heard = '';
  #stir: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay();
    socket.on('data', (bytes) => {
      this.#heard += hexOf(bytes);
      this.#stir();
    });
    this.#end = endOf(socket);
    socket.once('close', () => this.#stir());
    closing.push(() => socket.destroy());
  }

  static async to(at: Endpoint): Promise<Talk> {
    return new Talk(await client(at));
  }

  get local(): Endpoint {
    return { address: this.#socket.localAddress ?? '', port: this.#socket.localPort ?? 0 };
  }

  /** What has not been asked for yet. */
  get heard(): string {
    return this.#heard;
  }

  says(hex: string): void {
    this.#socket.write(Buffer.from(hex, 'hex'));
  }

  ends(): void {
    this.#socket.end();
  }

  resets(): void {
    this.#socket.resetAndDestroy();
  }

  async hears(bytes: number): Promise<string> {
    while (this.#heard.length < 2 * bytes && !this.#socket.destroyed)
      await new Promise<void>((resolve) => {
        this.#stir = resolve;
      });
    const heard = this.#heard.slice(0, 2 * bytes);
    this.#heard = this.#heard.slice(2 * bytes);
    return heard;
  }

  end(): Promise<string | null> {
    return this.#end;
  }

  /** All until the other side's FIN. */
  async rest(): Promise<string> {
    expect(await this.#end).toBe(null);
    return this.#heard;
  }
}
