import type { TunnelView } from '@hurricane/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import { run } from '../support/command.js';
import { requireHost } from '../support/require-host.js';

/** The story takes a minute on an idle machine. The guest gives up first, so that it can say what it saw. */
const GUEST_LIMIT_S = 140;
const RUN_LIMIT = 150_000;
const STORY_LIMIT = 180_000;

/** What the guest sends through the tunnel that carries traffic: five pings of 1,200 bytes and their headers. */
const PINGED_BYTES = 6_000;

interface Carrying {
  readonly primary: string | null;
  /** Device of the kernel's route to the IPv6 internet. */
  readonly device: string;
  /** To five pings without a source address of their own. */
  readonly replies: number;
  /** What each PoP took out of its tunnel meanwhile. */
  readonly bytes: readonly number[];
}

/** What test/lab/sit-story.mjs tells, scene by scene. */
interface Story {
  readonly up: { readonly tunnels: readonly TunnelView[]; readonly primary: string | null };
  readonly worse: {
    readonly tunnels: readonly TunnelView[];
    readonly link: { readonly sent: number; readonly lost: number };
  };
  readonly pop1_dark: Carrying;
  readonly both_dark: Carrying;
  readonly pop2_back: Carrying;
  readonly pop1_back: Carrying;
  readonly renamed: Carrying;
  /** Interfaces of the namespace after that. */
  readonly names: readonly string[];
  readonly stopped: {
    readonly exitCode: number | null;
    /** Lines that describe the namespace before the daemon came, and while it ran. */
    readonly before: number;
    readonly during: number;
    readonly left: readonly string[];
    readonly gone: readonly string[];
  };
}

const path = (below: string): string => new URL(`../../${below}`, import.meta.url).pathname;

// `modprobe` fills the guest's kernel with sit and netem.
const missing = requireHost({ root: true, tools: ['linux.uml', 'modprobe', 'ip', 'tc', 'ping', 'curl'] });

describe.skipIf(missing !== null)(
  `three tunnels on the kernel’s own sit${missing === null ? '' : ` (${missing})`}`,
  () => {
    let told: Partial<Story> = {};
    let report = '';

    beforeAll(async () => {
      const guest = [path('test/lab/sit-guest.sh'), process.execPath, await builtCli()];
      const { stdout, stderr, exitCode } = await run(
        [path('lab/uml-run.sh'), '-t', String(GUEST_LIMIT_S), '--', ...guest],
        { limit: RUN_LIMIT },
      );
      report = `the guest ended with ${exitCode}\n${stderr}\n${stdout}`;
      told = Object.fromEntries(
        stdout
          .split('\n')
          .filter((line) => line.startsWith('{"scene"'))
          .map((line) => JSON.parse(line) as { scene: string; seen: unknown })
          .map(({ scene, seen }) => [scene, seen]),
      );
    }, STORY_LIMIT);

    const scene = <K extends keyof Story>(name: K): Story[K] => {
      const seen = told[name];
      if (seen === undefined) throw new Error(`the guest never came to "${name}": ${report}`);
      return seen;
    };
    const inUp = (name: string): TunnelView => tunnelOf(scene('up').tunnels, name);
    const inWorse = (name: string): TunnelView => tunnelOf(scene('worse').tunnels, name);

    it('brings all three up on it and prefers priority 0', () => {
      expect(scene('up').tunnels.map((t) => [t.name, t.state, t.carrier, t.priority])).toEqual([
        ['one', 'up', 'kernel sit', 0],
        ['two', 'up', 'kernel sit', 1],
        ['three', 'up', 'kernel sit', 2],
      ]);
      expect(scene('up').primary).toBe('one');
    });

    // README "Health Scoring". netem delays what the PoP sends; a guest adds a few milliseconds.
    it('scores 20 ms excellent', () => {
      expect(inUp('one').latency_ms).toSatisfy(within(20, 45));
      expect(inUp('one').score).toSatisfy(within(95, 100));
    });

    it('scores 75 ms good', () => {
      expect(inUp('two').latency_ms).toSatisfy(within(75, 99));
      expect(inUp('two').score).toSatisfy(within(85, 92));
    });

    it('scores 150 ms fair', () => {
      expect(inUp('three').latency_ms).toSatisfy(within(150, 190));
      expect(inUp('three').score).toSatisfy(within(70, 77));
    });

    it('scores 300 ms poor', () => {
      expect(inWorse('one').latency_ms).toSatisfy(within(300, 400));
      expect(inWorse('one').score).toSatisfy(within(55, 62));
    });

    it('scores 600 ms very poor', () => {
      expect(inWorse('two').latency_ms).toSatisfy(within(600, 800));
      expect(inWorse('two').score).toSatisfy(within(45, 52));
    });

    it('takes from the score of a fast link what it loses', () => {
      const { sent, lost } = scene('worse').link;

      // What netem really lost of 260 packets or more, at 15 %: four standard deviations are 9 %.
      expect((100 * lost) / sent).toSatisfy(within(5, 25));
      // Of some 150 probes in a window, four standard deviations are 12 %.
      expect(inWorse('three').score).toSatisfy(within(85 - 12, 85 + 12));
      expect(inWorse('three').latency_ms).toSatisfy(within(0, 49));
    });

    it.each([
      ['pop1_dark', 'falls to the second when the first goes dark', 2],
      ['both_dark', 'falls to the third when the second goes dark too', 3],
      ['pop2_back', 'climbs to the second once that is back', 2],
      ['pop1_back', 'climbs to the first once that is back', 1],
      ['renamed', 'has the first made anew when somebody gives it another name', 1],
    ] as const)('%s: %s', (name, _, pop) => {
      const { primary, device, replies, bytes } = scene(name);

      const tunnel = ['one', 'two', 'three'][pop - 1];
      expect([primary, device]).toEqual([tunnel, `he-${tunnel}`]);
      expect(replies).toBe(5);
      expect(bytes[pop - 1]).toBeGreaterThan(PINGED_BYTES);
      expect(bytes.indexOf(Math.max(...bytes))).toBe(pop - 1);
    });

    it('keeps no interface under the name that somebody gave it', () => {
      expect(scene('names')).toContain('he-one');
      expect(scene('names')).not.toContain('renamed7');
    });

    it('leaves the namespace as it was when told to end', () => {
      const { exitCode, before, during, left, gone } = scene('stopped');

      expect([exitCode, left, gone]).toEqual([0, [], []]);
      expect(before).toBeGreaterThan(10);
      expect(during).toBeGreaterThan(before);
    });
  },
);

function tunnelOf(tunnels: readonly TunnelView[], name: string): TunnelView {
  const found = tunnels.find((t) => t.name === name);
  if (found === undefined) throw new Error(`the daemon shows no tunnel ${name}`);
  return found;
}

function within(low: number, high: number): (value: number | null) => boolean {
  return (value) => value !== null && value >= low && value <= high;
}
