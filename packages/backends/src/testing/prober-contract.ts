import { jittered, type Millis, type ProbeError, type ProbeFinding, type ProbePlan } from '@hurricane/core';
import type { Result } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { NetworkMood, ProberStage, SetProberStage } from './prober-stage.js';

const PLAN: ProbePlan = {
  iface: 'he0',
  source: '2001:db8:a::1',
  targets: ['2001:db8::1'],
  interval: 500,
  packetSize: null,
  deadline: { min: 150, max: 1_000 },
  rtt: { srtt: 20, rttvar: 5 },
};

/** A prober may be off by this: starting a process, and timers of whole milliseconds. */
const SLACK: Millis = 15;

/** The promises of the `Prober` contract, one test each. */
export function describeProber(name: string, setStage: SetProberStage): void {
  describe(`${name}, as a prober`, () => {
    it('reports a reply with its round trip', async () => {
      const run = start(setStage(1));
      run.stage.network({ kind: 'answers', after: 40 });

      await run.stage.pass(100);

      expect(run.findings).toEqual([reply(40, false)]);
    });

    it('reports silence as lost at the deadline, not before', async () => {
      const run = start(setStage(1));
      run.stage.network({ kind: 'silent' });

      await run.stage.pass(149);
      const early = [...run.findings];
      await run.stage.pass(1 + SLACK);

      expect(early).toEqual([]);
      expect(run.findings).toEqual([lost]);
    });

    it('reports a loss in the middle within the interval and the deadline of the cut', async () => {
      const run = start(setStage(1));
      run.stage.network({ kind: 'answers', after: 1 });
      await run.stage.pass(510);
      run.stage.network({ kind: 'silent' });

      await run.stage.pass(500 + 150 + SLACK);

      expect(run.findings).toEqual([reply(1, false), reply(1, false), lost]);
    });

    it('waits up to the longest deadline while no round trip is known', async () => {
      const run = start(setStage(1), { plan: { ...PLAN, rtt: null, interval: 5_000 } });
      run.stage.network({ kind: 'silent' });

      await run.stage.pass(999);
      const early = [...run.findings];
      await run.stage.pass(1 + SLACK);

      expect(early).toEqual([]);
      expect(run.findings).toEqual([lost]);
    });

    it('waits longer once replies take longer', async () => {
      const run = start(setStage(1), { plan: { ...PLAN, rtt: null } });
      run.stage.network({ kind: 'answers', after: 300 });

      await run.stage.pass(5_000);

      expect(run.findings).not.toContainEqual(lost);
    });

    it('reports a reply after the deadline once more, as late', async () => {
      const run = start(setStage(1));
      run.stage.network({ kind: 'answers', after: 300 });

      await run.stage.pass(400);

      expect(run.findings).toEqual([lost, reply(300, true)]);
    });

    it('reports what the network refuses, once for each probe', async () => {
      const run = start(setStage(1));
      run.stage.network({ kind: 'refuses' });

      await run.stage.pass(1_200);

      expect(run.findings.map((f) => f.outcome.kind)).toEqual(['refused', 'refused', 'refused']);
    });

    it('reports replies again once the network is back', async () => {
      const run = start(setStage(1));
      run.stage.network({ kind: 'silent' });
      await run.stage.pass(3_000);
      run.findings.length = 0;
      run.stage.network({ kind: 'answers', after: 10 });

      await run.stage.pass(500 + 50 + SLACK);

      expect(run.findings.at(-1)).toEqual(reply(10, false));
    });

    it('ends every probe once', async () => {
      const run = start(setStage(1));
      const moods: readonly NetworkMood[] = [{ kind: 'answers', after: 20 }, { kind: 'silent' }, { kind: 'refuses' }];
      for (let i = 0; i < 30; i += 1) {
        run.stage.network(moods[i % 3] ?? { kind: 'silent' });
        await run.stage.pass(170);
      }
      const underWay = run.stage.sent.filter((probe) => run.stage.now() - probe.at < 150 + SLACK).length;

      const ended = run.findings.length;

      expect(ended).toBeGreaterThanOrEqual(run.stage.sent.length - underWay);
      expect(ended).toBeLessThanOrEqual(run.stage.sent.length);
    });

    it('errs when its source address is not on the host', async () => {
      const stage = setStage(1);
      stage.loseSource();
      const run = start(stage);

      await stage.pass(200);

      expect(run.end()?._unsafeUnwrapErr()).toEqual({ kind: 'interface_missing', iface: 'he0' });
      expect(stage.held()).toBe(0);
    });

    it.each([0, 0.5, 1])(
      'sends the first probe at once, the others seven eighths of the interval apart or more (chance %d)',
      async (chance) => {
        const run = start(setStage(chance));
        const begin = run.stage.now();
        run.stage.network({ kind: 'answers', after: 20 });

        await run.stage.pass(10_000);

        const times = run.stage.sent.map((probe) => probe.at);
        const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
        expect((times[0] ?? 0) - begin).toBeLessThanOrEqual(SLACK);
        expect(Math.min(...gaps)).toBeGreaterThanOrEqual(439);
        expect(Math.max(...gaps)).toBeLessThanOrEqual(500 + SLACK);
        const mean = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / gaps.length;
        expect(Math.abs(mean - jittered(500, chance))).toBeLessThan(SLACK);
      },
    );

    it('asks the targets in turn, one probe every interval over all of them', async () => {
      const targets = ['2001:db8::1', '2001:db8::2', '2001:db8::3'];
      const run = start(setStage(1), { plan: { ...PLAN, targets, interval: 100 } });
      run.stage.network({ kind: 'answers', after: 20 });

      await run.stage.pass(895);

      expect(run.stage.sent.map((probe) => probe.target)).toEqual([...targets, ...targets, ...targets]);
      expect(new Set(run.findings.map((finding) => finding.target))).toEqual(new Set(targets));
    });

    it.each([
      ['the plan’s source', PLAN.source],
      ['no source of its own where the plan names none', null],
    ])('sends with %s', async (_what, source) => {
      const run = start(setStage(1), { plan: { ...PLAN, source } });

      await run.stage.pass(1_200);

      expect(run.stage.sent.map((probe) => probe.source)).toEqual([source, source, source]);
    });

    it('probes IPv4 targets as well', async () => {
      const run = start(setStage(1), { plan: { ...PLAN, source: null, targets: ['192.0.2.1'] } });
      run.stage.network({ kind: 'answers', after: 40 });

      await run.stage.pass(100);

      expect(run.findings).toEqual([{ ...reply(40, false), target: '192.0.2.1' }]);
    });

    it.each(['2001:db8::1', '192.0.2.1'])('sends to %s packets of the plan’s size, or errs', async (target) => {
      const plan = { ...PLAN, source: null, targets: [target], packetSize: 1_400 };
      const run = start(setStage(1), { plan });

      await run.stage.pass(1_200);

      const sizes = run.stage.sent.map((probe) => probe.packetSize);
      expect(sizes).toEqual(run.end()?.isErr() === true ? [] : [1_400, 1_400, 1_400]);
    });

    it('has four losses of quick probes over two targets within 470 ms', async () => {
      const plan = { ...PLAN, targets: ['2001:db8::1', '2001:db8::2'], interval: 100 };
      const run = start(setStage(1), { plan });
      run.stage.network({ kind: 'silent' });

      await run.stage.pass(470);

      expect(run.findings.filter((finding) => finding.outcome.kind === 'lost').length).toBe(4);
    });

    it('settles Ok soon after an abort, and holds nothing', async () => {
      const run = start(setStage(1));
      run.stage.network({ kind: 'silent' });
      await run.stage.pass(1_700);

      run.abort();
      await run.stage.pass(100);

      expect(run.end()?.isOk()).toBe(true);
      expect(run.stage.held()).toBe(0);
    });

    it('is silent after an abort, whatever is still on its way', async () => {
      const run = start(setStage(1));
      run.stage.network({ kind: 'answers', after: 100 });
      await run.stage.pass(50);

      run.abort();
      await run.stage.pass(2_000);

      expect(run.findings).toEqual([]);
      expect(run.stage.sent.length).toBe(1);
      expect(run.stage.held()).toBe(0);
    });

    it('is silent after an abort from within a report', async () => {
      const run = start(setStage(1), { onReport: () => run.abort() });
      run.stage.network({ kind: 'answers', after: 10 });

      await run.stage.pass(2_000);

      expect(run.findings.length).toBe(1);
      expect(run.end()?.isOk()).toBe(true);
      expect(run.stage.held()).toBe(0);
    });

    it('sends nothing when aborted before it begins', async () => {
      const stage = setStage(1);
      const result = await stage.prober.watch(PLAN, () => {}, AbortSignal.abort());

      await stage.pass(1_000);

      expect(result.isOk()).toBe(true);
      expect(stage.sent).toEqual([]);
      expect(stage.held()).toBe(0);
    });

    it('turns what a report throws into a defect, and never rejects', async () => {
      const cause = new Error('listener');
      const throwing = (): void => {
        throw cause;
      };
      const run = start(setStage(1), { onReport: throwing });
      run.stage.network({ kind: 'answers', after: 10 });

      await run.stage.pass(2_000);

      expect(run.end()?._unsafeUnwrapErr()).toEqual({ kind: 'defect', cause });
      expect(run.stage.held()).toBe(0);
    });
  });
}

interface Run {
  readonly stage: ProberStage;
  readonly findings: ProbeFinding[];
  abort(): void;
  /** Null until the watch has settled. */
  end(): Result<void, ProbeError> | null;
}

function start(stage: ProberStage, options: { plan?: ProbePlan; onReport?: () => void } = {}): Run {
  const controller = new AbortController();
  const findings: ProbeFinding[] = [];
  let end: Result<void, ProbeError> | null = null;
  const report = (finding: ProbeFinding): void => {
    findings.push(finding);
    options.onReport?.();
  };
  void stage.prober.watch(options.plan ?? PLAN, report, controller.signal).then((result) => {
    end = result;
  });
  return { stage, findings, abort: () => controller.abort(), end: () => end };
}

const lost: ProbeFinding = { target: '2001:db8::1', outcome: { kind: 'lost' } };

/** Probers may measure a little more than the network took. */
const reply = (rtt: Millis, late: boolean): ProbeFinding => ({
  target: '2001:db8::1',
  outcome: { kind: 'reply', rtt: expect.closeTo(rtt, 0), late },
});
