import { networkInterfaces } from 'node:os';
import type { Clock, Instant, Millis } from '@hurricane/core';
import type { Way, Ways } from '../contracts.js';

/** A new address of this host is known this much later; asking the system takes as long as a connection does. */
const KEPT: Millis = 1_000;

/** Every address of this host but the loopback ones: its interfaces' and, at once, the tunnels'. */
export function ownAddresses(clock: Clock, ways: Ways): () => readonly string[] {
  let kept: readonly string[] = [];
  let readAt: Instant = Number.NEGATIVE_INFINITY;
  let seen: readonly Way[] | null = null;
  let all: readonly string[] = [];
  return () => {
    const now = ways.now();
    const isStale = clock.now() - readAt > KEPT;
    if (!isStale && now === seen) return all;
    if (isStale) {
      const found = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
      kept = found.filter(({ internal }) => !internal).map(({ address }) => address);
      readAt = clock.now();
    }
    seen = now;
    all = [...kept, ...now.map(({ address }) => address)];
    return all;
  };
}
