import { VirtualClock } from '@hurricane/core/testing';
import { expect, test } from 'vitest';
import { aWay, MemoryWays } from '../testing/memory-stage.test-support.js';
import { ownAddresses } from './own-addresses.js';

test('a tunnel’s address is known at once, and forgotten at once', () => {
  const ways = new MemoryWays(aWay({ address: '2001:db8:1::2' }));
  const own = ownAddresses(new VirtualClock(), ways);
  expect(own()).toContain('2001:db8:1::2');

  ways.become(aWay({ address: '2001:db8:7::2' }));

  expect(own()).toContain('2001:db8:7::2');
  expect(own()).not.toContain('2001:db8:1::2');
});

test('the list is the same one until something may have changed, and is never changed itself', async () => {
  const clock = new VirtualClock();
  const ways = new MemoryWays(aWay());
  const own = ownAddresses(clock, ways);
  const first = own();
  const copy = [...first];
  expect(own()).toBe(first);

  await clock.runFor(1_001);
  ways.become();

  expect(own()).not.toBe(first);
  expect(first).toEqual(copy);
});
