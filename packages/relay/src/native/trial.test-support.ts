import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { expect } from 'vitest';
import type { EngineOnTrial } from '../engine-contract.test-support.js';
import { type NativeEngine, nativeEngineOn, startNativeEngine } from '../native-engine.js';
import { IDLE_LIMITS, type IdleLimits } from '../stream-join.js';
import { InlineHost } from './inline-host.test-support.js';
import type { Sys } from './sys.js';
import { type Injection, TrackingSys } from './tracking-sys.test-support.js';
import type { Launch } from './worker-host.js';

/** The worker from its source. Node 20 reads no TypeScript by itself, and tsx has to be asked in each thread. */
export function launchFromSource(): Launch {
  // `require` finds the CommonJS twin, which cannot register.
  const tsx = createRequire(import.meta.url)
    .resolve('tsx/esm/api')
    .replace(/cjs$/, 'mjs');
  const file = new URL('../native-worker.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(tsx)}).then(({ register }) => (register(), import(${JSON.stringify(file)})))`;
  return (workerData) => new Worker(code, { eval: true, workerData, transferList: [workerData.port], execArgv: [] });
}

/** Null: the native engine can be tried here. Under CI it throws, so that nothing is skipped where all must run. */
export async function nativeIsMissing(): Promise<string | null> {
  const started = await startNativeEngine({ launch: launchFromSource() });
  if (started.isOk()) {
    await started.value.close();
    return null;
  }
  if (process.env['CI'] === 'true') throw new Error(`CI must run every test, but ${started.error}`);
  return started.error;
}

export async function startFromSource(limits: IdleLimits = IDLE_LIMITS): Promise<NativeEngine> {
  return (await startNativeEngine({ limits, launch: launchFromSource() }))._unsafeUnwrap();
}

export async function nativeTrial(limits: IdleLimits): Promise<EngineOnTrial> {
  const engine = await startFromSource(limits);
  return { engine, close: () => engine.close() };
}

/** The calls of the kernel, loaded only where they are there. */
export async function realSys(): Promise<Sys> {
  return (await import('./koffi-sys.js')).koffiSys();
}

export interface InlineTrial extends EngineOnTrial {
  readonly engine: NativeEngine;
  readonly tracked: TrackingSys;
}

/** In this thread, every call watched. At the end nothing may be open, and nothing have been closed twice. */
export async function inlineTrial(limits: IdleLimits, inject: Injection | null = null): Promise<InlineTrial> {
  const tracked = new TrackingSys(await realSys());
  const engine = nativeEngineOn(new InlineHost(tracked.sys, limits));
  if (inject !== null) tracked.disturb(inject);
  const close = async (): Promise<void> => {
    await engine.close();
    expect(tracked.wrongs).toEqual([]);
    expect([...tracked.open]).toEqual([]);
  };
  return { engine, tracked, close };
}
