import { afterEach, describe, expect, it, vi } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { Endpoint } from '../contracts.js';
import { client, HOST } from '../loopback.test-support.js';
import { handLoop } from './hand-loop.test-support.js';
import type { Command, News } from './protocol.js';
import { socketAddressOf } from './socket-address.js';
import { EMFILE, type Sys } from './sys.js';
import { nativeIsMissing } from './trial.test-support.js';

// How listeners keep back the descriptors that those who have arrived will need. In use: relay-descriptors.test.ts.

const missing = await nativeIsMissing();

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** What a client says that nothing can be done for here: it asks for a name. */
const ASKS_FOR_NAME = Uint8Array.of(5, 1, 0, 5, 1, 0, 3, 1, 97, 0, 80);
const ALL: Omit<Extract<Command, { kind: 'handshakes' }>, 'listener'> = {
  kind: 'handshakes',
  clients: [],
  patience: 60_000,
  atOnce: 10,
};

interface Stage {
  readonly news: readonly News[];
  /** Connects, and says so much. Resolves once the loop has nothing left to do. */
  arrives(words?: Uint8Array): Promise<void>;
  /** From here on there are so many descriptors, beyond the one that the kernel gives next. */
  leave(count: number): void;
  /** There is none for the next one that arrives. */
  refuse(): void;
  /** How many have been let in. */
  accepts(): number;
  command(...commands: readonly Command[]): void;
}

/** A listener that hears its clients, or hands each of them over. */
async function aListener(hears: boolean): Promise<Stage> {
  let openMax = Number.POSITIVE_INFINITY;
  let isRefused = false;
  let accepts = 0;
  let next = (): number => 0;
  const { loop, commands, news, close } = await handLoop((sys) => {
    next = () => {
      const fd = sys.eventfd();
      sys.close(fd);
      return fd;
    };
    const accept4: Sys['accept4'] = (...args) => {
      const fd = isRefused ? -EMFILE : sys.accept4(...args);
      isRefused = false;
      if (fd >= 0) accepts += 1;
      return fd;
    };
    return { openMax: () => openMax, accept4 };
  });
  closing.push(close);
  const at = socketAddressOf({ address: HOST, port: 0 }) ?? new Uint8Array();
  commands.push({ kind: 'listen', id: 1, at });
  if (hears) commands.push({ ...ALL, listener: 1 });
  loop.turn();
  const listening = news.find((one) => one.kind === 'listening');
  const to: Endpoint = { address: HOST, port: listening?.port ?? 0 };
  let left: number | null = null;
  return {
    news,
    arrives: async (words) => {
      const before = news.length;
      const socket = await client(to);
      closing.push(() => socket.destroy());
      if (words !== undefined) socket.write(words);
      // Every descriptor of this process but that of the connection is there by now.
      if (left !== null) openMax = next() + left;
      loop.turn();
      if (words === undefined) return;
      const isOver = (): boolean => {
        loop.turn();
        return news.length > before;
      };
      await waitFor(isOver, 2_000, 'it to be told');
    },
    leave: (count) => {
      left = count;
    },
    refuse: () => {
      isRefused = true;
    },
    accepts: () => accepts,
    command: (...more) => {
      commands.push(...more);
      loop.turn();
    },
  };
}

const kindsOf = (news: readonly News[]): readonly string[] => news.map(({ kind }) => kind);

describe.skipIf(missing !== null)(`listeners${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  // One that has arrived with the number n leaves the numbers above it; its own other end takes one, that of each of
  // the two before takes one, and one is kept back.
  it.each([
    ['are heard', true, undefined],
    ['were heard and handed over', true, ASKS_FOR_NAME],
    ['were handed over at once', false, undefined],
  ])('rest when the other ends of those who %s are all that there are descriptors for', async (_, hears, words) => {
    const stage = await aListener(hears);
    await stage.arrives(words);
    await stage.arrives(words);
    expect(kindsOf(stage.news)).not.toContain('shortage');

    stage.leave(5);
    await stage.arrives(words);
    expect(kindsOf(stage.news)).not.toContain('shortage');
    stage.leave(5);
    await stage.arrives(words);

    expect(kindsOf(stage.news)).toContain('shortage');
  });

  it('keep nothing back for those who have gone', async () => {
    const stage = await aListener(true);
    await stage.arrives(ASKS_FOR_NAME);
    await stage.arrives(ASKS_FOR_NAME);
    const gone = stage.news.flatMap((one) => (one.kind === 'accepted' ? [one.id] : []));
    expect(gone).toHaveLength(2);

    stage.command(...gone.map((id): Command => ({ kind: 'reset', id })));
    stage.leave(3);
    await stage.arrives(ASKS_FOR_NAME);
    expect(kindsOf(stage.news)).not.toContain('shortage');
    stage.leave(3);
    await stage.arrives(ASKS_FOR_NAME);

    expect(kindsOf(stage.news)).toContain('shortage');
  });

  it('that refused one let it in once there is room for it, its other end, and those of all others', async () => {
    // By the clock they would try again after a while, whatever there is.
    vi.useFakeTimers({ toFake: ['performance'] });
    closing.push(() => vi.useRealTimers());
    const stage = await aListener(true);
    for (let i = 0; i < 4; i += 1) await stage.arrives(ASKS_FOR_NAME);
    const ids = stage.news.flatMap((one) => (one.kind === 'accepted' ? [one.id] : []));
    const kindsAfterOneLess = (): readonly string[] => {
      const before = stage.news.length;
      const id = ids.shift() ?? 0;
      stage.command({ kind: 'reset', id });
      stage.command();
      return kindsOf(stage.news.slice(before));
    };

    stage.refuse();
    await stage.arrives();
    expect(kindsOf(stage.news)).toContain('shortage');

    // Four connections there were. Three and two, with as many other ends, leave no two of those for one more.
    expect(kindsAfterOneLess()).toEqual([]);
    expect(kindsAfterOneLess()).toEqual([]);
    stage.command();
    expect(stage.accepts()).toBe(4);
    kindsAfterOneLess();
    expect(stage.accepts()).toBe(5);
  });
});
