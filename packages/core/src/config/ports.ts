import { err, ok } from 'neverthrow';
import { MAX_PORT_MAPPINGS, type PortProtocol } from '../port-mappings.js';
import { listOf } from './access-readers.js';
import { PORTS } from './bounds.js';
import { type Findings, NOWHERE, type Place } from './findings.js';
import type { Section } from './lines.js';
import type { MappingConfig } from './model.js';
import { quoted } from './quote.js';
import { type Reader, wholeNumber } from './readers.js';
import { readSettings, type SettingsOf, setting } from './setting.js';

// [ports]: mappings that lead in and need nothing said of them but their ports.

interface PortPair {
  readonly externalPort: number;
  readonly internalPort: number;
}

export interface PortsValues {
  readonly udp: readonly PortPair[];
  readonly tcp: readonly PortPair[];
}

const port = wholeNumber(PORTS);

/** `7654`, the same outside and here, or `80:8080`, outside and here. */
const pair: Reader<PortPair> = (text) => {
  const [outside = '', here = outside, ...rest] = text.split(':');
  const [externalPort, internalPort] = [port(outside), port(here)];
  if (rest.length > 0 || externalPort.isErr() || internalPort.isErr())
    return err([
      `${quoted(text)} is no port: give one such as 7654, or the one outside and the one here, such as 80:8080`,
    ]);
  return ok({ externalPort: externalPort.value, internalPort: internalPort.value });
};

const pairs: Reader<readonly PortPair[]> = listOf('port', pair, MAX_PORT_MAPPINGS, (one) => `${one.externalPort}`);

export const PORTS_SETTINGS: SettingsOf<PortsValues> = {
  udp: setting<readonly PortPair[]>('ports', 'udp', pairs, []),
  tcp: setting<readonly PortPair[]>('ports', 'tcp', pairs, []),
};

/** A mapping and where its ports are written. */
export interface PlacedMapping {
  readonly mapping: MappingConfig;
  readonly place: Place;
}

/** What `[ports]` asks for, named by protocol and port: `udp-7654`. */
export function readPorts(sections: readonly Section[], findings: Findings): readonly PlacedMapping[] {
  const { values, places } = readSettings(PORTS_SETTINGS, sections, findings);
  return (['udp', 'tcp'] as const).flatMap((protocol) =>
    values[protocol].map((ports) => ({ mapping: mappingOf(protocol, ports), place: places[protocol] ?? NOWHERE })),
  );
}

function mappingOf(protocol: PortProtocol, ports: PortPair): MappingConfig {
  return {
    ...ports,
    name: `${protocol}-${ports.externalPort}`,
    enabled: true,
    protocol,
    internalHost: '127.0.0.1',
    v6Address: 'auto',
    direction: 'in',
    target: null,
    proxyProtocol: false,
    description: null,
  };
}
