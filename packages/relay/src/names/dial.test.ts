import { VirtualClock } from '@hurricane/core/testing';
import { ok, type Result, ResultAsync } from 'neverthrow';
import { expect, test } from 'vitest';
import type { ConnectError, Leg } from '../contracts.js';
import { CallOff } from '../signal.js';
import { MemoryEngine } from '../testing/memory-engine.test-support.js';
import { MemoryLeg } from '../testing/memory-leg.test-support.js';
import { aWay, MemoryWays, tableResolver } from '../testing/memory-stage.test-support.js';
import { DIAL_LIMIT, Dialer, type DialerParts } from './dial.js';

// Destinations that are addresses; those that are names are in race.test.ts and in the tests of the proxy.

interface Scene {
  readonly clock: VirtualClock;
  readonly engine: MemoryEngine;
  readonly ways: MemoryWays;
  dialer(change?: Partial<DialerParts>): Dialer;
}

function aScene(): Scene {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const ways = new MemoryWays(aWay());
  const resolver = tableResolver({});
  const parts: DialerParts = {
    ...{ clock, engine, ways, resolver, ipv4: 'prefer6', raceTunnels: false },
    permits: () => true,
  };
  return { clock, engine, ways, dialer: (change = {}) => new Dialer({ ...parts, ...change }) };
}

test('an address is connected to from where its family leaves, and nobody is asked for it', async () => {
  const { engine, dialer } = aScene();
  const v6 = await dialer().dial({ text: '[2001:db8::5]', port: 80 }, new CallOff());
  const v4 = await dialer().dial({ text: '192.0.2.5', port: 80 }, new CallOff());

  expect([v6._unsafeUnwrap().way?.tunnel, v4._unsafeUnwrap().way]).toEqual(['he', null]);
  expect(engine.attempts.map(({ to, source }) => [to.address, source])).toEqual([
    ['2001:db8::5', '2001:db8:1::2'],
    ['192.0.2.5', null],
  ]);
});

test('an address that clients may not reach is not tried', async () => {
  const { engine, dialer } = aScene();
  const permits: DialerParts['permits'] = ({ address, port }) => address !== '192.0.2.5' || port !== 80;
  const dialed = await dialer({ permits }).dial({ text: '192.0.2.5', port: 80 }, new CallOff());

  expect(dialed._unsafeUnwrapErr()).toEqual({ kind: 'denied' });
  expect(engine.attempts).toEqual([]);
});

test('what has to be IPv6 does not leave by IPv4', async () => {
  const { engine, dialer } = aScene();
  const dialed = await dialer({ ipv4: 'only6' }).dial({ text: '192.0.2.5', port: 80 }, new CallOff());

  expect(dialed._unsafeUnwrapErr()).toEqual({ kind: 'network_unreachable' });
  expect(engine.attempts).toEqual([]);
});

test('nobody is tried once it has been called off', async () => {
  const { engine, dialer } = aScene();
  const called = new CallOff();
  called.abort();
  const dialed = await dialer().dial({ text: '192.0.2.5', port: 80 }, called);

  expect(dialed._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
  expect(engine.attempts).toEqual([]);
});

test('the whole has a limit of time, however often the tunnel changes under it', async () => {
  const { clock, engine, ways, dialer } = aScene();
  engine.hosts.set('2001:db8::5', { kind: 'silent' });
  const dialing = dialer().dial({ text: '2001:db8::5', port: 80 }, new CallOff());
  for (const address of ['2001:db8:2::2', '2001:db8:3::2']) {
    await clock.runFor(9_000);
    ways.become(aWay({ address }));
  }
  await clock.runFor(DIAL_LIMIT - 18_000);

  expect((await dialing)._unsafeUnwrapErr()).toEqual({ kind: 'timed_out' });
  expect(engine.attempts.map(({ source }) => source)).toEqual(['2001:db8:1::2', '2001:db8:2::2', '2001:db8:3::2']);
});

test('a connection that is made after it was called off is reset', async () => {
  const { engine, dialer } = aScene();
  const [ours, theirs] = MemoryLeg.pair({ address: '192.0.2.100', port: 1 }, { address: '192.0.2.5', port: 80 });
  let answer: (late: Result<Leg, ConnectError>) => void = () => {};
  engine.connect = () => new ResultAsync(new Promise((resolve) => (answer = resolve)));
  const called = new CallOff();
  const dialing = dialer().dial({ text: '192.0.2.5', port: 80 }, called);
  called.abort();
  answer(ok(ours));

  expect((await dialing)._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
  expect(theirs.wasReset).toBe(true);
});
