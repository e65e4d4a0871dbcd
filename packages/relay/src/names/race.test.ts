import type { Millis } from '@hurricane/core';
import { VirtualClock } from '@hurricane/core/testing';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import { describe, expect, test } from 'vitest';
import type { ConnectError } from '../contracts.js';
import { startDeadline, unlessAborted } from '../deadline.js';
import type { Signal } from '../signal.js';
import { type Lookup, type RaceFailure, race } from './race.js';
import type { Family, NameError } from './resolver.js';

// RFC 8305, in virtual time. Addresses are letters: capitals for IPv6.

interface Answer {
  readonly after: Millis;
  readonly says: string | NameError['kind'];
}

/** What an attempt comes to, and when. */
interface Outcome {
  readonly after: Millis;
  readonly error?: ConnectError['kind'];
}

interface Track {
  readonly started: string[];
  readonly ended: string[];
  readonly discarded: string[];
  readonly result: Promise<Result<string, RaceFailure>>;
  readonly clock: VirtualClock;
  readonly stop: AbortController;
}

const NEVER: Outcome = { after: 3_600_000, error: 'timed_out' };
const REFUSED: ConnectError['kind'] = 'refused';

function aRace(
  answers: { readonly aaaa?: Answer; readonly a?: Answer },
  outcomes: Readonly<Record<string, Outcome>>,
  options: { readonly prefer?: 6 | null; readonly deaf?: boolean } = {},
): Track {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const track = { started: [] as string[], ended: [] as string[], discarded: [] as string[] };
  const wait = async (after: Millis, signal: Signal): Promise<boolean> => {
    const deadline = startDeadline(clock, after, 'wait', signal);
    await unlessAborted(new Promise<void>(() => undefined), deadline.signal);
    const { expired } = deadline;
    deadline.end();
    return expired;
  };
  const lookup = (family: Family, answer: Answer): Lookup => ({
    family,
    ask: (signal) =>
      new ResultAsync(
        wait(answer.after, signal).then((): Result<readonly string[], NameError> => {
          if (/^[a-z]*_/.test(answer.says)) return err({ kind: answer.says } as NameError);
          return ok([...answer.says]);
        }),
      ),
  });
  const attempt = (address: string, _family: Family, signal: Signal): ResultAsync<string, ConnectError> => {
    track.started.push(`${address}@${clock.now()}`);
    const { after, error } = outcomes[address] ?? NEVER;
    const until = options.deaf === true ? new AbortController().signal : signal;
    return new ResultAsync(
      wait(after, until).then((expired): Result<string, ConnectError> => {
        track.ended.push(`${address}@${clock.now()}`);
        if (!expired) return err({ kind: 'aborted' });
        return error === undefined ? ok(address) : err({ kind: error } as ConnectError);
      }),
    );
  };
  const lookups = [
    ...(answers.aaaa === undefined ? [] : [lookup(6, answers.aaaa)]),
    ...(answers.a === undefined ? [] : [lookup(4, answers.a)]),
  ];
  const discard = (late: string): void => void track.discarded.push(late);
  const { prefer = 6 } = options;
  const result = race<string>({ clock, lookups, attempt, discard, prefer, signal: stop.signal });
  return { ...track, result: Promise.resolve(result), clock, stop };
}

async function outcomeOf(track: Track): Promise<string> {
  await track.clock.runFor(3_600_001);
  const result = await track.result;
  if (result.isOk()) return result.value;
  return [...result.error.names, ...result.error.attempts].map(({ kind }) => kind).join(' ');
}

const FAST: Outcome = { after: 20 };
const at = (after: Millis, says: Answer['says']): Answer => ({ after, says });

describe('addresses', () => {
  test('71: IPv6 is tried as soon as it is known, IPv4 or not', async () => {
    const track = aRace({ aaaa: at(10, 'A'), a: at(500, 'a') }, { A: FAST });

    expect(await outcomeOf(track)).toBe('A');
    expect(track.started).toEqual(['A@10']);
  });

  test('71: an IPv4 answer waits 50 ms for the IPv6 one', async () => {
    const inTime = aRace({ aaaa: at(59, 'A'), a: at(10, 'a') }, { A: FAST, a: FAST });
    const late = aRace({ aaaa: at(61, 'A'), a: at(10, 'a') }, { A: FAST, a: { after: 400 } });

    expect(await outcomeOf(inTime)).toBe('A');
    expect(inTime.started).toEqual(['A@59']);
    // 75: what is late joins, a delay after the attempt before it.
    expect(await outcomeOf(late)).toBe('A');
    expect(late.started).toEqual(['a@60', 'A@310']);
  });

  test.each(['', 'timed_out', 'no_addresses'] as const)('71: does not wait when IPv6 has %j to say', async (says) => {
    const track = aRace({ aaaa: at(30, says), a: at(10, 'a') }, { a: FAST });

    expect(await outcomeOf(track)).toBe('a');
    expect(track.started).toEqual(['a@30']);
  });

  test('71: one family that does not answer does not hold up the other', async () => {
    const track = aRace({ aaaa: at(5_000, 'timed_out'), a: at(10, 'a') }, { a: FAST });

    expect(await outcomeOf(track)).toBe('a');
    expect(track.started).toEqual(['a@60']);
  });

  test('72: one of IPv6, then by turns', async () => {
    const track = aRace({ aaaa: at(0, 'ABC'), a: at(0, 'ab') }, {});

    await track.clock.runFor(2_000);
    expect(track.started).toEqual(['A@0', 'a@250', 'B@500', 'b@750', 'C@1000']);
    track.stop.abort();
  });

  test('each is tried once', async () => {
    const track = aRace({ aaaa: at(0, 'AAA') }, { A: { after: 1, error: REFUSED } });

    expect(await outcomeOf(track)).toBe('refused');
    expect(track.started).toEqual(['A@0']);
  });

  test('without a preference the first that is known is tried', async () => {
    const track = aRace({ aaaa: at(30, 'A'), a: at(10, 'a') }, { a: FAST, A: FAST }, { prefer: null });

    expect(await outcomeOf(track)).toBe('a');
    expect(track.started).toEqual(['a@10']);
  });
});

describe('attempts', () => {
  test('73: run beside each other, 250 ms apart; H1: IPv6 in a black hole costs no more than that', async () => {
    const track = aRace({ aaaa: at(0, 'A'), a: at(0, 'a') }, { a: FAST });

    expect(await outcomeOf(track)).toBe('a');
    expect(track.started).toEqual(['A@0', 'a@250']);
    expect(track.ended).toEqual(['a@270', 'A@270']);
  });

  test('H2: IPv6 that answers within 250 ms is taken, however fast IPv4 would be', async () => {
    const track = aRace({ aaaa: at(0, 'A'), a: at(0, 'a') }, { A: { after: 249 }, a: { after: 1 } });

    expect(await outcomeOf(track)).toBe('A');
    expect(track.started).toEqual(['A@0']);
  });

  test('73: a slow first one may still win', async () => {
    const track = aRace({ aaaa: at(0, 'AB') }, { A: { after: 300 }, B: { after: 100 } });

    expect(await outcomeOf(track)).toBe('A');
    expect(track.started).toEqual(['A@0', 'B@250']);
    expect(track.ended).toEqual(['A@300', 'B@300']);
  });

  test('73: the next starts at once when one fails', async () => {
    const refused: Outcome = { after: 5, error: REFUSED };
    const track = aRace({ aaaa: at(0, 'ABC') }, { A: refused, B: refused, C: FAST });

    expect(await outcomeOf(track)).toBe('C');
    expect(track.started).toEqual(['A@0', 'B@5', 'C@10']);
  });

  test('73: a loser that connects all the same is let go of', async () => {
    const track = aRace({ aaaa: at(0, 'AB') }, { A: { after: 300 }, B: { after: 60 } }, { deaf: true });

    expect(await outcomeOf(track)).toBe('A');
    expect(track.discarded).toEqual(['B']);
  });

  test('all failed: tells of every failure', async () => {
    const track = aRace({ aaaa: at(0, 'A'), a: at(0, 'a') }, { A: { after: 1, error: REFUSED }, a: NEVER });

    expect(await outcomeOf(track)).toBe('refused timed_out');
  });

  test('waits for an answer that is still to come when all known ones have failed', async () => {
    const track = aRace({ aaaa: at(0, 'A'), a: at(900, 'a') }, { A: { after: 1, error: REFUSED }, a: FAST });

    expect(await outcomeOf(track)).toBe('a');
    expect(track.started).toEqual(['A@0', 'a@900']);
  });
});

describe('the end', () => {
  test('no address: what the lookups said', async () => {
    expect(await outcomeOf(aRace({ aaaa: at(0, 'not_found'), a: at(5, 'timed_out') }, {}))).toBe('not_found timed_out');
    expect(await outcomeOf(aRace({ aaaa: at(0, ''), a: at(0, '') }, {}))).toBe('');
    expect(await outcomeOf(aRace({}, {}))).toBe('');
  });

  test('called off: everything ends at once, and nothing starts afterwards', async () => {
    const track = aRace({ aaaa: at(0, 'AB'), a: at(1_000, 'a') }, {});
    await track.clock.runFor(100);

    track.stop.abort();

    expect(await outcomeOf(track)).toBe('aborted');
    expect(track.started).toEqual(['A@0']);
    expect(track.ended).toEqual(['A@100']);
    expect(track.clock.pending()).toEqual([]);
  });

  test('called off before it began', async () => {
    const stop = new AbortController();
    stop.abort();
    const clock = new VirtualClock();
    const nothing = (): never => {
      throw new Error('nothing is to be asked or tried');
    };
    const lookups: readonly Lookup[] = [{ family: 6, ask: nothing }];
    const options = { clock, lookups, attempt: nothing, discard: nothing, prefer: 6 as const, signal: stop.signal };

    expect((await race(options))._unsafeUnwrapErr().attempts).toEqual([{ kind: 'aborted' }]);
  });

  test('leaves no alarm behind', async () => {
    const track = aRace({ aaaa: at(0, 'AB'), a: at(0, 'ab') }, { A: FAST });

    await track.clock.runFor(21);

    expect((await track.result).isOk()).toBe(true);
    expect(track.clock.pending()).toEqual([]);
  });
});
