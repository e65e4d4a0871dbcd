import { describe, expect, it } from 'vitest';
import { writeDatagram } from '../socks5/codec-write.js';
import { ARENA_BYTES, EXCHANGE_AT } from './arena.js';
import { Batch } from './batch.js';
import { Leases } from './leases.js';
import { LEASE, LEASES_AT_MOST } from './native-limits.js';
import { socketAddressOf } from './socket-address.js';
import type { Sys } from './sys.js';

const to = (i: number, address = '192.0.2.1') => ({ address, port: 1_000 + i });
const header = (i: number, address?: string): Uint8Array => writeDatagram(to(i, address), new Uint8Array());

/** The same but for one byte. */
function changed(bytes: Uint8Array, at: number, to: number): Uint8Array {
  const made = Uint8Array.from(bytes);
  made[at] = to;
  return made;
}

function aTable() {
  const memory = new Uint8Array(ARENA_BYTES);
  const calls: Pick<Sys, 'memory' | 'addressOf'> = { memory, addressOf: (at) => BigInt(at) };
  const batch = new Batch(calls as Sys, EXCHANGE_AT, 'both');
  const leases = new Leases();
  return {
    leases,
    grant: (i: number, now: number, address?: string): void =>
      leases.grant(header(i, address), socketAddressOf(to(i, address)) ?? new Uint8Array(), now),
    /** What holds for a datagram with that header and a byte behind it. */
    find: (bytes: Uint8Array, now: number) => {
      batch.put(0, Uint8Array.of(...bytes, 7));
      return leases.find(batch, 0, now);
    },
  };
}

describe('leases', () => {
  it('hold for their header and no other, for as long as they last', () => {
    const { leases, grant, find } = aTable();
    grant(1, 0);
    grant(2, 0, '2001:db8::1');

    expect(find(header(1), 0)).toMatchObject({ to: socketAddressOf(to(1)), isV6: false });
    expect(find(header(2, '2001:db8::1'), 0)).toMatchObject({ isV6: true });
    expect(find(header(3), 0)).toBeNull();
    // What it was cut from may be 64 KiB long.
    const cut = new Uint8Array(100).fill(0);
    cut.set(header(4));
    leases.grant(cut.subarray(0, 10), socketAddressOf(to(4)) ?? cut, 0);
    expect(find(header(4), 0)?.header.buffer.byteLength).toBe(10);
    expect(find(header(1).subarray(0, 8), 0)).toBeNull();
    expect(find(changed(header(1), 2, 1), 0)).toBeNull();
    expect(find(header(1), LEASE - 1)).not.toBeNull();
    expect(find(header(1), LEASE)).toBeNull();
  });

  it('lead to where the last word said', () => {
    const { leases, grant, find } = aTable();
    grant(1, 0);
    find(header(1), 0);
    const elsewhere = socketAddressOf(to(1, '192.0.2.9')) ?? new Uint8Array();
    leases.grant(header(1), elsewhere, 0);

    expect(find(header(1), 0)?.to).toEqual(elsewhere);
    expect(leases.size).toBe(1);
  });

  it('are told once when they are used in their last half, and hold on once that was answered', () => {
    const { leases, grant, find } = aTable();
    grant(1, 0);
    grant(2, 0);

    find(header(1), LEASE / 2 - 1);
    expect(leases.takeDue()).toEqual([]);
    find(header(1), LEASE / 2);
    find(header(1), LEASE / 2 + 1);
    const due = leases.takeDue();
    expect(due).toHaveLength(1);
    leases.renew([due[0]?.number ?? 0, 99], LEASE - 1);
    leases.renew([2], LEASE);

    expect(leases.takeDue()).toEqual([]);
    expect(find(header(1), 2 * LEASE - 2)).not.toBeNull();
    expect(leases.takeDue()).toHaveLength(1);
    expect(find(header(2), LEASE)).toBeNull();
  });

  it('are bounded: the one unused for longest gives way', () => {
    const { leases, grant, find } = aTable();
    for (let i = 0; i < LEASES_AT_MOST; i += 1) grant(i, i / LEASES_AT_MOST);
    find(header(0), 2);

    grant(LEASES_AT_MOST, 3);

    expect(leases.size).toBe(LEASES_AT_MOST);
    expect(find(header(0), 3)).not.toBeNull();
    expect(find(header(1), 3)).toBeNull();
    expect(find(header(LEASES_AT_MOST), 3)).not.toBeNull();
  });

  it('are forgotten when they hold no more, one by one or all at once', () => {
    const { leases, grant, find } = aTable();
    grant(1, 0);
    grant(2, 1);
    find(header(1), LEASE / 2);

    leases.look(LEASE);
    expect(leases.size).toBe(1);
    leases.clear();
    expect(leases.size).toBe(0);
    expect(find(header(2), 2)).toBeNull();
    expect(leases.takeDue()).toEqual([]);
  });
});
