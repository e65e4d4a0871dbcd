import { Prng } from '@hurricane/core/testing';

/** What a test with random parts begins from: always the same, unless SEED says another. */
export const SEED: number = Number(process.env['SEED'] ?? '1');

/** A sequence of its own for each `purpose`, so that one test's draws do not shift another's. */
export function seeded(purpose: string): Prng {
  return new Prng([...purpose].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), SEED) >>> 0);
}
