import type { PortMapping, PortProbe, PortProtocol } from './port-mappings.js';
import type { UnixSeconds } from './units.js';

// Port mappings and probes as REST, MCP and the command line show them.

export interface PortDocument {
  readonly protocol: PortProtocol;
  readonly internal_port: number;
  readonly external_port: number;
  readonly v6_address: string;
  readonly direction: 'in' | 'out';
  readonly target: string | null;
  readonly description: string | null;
  readonly since: UnixSeconds;
}

export interface PortsDocument {
  readonly ports: readonly PortDocument[];
}

export interface ProbeDocument {
  /** The seed's word for a probe whose result is not in yet is `probe_initiated`. */
  readonly status: 'open' | 'closed' | 'probe_initiated' | 'unknown';
  readonly port: number;
  readonly note: string;
}

export function portDocument(mapping: PortMapping): PortDocument {
  return {
    protocol: mapping.protocol,
    internal_port: mapping.internalPort,
    external_port: mapping.externalPort,
    v6_address: mapping.v6Address,
    direction: mapping.direction,
    target: mapping.target,
    description: mapping.description,
    since: mapping.since,
  };
}

const FINDINGS = { open: 'open', closed: 'closed', started: 'probe_initiated', unknown: 'unknown' } as const;

export function probeDocument(port: number, { finding, note }: PortProbe): ProbeDocument {
  return { status: FINDINGS[finding], port, note };
}

/** Without somebody who can look, nothing is known. The seed answers in every mode, and so does this. */
export function unaskedProbe(protocol: PortProtocol, port: number): ProbeDocument {
  const note =
    `Nobody outside has been asked: this gateway does not relay ${protocol} port ${port}. ` +
    'Ask a machine on the Internet to connect to it.';
  return { status: 'unknown', port, note };
}
