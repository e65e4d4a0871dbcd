import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Running } from '../support/command.js';
import { requireHost } from '../support/require-host.js';
import { requireNative } from '../support/require-native.js';
import { pass, waitFor } from '../support/wait-for.js';

const blocked = requireHost({ tools: ['prlimit'] });

/** Node itself takes about twenty. */
const DESCRIPTORS = 64;
const CLIENTS = 100;

describe.skipIf(blocked !== null)(`a relay with few descriptors${blocked === null ? '' : ` (${blocked})`}`, () => {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  const relays: Running[] = [];

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    server.close();
  });

  async function aRelay(
    spare: number,
    engine: 'stream' | 'native',
    leading: readonly 'leading'[] = [],
  ): Promise<{ readonly relay: Running; readonly port: number }> {
    const script = new URL('../support/scarce-relay.mjs', import.meta.url).pathname;
    const to = String((server.address() as { port: number }).port);
    const limits = ['prlimit', `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`];
    const relay = new Running([...limits, process.execPath, script, to, String(spare), engine, ...leading]);
    relays.push(relay);
    return { relay, port: Number((await relay.says(/listening on port (\d+)/))[1]) };
  }

  /** Resolves to the socket when it is answered, to null when it is refused or ended. */
  function answered(port: number): Promise<Socket | null> {
    const socket = connect(port, '127.0.0.1');
    socket.write('x');
    return new Promise((resolve) => {
      socket.once('data', () => resolve(socket));
      for (const end of ['error', 'end', 'close']) socket.once(end, () => resolve(null));
      socket.on('error', () => {});
    });
  }

  /** proc_pid_stat(5): utime and stime, in ticks of 10 ms. */
  function cpuMillis(relay: Running): number {
    const [, rest = ''] = /\) (.*)$/.exec(readFileSync(`/proc/${relay.pid}/stat`, 'utf8').trimEnd()) ?? [];
    const fields = rest.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  it('serves what it can, refuses the rest at once, and neither dies nor spins with the portable engine', async () => {
    // Of the two, one runs out when it takes a connection, the other when it leads it on.
    const shortages = [await wornOut(0), await wornOut(1)];

    expect(shortages.some((count) => count > 0)).toBe(true);
  });

  /** Resolves to how often its listener has rested. */
  async function wornOut(spare: number): Promise<number> {
    const { relay, port } = await aRelay(spare, 'stream');
    const all = await Promise.all(Array.from({ length: CLIENTS }, () => answered(port)));
    const served = all.filter((socket) => socket !== null);

    expect(served.length).toBeGreaterThan(5);
    expect(served.length).toBeLessThan(DESCRIPTORS / 2);
    const before = cpuMillis(relay);
    await pass(1_000);
    expect(cpuMillis(relay) - before).toBeLessThan(300);
    expect(relay.ended).toBe(false);

    for (const socket of served) socket.destroy();
    const again = await waitFor(() => answered(port), 10_000, 'a connection to be taken again');
    again.destroy();
    return Number(/shortages (\d+)\n$/.exec(relay.output)?.[1]);
  }

  it.skipIf(requireNative() !== null).each([
    ['the native engine', []],
    ['the native engine leading by itself', ['leading'] as const],
  ])('lets clients wait in the kernel’s queue with %s, and serves them as others end', async (_, leading) => {
    const { relay, port } = await aRelay(0, 'native', leading);
    expect(relay.output).toContain('native engine');
    const held: Socket[] = [];
    const answers = Array.from({ length: CLIENTS }, async () => {
      const socket = await answered(port);
      if (socket !== null) held.push(socket);
      return socket !== null;
    });
    await waitFor(() => held.length > 5, 5_000, 'the first to be served');
    const before = cpuMillis(relay);
    await pass(1_000);
    expect(cpuMillis(relay) - before).toBeLessThan(300);
    expect(held.length).toBeLessThan(DESCRIPTORS / 2);

    const endThoseServed = (): void => {
      for (const socket of held.splice(0)) socket.destroy();
    };
    const over = setInterval(endThoseServed, 5);
    const served = await Promise.all(answers);
    clearInterval(over);
    // Those that were served last can be as many as there are descriptors for.
    endThoseServed();

    expect(relay.ended).toBe(false);
    expect(Number(/shortages (\d+)\n$/.exec(relay.output)?.[1])).toBeGreaterThan(0);
    // Whoever is taken in the moment in which the last descriptor goes to something else is refused.
    expect(served.filter((was) => was).length).toBeGreaterThan(0.9 * CLIENTS);
    const again = await waitFor(() => answered(port), 10_000, 'a connection to be taken again');
    again.destroy();
  });
});
