import { describe, expect, it } from 'vitest';
import { type LedgerOptions, ProbeLedger } from './probe-ledger.js';

// Probe 1 leaves at 0, probe n at 100 * (n - 1), and has 150 ms.
const OPTIONS: LedgerOptions = {
  period: 100,
  deadline: { min: 150, max: 1_000 },
  rtt: { srtt: 10, rttvar: 2 },
  firstSent: 0,
};

const LOST = { kind: 'lost' };

describe('the account of numbered probes', () => {
  it('has the first probe lost at its deadline and the next ones a period later each', () => {
    const ledger = new ProbeLedger(OPTIONS);

    expect(ledger.nextDue).toBe(150);
    expect(ledger.expire(149)).toEqual([]);
    expect(ledger.expire(150)).toEqual([LOST]);
    expect(ledger.nextDue).toBe(250);
    expect(ledger.expire(350)).toEqual([LOST, LOST]);
  });

  it('takes a reply that is read after the deadline, before anybody called it lost, for in time', () => {
    const ledger = new ProbeLedger(OPTIONS);

    expect(ledger.reply(1, 12, 400)).toEqual({ kind: 'reply', rtt: 12, late: false });
  });

  it('tells a late reply from a second one', () => {
    const ledger = new ProbeLedger(OPTIONS);
    ledger.expire(150);

    expect(ledger.reply(1, 180, 180)).toEqual({ kind: 'reply', rtt: 180, late: true });
    expect(ledger.reply(1, 190, 190)).toBeNull();
  });

  it('takes replies in any order', () => {
    const ledger = new ProbeLedger(OPTIONS);

    expect(ledger.reply(2, 5, 105)).toEqual({ kind: 'reply', rtt: 5, late: false });
    expect(ledger.reply(2, 8, 108)).toBeNull();
    expect(ledger.reply(1, 110, 110)).toEqual({ kind: 'reply', rtt: 110, late: false });
    expect(ledger.reply(2, 20, 120)).toBeNull();
    expect(ledger.expire(200)).toEqual([]);
  });

  it('does not call a probe lost that has been answered or refused before an older one', () => {
    const ledger = new ProbeLedger(OPTIONS);
    ledger.refused(2, 'No route', 110);
    ledger.reply(3, 5, 205);

    expect(ledger.expire(260)).toEqual([LOST]);
    expect(ledger.nextDue).toBe(450);
  });

  it('reports a refusal once, and none of a probe that has ended', () => {
    const ledger = new ProbeLedger(OPTIONS);
    const first = ledger.refused(1, 'No route', 5);

    expect(first).toEqual({ kind: 'refused', reason: 'No route' });
    expect(ledger.refused(1, 'No route', 6)).toBeNull();
    expect(ledger.reply(1, 7, 7)).toBeNull();
    ledger.expire(250);
    expect(ledger.refused(2, 'No route', 300)).toBeNull();
  });

  it('follows the true pace: a reply tells when its probe left', () => {
    const ledger = new ProbeLedger(OPTIONS);
    ledger.reply(1, 10, 34);

    expect(ledger.nextDue).toBe(24 + 100 + 150);
  });

  it('follows the true pace in silence, when each departure is told', () => {
    const ledger = new ProbeLedger(OPTIONS);
    ledger.expire(150);
    ledger.departed(1, 104);

    expect(ledger.nextDue).toBe(104 + 150);
  });

  it('is not set back by what arrives late or out of order', () => {
    const ledger = new ProbeLedger(OPTIONS);
    ledger.reply(3, 5, 205);
    ledger.reply(2, 5, 206);
    ledger.reply(1, 5, 207);

    expect(ledger.nextDue).toBe(300 + 150);
  });

  it('gives the refusal to send to the probe that was due', () => {
    const ledger = new ProbeLedger(OPTIONS);
    ledger.reply(1, 5, 5);

    expect(ledger.unsent('Network is unreachable', 104)).toEqual({ kind: 'refused', reason: 'Network is unreachable' });
    expect(ledger.unsent('Network is unreachable', 106)).toBeNull();
    expect(ledger.expire(260)).toEqual([]);
  });

  it('gives refusals to send that are read at one instant to as many probes, the latest first', () => {
    const ledger = new ProbeLedger(OPTIONS);
    for (const seq of [1, 2, 3]) ledger.departed(seq, 340);

    const refused = [1, 2, 3].map(() => ledger.unsent('message too long, mtu: 1280', 340)?.kind);

    expect(refused).toEqual(['refused', 'refused', 'refused']);
    expect(ledger.expire(500)).toEqual([LOST]);
    expect(ledger.reply(1, 490, 500)).toMatchObject({ kind: 'reply', late: true });
  });

  it('gives a refusal to send to no probe before the one that was due, of which more may come', () => {
    const ledger = new ProbeLedger(OPTIONS);
    ledger.departed(1, 100);
    ledger.unsent('message too long, mtu: 1280', 101);

    expect(ledger.unsent('message too long, mtu: 1280', 102)).toBeNull();
    expect(ledger.expire(150)).toEqual([LOST]);
  });

  it('waits longer once round trips are longer, late ones included', () => {
    const ledger = new ProbeLedger({ ...OPTIONS, rtt: null });

    expect(ledger.nextDue).toBe(1_000);
    ledger.reply(1, 200, 200);
    expect(ledger.estimate).toEqual({ srtt: 200, rttvar: 100 });
    expect(ledger.nextDue).toBe(100 + 600);
  });

  it('counts on beyond 65535', () => {
    const ledger = new ProbeLedger(OPTIONS);
    for (let n = 1; n <= 140_000; n += 1) {
      const at = (n - 1) * 100 + 5;
      if (ledger.reply(n % 65_536, 5, at)?.kind !== 'reply') throw new Error(`probe ${n}`);
    }

    expect(ledger.expire(140_000 * 100 + 149)).toEqual([]);
    expect(ledger.expire(140_000 * 100 + 150)).toEqual([LOST]);
  });

  it('refuses numbers that cannot have been sent yet', () => {
    const ledger = new ProbeLedger(OPTIONS);

    expect(ledger.reply(30_000, 5, 10)).toBeNull();
    expect(ledger.reply(0, 5, 10)).toBeNull();
    expect(ledger.nextDue).toBe(150);
  });

  it('does not believe a round trip that began before its probe, as when the wall clock is set', () => {
    const ledger = new ProbeLedger(OPTIONS);

    expect(ledger.reply(1, 86_400_000, 12)).toEqual({ kind: 'reply', rtt: 12, late: false });
    expect(ledger.reply(2, 900, 105)).toEqual({ kind: 'reply', rtt: 900, late: false });
  });

  it('calls at most 256 probes lost after this process has stood still', () => {
    const ledger = new ProbeLedger(OPTIONS);

    expect(ledger.expire(3_600_000).length).toBeLessThanOrEqual(256);
    expect(ledger.nextDue).toBeGreaterThan(3_600_000);
  });

  it('forgets lost probes after 256 more', () => {
    const ledger = new ProbeLedger(OPTIONS);
    for (let now = 0; now <= 300 * 100; now += 100) ledger.expire(now);

    expect(ledger.reply(1, 5, 30_000)).toBeNull();
    expect(ledger.reply(250, 5_000, 30_000)).toMatchObject({ kind: 'reply', late: true });
  });
});
