import { writeSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { client, echo, HOST, program } from '../loopback.test-support.js';
import { handLoop } from './hand-loop.test-support.js';
import { socketAddressOf } from './socket-address.js';
import type { Sys } from './sys.js';
import { nativeIsMissing } from './trial.test-support.js';

const missing = await nativeIsMissing();

/** Milliseconds: long enough for a second look on any machine. */
const POLLS = 200;

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function aLoop(pollFor = 0) {
  const whileItWaits: (() => void)[] = [];
  /** For how long it would have waited, each time. */
  const looks: number[] = [];
  const change = (sys: Sys): Partial<Sys> => ({
    epollWait: (epoll, at, most, timeout) => {
      looks.push(timeout);
      const count = sys.epollWait(epoll, at, most, 0);
      if (count > 0) for (const happens of whileItWaits.splice(0)) happens();
      return count;
    },
  });
  const made = await handLoop(change, { pollFor, mayDoze: () => true });
  closing.push(made.close);
  return { ...made, whileItWaits, looks };
}

describe.skipIf(missing !== null)(`a turn of the loop${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  it('heeds for a connection what was asked before that was looked at: a probe may come right after', async () => {
    const { loop, commands, news, whileItWaits } = await aLoop();
    const here = await program(echo);
    closing.push(here.close);
    const to = socketAddressOf(here);
    const at = socketAddressOf({ address: HOST, port: 0 }) ?? new Uint8Array();
    const route = { kind: 'route', listener: 1, source: null, except: [], timeout: 1_000, room: 9 } as const;
    commands.push({ kind: 'listen', id: 1, at }, { ...route, era: 2, to });
    loop.turn();
    const listening = news.find((one) => one.kind === 'listening');
    const arrives = async (): Promise<void> => {
      const before = news.length;
      const socket = await client({ address: HOST, port: listening?.port ?? 0 });
      closing.push(() => socket.destroy());
      const isTold = (): boolean => {
        loop.turn();
        return news.slice(before).some(({ kind }) => kind === 'led' || kind === 'accepted');
      };
      await waitFor(isTold, 2_000, 'it to be told');
    };

    await arrives();
    whileItWaits.push(() => commands.push({ ...route, era: 3, to: null }));
    await arrives();

    expect(news.map(({ kind }) => kind).filter((kind) => kind === 'led' || kind === 'accepted')).toEqual([
      'led',
      'accepted',
    ]);
  });

  it('polls after what happens to a connection, and not because it was woken', async () => {
    const { loop, commands, news, looks } = await aLoop(POLLS);
    const at = socketAddressOf({ address: HOST, port: 0 }) ?? new Uint8Array();
    commands.push({ kind: 'listen', id: 1, at });
    loop.turn();
    const listening = news.find((one) => one.kind === 'listening');
    const looksNext = (): readonly number[] => {
      looks.length = 0;
      loop.turn();
      return looks;
    };
    expect(looksNext()).toEqual([expect.any(Number)]);

    writeSync(loop.wake, ONE);
    loop.turn();
    expect(looksNext()).toEqual([expect.any(Number)]);

    const socket = await client({ address: HOST, port: listening?.port ?? 0 });
    closing.push(() => socket.destroy());
    await waitFor(
      () => {
        loop.turn();
        return news.some(({ kind }) => kind === 'accepted');
      },
      2_000,
      'it to arrive',
    );
    // It is told at first that it may be written to.
    expect(looksNext()).toEqual([0]);
    const polls = looksNext();
    expect(polls.slice(0, -1).length).toBeGreaterThan(1);
    expect(polls.slice(0, -1).every((timeout) => timeout === 0)).toBe(true);
    expect(polls.at(-1)).toBeGreaterThan(0);
  });
});
