import { addressKind } from '../address.js';
import { MAX_PORT_MAPPINGS } from '../port-mappings.js';
import { type Findings, NOWHERE, type Place, problemAt } from './findings.js';
import type { Section } from './lines.js';
import type { ExposureMode, MappingConfig } from './model.js';
import { checkMappingName } from './names.js';
import { type PlacedMapping, readPorts } from './ports.js';
import { quoted, shown } from './quote.js';
import { MAPPING_SETTINGS, type MappingValues, PORT_PROTOCOLS } from './relay-settings.js';
import { MAPPING, type Reading, readSettings, tableName } from './setting.js';

/** One mapping section, read. */
interface MappingDraft {
  readonly section: Section;
  readonly reading: Reading<MappingValues>;
  /** Null when it is unusable. */
  readonly name: string | null;
}

/** What of the gateway itself a mapping has to respect. */
export interface GatewayPorts {
  readonly mode: ExposureMode;
  readonly apiPort: number;
  readonly socksPort: number;
}

/** A mapping, and where it is written: as a whole, its external port and its internal one. */
interface Written {
  readonly mapping: MappingConfig;
  readonly place: Place;
  readonly external: Place;
  readonly internal: Place;
}

/** In file order, those of `[ports]` last. What cannot be made a mapping is left out and found a problem. */
export function readMappings(
  sections: readonly Section[],
  gateway: GatewayPorts,
  findings: Findings,
): readonly MappingConfig[] {
  const drafts = sections
    .filter((section) => tableName(section.name) === MAPPING)
    .map((section): MappingDraft => {
      const reading = readSettings(MAPPING_SETTINGS, [section], findings);
      return { section, reading, name: nameOf(section, reading, findings) };
    });
  const short = readPorts(sections, findings);
  const count = drafts.length + short.length;
  if (count > MAX_PORT_MAPPINGS)
    findings.problems.push(
      problemAt(NOWHERE, `${count} mappings are configured: this gateway has at most ${MAX_PORT_MAPPINGS}`),
    );
  const mappings = [
    ...drafts.flatMap((draft) => {
      const mapping = toMapping(draft, findings);
      return mapping === null ? [] : [written(draft, mapping)];
    }),
    ...short.map(({ mapping, place }): Written => ({ mapping, place, external: place, internal: place })),
  ];
  reportRepeats(drafts, findings);
  reportSharedPorts(mappings, findings);
  reportSharedNames(drafts, short, findings);
  for (const one of mappings) reportReserved(one, gateway, findings);
  const first = drafts[0] === undefined ? short[0]?.place : placeIn(drafts[0].section, null);
  if (first !== undefined && gateway.mode !== 'proxy')
    findings.warnings.push(problemAt(first, `mappings are for mode = proxy: in mode ${gateway.mode} none is opened`));
  return mappings.map(({ mapping }) => mapping);
}

function written({ section, reading }: MappingDraft, mapping: MappingConfig): Written {
  const internal = reading.places.internalPort ?? placeIn(section, 'internal_port');
  return { mapping, place: placeIn(section, null), external: reading.places.externalPort ?? internal, internal };
}

/** `[mapping.NAME]` carries its name; `[mappingN]` says it with `name`, or goes by its section. */
function nameOf(section: Section, { values, places }: Reading<MappingValues>, findings: Findings): string | null {
  const inHeader = section.name.startsWith('mapping.') ? section.name.slice('mapping.'.length) : null;
  const place = (inHeader === null ? places.name : null) ?? placeIn(section, null);
  const name = checkMappingName(inHeader ?? values.name ?? section.name);
  if (name.isErr()) findings.problems.push(problemAt(place, name.error));
  if (inHeader !== null && values.name !== null && values.name !== inHeader)
    findings.problems.push(
      problemAt(
        places.name ?? place,
        `${quoted(values.name)} contradicts the section, which names the mapping ${quoted(inHeader)}`,
      ),
    );
  return name.unwrapOr(null);
}

function toMapping({ section, reading, name }: MappingDraft, findings: Findings): MappingConfig | null {
  const { values, unread } = reading;
  for (const key of ['protocol', 'internalPort'] as const) {
    if (values[key] !== null || unread.has(key)) continue;
    const wanted = key === 'protocol' ? `one of ${PORT_PROTOCOLS.join(', ')}` : 'the port of the program here';
    findings.problems.push(problemAt(placeIn(section, MAPPING_SETTINGS[key].key), `it is missing: give ${wanted}`));
  }
  const fits = checkDirection(section, reading, findings);
  const { protocol, internalPort, externalPort, ...rest } = values;
  if (!fits || name === null || protocol === null || internalPort === null) return null;
  return { ...rest, name, protocol, internalPort, externalPort: externalPort ?? internalPort };
}

/** What only goes with one direction, or with TCP. */
function checkDirection(
  section: Section,
  { values, places, unread }: Reading<MappingValues>,
  findings: Findings,
): boolean {
  const { direction, target, internalHost, proxyProtocol, protocol } = values;
  const wrongs: [Place | null, string][] = [];
  if (unread.has('direction')) return false;
  if (direction === 'out' && target === null && !unread.has('target'))
    wrongs.push([null, 'it is missing, and direction = out needs it: give the far end, such as [2001:db8::1]:7654']);
  if (direction === 'in' && target !== null)
    wrongs.push([places.target, `${quoted(target)} goes with direction = out only: remove it`]);
  if (direction === 'out' && addressKind(internalHost) !== 'loopback')
    wrongs.push([
      places.internalHost,
      `${quoted(internalHost)} would let other machines leave through the tunnel: with direction = out, give a loopback address`,
    ]);
  if (proxyProtocol && (direction === 'out' || protocol === 'udp'))
    wrongs.push([
      places.proxyProtocol,
      'a PROXY header is sent with protocol = tcp and direction = in only: remove it',
    ]);
  for (const [place, wrong] of wrongs)
    findings.problems.push(problemAt(place ?? placeIn(section, MAPPING_SETTINGS.target.key), wrong));
  return wrongs.length === 0;
}

function reportRepeats(drafts: readonly MappingDraft[], findings: Findings): void {
  const names = new Map<string, MappingDraft>();
  for (const draft of drafts) {
    if (draft.name === null) continue;
    const first = names.get(draft.name);
    if (first === undefined) names.set(draft.name, draft);
    // A section opened twice has been told of.
    else if (first.section.name !== draft.section.name)
      findings.problems.push(
        problemAt(
          draft.reading.places.name ?? placeIn(draft.section, null),
          `the mapping of line ${first.section.line} is named ${quoted(draft.name)} already`,
        ),
      );
  }
}

/** A mapping goes by its protocol and external port. One that is switched off may wait for its turn. */
function reportSharedPorts(mappings: readonly Written[], findings: Findings): void {
  const first = new Map<string, Written>();
  for (const one of mappings) {
    const { enabled, protocol, externalPort } = one.mapping;
    if (!enabled) continue;
    const key = `${protocol} ${externalPort}`;
    const there = first.get(key);
    if (there === undefined) first.set(key, one);
    else
      findings.problems.push(
        problemAt(one.external, `the mapping of line ${there.place.line} has ${protocol} port ${externalPort} already`),
      );
  }
}

/** Those of `[ports]` have names that nobody has given them. */
function reportSharedNames(drafts: readonly MappingDraft[], short: readonly PlacedMapping[], findings: Findings): void {
  for (const { mapping, place } of short) {
    const there = drafts.find((draft) => draft.name === mapping.name);
    if (there === undefined) continue;
    findings.problems.push(
      problemAt(place, `the mapping of line ${there.section.line} is named ${quoted(mapping.name)} already`),
    );
  }
}

/** What the gateway offers to this machine must not become everybody's by a mapping. */
function reportReserved(one: Written, { apiPort, socksPort }: GatewayPorts, findings: Findings): void {
  const { mapping, external, internal } = one;
  const isHere = addressKind(mapping.internalHost) === 'loopback';
  for (const [port, place] of [
    [mapping.direction === 'in' ? mapping.externalPort : null, external],
    [isHere ? mapping.internalPort : null, internal],
  ] as const) {
    const whose = port === apiPort ? 'API' : port === socksPort ? 'SOCKS5 proxy' : null;
    if (whose === null) continue;
    const problem = `port ${port} is the port of the gateway's own ${whose}: choose another one`;
    findings.problems.push(problemAt(place, problem));
    return;
  }
}

function placeIn(section: Section, key: string | null): Place {
  const name = shown(section.name);
  return { line: section.line, where: key === null ? name : `${name}.${key}` };
}
