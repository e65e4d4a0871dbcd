import { writeSync } from 'node:fs';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { err, ok, type Result } from 'neverthrow';
import { Bell } from './bell.js';
import type { Host } from './host.js';
import { Ledger } from './ledger.js';
import type { LoopLimits } from './loop-outside.js';
import { START_LIMIT, STOP_LIMIT } from './native-limits.js';
import type { Command, News } from './protocol.js';

/** What a worker is given at its start. */
export interface WorkerFacts {
  readonly port: MessagePort;
  readonly bell: SharedArrayBuffer;
  readonly ledger: SharedArrayBuffer;
  readonly limits: LoopLimits;
  /** As the loop has it (`LoopOutside`). */
  readonly pollFor: number;
}

/** How its loop is to be. */
export type LoopTerms = Pick<WorkerFacts, 'limits' | 'pollFor'>;

/** What a worker says first. `wake`: the descriptor that ends its sleep. */
export type WorkerOpening = { readonly wake: number } | { readonly refused: string };

export type Launch = (facts: WorkerFacts) => Worker;

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/** @param file the built worker. What the process was started with, loaders and all, is not for it. */
export function launcher(file: URL, execArgv: readonly string[] = []): Launch {
  return (workerData) =>
    new Worker(file, { workerData, transferList: [workerData.port], execArgv: [...execArgv], name: 'relay' });
}

/** Starts the worker and waits for its first word. Err: why it cannot work here; nothing of it is left. */
export async function startWorker(launch: Launch, terms: LoopTerms): Promise<Result<Host, string>> {
  const { port1: port, port2 } = new MessageChannel();
  const bell = new Bell();
  const ledger = new Ledger();
  let worker: Worker;
  try {
    worker = launch({ port: port2, bell: bell.shared, ledger: ledger.shared, ...terms });
  } catch (error) {
    port.close();
    return err(`no thread can be started: ${String(error)}`);
  }
  let fault: string | null = null;
  worker.on('error', (error) => {
    fault ??= `its thread failed: ${error.message}`;
  });
  const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const settled = exit.then(() => ledger.settle(async () => (await import('./koffi-sys.js')).koffiSys()));
  const first = await firstWord(port, exit);
  if (typeof first === 'object' && 'wake' in first)
    return ok(new WorkerHost({ worker, port, bell, wake: first.wake, settled, faultOf: () => fault }));
  await worker.terminate();
  await settled;
  port.close();
  return err(typeof first === 'string' ? (fault ?? first) : first.refused);
}

function firstWord(port: MessagePort, exit: Promise<void>): Promise<WorkerOpening | string> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(`its thread did not answer within ${START_LIMIT} ms`), START_LIMIT);
    port.once('message', (opening: WorkerOpening) => {
      clearTimeout(late);
      resolve(opening);
    });
    void exit.then(() => {
      clearTimeout(late);
      resolve('its thread ended at once');
    });
  });
}

interface Parts {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly bell: Bell;
  readonly wake: number;
  readonly settled: Promise<number>;
  readonly faultOf: () => string | null;
}

class WorkerHost implements Host {
  readonly gone: Promise<string | null>;
  readonly #parts: Parts;
  #commands: Command[] = [];
  #isGone = false;
  #isStopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { worker, port, settled, faultOf } = parts;
    worker.unref();
    // A thread that sleeps in the kernel would hold up the end of the process, which waits for it.
    const atExit = (): void => this.#ringForStop();
    process.on('exit', atExit);
    worker.once('exit', () => {
      this.#isGone = true;
      process.off('exit', atExit);
    });
    this.gone = settled.then(() => {
      port.close();
      return this.#isStopped ? null : (faultOf() ?? 'its thread ended');
    });
  }

  get heard(): number {
    return this.#parts.bell.heard;
  }

  post(command: Command): void {
    if (this.#isGone) return;
    if (this.#commands.length === 0) queueMicrotask(() => this.#send());
    this.#commands.push(command);
  }

  onNews(listener: (news: readonly News[]) => void): void {
    this.#parts.port.on('message', listener);
    this.#parts.port.unref();
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.#parts.port.ref();
    else this.#parts.port.unref();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#ringForStop();
    this.#parts.worker.ref();
    const late = setTimeout(() => void this.#parts.worker.terminate(), STOP_LIMIT);
    await this.gone;
    clearTimeout(late);
  }

  #send(): void {
    const commands = this.#commands;
    this.#commands = [];
    if (this.#isGone) return;
    this.#parts.port.postMessage(commands);
    if (this.#parts.bell.ring()) this.#wakeUp();
  }

  #ringForStop(): void {
    if (this.#isGone) return;
    this.#parts.bell.ringForStop();
    this.#wakeUp();
  }

  /** eventfd(2): EAGAIN, it has been woken often enough. */
  #wakeUp(): void {
    try {
      writeSync(this.#parts.wake, ONE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
