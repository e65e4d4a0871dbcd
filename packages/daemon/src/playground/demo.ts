import { setTimeout as pause } from 'node:timers/promises';
import type { Millis, TunnelsView } from '@hurricane/core';
import { ok, type Result } from 'neverthrow';
import { FAILBACK_SECONDS } from './configuration.js';
import { providerOf } from './narrator.js';
import type { PlaygroundError } from './problems.js';
import { type Report, uptime } from './reports.js';
import type { Stage } from './stage.js';
import type { Switchboard } from './switchboard.js';
import { PROVIDERS } from './topology.js';

/** What the demonstration saw, and whether it is what was promised. */
export interface Review {
  readonly succeeded: boolean;
  readonly lines: readonly string[];
}

/** Time to read the screen before something happens. */
const OVERTURE: Millis = 3_000;

/** Time to read what the takeover looked like. */
const INTERMISSION: Millis = 2_000;

/** How long a takeover may take before the demonstration gives up. */
const TAKEOVER_LIMIT: Millis = 15_000;
const RETURN_LIMIT: Millis = 60_000;
const LOOK_AGAIN: Millis = 50;

/** Remembers when traffic first came from each address since it was asked. */
export class Witness {
  #seen: readonly Extract<Report, { kind: 'traffic' }>[] = [];

  note(report: Report): void {
    if (report.kind === 'traffic') this.#seen = [...this.#seen, report].slice(-50);
  }

  /** Resolves to how long after `since` traffic came through `provider`; null when it did not. */
  async trafficThrough(provider: string, since: Millis, limit: Millis, signal: AbortSignal): Promise<Millis | null> {
    for (;;) {
      const first = this.#seen.find((each) => each.at > since && providerOf(each.source) === provider);
      if (first !== undefined) return first.at - since;
      if (uptime() - since > limit || signal.aborted) return null;
      await pause(LOOK_AGAIN, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Cuts the first provider, waits for the second to take over, restores, and waits for the way back. */
export async function demonstrate(
  stage: Pick<Stage, 'tunnels' | 'kind'>,
  switchboard: Switchboard,
  witness: Witness,
  signal: AbortSignal,
): Promise<Result<Review, PlaygroundError>> {
  const [first, second] = PROVIDERS;
  await pause(OVERTURE, undefined, { signal }).catch(() => undefined);
  // On a slow machine the second may have been up first, and carries traffic until the first has proved itself.
  await untilPrimary(stage, first.name, signal);
  const cutAt = uptime();
  const cut = await switchboard.cut(first.name);
  if (cut.isErr()) return cut.map(() => NEVER_SEEN);
  const takeover = await witness.trafficThrough(second.name, cutAt, TAKEOVER_LIMIT, signal);
  const view = await stage.tunnels();
  await pause(INTERMISSION, undefined, { signal }).catch(() => undefined);
  const restoredAt = uptime();
  const restored = await switchboard.restore(first.name);
  if (restored.isErr()) return restored.map(() => NEVER_SEEN);
  const back = await witness.trafficThrough(first.name, restoredAt, RETURN_LIMIT, signal);
  const primary = view.map(primaryOf).unwrapOr(null);
  const world = stage.kind === 'real' ? '' : ' in the simulated world';
  return ok({
    succeeded: takeover !== null && primary === second.name && back !== null,
    lines: [
      takeover === null
        ? `${second.name} did not take over within ${TAKEOVER_LIMIT / 1000} s of the cut`
        : `From the cut of ${first.name} to traffic through ${second.name}${world}: ${seconds(takeover)}`,
      back === null
        ? `traffic did not return to ${first.name} within ${RETURN_LIMIT / 1000} s`
        : `From the repair of ${first.name} to traffic through it again${world}: ${seconds(back)}, ` +
          `${FAILBACK_SECONDS} s of them on purpose`,
    ],
  });
}

async function untilPrimary(stage: Pick<Stage, 'tunnels'>, name: string, signal: AbortSignal): Promise<void> {
  const end = uptime() + RETURN_LIMIT;
  while (!signal.aborted && uptime() < end) {
    if ((await stage.tunnels().map(primaryOf)).unwrapOr(null) === name) return;
    await pause(LOOK_AGAIN, undefined, { signal }).catch(() => undefined);
  }
}

const NEVER_SEEN: Review = { succeeded: false, lines: [] };

const primaryOf = ({ tunnels }: TunnelsView): string | null => tunnels.find((tunnel) => tunnel.primary)?.name ?? null;

const seconds = (length: Millis): string => `${(length / 1000).toFixed(2)} s`;
