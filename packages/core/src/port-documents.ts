import type { MappingState, PortMapping, PortProbe, PortProtocol } from './port-mappings.js';
import type { UnixSeconds } from './units.js';

// Port mappings and probes as REST, MCP and the command line show them.

export interface PortDocument {
  readonly protocol: PortProtocol;
  readonly internal_host: string;
  readonly internal_port: number;
  readonly external_port: number;
  /** Null: it follows the primary, and there is none. */
  readonly v6_address: string | null;
  readonly auto: boolean;
  readonly direction: 'in' | 'out';
  readonly target: string | null;
  readonly description: string | null;
  /** Of its section in the configuration; null: a program has asked for it. */
  readonly name: string | null;
  readonly state: MappingState;
  readonly problem: string | null;
  readonly since: UnixSeconds;
}

export interface PortsDocument {
  readonly ports: readonly PortDocument[];
}

export interface ProbeDocument {
  readonly status: 'reachable' | 'unreachable' | 'unknown';
  readonly port: number;
  readonly address: string | null;
  /** The tunnel it was sent out through. */
  readonly vantage: string | null;
  readonly latency_ms: number | null;
  readonly note: string;
}

export function portDocument(mapping: PortMapping): PortDocument {
  return {
    protocol: mapping.protocol,
    internal_host: mapping.internalHost,
    internal_port: mapping.internalPort,
    external_port: mapping.externalPort,
    v6_address: mapping.v6Address,
    auto: mapping.auto,
    direction: mapping.direction,
    target: mapping.target,
    description: mapping.description,
    name: mapping.name,
    state: mapping.state,
    problem: mapping.problem,
    since: mapping.since,
  };
}

export function probeDocument(port: number, { finding, address, vantage, latency, note }: PortProbe): ProbeDocument {
  const latency_ms = latency === null ? null : Math.round(latency);
  return { status: finding, port, address, vantage, latency_ms, note };
}

/** Without somebody who can look, nothing is known. The seed answers in every mode, and so does this. */
export function unaskedProbe(protocol: PortProtocol, port: number): ProbeDocument {
  const note =
    `Nobody outside has been asked: this gateway does not relay ${protocol} port ${port}. ` +
    'Ask a machine on the Internet to connect to it.';
  return { status: 'unknown', port, address: null, vantage: null, latency_ms: null, note };
}
