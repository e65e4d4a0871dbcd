import { type DatagramsOnTrial, describeDatagrams, TRIAL_SWEEP } from './datagram-contract.test-support.js';
import { inlineTrial, nativeIsMissing, startFromSource } from './native/trial.test-support.js';
import { streamEngine } from './stream-engine.js';
import { IDLE_LIMITS } from './stream-join.js';

// What each engine does with datagrams; the native one also in this thread, where its calls are watched.

const missing = await nativeIsMissing();
const limits = { ...IDLE_LIMITS, sweep: TRIAL_SWEEP };

const stream = async (): Promise<DatagramsOnTrial> => ({ engine: streamEngine(), close: () => Promise.resolve() });

async function native(): Promise<DatagramsOnTrial> {
  const engine = await startFromSource(limits);
  return { engine, close: () => engine.close() };
}

describeDatagrams('stream', stream, null);
describeDatagrams('native', native, missing);
describeDatagrams('native, in one thread with its calls watched,', () => inlineTrial(limits), missing);
