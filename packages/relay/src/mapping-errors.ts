import { addressKind, type PortError, type PortProtocol } from '@hurricane/core';
import type { ListenError, Way } from './contracts.js';
import type { MappingSpec } from './mapping-spec.js';

/** Which program has a port, as it completes "taken by …"; null: it cannot be told. */
export type HolderOf = (protocol: PortProtocol, port: number) => Promise<string | null>;

export function takenBy({ name, protocol, externalPort }: MappingSpec): PortError {
  const mapping = `the mapping of ${protocol} port ${externalPort}`;
  const holder = name === null ? mapping : `${mapping} in the configuration ("${name}")`;
  return { kind: 'port_taken', port: externalPort, side: 'external', holder };
}

/** What the gateway offers to this machine must not become everybody's by a mapping. */
export function reservedIn(spec: MappingSpec, reserved: readonly number[]): PortError | null {
  const { direction, internalHost, internalPort, externalPort } = spec;
  if (direction === 'in' && reserved.includes(externalPort))
    return { kind: 'port_reserved', port: externalPort, side: 'external' };
  if (addressKind(internalHost) === 'loopback' && reserved.includes(internalPort))
    return { kind: 'port_reserved', port: internalPort, side: 'internal' };
  return null;
}

export function addressRefusalOf({ v6Address }: MappingSpec, ways: readonly Way[]): PortError | null {
  if (v6Address === 'auto') return ways.some((way) => way.primary) ? null : { kind: 'no_address' };
  const ours = ways.map((way) => way.address);
  return ours.includes(v6Address) ? null : { kind: 'address_not_ours', address: v6Address, ours };
}

export async function portErrorOf(spec: MappingSpec, fault: ListenError, holderOf?: HolderOf): Promise<PortError> {
  const side = spec.direction === 'in' ? 'external' : 'internal';
  const port = spec.direction === 'in' ? spec.externalPort : spec.internalPort;
  switch (fault.kind) {
    case 'taken':
      return { kind: 'port_taken', port, side, holder: (await holderOf?.(spec.protocol, port)) ?? null };
    case 'not_permitted':
      return { kind: 'not_permitted', port };
    case 'no_address':
      return { kind: 'no_address' };
    case 'failed':
      return { kind: 'failed', code: fault.code };
  }
}
