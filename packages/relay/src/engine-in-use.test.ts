import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { errAsync, okAsync } from 'neverthrow';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.js';
import type { Leg, Route } from './contracts.js';
import { EngineInUse } from './engine-in-use.js';
import { tryEngine } from './engine-trial.js';
import { handRoute } from './lead-to.test-support.js';
import { allOf, aWay, client, echo, HOST, handFlow, handWays, program } from './loopback.test-support.js';
import { aBench } from './mappings.test-support.js';
import type { NativeEngine } from './native-engine.js';
import type { Onward } from './passage.js';
import { type StreamEngine, streamEngine } from './stream-engine.js';
import { UdpCarrier } from './udp-carrier.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** What the native engine would be, over the portable one: legs are its own, and a test lets it fail. */
function aNative(change: Partial<Omit<NativeEngine, 'name'>> = {}): {
  readonly engine: NativeEngine;
  /** What ends with it. */
  opened(listening: { close(): Promise<void> }): void;
  fail(why: string): void;
} {
  const under = streamEngine();
  let fail: (why: string) => void = () => {};
  const gone = new Promise<string | null>((resolve) => {
    fail = resolve;
  });
  const open: { close(): Promise<void> }[] = [];
  const engine: NativeEngine = {
    name: 'native',
    shortages: () => 0,
    gone,
    close: async () => {},
    listen: (at, accept) =>
      under
        .listen(at, (leg) => accept(new Foreign(leg)))
        .map((listening) => {
          open.push(listening);
          return listening;
        }),
    connect: (options) => under.connect(options).map((leg) => new Foreign(leg)),
    join: (near, far, flow) => under.join((near as Foreign).leg, (far as Foreign).leg, flow),
    datagrams: (options) =>
      under.datagrams(options).map((listening) => {
        open.push(listening);
        return listening;
      }),
    ...change,
  };
  return {
    engine,
    opened: (listening) => void open.push(listening),
    fail: (why) => {
      for (const listening of open) void listening.close();
      fail(why);
    },
  };
}

/** A leg that is not of the portable engine. */
class Foreign implements Leg {
  readonly leg: Leg;
  readonly local: Leg['local'];
  readonly remote: Leg['remote'];

  constructor(leg: Leg) {
    this.leg = leg;
    this.local = leg.local;
    this.remote = leg.remote;
  }

  read(signal?: AbortSignal): ReturnType<Leg['read']> {
    return this.leg.read(signal);
  }
  unread(bytes: Uint8Array): void {
    this.leg.unread(bytes);
  }
  write(bytes: Uint8Array): ReturnType<Leg['write']> {
    return this.leg.write(bytes);
  }
  end(): void {
    this.leg.end();
  }
  reset(): void {
    this.leg.reset();
  }
}

function inUse(
  startNative: ConstructorParameters<typeof EngineInUse>[0]['startNative'],
  lowLatency = false,
): {
  readonly engine: EngineInUse;
  readonly log: string[];
} {
  const log: string[] = [];
  const logger = { log: (level: string, message: string) => void log.push(`${level}: ${message}`) };
  const engine = new EngineInUse({ log: logger, lowLatency, ...(startNative === undefined ? {} : { startNative }) });
  closing.push(() => engine.close());
  return { engine, log };
}

const never = (): never => {
  throw new Error('it is not asked for');
};

describe('the engine in use', () => {
  it('is the portable one where that is asked for, and nothing of the other is loaded', async () => {
    const { engine, log } = inUse(async () => never());

    await engine.choose('stream');

    expect(engine.name).toBe('stream');
    expect(log).toEqual(['info: The relay carries connections with its portable engine']);
  });

  it.each(['auto', 'native'] as const)('is the native one for %s, once that has passed its trial', async (wish) => {
    const { engine, log } = inUse(async () => aNative());

    await engine.choose(wish);

    expect(engine.name).toBe('native');
    expect(log).toEqual(['info: The relay carries connections with its native engine']);
  });

  it('leaves SOCKS5 clients’ datagrams to the native one while there is one, and to the proxy otherwise', async () => {
    const exchange = () => errAsync({ kind: 'failed', code: 'ENOSYS' } as const);
    const native = aNative({ exchange });
    const { engine } = inUse(async () => native);
    expect(engine.exchange).toBeUndefined();

    await engine.choose('native');
    expect(engine.exchange).toBe(exchange);
    native.fail('it was told to');
    await waitFor(() => engine.name === 'stream', 2_000, 'the other one');

    expect(engine.exchange).toBeUndefined();
  });

  it('polls where that is asked for, says so, and says where it has no effect', async () => {
    const wishes: unknown[] = [];
    const starts = async (wish: unknown) => {
      wishes.push(wish);
      return aNative();
    };
    const [quick, plain] = [inUse(starts, true), inUse(starts)];
    const [portable, without] = [inUse(async () => never(), true), inUse(async () => ({ reason: 'none' }), true)];

    await quick.engine.choose('auto');
    await plain.engine.choose('auto');
    await portable.engine.choose('stream');
    await without.engine.choose('auto');

    expect(wishes).toEqual([{ lowLatency: true }, { lowLatency: false }]);
    expect(quick.log).toEqual([expect.stringMatching(/^info: .* native engine, which polls for [\d.]+ ms before it/)]);
    expect(plain.log).toEqual(['info: The relay carries connections with its native engine']);
    for (const { log } of [portable, without]) expect(log[1]).toMatch(/^warn: \[relay\] low_latency .* no effect/);
  });

  it('says why the native one cannot be had: quietly for auto, with a remedy where it was asked for', async () => {
    const none = async () => ({ reason: 'koffi is not there' });
    const [auto, native] = [inUse(none), inUse(none)];

    await auto.engine.choose('auto');
    await native.engine.choose('native');

    expect([auto.engine.name, native.engine.name]).toEqual(['stream', 'stream']);
    expect(auto.log).toEqual([
      'info: The relay carries connections with its portable engine; the native one cannot be had: koffi is not there',
    ]);
    expect(native.log).toEqual([
      expect.stringMatching(/^warn: .* though \[relay\] engine = native: koffi is not there\. Remedy: install .*koffi/),
    ]);
  });

  it('is not one that fails its trial, nor one that fails during it', async () => {
    const deaf = inUse(async () => aNative({ listen: () => errAsync({ kind: 'not_permitted' }) }));
    const dying = inUse(async () => {
      const native = aNative({ listen: () => okAsync({ local: { address: HOST, port: 1 }, close: async () => {} }) });
      setImmediate(() => native.fail('its thread ended'));
      return native;
    });

    await deaf.engine.choose('auto');
    await dying.engine.choose('auto');

    expect([deaf.engine.name, dying.engine.name]).toEqual(['stream', 'stream']);
    expect(deaf.log[0]).toContain('cannot be had: it cannot listen: not_permitted');
  });

  it('goes on with the portable one when the native one fails: datagrams are taken at the same port', async () => {
    const native = aNative();
    const { engine } = inUse(async () => native);
    await engine.choose('auto');
    const { answer, flows, carrier } = await datagramsThrough(engine);
    const { at } = carrier;
    expect(await answer('before')).toBe('before');

    native.fail('its thread ended');

    expect(await waitFor(() => answer('after').catch(() => null), 5_000, 'an answer')).toBe('after');
    expect(carrier.at).toEqual(at);
    expect(flows.list().map(({ id }) => id)).toEqual([2]);
  });

  it('goes on with the portable one when the native one fails: what listens, listens again', async () => {
    const native = aNative();
    const { engine, log } = inUse(async () => native);
    await engine.choose('auto');
    const to = await program(echo);
    closing.push(to.close);
    const legs: Leg[] = [];
    const listening = (
      await engine.listen({ address: HOST, port: 0 }, (near) => {
        legs.push(near);
        void engine.connect({ to, source: null, timeout: 1_000 }).map((far) => void engine.join(near, far, handFlow()));
      })
    )._unsafeUnwrap();
    closing.push(() => listening.close());
    const before = (await engine.connect({ to, source: null, timeout: 1_000 }))._unsafeUnwrap();

    native.fail('its thread ended');
    await waitFor(() => engine.name === 'stream', 1_000, 'the other to take over');

    expect(log.at(-1)).toContain('error: The native engine has failed: its thread ended.');
    const socket = await waitFor(() => client(listening.local).catch(() => null), 5_000, 'it to listen again');
    socket.end('still here');
    expect((await allOf(socket)).toString()).toBe('still here');
    // A leg of each engine: there is nothing to join.
    const after = (await engine.connect({ to, source: null, timeout: 1_000 }))._unsafeUnwrap();
    const flow = handFlow();
    expect(await engine.join(before, after, flow)).toBe('reset');
    expect(flow.told.ends).toEqual(['reset']);
  });
});

/** An echo for datagrams, a mapping to it, and somebody who asks. */
async function datagramsThrough(engine: EngineInUse) {
  const [echoing, peer] = [createSocket('udp4'), createSocket('udp4')];
  closing.push(
    () => echoing.close(),
    () => peer.close(),
  );
  echoing.on('message', (bytes, { port }) => echoing.send(bytes, port, HOST)).bind(0, HOST);
  await once(echoing, 'listening');
  const ways = handWays(aWay({ address: HOST }));
  const bench = aBench(ways, { engine });
  const onward: Onward = { to: { address: HOST, port: echoing.address().port }, source: null, tunnel: 'a' };
  const passage = {
    origin: 'mapping udp 0',
    proxyProtocol: false,
    onChange: () => () => undefined,
    onward: () => onward,
  };
  const carrier = new UdpCarrier({ address: HOST, port: 0 }, passage, bench);
  (await carrier.take())._unsafeUnwrap();
  closing.push(async () => {
    await carrier.rest();
    bench.flows.end('stopped');
    await waitFor(() => carrier.idle, 2_000, 'it to close');
  });
  const answer = async (word: string): Promise<string> => {
    peer.send(word, carrier.at.port, HOST);
    const [bytes] = (await once(peer, 'message', { signal: AbortSignal.timeout(500) })) as [Buffer];
    return bytes.toString();
  };
  return { ...bench, carrier, answer };
}

describe('a route given to the engine in use', () => {
  it('is the native one’s affair; the portable one has none, and what takes over hands everything over', async () => {
    const routes: (Route | null)[] = [];
    const under = streamEngine();
    const native = aNative({
      listen: (at, accept) =>
        under
          .listen(at, (leg) => accept(new Foreign(leg)))
          .map((listening) => {
            native.opened(listening);
            return { ...listening, lead: (route: Route | null) => void routes.push(route) };
          }),
    });
    const { engine } = inUse(async () => native);
    const portable = inUse(async () => ({ reason: 'none' })).engine;
    await engine.choose('auto');
    await portable.choose('stream');
    const legs: Leg[] = [];
    const accept = (leg: Leg): void => void legs.push(leg);
    const [listening, plain] = [
      (await engine.listen({ address: HOST, port: 0 }, accept))._unsafeUnwrap(),
      (await portable.listen({ address: HOST, port: 0 }, accept))._unsafeUnwrap(),
    ];
    closing.push(
      () => listening.close(),
      () => plain.close(),
      () => legs.forEach((leg) => leg.reset()),
    );
    const route = handRoute(listening.local, () => {});

    listening.lead?.(route);
    native.fail('its thread ended');
    await waitFor(() => engine.name === 'stream', 1_000, 'the other to take over');
    const socket = await waitFor(() => client(listening.local).catch(() => null), 5_000, 'it to listen again');
    listening.lead?.(null);
    await waitFor(() => legs.length === 1, 1_000, 'it to be handed over');

    expect(routes).toEqual([route]);
    expect(plain.lead).toBeUndefined();
    socket.destroy();
  });
});

describe('the trial of an engine', () => {
  it('is passed by the portable one, and leaves nothing behind', async () => {
    expect(await tryEngine(streamEngine())).toBeNull();
  });

  it('is bounded in time', async () => {
    const under = streamEngine();
    const idle: StreamEngine = { ...under, join: () => new Promise(() => {}) };

    expect(await tryEngine(idle, 200)).toBe('nothing came of its trial within 200 ms');
  });

  it('finds an engine that shows a reset as an end', async () => {
    const under = streamEngine();
    const soft: StreamEngine = {
      ...under,
      join: (near, far, flow) => under.join(near, far, flow).then(() => 'finished'),
    };

    expect(await tryEngine(soft)).toBe('a connection that was reset counted as finished');
  });

  it('finds an engine that may not take datagrams, and one that gives them to nobody', async () => {
    const under = streamEngine();
    const barred: StreamEngine = { ...under, datagrams: () => errAsync({ kind: 'not_permitted' }) };
    const deaf: StreamEngine = {
      ...under,
      datagrams: (options) => under.datagrams({ ...options, admit: () => null }),
    };

    expect(await tryEngine(barred)).toBe('it cannot take datagrams: not_permitted');
    expect(await tryEngine(deaf, 200)).toBe('nothing came of its trial within 200 ms');
  });
});
