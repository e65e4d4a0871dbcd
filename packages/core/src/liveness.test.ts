import { describe, expect, it } from 'vitest';
import { HEALTH_DEFAULTS } from './config/defaults.js';
import type { ProbeOutcome } from './facts.js';
import {
  isDown,
  type Liveness,
  newborn,
  observeOutcome,
  observeRx,
  RECOVERY_GRACE,
  RX_VETO_BYTES,
  VETO_AT_MOST,
} from './liveness.js';

/** A dot is a reply, x a loss, r a refusal, l a late reply; one every 200 ms. */
const STEP = 200;

describe('the ladder', () => {
  it.each([
    ['', 'unknown'],
    ['..', 'unknown'],
    ['...', 'alive'],
    ['xx...', 'alive'],
    ['..x..', 'unknown'],
    ['...x', 'suspect'],
    ['...xxx', 'suspect'],
    ['...xxx.', 'alive'],
    ['...xxxx', 'soft_down'],
    ['...rrrr', 'soft_down'],
    ['...xxxx..', 'soft_down'],
    ['...xxxx...', 'alive'],
    ['...xxxx..x..', 'soft_down'],
    ['...xxxxxxxxxx', 'soft_down'],
    ['...xxxxxxxxxxx', 'hard_down'],
    ['...xxxxxxxxxxx..', 'hard_down'],
    ['...xxxxxxxxxxx...', 'alive'],
    ['xxxxxxxxxx', 'unknown'],
    ['xxxxxxxxxxx', 'hard_down'],
  ])('%s leads to %s', (outcomes, kind) => {
    expect(play(outcomes).kind).toBe(kind);
  });

  it('demands two seconds of silence for hard_down, however many probes were lost', () => {
    const soon = play(`...${'x'.repeat(50)}`, 39);
    expect(soon.kind).toBe('soft_down');

    expect(play(`...${'x'.repeat(52)}`, 40).kind).toBe('hard_down');
  });

  it('asks one who is back from the dead to be steady for a second', () => {
    const back = play('...xxxx...');

    expect(back.steadyAt).toBe(9 * STEP + RECOVERY_GRACE);
    expect(play('...xxx.').steadyAt).toBe(2 * STEP);
  });

  it('knows how long ago it is proven alive: when the answered probe was sent', () => {
    expect(play('...').provenAt).toBe(2 * STEP - 20);
    expect(play('...xx').provenAt).toBe(2 * STEP - 20);
  });

  it('counts soft_down and hard_down as down', () => {
    expect(['', '...', '...x', '...xxxx', `...${'x'.repeat(11)}`].map((o) => isDown(play(o)))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});

describe('a late reply', () => {
  it('breaks the row of misses and no more', () => {
    expect(play('...xxxl')).toMatchObject({ kind: 'suspect', misses: 0 });
    expect(play('...xxxlxxx').kind).toBe('suspect');
    expect(play('...xxxlxxxx').kind).toBe('soft_down');
    expect(play('...xxxxlll').kind).toBe('soft_down');
  });

  it('is no quick reply: it does not count towards being alive', () => {
    expect(play('lll').kind).toBe('unknown');
  });
});

describe('received bytes', () => {
  const missing = play('...xxx');
  const at = 6 * STEP;

  it('mean nothing while nothing is missed', () => {
    const alive = play('...');

    expect(observeRx(alive, 10_000_000n, at)).toBe(alive);
  });

  it('start the row of misses over when they grow by a packet', () => {
    const first = observeRx(missing, 1_000n, at);
    expect(first.misses).toBe(3);

    expect(observeRx(first, 1_000n + RX_VETO_BYTES - 1n, at + 100).misses).toBe(3);
    expect(observeRx(first, 1_000n + RX_VETO_BYTES, at + 100)).toMatchObject({ misses: 0, missingSince: null });
  });

  it('veto for ten seconds and no longer', () => {
    const first = observeRx(observeRx(missing, 0n, at), RX_VETO_BYTES, at + 100);
    const again = (now: number): Liveness =>
      observeRx(observeOutcome(first, { kind: 'lost' }, now, HEALTH_DEFAULTS), 10n * RX_VETO_BYTES, now);

    expect(again(at + 100 + VETO_AT_MOST).misses).toBe(0);
    expect(again(at + 101 + VETO_AT_MOST).misses).toBe(1);
  });

  it('veto nothing where the network refused', () => {
    const refused = play('...xxr');

    expect(observeRx(observeRx(refused, 0n, at), 1_000_000n, at)).toBe(refused);
  });

  it('begin anew when the counter was reset', () => {
    const first = observeRx(missing, 1_000_000n, at);

    expect(observeRx(first, 10n, at + 100)).toMatchObject({ misses: 3, rxBaseline: 10n });
  });

  it('bring nobody back from the dead', () => {
    const dead = play(`...${'x'.repeat(11)}`);

    expect(observeRx(dead, 1_000_000n, at)).toBe(dead);
  });
});

function play(outcomes: string, every = STEP): Liveness {
  return [...outcomes].reduce(
    (was, letter, i) => observeOutcome(was, outcomeOf(letter), i * every, HEALTH_DEFAULTS),
    newborn(0),
  );
}

function outcomeOf(letter: string): ProbeOutcome {
  if (letter === 'x') return { kind: 'lost' };
  if (letter === 'r') return { kind: 'refused', reason: 'no route' };
  return { kind: 'reply', rtt: 20, late: letter === 'l' };
}
