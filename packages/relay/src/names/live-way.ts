import type { Way, Ways } from '../contracts.js';

/** The way that new connections take: the first that anything comes back through. Null: there is none. */
export function liveWay(ways: Ways): Way | null {
  return ways.now().find((way) => way.liveness !== 'hard_down') ?? null;
}

/** Calls `lost` once nothing comes back through `way`, or its address has gone. Returns what ends the watch. */
export function onLoss(ways: Ways, way: Way, lost: () => void): () => void {
  return ways.onChange(() => {
    const still = ways.now().find(({ tunnel, address }) => tunnel === way.tunnel && address === way.address);
    if (still === undefined || still.liveness === 'hard_down') lost();
  });
}
