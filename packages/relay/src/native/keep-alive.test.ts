import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { Leg } from '../contracts.js';
import { handRoute, type Lead, ledListener } from '../lead-to.test-support.js';
import { client, echo, HOST, handFlow, program } from '../loopback.test-support.js';
import { type NativeEngine, nativeEngineOn } from '../native-engine.js';
import { IDLE_LIMITS } from '../stream-join.js';
import { InlineHost } from './inline-host.test-support.js';
import { SO_KEEPALIVE, SOL_SOCKET } from './sys.js';
import { nativeIsMissing, realSys } from './trial.test-support.js';

const missing = await nativeIsMissing();

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** An engine, and on which descriptors it has turned keep-alives on. */
async function anEngine(): Promise<{ readonly engine: NativeEngine; readonly kept: readonly number[] }> {
  const sys = await realSys();
  const kept: number[] = [];
  const setsockopt: typeof sys.setsockopt = (fd, level, name, at, length) => {
    if (level === SOL_SOCKET && name === SO_KEEPALIVE) kept.push(fd);
    return sys.setsockopt(fd, level, name, at, length);
  };
  const engine = nativeEngineOn(new InlineHost({ ...sys, setsockopt }, { ...IDLE_LIMITS, sweep: 10 }));
  closing.push(() => engine.close());
  return { engine, kept };
}

describe.skipIf(missing !== null)(`keep-alives${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  it('are asked for of what arrives by its listener, and of what goes out once it has lived for a while', async () => {
    const { engine, kept } = await anEngine();
    const here = await program(echo);
    const leads: Lead[] = [];
    const led = await ledListener(
      { engine },
      handRoute(here, (lead) => void leads.push(lead)),
    );
    if (!('local' in led)) throw new Error(led.kind);
    const lead = async (near: Leg): Promise<void> => {
      const far = (await engine.connect({ to: here, source: null, timeout: 1_000 }))._unsafeUnwrap();
      void engine.join(near, far, handFlow());
    };
    const asked = (await engine.listen({ address: HOST, port: 0 }, (near) => void lead(near)))._unsafeUnwrap();
    closing.push(here.close);
    expect(kept).toHaveLength(2);

    const sockets = [await client(led.local), await client(asked.local)];
    await waitFor(() => kept.length === 4, 2_000, 'both to be kept alive');

    expect(new Set(kept).size).toBe(4);
    for (const socket of sockets) socket.destroy();
  });
});
