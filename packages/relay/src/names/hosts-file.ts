import { open } from 'node:fs/promises';
import type { Clock, Instant, Millis } from '@hurricane/core';
import { addressIn, readName } from './name.js';
import type { Family } from './resolver.js';

/** hosts(5): a few hundred lines as a rule. Block lists of a hundred thousand names are read up to here. */
const BYTES_AT_MOST = 1_048_576;

/** A change of the file is seen this much later, so that a burst of lookups reads it once. */
const KEPT: Millis = 5_000;

export interface Hosts {
  /** Null: the file says nothing of this name. Empty: it does, and has no address of this family. */
  lookUp(name: string, family: Family): Promise<readonly string[] | null>;
}

/** The names of hosts(5), read again when they are asked for and the last look is old. */
export function hostsFile(path: string, clock: Clock): Hosts {
  let names: Promise<HostNames> | null = null;
  let readAt: Instant = 0;
  return {
    async lookUp(name, family) {
      if (names === null || clock.now() - readAt > KEPT) {
        readAt = clock.now();
        names = readBeginning(path).then(namesIn);
      }
      const addresses = (await names).get(name);
      return addresses?.filter((address) => address.includes(':') === (family === 6)) ?? null;
    },
  };
}

type HostNames = ReadonlyMap<string, readonly string[]>;

/** Lines of an address and its names; `#` begins a comment. */
export function namesIn(text: string): HostNames {
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [first = '', ...rest] = line.replace(/#.*$/, '').trim().split(/\s+/);
    const address = addressIn(first);
    if (address === null) continue;
    for (const word of rest) {
      const named = readName(word);
      if (named?.kind === 'name') names.set(named.name, [...(names.get(named.name) ?? []), address]);
    }
  }
  return names;
}

/** Empty when it cannot be read: a host without the file has no names of its own. */
async function readBeginning(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(BYTES_AT_MOST), 0, BYTES_AT_MOST, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
