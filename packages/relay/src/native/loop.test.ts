import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import { client, echo, HOST, program } from '../loopback.test-support.js';
import { IDLE_LIMITS } from '../stream-join.js';
import { Loop } from './loop.js';
import type { Command, News } from './protocol.js';
import { socketAddressOf } from './socket-address.js';
import { nativeIsMissing, realSys } from './trial.test-support.js';

const missing = await nativeIsMissing();

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A loop that a test turns by hand. */
async function aLoop() {
  const sys = await realSys();
  const commands: Command[] = [];
  const news: News[] = [];
  const whileItWaits: (() => void)[] = [];
  const epollWait: typeof sys.epollWait = (...args) => {
    const count = sys.epollWait(...args);
    if (count > 0) for (const happens of whileItWaits.splice(0)) happens();
    return count;
  };
  const loop = new Loop(
    { ...sys, epollWait },
    {
      limits: { ...IDLE_LIMITS, sweep: 10 },
      commands: () => commands.splice(0),
      isAsked: () => commands.length > 0,
      mayDoze: () => false,
      awake: () => {},
      tell: (told) => void news.push(...told),
    },
  );
  closing.push(() => {
    loop.close();
    sys.close(loop.wake);
  });
  return { loop, commands, news, whileItWaits };
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
});
