import type { ProbeError, ProbePlan, Prober } from '@hurricane/core';
import { errAsync, okAsync } from 'neverthrow';
import { describe, expect, it } from 'vitest';
import { autoProber } from './auto-prober.js';

const PLAN: ProbePlan = {
  iface: 'he0',
  source: '2001:db8:a::1',
  targets: ['2001:db8::1'],
  interval: 500,
  packetSize: null,
  deadline: { min: 150, max: 1_000 },
  rtt: null,
};
const MISSING: ProbeError = { kind: 'missing_tool', tool: 'ping', install: null };
const NOT_PERMITTED: ProbeError = { kind: 'not_permitted', operation: 'send ICMPv6 echo requests' };
const NO_IFACE: ProbeError = { kind: 'interface_missing', iface: 'he0' };

describe('autoProber', () => {
  it.each([
    ['icmp', 'icmp', 'ICMPv6 echo'],
    ['tcp', 'tcp', 'TCP to port 443'],
    ['udp', 'udp', 'UDP to port 443'],
  ] as const)('does as it is told: %s', async (method, used, text) => {
    const { prober, calls } = withProbers({ method, ping: true });

    await prober.watch(PLAN, () => {}, AbortSignal.timeout(1_000));

    expect(calls).toEqual([used]);
    expect(prober.describe()).toBe(text);
  });

  it('picks ICMP where ping is there', async () => {
    const { prober, calls } = withProbers({ method: 'auto', ping: true });
    const before = prober.describe();

    await prober.watch(PLAN, () => {}, AbortSignal.timeout(1_000));

    expect(calls).toEqual(['icmp']);
    expect([before, prober.describe()]).toEqual(['ICMPv6 echo or TCP, not decided yet', 'ICMPv6 echo']);
  });

  it.each([false, 'throws', 'rejects'] as const)('picks TCP where it is not (looking: %s)', async (ping) => {
    const { prober, calls } = withProbers({ method: 'auto', ping });

    await prober.watch(PLAN, () => {}, AbortSignal.timeout(1_000));

    expect(calls).toEqual(['tcp']);
    expect(prober.describe()).toBe('TCP to port 443, as ping cannot be used');
  });

  it('looks once for all watches', async () => {
    const { prober, looks } = withProbers({ method: 'auto', ping: true });

    await Promise.all([1, 2, 3].map(() => prober.watch(PLAN, () => {}, AbortSignal.timeout(1_000))));

    expect(looks()).toBe(1);
  });

  it.each([MISSING, NOT_PERMITTED])('turns to TCP for good when ping proves of no use: $kind', async (error) => {
    const { prober, calls } = withProbers({ method: 'auto', ping: true, icmpEnds: error });

    const ends = [
      await prober.watch(PLAN, () => {}, AbortSignal.timeout(1_000)),
      await prober.watch(PLAN, () => {}, AbortSignal.timeout(1_000)),
    ];

    expect(calls).toEqual(['icmp', 'tcp', 'tcp']);
    expect(ends.every((end) => end.isOk())).toBe(true);
    expect(prober.describe()).toBe('TCP to port 443, as ping cannot be used');
  });

  it('keeps to ping when it is not ping that is at fault', async () => {
    const { prober, calls } = withProbers({ method: 'auto', ping: true, icmpEnds: NO_IFACE });

    const end = await prober.watch(PLAN, () => {}, AbortSignal.timeout(1_000));

    expect(end._unsafeUnwrapErr()).toEqual(NO_IFACE);
    expect(calls).toEqual(['icmp']);
  });

  describe.each([
    ['of IPv4 targets', { ...PLAN, source: null, targets: ['192.0.2.1'] }],
    ['of packets of a size', { ...PLAN, packetSize: 1_480 }],
  ])('with a plan %s', (_what, plan) => {
    it.each(['auto', 'icmp', 'tcp', 'udp'] as const)('pings, though the method be %s', async (method) => {
      const { prober, calls } = withProbers({ method, ping: false });

      const end = await prober.watch(plan, () => {}, AbortSignal.timeout(1_000));

      expect(end.isOk()).toBe(true);
      expect(calls).toEqual(['icmp']);
    });

    it.each([MISSING, NOT_PERMITTED])('errs where it cannot ping, and changes nothing else: $kind', async (error) => {
      const { prober, calls } = withProbers({ method: 'auto', ping: true, icmpEnds: error });
      const before = prober.describe();

      const end = await prober.watch(plan, () => {}, AbortSignal.timeout(1_000));
      const after = prober.describe();
      await prober.watch(PLAN, () => {}, AbortSignal.timeout(1_000));

      expect(end._unsafeUnwrapErr()).toEqual(error);
      expect(after).toBe(before);
      expect(calls).toEqual(['icmp', 'icmp', 'tcp']);
    });

    it('does not bring back the pings of ordinary plans that turned to TCP', async () => {
      const { prober, calls } = withProbers({ method: 'auto', ping: false });

      for (const each of [PLAN, plan, PLAN]) await prober.watch(each, () => {}, AbortSignal.timeout(1_000));

      expect(calls).toEqual(['tcp', 'icmp', 'tcp']);
    });
  });

  it('settles Ok when aborted while it still looks', async () => {
    const { prober, calls } = withProbers({ method: 'auto', ping: 'never says' });
    const end = new AbortController();
    const watch = prober.watch(PLAN, () => {}, end.signal);

    end.abort();

    expect((await watch).isOk()).toBe(true);
    expect(calls).toEqual([]);
  });
});

interface Situation {
  readonly method: 'auto' | 'icmp' | 'tcp' | 'udp';
  readonly ping: boolean | 'throws' | 'rejects' | 'never says';
  readonly icmpEnds?: ProbeError;
}

function withProbers({ method, ping, icmpEnds }: Situation) {
  const calls: string[] = [];
  let looks = 0;
  const called = (name: string, error?: ProbeError): Prober => ({
    watch: () => {
      calls.push(name);
      return error === undefined ? okAsync(undefined) : errAsync(error);
    },
  });
  const pingAvailable = (): Promise<boolean> => {
    looks += 1;
    if (ping === 'throws') throw new Error('no look');
    if (ping === 'rejects') return Promise.reject(new Error('no look'));
    return ping === 'never says' ? new Promise(() => {}) : Promise.resolve(ping);
  };
  const prober = autoProber({
    method,
    port: 443,
    pingAvailable,
    icmp: called('icmp', icmpEnds),
    tcp: called('tcp'),
    udp: called('udp'),
  });
  return { prober, calls, looks: () => looks };
}
