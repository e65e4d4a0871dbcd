import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { probeClock } from './probe-clock.js';

describe('the host’s clock', () => {
  afterEach(() => vi.useRealTimers());

  it('never fires early', async () => {
    const early: number[] = [];
    for (const span of [0, 0.4, 1, 5.2, 12.9]) {
      const at = probeClock.now() + span;
      await new Promise<void>((resolve) => probeClock.alarm(at, 'test', resolve));
      if (probeClock.now() < at) early.push(span);
    }

    expect(early).toEqual([]);
  });

  it('keeps alarms that are further off than Node’s timers reach', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
    const month = 30 * 24 * 3_600_000;
    let fired = false;
    probeClock.alarm(probeClock.now() + month, 'test', () => {
      fired = true;
    });

    vi.advanceTimersByTime(month - 1);
    const early = fired;
    vi.advanceTimersByTime(3);

    expect([early, fired]).toEqual([false, true]);
  });

  it('does not fire once cancelled', async () => {
    let fired = false;
    const alarm = probeClock.alarm(probeClock.now(), 'test', () => {
      fired = true;
    });

    alarm.cancel();
    await new Promise<void>((resolve) => probeClock.alarm(probeClock.now() + 10, 'test', resolve));

    expect(fired).toBe(false);
  });

  it('lets input that has already arrived be read first, however late the loop is', async () => {
    const { near, far, close } = await connectedSockets();
    const order: string[] = [];
    const read = once(far, 'data').then(() => order.push('input'));
    const alarm = new Promise<void>((resolve) => probeClock.alarm(probeClock.now() + 5, 'test', resolve));
    const fired = alarm.then(() => order.push('alarm'));

    near.write('reply');
    standStill(30);
    await Promise.all([read, fired]);
    close();

    expect(order).toEqual(['input', 'alarm']);
  });

  it('lets what such input puts off until all of it is read go first, too', async () => {
    const { near, far, close } = await connectedSockets();
    const order: string[] = [];
    const read = once(far, 'data').then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    const told = read.then(() => order.push('input'));
    const alarm = new Promise<void>((resolve) => probeClock.alarm(probeClock.now() + 5, 'test', resolve));
    const fired = alarm.then(() => order.push('alarm'));

    near.write('reply');
    standStill(30);
    await Promise.all([told, fired]);
    close();

    expect(order).toEqual(['input', 'alarm']);
  });
});

/** Blocks this thread, as a busy event loop would. */
function standStill(span: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, span);
}

async function connectedSockets(): Promise<{ near: Socket; far: Socket; close: () => void }> {
  const server = createServer().listen(0, '::1');
  await once(server, 'listening');
  const near = connect({ host: '::1', port: (server.address() as AddressInfo).port });
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[Socket], unknown];
  const close = (): void => {
    near.destroy();
    far.destroy();
    server.close();
  };
  return { near, far, close };
}
