import { describe, expect, it } from 'vitest';
import type { LoopOutside } from './loop-outside.js';
import { Rest } from './rest.js';
import type { Sys } from './sys.js';

// No thread sleeps here: what epoll_wait(2) would be asked for is written down.

const EPOLL = 7;
/** Milliseconds. Long enough for a second look on any machine. */
const POLLS = 20;
const SLEEP = 1_000;

interface Stage {
  readonly rest: Rest;
  /** The timeouts of all looks; 0: it did not wait. */
  readonly looks: number[];
  /** What the next looks find; after them nothing. */
  readonly found: number[];
  ask(): void;
}

function aRest(pollFor: number): Stage {
  const looks: number[] = [];
  const found: number[] = [];
  let isAsked = false;
  const epollWait: Sys['epollWait'] = (epoll, _at, _count, timeout) => {
    expect(epoll).toBe(EPOLL);
    looks.push(timeout);
    return found.shift() ?? 0;
  };
  const outside: Pick<LoopOutside, 'pollFor' | 'isAsked' | 'mayDoze' | 'awake'> = {
    pollFor,
    isAsked: () => isAsked,
    mayDoze: () => !isAsked,
    awake: () => {},
  };
  const rest = new Rest({ epollWait } as Sys, EPOLL, outside as LoopOutside);
  return {
    rest,
    looks,
    found,
    ask: () => {
      isAsked = true;
    },
  };
}

describe('a loop that has nothing to do', () => {
  it('sleeps at once, whatever happened before, unless it is to poll', () => {
    const { rest, looks } = aRest(0);

    rest.stirred(performance.now());

    expect(rest.wait(SLEEP)).toBe(0);
    expect(looks).toEqual([SLEEP]);
  });

  it('polls for its time after an event, then sleeps, and does not poll again before the next one', () => {
    const { rest, looks } = aRest(POLLS);
    const from = performance.now();

    rest.stirred(from);

    expect(rest.wait(SLEEP)).toBe(0);
    expect(performance.now() - from).toBeGreaterThanOrEqual(POLLS);
    expect(looks.slice(0, 2)).toEqual([0, 0]);
    expect(looks.filter((timeout) => timeout !== 0)).toEqual([SLEEP]);
    expect(looks.at(-1)).toBe(SLEEP);
    looks.length = 0;
    expect(rest.wait(SLEEP)).toBe(0);
    expect(looks).toEqual([SLEEP]);
  });

  it('does not poll before the first event', () => {
    const { rest, looks } = aRest(POLLS);

    rest.wait(SLEEP);

    expect(looks).toEqual([SLEEP]);
  });

  it('has what comes while it polls without having slept', () => {
    const { rest, looks, found } = aRest(POLLS);
    found.push(0, 0, 3);

    rest.stirred(performance.now());

    expect(rest.wait(SLEEP)).toBe(3);
    expect(looks).toEqual([0, 0, 0]);
  });

  it('hears what is asked while it polls, and looks once for what came meanwhile', () => {
    const { rest, looks, found, ask } = aRest(POLLS);
    ask();
    found.push(1);

    rest.stirred(performance.now());

    expect(rest.wait(SLEEP)).toBe(1);
    expect(looks).toEqual([0]);
  });

  it('neither polls nor sleeps where there is something left to be done', () => {
    const { rest, looks } = aRest(POLLS);

    rest.stirred(performance.now());

    expect(rest.wait(0)).toBe(0);
    expect(looks).toEqual([0]);
  });
});
