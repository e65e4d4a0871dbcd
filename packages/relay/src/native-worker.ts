import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Bell } from './native/bell.js';
import { Ledger } from './native/ledger.js';
import { Loop } from './native/loop.js';
import type { Command } from './native/protocol.js';
import type { Sys } from './native/sys.js';
import type { WorkerFacts, WorkerOpening } from './native/worker-host.js';

// The thread of the native engine. Its loop sleeps in the kernel and never turns Node's own: what it is told lies in a
// port until it looks there.

const { port, bell: rung, ledger, limits, pollFor } = workerData as WorkerFacts;
const bell = new Bell(rung);

/** Says why there is none, where there is none: koffi is not installed, or this is not a machine it knows. */
async function loaded(): Promise<Sys | null> {
  try {
    const { koffiSys } = await import('./native/koffi-sys.js');
    return koffiSys();
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    say({ refused: `koffi cannot be loaded: ${reason}` });
    return null;
  }
}

function run(sys: Sys): void {
  const loop = new Loop(new Ledger(ledger).over(sys), {
    limits,
    pollFor,
    isAsked: () => bell.isRung,
    mayDoze: () => bell.mayDoze(),
    awake: () => bell.awake(),
    tell: (news) => port.postMessage(news),
    hears: () => bell.hears(),
    commands: () => {
      if (!bell.isRung) return [];
      bell.answer();
      return all(port);
    },
  });
  say({ wake: loop.wake });
  try {
    while (!bell.isStopped) loop.turn();
  } finally {
    loop.close();
  }
}

function all(from: MessagePort): readonly Command[] {
  const commands: Command[] = [];
  for (let left = receiveMessageOnPort(from); left !== undefined; left = receiveMessageOnPort(from))
    for (const command of left.message as readonly Command[]) commands.push(command);
  return commands;
}

function say(opening: WorkerOpening): void {
  port.postMessage(opening);
}

const sys = await loaded();
if (sys !== null) run(sys);
port.close();
