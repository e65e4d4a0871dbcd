import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/wait-for.js';
import type { Endpoint } from '../contracts.js';
import { handRoute, ledListener } from '../lead-to.test-support.js';
import { allOf, client, program } from '../loopback.test-support.js';
import { nativeEngineOn } from '../native-engine.js';
import { IDLE_LIMITS } from '../stream-join.js';
import { InlineHost } from './inline-host.test-support.js';
import type { Sys } from './sys.js';
import { nativeIsMissing, realSys } from './trial.test-support.js';

const missing = await nativeIsMissing();

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A mapping to a program that says `answered` and ends as soon as it is asked. */
async function answering(change: (sys: Sys) => Partial<Sys>): Promise<Endpoint> {
  const sys = await realSys();
  const engine = nativeEngineOn(new InlineHost({ ...sys, ...change(sys) }, { ...IDLE_LIMITS, sweep: 10 }));
  const here = await program((socket) => void socket.once('data', () => socket.end('answered')));
  const led = await ledListener(
    { engine },
    handRoute(here, () => {}),
  );
  if (!('local' in led)) throw new Error(led.kind);
  closing.push(() => engine.close(), here.close);
  return led.local;
}

async function answerFrom(at: Endpoint): Promise<string> {
  const socket = await client(at);
  socket.write('q');
  const answer = await allOf(socket);
  socket.end();
  return String(answer);
}

describe.skipIf(missing !== null)(`last words${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  it('leave together with the FIN, where both are there', async () => {
    let together = 0;
    const at = await answering((sys) => ({
      sendMore: (...call) => {
        together += 1;
        return sys.sendMore(...call);
      },
    }));

    const answers = new Set<string>();
    // Whether the loop sees both at once is chance.
    await waitFor(
      async () => {
        answers.add(await answerFrom(at));
        return together >= 3;
      },
      10_000,
      'some to leave together',
    );

    expect([...answers]).toEqual(['answered']);
  });
});
