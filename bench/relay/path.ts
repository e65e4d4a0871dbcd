import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mustRun } from '../../test/support/command.js';
import { requireHost } from '../../test/support/require-host.js';
import type { Place } from './place.js';
import { tied } from './processes.js';

// A way of packets as small as a tunnel's: two network namespaces with a pair of Ethernet devices between them, neither
// of which takes more at once than fits into one packet. The namespaces have no names: each is there as long as a
// process is in it, and the one that holds it ends with the bench, however that ends.

/** What 6in4 leaves of an Ethernet frame (RFC 4213, section 3.2). */
const MTU = 1_480;

/** With an Ethernet header, which the counters of a device have as well. What is longer has been gathered. */
export const LONGEST_FRAME = MTU + 14;

const HERE = '2001:db8:64::2';
const THERE = '2001:db8:64::1';

/** Segmentation and gathering by the device, which would make one packet of forty. */
const OFFLOADS = ['tso', 'gso', 'gro'].flatMap((name) => [name, 'off']);

export interface Path extends Place {
  /** The mean length of what the relay's side has sent, in bytes: what shows that nothing was gathered. */
  frame(): number;
  remove(): Promise<void>;
}

/** Null where a path can be laid; otherwise one sentence why not. */
export function missingForPath(): string | null {
  return requireHost({ root: true, tools: ['ip', 'ethtool', 'unshare', 'nsenter', 'setpriv'] });
}

export async function laidPath(): Promise<Path> {
  const [here, there] = [await holder(), await holder()];
  const [hereIn, thereIn] = [inside(here), inside(there)];
  const end = (name: string, { pid }: ChildProcess): string[] => `name ${name} mtu ${MTU} netns ${pid}`.split(' ');
  await mustRun(['ip', 'link', 'add', ...end('here0', here), 'type', 'veth', 'peer', ...end('there0', there)]);
  for (const [within, device, address] of [
    [hereIn, 'here0', HERE],
    [thereIn, 'there0', THERE],
  ] as const) {
    const lines = ['link set lo up', `address add ${address}/64 dev ${device} nodad`, `link set ${device} up`];
    await mustRun([...within, 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
    await mustRun([...within, 'ethtool', '-K', device, ...OFFLOADS]);
  }
  return {
    ...{ relay: HERE, direct: HERE, iface: 'here0', here: hereIn, there: thereIn },
    isHeard: (_host, port) => Promise.resolve(isListening(here, port)),
    frame: () => frameOf(here, 'here0'),
    remove: async () => void (await Promise.all([here, there].map(released))),
  };
}

/** A process in a network namespace of its own. */
async function holder(): Promise<ChildProcess> {
  // cat(1) ends when nobody can write to it any more: when this process is gone.
  const child = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  tied(child);
  child.stdin.write('.');
  const [said] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  if (typeof said === 'number') throw new Error('unshare(1) made no network namespace');
  return child;
}

async function released(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = once(child, 'exit');
  child.stdin?.end();
  await gone;
}

/** What is started so ends with this process. */
function inside({ pid }: ChildProcess): readonly string[] {
  return ['nsenter', '--target', `${pid}`, '--net', 'setpriv', '--pdeathsig', 'KILL'];
}

/** proc_net(5): state 0A is "listening". */
function isListening({ pid }: ChildProcess, port: number): boolean {
  const end = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`:${end} [0-9A-F:]+ 0A `).test(readFileSync(`/proc/${pid}/net/tcp6`, 'utf8'));
}

/** proc_net(5), dev: behind the name eight columns of what was received, then bytes and packets that were sent. */
function frameOf({ pid }: ChildProcess, device: string): number {
  const line = new RegExp(`^ *${device}: *(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/net/dev`, 'utf8'))?.[1] ?? '';
  const [bytes = 0, packets = 0] = line.split(/ +/).slice(8, 10).map(Number);
  return bytes / packets;
}
