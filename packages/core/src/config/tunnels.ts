import { match } from 'ts-pattern';
import { hostInNetwork, isNetwork } from '../address.js';
import type { Filled } from './address-readers.js';
import { MAX_TUNNELS } from './bounds.js';
import { type Findings, NOWHERE, type Place, problemAt } from './findings.js';
import type { Section } from './lines.js';
import type { TunnelConfig, TunnelType } from './model.js';
import { checkIface, checkTunnelName } from './names.js';
import { quoted, shown } from './quote.js';
import { type Reading, readSettings, TUNNEL, tableName } from './setting.js';
import { TUNNEL_SETTINGS, TUNNEL_TYPES, type TunnelValues } from './settings.js';

/** The length of a prefix that says nothing else: what tunnel brokers hand out. */
const DEFAULT_PREFIX_LENGTH = 64;

/** The side of the tunnel that is ours: tunnelbroker.net gives ::1 to its server and ::2 to the client. */
const HE_CLIENT = 2;

/** One tunnel section, read. */
interface TunnelDraft {
  readonly section: Section;
  readonly reading: Reading<TunnelValues>;
  /** Null when it is unusable. */
  readonly name: string | null;
  readonly iface: string | null;
}

/** In file order. What cannot be made a tunnel is left out and found a problem. */
export function readTunnels(sections: readonly Section[], findings: Findings): readonly TunnelConfig[] {
  const written = sections.filter((section) => tableName(section.name) === TUNNEL);
  if (written.length === 0)
    findings.problems.push(
      problemAt(NOWHERE, 'no tunnel is configured: add a section such as [tunnel.he] that has a "type"'),
    );
  if (written.length > MAX_TUNNELS)
    findings.problems.push(
      problemAt(NOWHERE, `${written.length} tunnels are configured: this gateway runs at most ${MAX_TUNNELS}`),
    );
  const drafts = written.map((section) => readDraft(section, findings));
  reportRepeats(drafts, findings);
  return drafts.flatMap((draft) => toTunnel(draft, findings) ?? []);
}

function readDraft(section: Section, findings: Findings): TunnelDraft {
  const reading = readSettings(TUNNEL_SETTINGS, [section], findings);
  const name = nameOf(section, reading, findings);
  return { section, reading, name, iface: ifaceOf(section, reading, name, findings) };
}

/** `[tunnel.NAME]` carries its name; `[tunnelN]` says it with `name`, or goes by its section. */
function nameOf(section: Section, { values, places }: Reading<TunnelValues>, findings: Findings): string | null {
  const inHeader = section.name.startsWith('tunnel.') ? section.name.slice('tunnel.'.length) : null;
  const place = (inHeader === null ? places.name : null) ?? placeIn(section, null);
  const name = checkTunnelName(inHeader ?? values.name ?? section.name);
  if (name.isErr()) findings.problems.push(problemAt(place, name.error));
  if (inHeader !== null && values.name !== null && values.name !== inHeader)
    findings.problems.push(
      problemAt(
        places.name ?? place,
        `${quoted(values.name)} contradicts the section, which names the tunnel ${quoted(inHeader)}`,
      ),
    );
  return name.unwrapOr(null);
}

function ifaceOf(
  section: Section,
  { values, places, unread }: Reading<TunnelValues>,
  name: string | null,
  findings: Findings,
): string | null {
  if (unread.has('iface') || (values.iface === null && name === null)) return null;
  const iface = checkIface(values.iface ?? name ?? '');
  if (iface.isErr()) {
    const why =
      values.iface === null ? `it is missing, and the tunnel's own name will not do: ${iface.error}` : iface.error;
    findings.problems.push(problemAt(places.iface ?? placeIn(section, 'iface'), why));
  }
  return iface.unwrapOr(null);
}

function reportRepeats(drafts: readonly TunnelDraft[], findings: Findings): void {
  const names = new Map<string, TunnelDraft>();
  const ifaces = new Map<string, TunnelDraft>();
  for (const draft of drafts) {
    const sameName = draft.name === null ? undefined : names.get(draft.name);
    const sameIface = draft.iface === null ? undefined : ifaces.get(draft.iface);
    if (draft.name !== null && sameName === undefined) names.set(draft.name, draft);
    if (draft.iface !== null && sameIface === undefined) ifaces.set(draft.iface, draft);
    // A section opened twice has been told of.
    if (sameName?.section.name === draft.section.name) continue;
    const { places } = draft.reading;
    if (sameName !== undefined)
      findings.problems.push(
        problemAt(
          places.name ?? placeIn(draft.section, null),
          `the tunnel of line ${sameName.section.line} is named ${quoted(draft.name ?? '')} already`,
        ),
      );
    // Without an `iface` the repeated name is the repeated interface.
    if (sameIface !== undefined && !(sameName === sameIface && places.iface === null))
      findings.problems.push(
        problemAt(
          places.iface ?? placeIn(draft.section, 'iface'),
          `the tunnel of line ${sameIface.section.line} has the interface ${quoted(draft.iface ?? '')} already`,
        ),
      );
  }
}

function toTunnel(draft: TunnelDraft, findings: Findings): TunnelConfig | null {
  const { section, name, iface, reading } = draft;
  const { values, unread } = reading;
  const type = values.type;
  if (type === null) {
    if (!unread.has('type'))
      findings.problems.push(
        problemAt(placeIn(section, 'type'), `it is missing: give one of ${TUNNEL_TYPES.join(', ')}`),
      );
    return null;
  }
  reportMisplaced(type, reading, findings);
  const prefixLength = prefixLengthOf(reading, findings);
  warnOfGaps(type, draft, findings);
  if (name === null || iface === null) return null;
  const { enabled, priority } = values;
  const pop = given(values.popAddress);
  const base = {
    name,
    iface,
    enabled,
    priority,
    address: addressOf(type, values, prefixLength),
    prefixLength,
    ...(pop === null ? {} : { popAddress: pop }),
  };
  return match(type)
    .returnType<TunnelConfig>()
    .with('he_6in4', (t) => ({
      ...base,
      type: t,
      endpoint: given(values.endpoint),
      local: given(values.local),
      mtu: values.mtu,
    }))
    .with('wireguard', 'mullvad', (t) => ({ ...base, type: t }))
    .with('external', (t) => ({ ...base, type: t, gateway: given(values.gateway) }))
    .exhaustive();
}

/** Which type alone has a use for a key. */
const ONLY_FOR = { endpoint: 'he_6in4', local: 'he_6in4', mtu: 'he_6in4', gateway: 'external' } as const;

function reportMisplaced(type: TunnelType, { values, places }: Reading<TunnelValues>, findings: Findings): void {
  for (const key of ['endpoint', 'local', 'mtu', 'gateway'] as const) {
    const place = places[key];
    if (place === null || type === ONLY_FOR[key] || (key !== 'mtu' && values[key].kind === 'blank')) continue;
    findings.problems.push(
      problemAt(place, `it means nothing to a tunnel of type ${type}, only to ${ONLY_FOR[key]}: remove it`),
    );
  }
}

function prefixLengthOf({ values, places }: Reading<TunnelValues>, findings: Findings): number {
  const written = values.prefix.kind === 'given' ? values.prefix.value.length : null;
  if (written !== null && values.prefixLength !== null && written !== values.prefixLength)
    findings.problems.push(
      problemAt(
        places.prefixLength ?? NOWHERE,
        `"${values.prefixLength}" contradicts the "/${written}" of v6_prefix: keep one of them`,
      ),
    );
  return values.prefixLength ?? written ?? DEFAULT_PREFIX_LENGTH;
}

function addressOf(type: TunnelType, values: TunnelValues, prefixLength: number): string | null {
  if (values.prefix.kind !== 'given') return null;
  const { address } = values.prefix.value;
  if (!isNetwork(address, prefixLength)) return address;
  return type === 'he_6in4' ? hostInNetwork(address, HE_CLIENT) : null;
}

const MEANING = {
  endpoint: "the tunnel server's IPv4 address",
  local: "this machine's IPv4 address",
  prefix: "the tunnel's IPv6 address",
  gateway: 'the IPv6 address of the next hop',
  popAddress: "the IPv6 address of the provider's own end",
} as const;

const FOUND_INSTEAD = {
  local: 'the address that the route to the endpoint uses is taken',
  prefix: 'the address is read from the interface',
  gateway: 'the next hop is looked for on the interface',
  popAddress: 'what is usual with such tunnels is asked',
} as const;

/** A tunnel that is switched off may wait for its addresses in peace. */
function warnOfGaps(type: TunnelType, draft: TunnelDraft, findings: Findings): void {
  const { section, reading } = draft;
  const { values, places } = reading;
  if (!values.enabled) return;
  const tunnel = shown(draft.name ?? section.name);
  for (const key of ['endpoint', 'local', 'prefix', 'gateway', 'popAddress'] as const) {
    const filled = values[key];
    if (filled.kind === 'given') continue;
    const isNeeded = type === 'he_6in4' && (key === 'endpoint' || key === 'prefix');
    const said = filled.kind === 'placeholder' ? `${quoted(filled.text)} only stands for ${MEANING[key]}` : null;
    const place = places[key] ?? placeIn(section, TUNNEL_SETTINGS[key].key);
    if (isNeeded) {
      const why = said ?? `${MEANING[key]} is not given`;
      findings.warnings.push(problemAt(place, `${why}: tunnel ${tunnel} stays down until it is filled in`));
    } else if (said !== null && key !== 'endpoint') {
      findings.warnings.push(problemAt(place, `${said}: ${FOUND_INSTEAD[key]}`));
    }
  }
}

function given<T>(filled: Filled<T>): T | null {
  return filled.kind === 'given' ? filled.value : null;
}

function placeIn(section: Section, key: string | null): Place {
  const name = shown(section.name);
  return { line: section.line, where: key === null ? name : `${name}.${key}` };
}
