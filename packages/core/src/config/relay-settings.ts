import type { PortProtocol } from '../port-mappings.js';
import { anyHost, target, tunnelAddressOrAuto } from './address-readers.js';
import * as bounds from './bounds.js';
import { RELAY_DEFAULTS } from './defaults.js';
import type { RelayPolicy } from './model.js';
import { anyText, shortText, wholeNumber, word, yesOrNo } from './readers.js';
import { MAPPING, type SettingsOf, setting } from './setting.js';

export interface MappingValues {
  readonly name: string | null;
  readonly enabled: boolean;
  readonly protocol: PortProtocol | null;
  readonly internalHost: string;
  readonly internalPort: number | null;
  /** Null: the same as `internalPort`. */
  readonly externalPort: number | null;
  readonly v6Address: string;
  readonly direction: 'in' | 'out';
  readonly target: string | null;
  readonly proxyProtocol: boolean;
  readonly description: string | null;
}

const ENGINES: readonly RelayPolicy['engine'][] = ['auto', 'stream', 'native'];

export const RELAY_SETTINGS: SettingsOf<RelayPolicy> = {
  maxFlows: setting('relay', 'max_flows', wholeNumber(bounds.FLOWS), RELAY_DEFAULTS.maxFlows),
  maxFlowsPerClient: setting(
    'relay',
    'max_flows_per_client',
    wholeNumber(bounds.FLOWS),
    RELAY_DEFAULTS.maxFlowsPerClient,
  ),
  engine: setting('relay', 'engine', word(ENGINES), RELAY_DEFAULTS.engine),
  lowLatency: setting('relay', 'low_latency', yesOrNo, RELAY_DEFAULTS.lowLatency),
};

export const PORT_PROTOCOLS: readonly PortProtocol[] = ['udp', 'tcp'];

export const MAPPING_SETTINGS: SettingsOf<MappingValues> = {
  name: setting<string | null>(MAPPING, 'name', anyText, null),
  enabled: setting(MAPPING, 'enabled', yesOrNo, true),
  protocol: setting<PortProtocol | null>(MAPPING, 'protocol', word(PORT_PROTOCOLS), null),
  internalHost: setting(MAPPING, 'internal_host', anyHost, '127.0.0.1'),
  internalPort: setting<number | null>(MAPPING, 'internal_port', wholeNumber(bounds.PORTS), null),
  externalPort: setting<number | null>(MAPPING, 'external_port', wholeNumber(bounds.PORTS), null),
  v6Address: setting(MAPPING, 'v6_address', tunnelAddressOrAuto, 'auto'),
  direction: setting(MAPPING, 'direction', word(['in', 'out']), 'in'),
  target: setting<string | null>(MAPPING, 'target', target, null),
  proxyProtocol: setting(MAPPING, 'proxy_protocol', yesOrNo, false),
  description: setting<string | null>(MAPPING, 'description', shortText(bounds.MAX_DESCRIPTION), null),
};
