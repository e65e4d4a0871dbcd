import type { Way, Ways } from '../contracts.js';

/** The way that new connections take: the first that anything comes back through. Null: there is none. */
export function liveWay(ways: Ways): Way | null {
  return ways.now().find((way) => way.liveness !== 'hard_down') ?? null;
}

/** Whether nothing comes back through it, or its address has gone. */
export function isLost(ways: Ways, way: Way): boolean {
  const still = ways.now().find(({ tunnel, address }) => tunnel === way.tunnel && address === way.address);
  return still === undefined || still.liveness === 'hard_down';
}

/** Calls `lost` once `way` is lost. Returns what ends the watch. */
export function onLoss(ways: Ways, way: Way, lost: () => void): () => void {
  return ways.onChange(() => {
    if (isLost(ways, way)) lost();
  });
}
