import type { ProbeFinding, ProbePlan } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { FakePings } from './fake-ping.test-support.js';
import { ManualClock } from './manual-clock.test-support.js';
import { pingProber } from './ping.js';
import { describeProber } from './testing/prober-contract.js';

const PLAN: ProbePlan = {
  iface: 'he0',
  source: '2001:db8:a::1',
  targets: ['2001:db8::1'],
  interval: 500,
  packetSize: null,
  deadline: { min: 150, max: 1_000 },
  rtt: { srtt: 20, rttvar: 5 },
};

/** "HURR" and the process number of the gateway. */
const MARK = `48555252${process.pid.toString(16).padStart(8, '0')}`;

/** A ping's command line, of which everything is said but the mark. */
const marked = (line: string): readonly string[] => line.replace(/ -s \d+/, `$& -p ${MARK}`).split(' ');

const NO_ROUTE = 'ping: connect: Network is unreachable\n';
const UNBINDABLE = 'ping: bind icmp socket: Cannot assign requested address\n';

describeProber('pingProber', (chance) => {
  const { clock, pings, prober } = withFakePings(chance);
  return {
    prober,
    now: () => clock.now(),
    pass: (span) => clock.pass(span),
    network: (mood) => {
      pings.mood = mood;
    },
    loseSource: () => {
      pings.ending = { end: { kind: 'exited', exitCode: 2 }, stderr: UNBINDABLE };
    },
    sent: pings.sent,
    held: () => pings.running + clock.armed,
  };
});

describe('pingProber', () => {
  it('starts one ping for each target, with the plan’s source and its share of the pace', async () => {
    const { clock, pings, prober } = withFakePings(1);
    const plan = { ...PLAN, targets: ['2001:db8::1', '2001:db8::2'], interval: 100 };

    const end = new AbortController();
    const watch = prober.watch(plan, () => {}, end.signal);
    await clock.pass(5_000);
    end.abort();
    await watch;

    const argv = (target: string) => marked(`ping -6 -n -O -i 0.200 -s 16 -I 2001:db8:a::1 ${target}`);
    expect(pings.started).toEqual([argv('2001:db8::1'), argv('2001:db8::2')]);
  });

  it.each([true, false])('sends seldom probes by pings that end: answered %s', async (answered) => {
    const { clock, pings, prober } = withFakePings(1);
    if (!answered) pings.mood = { kind: 'silent' };
    const outcomes: string[] = [];

    const end = new AbortController();
    const watch = prober.watch({ ...PLAN, interval: 20_000 }, (f) => outcomes.push(f.outcome.kind), end.signal);
    await clock.pass(2_000);
    expect(pings.running).toBe(0);
    await clock.pass(40_000);
    end.abort();
    await watch;

    expect(pings.started[0]?.join(' ')).toContain('-c 1 -W 1.500 ');
    expect(pings.started).toHaveLength(3);
    expect(outcomes).toEqual(Array.from({ length: 3 }, () => (answered ? 'reply' : 'lost')));
  });

  it.each([
    ['leaves the source to the host’s routes', { source: null }, '-6 … -s 16 2001:db8::1'],
    ['probes IPv4 targets over IPv4', { source: null, targets: ['192.0.2.1'] }, '-4 … -s 16 192.0.2.1'],
    ['keeps an IPv4 source', { source: '192.0.2.9', targets: ['192.0.2.1'] }, '-4 … -s 16 -I 192.0.2.9 192.0.2.1'],
    ['sends IPv6 packets of a size', { source: null, packetSize: 1_480 }, '-6 … -s 1432 -M do 2001:db8::1'],
    [
      'sends IPv4 packets of a size',
      { source: null, targets: ['192.0.2.1'], packetSize: 1_500 },
      '-4 … -s 1472 -M do 192.0.2.1',
    ],
    [
      'sends IPv6 packets of no less than it can time',
      { source: null, packetSize: 63 },
      '-6 … -s 16 -M do 2001:db8::1',
    ],
  ] as const)('%s', async (_what, differs, argv) => {
    const { clock, pings } = watching({ ...PLAN, ...differs });

    await clock.pass(100);

    expect(pings.started).toEqual([marked(`ping ${argv.replace('…', '-n -O -i 0.500')}`)]);
  });

  it('reports what is too long for the way as refused, by the router first and by the host from then on', async () => {
    const { clock, pings, findings } = watching({ ...PLAN, packetSize: 1_480 });
    pings.mood = { kind: 'too_long', mtu: 1_280 };

    await clock.pass(1_200);

    const refused = (reason: string): ProbeFinding => ({ target: '2001:db8::1', outcome: { kind: 'refused', reason } });
    expect(findings).toEqual([
      refused('Packet too big: mtu=1280'),
      refused('message too long, mtu: 1280'),
      refused('message too long, mtu: 1280'),
    ]);
  });

  it('tries again at the pace of the plan while there is no route, and reports each try as refused', async () => {
    const { clock, pings, findings, settled } = watching(PLAN);
    pings.ending = { end: { kind: 'exited', exitCode: 2 }, stderr: NO_ROUTE };

    await clock.pass(2_400);
    const tries = pings.started.length;
    pings.ending = null;
    await clock.pass(600);

    expect(tries).toBe(5);
    expect(findings.slice(0, 5).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 5 }, () => ({ kind: 'refused', reason: 'Network is unreachable' })),
    );
    expect(findings.at(-1)?.outcome.kind).toBe('reply');
    expect(settled()).toBe(false);
  });

  it('starts no more than ten pings a second, whatever the plan', async () => {
    const { clock, pings } = watching({ ...PLAN, interval: 10 });
    pings.ending = { end: { kind: 'exited', exitCode: 2 }, stderr: NO_ROUTE };

    await clock.pass(1_000);

    expect(pings.started.length).toBeLessThanOrEqual(11);
  });

  it('ends all pings when one of them fails', async () => {
    const { clock, pings, settled } = watching({ ...PLAN, targets: ['2001:db8::1', '2001:db8::2'] });
    await clock.pass(100);
    pings.ending = { end: { kind: 'exited', exitCode: 2 }, stderr: UNBINDABLE };

    await clock.pass(600);

    expect(settled()).toBe(true);
    expect(pings.running).toBe(0);
  });
});

function withFakePings(chance: number) {
  const clock = new ManualClock();
  const pings = new FakePings(clock);
  return { clock, pings, prober: pingProber({ spawn: pings.spawn, clock, random: () => chance }) };
}

function watching(plan: ProbePlan) {
  const { clock, pings, prober } = withFakePings(1);
  const findings: ProbeFinding[] = [];
  let over = false;
  void prober
    .watch(plan, (finding) => findings.push(finding), new AbortController().signal)
    .then(() => {
      over = true;
    });
  return { clock, pings, findings, settled: () => over };
}
