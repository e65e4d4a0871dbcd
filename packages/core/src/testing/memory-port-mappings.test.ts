import { describe, expect, it } from 'vitest';
import type { PortMappingRequest } from '../port-mappings.js';
import { MemoryPortMappings } from './memory-port-mappings.js';

const OURS = '2001:db8:1::2';
const REQUEST: PortMappingRequest = { protocol: 'udp', internalPort: 7654, externalPort: 7654, v6Address: OURS };

describe('port mappings in memory', () => {
  it('exist once mapped, and not once unmapped', async () => {
    const mappings = aTable();

    const mapping = (await mappings.map(REQUEST))._unsafeUnwrap();

    expect(mapping).toMatchObject({ ...REQUEST, direction: 'in', target: null, description: null });
    expect((await mappings.list())._unsafeUnwrap()).toEqual([mapping]);
    expect((await mappings.unmap('udp', 7654))._unsafeUnwrap()).toEqual(mapping);
    expect((await mappings.list())._unsafeUnwrap()).toEqual([]);
  });

  it('can be asked for twice, but not in two ways on one port', async () => {
    const mappings = aTable();
    const first = (await mappings.map(REQUEST))._unsafeUnwrap();

    expect((await mappings.map(REQUEST))._unsafeUnwrap()).toBe(first);
    expect((await mappings.map({ ...REQUEST, internalPort: 1 }))._unsafeUnwrapErr()).toMatchObject({
      kind: 'port_taken',
      holder: 'the mapping of udp port 7654',
    });
    expect((await mappings.map({ ...REQUEST, protocol: 'tcp' })).isOk()).toBe(true);
  });

  it('take the first address for "auto", and refuse when there is none', async () => {
    expect((await aTable().map({ ...REQUEST, v6Address: 'auto' }))._unsafeUnwrap().v6Address).toBe(OURS);
    const none = new MemoryPortMappings({ addresses: () => [] });
    expect((await none.map({ ...REQUEST, v6Address: 'auto' }))._unsafeUnwrapErr()).toEqual({ kind: 'no_address' });
  });

  it.each<[Partial<PortMappingRequest>, object]>([
    [{ v6Address: '2001:db8:9::9' }, { kind: 'address_not_ours', ours: [OURS] }],
    [{ externalPort: 8642 }, { kind: 'port_reserved', port: 8642 }],
    [{ direction: 'out' }, { kind: 'bad_target' }],
    [{ target: '[2001:db8::1]:1' }, { kind: 'bad_target' }],
  ])('refuse %o and keep nothing of it', async (wrong, error) => {
    const mappings = aTable();

    expect((await mappings.map({ ...REQUEST, ...wrong }))._unsafeUnwrapErr()).toMatchObject(error);
    expect((await mappings.list())._unsafeUnwrap()).toEqual([]);
  });

  it('stop at their limit, and have room again after one has gone', async () => {
    const mappings = aTable();
    await mappings.map(REQUEST);
    await mappings.map({ ...REQUEST, externalPort: 2 });

    expect((await mappings.map({ ...REQUEST, externalPort: 3 }))._unsafeUnwrapErr()).toEqual({
      kind: 'too_many_mappings',
      limit: 2,
    });
    await mappings.unmap('udp', 2);
    expect((await mappings.map({ ...REQUEST, externalPort: 3 })).isOk()).toBe(true);
  });

  it('are not known where there is none', async () => {
    const mappings = aTable();

    expect((await mappings.probe('udp', 7654))._unsafeUnwrap()).toMatchObject({ finding: 'unknown', address: null });
    expect((await mappings.unmap('udp', 7654))._unsafeUnwrapErr()).toMatchObject({ kind: 'unknown_mapping' });
    await mappings.map(REQUEST);
    expect((await mappings.probe('udp', 7654))._unsafeUnwrap()).toMatchObject({ finding: 'unknown', address: OURS });
  });
});

function aTable(): MemoryPortMappings {
  return new MemoryPortMappings({ addresses: () => [OURS], reserved: [8642], limit: 2 });
}
