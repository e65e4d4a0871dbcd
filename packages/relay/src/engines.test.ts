import { describeEngine, type EngineOnTrial } from './engine-contract.test-support.js';
import { describeTransfers } from './engine-transfers.test-support.js';
import { inlineTrial, nativeIsMissing, nativeTrial } from './native/trial.test-support.js';
import { streamEngine } from './stream-engine.js';
import type { IdleLimits } from './stream-join.js';

// What every engine holds, of every engine there is; the native one also in this thread, where its calls are watched.

const missing = await nativeIsMissing();
const streamTrial = async (limits: IdleLimits) => ({ engine: streamEngine(limits), close: () => Promise.resolve() });

/**
 * libuv does not watch a socket whose FIN has been read, and tells a reset that comes after bytes as an end. What it
 * does not say, the portable engine cannot pass on.
 */
const DEAF = ['after the client’s end, client', 'after the program’s end, program', 'bulk'];

for (const [name, start, skip, deafTo] of [
  ['stream', streamTrial, null, DEAF],
  ['native', nativeTrial, missing, []],
  ['native, in one thread with its calls watched,', inlineTrial, missing, []],
] as const) {
  describeEngine(name, start, skip);
  describeTransfers(name, start, skip, deafTo);
}

/** The same by connections that it leads on by itself. */
const leading =
  (start: (limits: IdleLimits) => Promise<EngineOnTrial>) =>
  async (limits: IdleLimits): Promise<EngineOnTrial> => ({ ...(await start(limits)), leads: true });

describeTransfers('native, leading,', leading(nativeTrial), missing, []);
describeTransfers('native, leading in one thread with its calls watched,', leading(inlineTrial), missing, []);
