import { err, type Result } from 'neverthrow';
import type { DatagramEngine, Engine } from './contracts.js';
import type { Host } from './native/host.js';
import { LoopEngine } from './native/loop-engine.js';
import { POLL_FOR } from './native/native-limits.js';
import { type Launch, launcher, startWorker } from './native/worker-host.js';
import { IDLE_LIMITS, type IdleLimits } from './stream-join.js';

/** An engine that has to be stopped, and that may fail as a whole. */
export interface NativeEngine extends Engine, DatagramEngine {
  readonly name: 'native';
  /** How often it ran out of descriptors. */
  readonly shortages: () => number;
  /** Resolves, to why, when it has failed: nothing can be done with it any more. Null: it was closed. */
  readonly gone: Promise<string | null>;
  /** Resets what it carries, and resolves once every descriptor has been given back. */
  close(): Promise<void>;
}

export interface NativeEngineOptions {
  readonly limits?: IdleLimits;
  /** Polls for a moment before it sleeps, for processor time. Default: no. */
  readonly lowLatency?: boolean;
  /** Default: the built worker beside this file. */
  readonly launch?: Launch;
}

/** Starts the native engine. Err: half a sentence why this machine or this installation has none. */
export async function startNativeEngine(options: NativeEngineOptions = {}): Promise<Result<NativeEngine, string>> {
  const { limits = IDLE_LIMITS, lowLatency = false } = options;
  const { launch = launcher(new URL('./native-worker.js', import.meta.url)) } = options;
  const { platform, arch } = process;
  // The numbers of native/sys.ts are those of these two.
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64'))
    return err(`it is not made for ${platform} on ${arch}`);
  return (await startWorker(launch, { limits, pollFor: lowLatency ? POLL_FOR : 0 })).map(nativeEngineOn);
}

/** The engine over a loop, wherever that runs. */
export function nativeEngineOn(host: Host): NativeEngine {
  const engine = new LoopEngine(host);
  return {
    name: engine.name,
    shortages: () => engine.shortages,
    gone: host.gone,
    close: () => host.stop(),
    listen: (at, accept) => engine.listen(at, accept),
    connect: (options) => engine.connect(options),
    datagrams: (options) => engine.desk.open(options),
    exchange: (options) => engine.desk.exchanges.open(options),
    join: (near, far, flow) => engine.join(near, far, flow),
  };
}
