import {
  type MappingConfig,
  type PortError,
  type PortMappingRequest,
  type PortProtocol,
  parseTarget,
  type UnixSeconds,
} from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import type { Endpoint } from './contracts.js';
import type { StoredMapping } from './store.js';

/** What a mapping is to be, whoever asks for it. */
export interface MappingSpec {
  /** NAME of its section in the configuration; null: a program asked for it. */
  readonly name: string | null;
  readonly protocol: PortProtocol;
  readonly internalHost: string;
  readonly internalPort: number;
  readonly externalPort: number;
  /** Canonical text, or `auto`. */
  readonly v6Address: string;
  readonly direction: 'in' | 'out';
  readonly target: Endpoint | null;
  readonly proxyProtocol: boolean;
  readonly description: string | null;
}

/** Programs map ports of this machine only. */
const LOOPBACK = '127.0.0.1';

export function specOf(request: PortMappingRequest): Result<MappingSpec, PortError> {
  const { protocol, internalPort, externalPort, v6Address, direction = 'in', description = null } = request;
  return targetOf(direction, request.target ?? null).map((target) => ({
    name: null,
    protocol,
    internalHost: LOOPBACK,
    internalPort,
    externalPort,
    v6Address,
    direction,
    target,
    proxyProtocol: false,
    description,
  }));
}

/** `config` has been accepted, so its target is one. */
export function configuredSpec({ enabled, target, ...config }: MappingConfig): MappingSpec {
  return { ...config, target: target === null ? null : parseTarget(target).unwrapOr(null) };
}

export function storedOf(spec: MappingSpec, since: UnixSeconds): StoredMapping {
  return {
    protocol: spec.protocol,
    internal_port: spec.internalPort,
    external_port: spec.externalPort,
    v6_address: spec.v6Address,
    direction: spec.direction,
    target: spec.target === null ? null : endpointText(spec.target),
    description: spec.description,
    since,
  };
}

export function requestOf(stored: StoredMapping): PortMappingRequest {
  return {
    protocol: stored.protocol,
    internalPort: stored.internal_port,
    externalPort: stored.external_port,
    v6Address: stored.v6_address,
    direction: stored.direction,
    ...(stored.target === null ? {} : { target: stored.target }),
    ...(stored.description === null ? {} : { description: stored.description }),
  };
}

/** What a mapping goes by: no two have the same. */
export function keyOf(spec: Pick<MappingSpec, 'protocol' | 'externalPort'>): string {
  return `${spec.protocol} ${spec.externalPort}`;
}

/** Whether both would do the same. Who asked for it makes no difference. */
export function isSame(a: MappingSpec, b: MappingSpec): boolean {
  return describe(a) === describe(b);
}

/** Whether one can become the other without touching a socket. */
export function carriesTheSame(a: MappingSpec, b: MappingSpec): boolean {
  return isSame({ ...a, description: null }, { ...b, description: null });
}

/** `[2001:db8::1]:7654`, `127.0.0.1:80`. */
export function endpointText({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

const describe = ({ name, ...spec }: MappingSpec): string =>
  JSON.stringify([
    ...[spec.protocol, spec.internalHost, spec.internalPort, spec.externalPort, spec.v6Address, spec.direction],
    ...[spec.target === null ? null : endpointText(spec.target), spec.proxyProtocol, spec.description],
  ]);

function targetOf(direction: 'in' | 'out', text: string | null): Result<Endpoint | null, PortError> {
  if (direction === 'in')
    return text === null ? ok(null) : err({ kind: 'bad_target', problem: 'goes with direction "out" only' });
  if (text === null) return err({ kind: 'bad_target', problem: 'is missing, and direction "out" needs it' });
  return parseTarget(text).mapErr((problem) => ({ kind: 'bad_target', problem }));
}
