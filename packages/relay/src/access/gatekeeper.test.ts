import { VirtualClock } from '@hurricane/core/testing';
import { beforeAll, expect, test } from 'vitest';
import { FAILURES_AT_MOST, Gatekeeper, PENALTY, type Verdict } from './gatekeeper.js';
import { parseUsers, type Users, userLine } from './users-file.js';

let users: Users = new Map();
beforeAll(async () => {
  users = parseUsers('f', (await userLine('me', 'right'))._unsafeUnwrap())._unsafeUnwrap();
});

const CLIENT = '192.0.2.1';

interface Door {
  readonly clock: VirtualClock;
  readonly gatekeeper: Gatekeeper;
  try(password: string, name?: string, client?: string): Promise<Verdict>;
}

function aDoor(): Door {
  const clock = new VirtualClock();
  const gatekeeper = new Gatekeeper(users, clock);
  return {
    clock,
    gatekeeper,
    try: (password, name = 'me', client = CLIENT) => gatekeeper.judge(Buffer.from(name), Buffer.from(password), client),
  };
}

test('knows a user by the password, and nobody else', async () => {
  const door = aDoor();

  expect(await door.try('right')).toBe('accepted');
  expect(await door.try('wrong')).toBe('rejected');
  expect(await door.try('right', 'you')).toBe('rejected');
  expect(await door.try('ight', 'mer')).toBe('rejected');
  expect(await door.try('right')).toBe('accepted');
});

test('pays for the slow hash once', async () => {
  const door = aDoor();
  await door.try('right');
  const from = performance.now();

  for (let i = 0; i < 1_000; i += 1) expect(await door.try('right')).toBe('accepted');

  // A thousand hashes take the better part of a minute.
  expect(performance.now() - from).toBeLessThan(2_000);
});

test('hears no more of a client that failed five times in a row, for half a minute', async () => {
  const door = aDoor();
  for (let i = 0; i < FAILURES_AT_MOST; i += 1) expect(await door.try(`wrong ${i}`)).toBe('rejected');

  expect(await door.try('right')).toBe('limited');
  expect(await door.try('right', 'me', '192.0.2.2')).toBe('accepted');
  await door.clock.runFor(PENALTY - 1);
  expect(await door.try('right')).toBe('limited');
  await door.clock.runFor(1);
  expect(await door.try('right')).toBe('accepted');
});

test('a right password wipes out the failures before it', async () => {
  const door = aDoor();
  for (let i = 0; i < 3 * FAILURES_AT_MOST; i += 1)
    expect(await door.try(i % FAILURES_AT_MOST === 3 ? 'right' : 'wrong')).not.toBe('limited');
});

test('a thousand guesses at once are heard no more than those in a row', async () => {
  const door = aDoor();

  const verdicts = await Promise.all(Array.from({ length: 1_000 }, (_, i) => door.try(`wrong ${i}`)));

  // Two are heard beside each other.
  expect(verdicts.filter((v) => v === 'rejected').length).toBeLessThanOrEqual(FAILURES_AT_MOST + 1);
  expect(new Set(verdicts)).toEqual(new Set(['rejected', 'limited', 'busy']));
});

test('other users from a file that is read again', async () => {
  const door = aDoor();
  await door.try('right');

  door.gatekeeper.replace(parseUsers('f', (await userLine('me', 'other'))._unsafeUnwrap())._unsafeUnwrap());

  expect(await door.try('right')).toBe('rejected');
  expect(await door.try('other')).toBe('accepted');
});
