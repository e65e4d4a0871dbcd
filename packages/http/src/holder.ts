import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Holder } from './listen-error.js';

// Who has what this process wants, for its error. Linux tells it in /proc: first the number of the socket, then
// which process has a descriptor with that number. Ordinary users see only their own processes there.

/** Processes looked through: a few thousand take some 100 ms, and this is only done before giving up. */
const MOST_PROCESSES = 10_000;

/** The process that listens on a port of this machine. Null when it cannot be told. */
export async function holderOfPort(port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<Holder | null> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  // proc(5): sl, local_address, rem_address, st (0A: listening), four more, uid, timeout, inode.
  const state = protocol === 'tcp' ? '0A' : '07';
  const line = new RegExp(`^ *\\d+: [0-9A-F]+:${wanted} [0-9A-F:]+ ${state}(?: +\\S+){5} +(\\d+)`, 'gm');
  const tables = await Promise.all([`/proc/net/${protocol}`, `/proc/net/${protocol}6`].map(textOf));
  return holderOf(tables.flatMap((table) => [...table.matchAll(line)].map((found) => found[1] ?? '')));
}

/** The process that has the Unix socket at `path`. Null when it cannot be told. */
export async function holderOfSocket(path: string): Promise<Holder | null> {
  const lines = (await textOf('/proc/net/unix')).split('\n');
  // proc(5): Num, RefCount, Protocol, Flags, Type, St, Inode, Path.
  return holderOf(
    lines.flatMap((line) => {
      const [, inode, at] = /^(?:\S+ +){6}(\d+) (.+)$/.exec(line) ?? [];
      return inode !== undefined && at === path ? [inode] : [];
    }),
  );
}

async function holderOf(inodes: readonly string[]): Promise<Holder | null> {
  if (inodes.length === 0) return null;
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of processes.slice(0, MOST_PROCESSES)) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const link = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (links.has(link)) return { pid: Number(pid), name: (await textOf(`/proc/${pid}/comm`)).trim() };
    }
  }
  return null;
}

const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
