import { describe, expect, it } from 'vitest';
import type { FlowFacts } from './contracts.js';
import { FlowTable } from './flows.js';
import { aWay, handWays } from './loopback.test-support.js';

const A = aWay({ tunnel: 'a', address: '2001:db8:1::2' });
const B = aWay({ tunnel: 'b', address: '2001:db8:2::2', primary: false });

function facts(parts: Partial<FlowFacts> = {}): FlowFacts {
  return {
    kind: 'tcp',
    origin: 'mapping tcp 80',
    client: { address: '2001:db8:ffff::1', port: 1 },
    target: { address: '127.0.0.1', port: 80 },
    tunnel: 'a',
    ...parts,
  };
}

describe('the table of flows', () => {
  it('lists what there is, the oldest first, with what was carried', () => {
    const table = new FlowTable({ ways: handWays(A), now: () => 7 });
    const first = table.open(facts())._unsafeUnwrap();
    table.open(facts({ kind: 'udp', tunnel: null }));

    first.count(10, 20);
    first.count(1, 2);

    expect(table.list()).toEqual([
      { ...facts(), id: 1, since: 7, sent: 11, received: 22 },
      { ...facts({ kind: 'udp', tunnel: null }), id: 2, since: 7, sent: 0, received: 0 },
    ]);
    first.closed('finished');
    first.closed('reset');
    expect(table.list().map((view) => view.id)).toEqual([2]);
    expect(table.totals()).toMatchObject([
      { kind: 'tcp', active: 0, sent: 11, received: 22, ended: { finished: 1, reset: 0 } },
      { kind: 'udp', active: 1, sent: 0, received: 0 },
    ]);
  });

  it('refuses what is beyond its bound, and has room again after one has ended', () => {
    const table = new FlowTable({ ways: handWays(A), now: () => 0, limit: 2 });
    const first = table.open(facts())._unsafeUnwrap();
    table.open(facts());

    expect(table.open(facts())._unsafeUnwrapErr()).toEqual({ kind: 'too_many_flows', limit: 2 });
    first.closed('finished');
    expect(table.open(facts()).isOk()).toBe(true);
    expect(table.totals()[0]?.refused).toEqual({ too_many_flows: 1, too_many_of_client: 0 });
  });

  it('takes all addresses of a /64 for one client', () => {
    const table = new FlowTable({ ways: handWays(A), now: () => 0, perClient: 2 });
    const from = (address: string): boolean => table.open(facts({ client: { address, port: 1 } })).isOk();

    expect(['2001:db8:ffff::1', '2001:db8:ffff::2', '2001:db8:ffff::3', '2001:db8:fffe::1'].map(from)).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2'].map(from)).toEqual([true, true, false, true]);
    expect(from('fe80::1%he-a')).toBe(true);
  });

  it.each([
    ['becomes unreachable', [{ ...A, liveness: 'hard_down' as const }, B]],
    ['loses its address', [{ ...A, address: '2001:db8:1::3' }, B]],
    ['goes away', [B]],
  ])('ends the flows of a tunnel that %s, and of no other', (_what, next) => {
    const ways = handWays(A, B);
    const table = new FlowTable({ ways, now: () => 0 });
    const [a, b, none] = ['a', 'b', null].map((tunnel) => table.open(facts({ tunnel }))._unsafeUnwrap().signal);

    ways.set(...next);

    expect(a).toMatchObject({ aborted: true, reason: 'tunnel_down' });
    expect(b?.aborted).toBe(false);
    expect(none?.aborted).toBe(false);
  });

  it('leaves the flows of a tunnel that is only in doubt', () => {
    const ways = handWays(A, B);
    const { signal } = new FlowTable({ ways, now: () => 0 }).open(facts())._unsafeUnwrap();

    ways.set({ ...B, primary: true }, { ...A, primary: false, liveness: 'doubtful' });

    expect(signal.aborted).toBe(false);
  });

  it('does not end again what came by a tunnel after it was called unreachable', () => {
    const ways = handWays({ ...A, liveness: 'hard_down' });
    const { signal } = new FlowTable({ ways, now: () => 0 }).open(facts())._unsafeUnwrap();

    ways.set({ ...A, liveness: 'hard_down' }, B);

    expect(signal.aborted).toBe(false);
  });

  it('ends those that are picked', () => {
    const table = new FlowTable({ ways: handWays(A), now: () => 0 });
    const one = table.open(facts())._unsafeUnwrap().signal;
    const other = table.open(facts({ origin: 'socks5' }))._unsafeUnwrap().signal;

    table.end('stopped', ({ origin }) => origin === 'socks5');
    expect([one.aborted, other.aborted]).toEqual([false, true]);
    table.end('stopped');
    expect(one.reason).toBe('stopped');
  });
});

describe('a flow that is told of after it began', () => {
  it('is listed, counted and ended like all others, by being cut', () => {
    const ways = handWays(A, B);
    const table = new FlowTable({ ways, now: () => 7 });
    const cuts: string[] = [];
    const flow = table.openAfter(facts(), table.losses, (how) => cuts.push(how))._unsafeUnwrap();

    flow.count(1, 2);
    expect(table.list()).toEqual([{ ...facts(), id: 1, since: 7, sent: 1, received: 2 }]);
    ways.set({ ...A, liveness: 'hard_down' }, B);
    expect(cuts).toEqual(['tunnel_down']);
    flow.closed('tunnel_down');

    expect(table.totals()[0]).toMatchObject({ active: 0, sent: 1, ended: { tunnel_down: 1 } });
  });

  it('is cut at once where its tunnel has been lost since it was let begin', () => {
    const ways = handWays(A, B);
    const table = new FlowTable({ ways, now: () => 0 });
    const before = table.losses;
    ways.set({ ...A, liveness: 'hard_down' }, B);
    const after = table.losses;
    const cutsOf = (tunnel: string | null, losses: number): readonly string[] => {
      const cuts: string[] = [];
      table.openAfter(facts({ tunnel }), losses, (how) => cuts.push(how));
      return cuts;
    };

    expect([cutsOf('a', before), cutsOf('b', before), cutsOf(null, before)]).toEqual([['tunnel_down'], [], []]);
    expect(cutsOf('a', after)).toEqual([]);
    ways.set(A, B);
    ways.set({ ...A, address: '2001:db8:1::3' }, B);
    expect(cutsOf('a', after)).toEqual(['tunnel_down']);
  });

  it('is refused beyond the bound, as others are', () => {
    const table = new FlowTable({ ways: handWays(A), now: () => 0, limit: 1 });
    table.open(facts());

    expect(table.openAfter(facts(), 0, () => {})._unsafeUnwrapErr()).toEqual({ kind: 'too_many_flows', limit: 1 });
  });

  it('finds room for as many as could be opened, whoever they are of, and for 1,024 at most', () => {
    const of = (limit: number, perClient: number): FlowTable =>
      new FlowTable({ ways: handWays(A), now: () => 0, limit, perClient });
    const [total, each, wide] = [of(10, 100), of(100, 10), of(100_000, 100_000)];
    const from = (address: string) => facts({ client: { address, port: 1 } });

    const first = total.open(from('192.0.2.1'))._unsafeUnwrap();
    const ofOne = ['192.0.2.1', '192.0.2.1', '192.0.2.2'].map((address) => each.open(from(address))._unsafeUnwrap());

    expect([total.room, each.room, wide.room]).toEqual([9, 8, 1_024]);
    first.closed('finished');
    ofOne[0]?.closed('finished');
    expect([total.room, each.room]).toEqual([10, 9]);
    for (let i = 0; i < 20; i += 1) each.open(from('192.0.2.3'));
    expect(each.room).toBe(0);
  });
});

describe('a place that is held', () => {
  const table = (parts: { readonly limit?: number; readonly perClient?: number }): FlowTable =>
    new FlowTable({ ways: handWays(A, B), now: () => 7, ...parts });
  const from = (address: string) => facts({ client: { address, port: 1 } });

  it('is there for its flow, and for no other', () => {
    const flows = table({ limit: 2 });
    const place = flows.hold('192.0.2.1');
    flows.open(from('192.0.2.2'));

    expect(flows.room).toBe(0);
    expect(flows.hold('192.0.2.1')).toBeNull();
    expect(flows.open(from('192.0.2.3'))._unsafeUnwrapErr()).toEqual({ kind: 'too_many_flows', limit: 2 });
    expect(flows.list()).toHaveLength(1);

    const flow = place?.open(from('192.0.2.1'), () => {});
    expect(flows.list().map(({ client }) => client.address)).toEqual(['192.0.2.2', '192.0.2.1']);
    expect(flows.room).toBe(0);
    flow?.closed('finished');
    expect(flows.room).toBe(1);
  });

  it('is one of its client’s, whatever address of a /64 that has', () => {
    const flows = table({ perClient: 2 });
    const place = flows.hold('2001:db8:ffff::1');
    flows.open(from('2001:db8:ffff::2'));

    expect(flows.hold('2001:db8:ffff::3')).toBeNull();
    expect(flows.open(from('2001:db8:ffff::3'))._unsafeUnwrapErr()).toEqual({ kind: 'too_many_of_client', limit: 2 });
    expect(flows.hold('2001:db8:fffe::1')).not.toBeNull();
    place?.giveUp();
    expect(flows.open(from('2001:db8:ffff::3')).isOk()).toBe(true);
    expect(flows.totals()[0]?.refused).toEqual({ too_many_flows: 0, too_many_of_client: 1 });
  });

  it('is free again once it is given up', () => {
    const flows = table({ limit: 1 });

    for (let i = 0; i < 3; i += 1) flows.hold('192.0.2.1')?.giveUp();

    expect(flows.room).toBe(1);
    expect(flows.open(from('192.0.2.1')).isOk()).toBe(true);
  });

  it('is of a flow that is cut at once, where its tunnel has been lost since', () => {
    const ways = handWays(A, B);
    const flows = new FlowTable({ ways, now: () => 0 });
    const cuts: string[] = [];
    const [lost, other] = [flows.hold('192.0.2.1'), flows.hold('192.0.2.1')];
    ways.set({ ...A, liveness: 'hard_down' }, B);

    lost?.open(facts({ tunnel: 'a' }), (how) => cuts.push(`a ${how}`));
    other?.open(facts({ tunnel: 'b' }), (how) => cuts.push(`b ${how}`));

    expect(cuts).toEqual(['a tunnel_down']);
  });
});
