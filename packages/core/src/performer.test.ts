import { err, ok, ResultAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import type { Host, Prober } from './contracts.js';
import type { Event } from './effects.js';
import type { ProbePlan } from './facts.js';
import { Performer } from './performer.js';
import { abortOf, settled, simulatedTunnel, VirtualClock, World } from './testing/index.js';

const he = simulatedTunnel('he');
const plan: ProbePlan = {
  iface: 'he0',
  source: '2001:db8:1::2',
  targets: ['2001:db8:ffff::1'],
  interval: 500,
  packetSize: null,
  deadline: { min: 150, max: 1_000 },
  rtt: null,
};

describe('what the performer makes of effects', () => {
  it('brings the answer of a driver back with its epoch', async () => {
    const { performer, events, clock } = performing();

    performer.perform({ type: 'raise', tunnel: he, epoch: 7 });
    await clock.runFor(1_000);

    expect(events).toMatchObject([{ type: 'tunnel_raised', tunnel: 'he', epoch: 7, reading: { link: 'up' } }]);
  });

  it('puts another probing plan in the place of the first, which is heard no more', async () => {
    const reports: Parameters<Prober['watch']>[1][] = [];
    const prober: Prober = {
      watch: (_plan, report, signal) => {
        reports.push(report);
        return new ResultAsync(abortOf(signal).then(() => ok(undefined)));
      },
    };
    const { performer, events } = performing({ prober });
    performer.perform({ type: 'probe', stream: 'targets', tunnel: 'he', epoch: 1, plan });
    performer.perform({ type: 'probe', stream: 'targets', tunnel: 'he', epoch: 1, plan: { ...plan, interval: 100 } });

    for (const report of reports) report({ target: plan.targets[0]!, outcome: { kind: 'lost' } });

    expect(reports).toHaveLength(2);
    expect(events).toHaveLength(1);
  });

  it('stops probing on a null plan, without a word', async () => {
    const { performer, events, clock } = performing();
    performer.perform({ type: 'probe', stream: 'targets', tunnel: 'he', epoch: 1, plan });
    await clock.runFor(100);
    const before = events.length;

    performer.perform({ type: 'probe', stream: 'targets', tunnel: 'he', epoch: 1, plan: null });
    await clock.runFor(10_000);

    expect(events).toHaveLength(before);
  });

  it('turns a prober that throws into a failure', async () => {
    const prober: Prober = {
      watch: () => {
        throw new Error('boom');
      },
    };
    const { performer, events } = performing({ prober });

    performer.perform({ type: 'probe', stream: 'targets', tunnel: 'he', epoch: 1, plan });
    await settled();

    expect(events).toMatchObject([{ type: 'probing_failed', fault: { kind: 'defect' } }]);
  });

  it('keeps the failure of a meter to itself', async () => {
    const { performer, events } = performing({
      meter: { read: () => new ResultAsync(Promise.resolve(err({ kind: 'aborted' }))) },
    });

    performer.perform({ type: 'measure' });
    await settled();

    expect(events).toEqual([]);
  });

  it('warns when the host cannot be watched, and goes on', async () => {
    const { performer, warnings } = performing({
      monitor: { watch: () => new ResultAsync(Promise.resolve(err({ kind: 'aborted' }))) },
    });

    performer.watchHost();
    await settled();

    expect(warnings).toEqual(['Cannot watch the host for changes: noticing them takes longer']);
  });

  it('calls everything off when it is abandoned, and is silent about it', async () => {
    const { performer, events, warnings, clock } = performing();
    performer.watchHost();
    performer.perform({ type: 'probe', stream: 'targets', tunnel: 'he', epoch: 1, plan });
    performer.perform({ type: 'measure' });

    performer.abandon();
    await clock.runFor(10_000);

    expect(events).toEqual([]);
    expect(warnings).toEqual([]);
  });
});

function performing(changes: Partial<Host> = {}) {
  const clock = new VirtualClock();
  const world = new World({ clock, seed: 1 });
  const events: Event[] = [];
  const warnings: string[] = [];
  const performer = new Performer({
    host: { ...world, ...changes },
    dispatch: (event) => events.push(event),
    warn: (text) => warnings.push(text),
  });
  return { performer, events, warnings, clock };
}
