import { afterAll } from 'vitest';
import type { DatagramEngine, Engine } from './contracts.js';
import type { EngineOnTrial } from './engine-contract.test-support.js';
import { inlineTrial, nativeIsMissing, nativeTrial } from './native/trial.test-support.js';
import { streamEngine } from './stream-engine.js';
import { IDLE_LIMITS, type IdleLimits } from './stream-join.js';

// A mapping on every engine, and on the native one in both its ways: asked about each connection, and led by a route.

const missing = await nativeIsMissing();

type Start = (limits: IdleLimits) => Promise<EngineOnTrial>;

/** The same engine, which leads nothing on by itself. */
export function askingEach(engine: Engine & DatagramEngine): Engine & DatagramEngine {
  return {
    name: engine.name,
    listen: (at, accept) => engine.listen(at, accept).map(({ local, close }) => ({ local, close })),
    connect: (options) => engine.connect(options),
    join: (near, far, flow) => engine.join(near, far, flow),
    datagrams: (options) => engine.datagrams(options),
  };
}

const asked: Start = async (limits) => {
  const { engine, close } = await nativeTrial(limits);
  return { engine: askingEach(engine), close };
};

/** Name, how it is started, and why it cannot be tried here. */
export const MAPPING_ENGINES: readonly (readonly [name: string, start: Start, skip: string | null])[] = [
  ['the portable engine', async (limits) => ({ engine: streamEngine(limits), close: async () => {} }), null],
  ['the native engine, asked about each connection', asked, missing],
  ['the native engine, which leads connections on by itself', nativeTrial, missing],
  ['the native engine, which leads by itself, its calls watched', inlineTrial, missing],
];

/** Engines that are started once for all tests of a file, by their limits. */
export function enginesOf(start: Start): (change?: Partial<IdleLimits>) => Promise<Engine & DatagramEngine> {
  const started = new Map<string, Promise<EngineOnTrial>>();
  afterAll(async () => {
    for (const trial of started.values()) await (await trial).close();
  });
  return async (change = {}) => {
    const limits = { ...IDLE_LIMITS, sweep: 10, ...change };
    const key = JSON.stringify(limits);
    const trial = started.get(key) ?? start(limits);
    started.set(key, trial);
    return (await trial).engine;
  };
}
