import { beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import { type Finished, run } from '../support/command.js';
import { requireHost } from '../support/require-host.js';

/** The whole story in the guest takes a minute; the guest ends itself before the test gives up. */
const GUEST_LIMIT_S = 140;
const RUN_LIMIT = 150_000;
const STORY_LIMIT = 170_000;

/** The kernel's own 6in4, `netem` and nothing of the host's network: what `test/lab/sit-guest.mjs` saw there. */
interface Story {
  readonly up: { readonly tunnels: readonly Seen[]; readonly primary: string | null };
  readonly worse: { readonly tunnels: readonly Seen[]; readonly link: { readonly sent: number; readonly lost: number } };
  readonly well: { readonly tunnels: readonly Seen[] };
  readonly pop1_dark: Carrying;
  readonly both_dark: Carrying;
  readonly pop2_back: Carrying;
  readonly pop1_back: Carrying;
  readonly stopped: {
    readonly exitCode: number | null;
    readonly facts: number;
    readonly left: readonly string[];
    readonly gone: readonly string[];
  };
}
