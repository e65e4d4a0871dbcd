import type { DriverError } from '@hurricane/core';
import { err, ok, type Result, type ResultAsync } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { faultOf, obey } from './obey.js';
import { numberOf, parseRows, type Row, textOf } from './rows.js';

/**
 * The routing protocol number that marks our routes and rules, so that they can be told from everybody
 * else's. Unassigned (rtnetlink.h); 186 to 192 are the routing daemons'.
 */
export const PROTOCOL = 206;

/** RT_TABLE_MAIN of rtnetlink.h. */
export const MAIN_TABLE = 254;

/** The largest metric there is: a route with it is the last to be asked. */
export const LAST_METRIC = 4_294_967_295;

/** What `ip -6 rule add` gives no number for: the kernel's own rule that looks into main. */
export const MAIN_RULE_PREF = 32_766;

export interface Rule {
  readonly pref: number;
  /** `address/length`; null for any. */
  readonly from: string | null;
  readonly oif: string | null;
  /** Null for rules that look into no table. */
  readonly table: number | null;
  /** Null when the rule names none. */
  readonly protocol: number | null;
  /** Meant for some packets from `from` only: of a mark, a user, a port, a destination, from an interface. */
  readonly isNarrow: boolean;
  /** `not`: meant for the packets that all the rest does not describe. */
  readonly isInverted: boolean;
}

/** What a rule of ours consists of. */
export type OurRule = Pick<Rule, 'pref' | 'from' | 'oif' | 'table'>;

export interface Route {
  readonly type: 'unicast' | 'unreachable' | 'other';
  /** `default` or `address/length`. */
  readonly destination: string;
  /** Null on routes over several hops. */
  readonly iface: string | null;
  readonly gateway: string | null;
  readonly source: string | null;
  readonly table: number;
  readonly metric: number;
  readonly protocol: number;
}

/** RTN_UNREACHABLE of rtnetlink.h; `ip -N` prints the number, and no type at all for RTN_UNICAST. */
const UNREACHABLE = '7';

/** What `ip -j rule` calls the things a rule can be limited to, besides `src` and `oif` (iprule.c). */
const NARROWING = ['dst', 'tos', 'dsfield', 'fwmark', 'uid_start', 'ipproto', 'tun_id'];
const NARROWING_PORTS = ['sport', 'sport_start', 'dport', 'dport_start'];

/** A command without `ip -6`: also a line of a batch. */
export type IpCommand = readonly string[];

/** Numbers instead of names, and JSON. */
const JSON_NUMBERS = ['-N', '-j'] as const;

export const toArgv = (command: IpCommand, options: readonly string[] = []): readonly string[] => [
  ...['ip', ...options, '-6'],
  ...command,
];

export const SHOW_RULES: IpCommand = ['rule', 'show'];

/** The kernel picks them out, so that other tables may be as large as they like. */
export const SHOW_OUR_ROUTES: IpCommand = ['route', 'show', 'table', 'all', 'proto', `${PROTOCOL}`];

/** Every IPv6 rule of the host. Names are off (`-N`): /etc/iproute2 may call our numbers anything. */
export const readRules = (runner: CommandRunner, signal: AbortSignal): ResultAsync<readonly Rule[], DriverError> =>
  obey(runner, toArgv(SHOW_RULES, JSON_NUMBERS), signal).andThen(({ stdout }) => rulesIn(stdout));

/** What {@link SHOW_RULES} prints. */
export const rulesIn = (stdout: string): Result<readonly Rule[], DriverError> =>
  parseRows(toArgv(SHOW_RULES), stdout).map((rows) => rows.map(toRule));

/** The IPv6 routes of one table; of one that does not exist, none. */
export function readTable(
  runner: CommandRunner,
  table: number,
  signal: AbortSignal,
): ResultAsync<readonly Route[], DriverError> {
  return readRoutes(runner, ['ip', '-N', '-j', '-6', 'route', 'show', 'table', `${table}`], table, signal);
}

/** Our IPv6 routes in every table. */
export const readOurRoutes = (runner: CommandRunner, signal: AbortSignal): ResultAsync<readonly Route[], DriverError> =>
  obey(runner, toArgv(SHOW_OUR_ROUTES, JSON_NUMBERS), signal).andThen(({ stdout }) => ourRoutesIn(stdout));

/** What {@link SHOW_OUR_ROUTES} prints: `ip` leaves out what it was asked to select by. */
export const ourRoutesIn = (stdout: string): Result<readonly Route[], DriverError> =>
  parseRows(toArgv(SHOW_OUR_ROUTES), stdout).map((rows) =>
    rows.map((row) => ({ ...toRoute(row, MAIN_TABLE), protocol: PROTOCOL })),
  );

/** The routes of the main table that leave by an interface. `flag`: `-4` or `-6`. */
export function readRoutesVia(
  runner: CommandRunner,
  flag: string,
  iface: string,
  signal: AbortSignal,
): ResultAsync<readonly Route[], DriverError> {
  const argv = ['ip', '-N', '-j', flag, 'route', 'show', 'table', `${MAIN_TABLE}`, 'dev', iface];
  return readRoutes(runner, argv, MAIN_TABLE, signal);
}

/** The IPv6 default routes of every table. */
export function readDefaults(runner: CommandRunner, signal: AbortSignal): ResultAsync<readonly Route[], DriverError> {
  return readRoutes(runner, ['ip', '-N', '-j', '-6', 'route', 'show', 'table', 'all', 'default'], MAIN_TABLE, signal);
}

function readRoutes(
  runner: CommandRunner,
  argv: readonly string[],
  table: number,
  signal: AbortSignal,
): ResultAsync<readonly Route[], DriverError> {
  return runner.run(argv, signal).andThen((finished) => {
    // rtnetlink answers a dump of a table that never had a route with this, and `ip` exits with 2.
    if (/FIB table does not exist/.test(finished.stderr)) return ok([]);
    if (finished.exitCode !== 0) return err<readonly Route[], DriverError>(faultOf(argv, finished));
    return parseRows(argv, finished.stdout).map((rows) => rows.map((row) => toRoute(row, table)));
  });
}

function toRule(row: Row): Rule {
  const source = textOf(row, 'src');
  return {
    pref: numberOf(row, 'priority') ?? 0,
    from: source === null || source === 'all' ? null : `${source}/${numberOf(row, 'srclen') ?? 128}`,
    oif: textOf(row, 'oif'),
    table: numberOf(row, 'table'),
    protocol: numberOf(row, 'protocol'),
    isNarrow: [...NARROWING, ...NARROWING_PORTS].some((key) => key in row) || namesAnotherIif(row),
    isInverted: 'not' in row,
  };
}

/** `iif lo` is what this machine itself sends (ip-rule(8)). */
const namesAnotherIif = (row: Row): boolean => !['lo', null].includes(textOf(row, 'iif'));

/** `table`: what a row that names none is in; `ip` leaves it out where it is understood. */
export function toRoute(row: Row, table: number): Route {
  const type = textOf(row, 'type');
  return {
    type: type === null ? 'unicast' : type === UNREACHABLE ? 'unreachable' : 'other',
    destination: textOf(row, 'dst') ?? 'default',
    iface: textOf(row, 'dev'),
    gateway: textOf(row, 'gateway'),
    source: textOf(row, 'prefsrc'),
    table: numberOf(row, 'table') ?? table,
    metric: numberOf(row, 'metric') ?? 0,
    protocol: numberOf(row, 'protocol') ?? 0,
  };
}

export const isOurs = (object: { readonly protocol: number | null }): boolean => object.protocol === PROTOCOL;

/** `rule add|del` for one rule of ours. */
export function ruleCommand(verb: 'add' | 'del', rule: OurRule): IpCommand {
  return [
    ...['rule', verb, 'pref', `${rule.pref}`],
    ...(rule.from === null ? [] : ['from', rule.from]),
    ...(rule.oif === null ? [] : ['oif', rule.oif]),
    ...(rule.table === null ? [] : ['lookup', `${rule.table}`]),
    ...['protocol', `${PROTOCOL}`],
  ];
}

/** `route replace|del` for one route of ours. */
export function routeCommand(verb: 'replace' | 'del', route: Omit<Route, 'protocol'>): IpCommand {
  return [
    ...['route', verb],
    ...(route.type === 'unreachable' ? ['unreachable', route.destination] : [route.destination]),
    ...(route.gateway === null ? [] : ['via', route.gateway]),
    ...(route.type === 'unreachable' || route.iface === null ? [] : ['dev', route.iface]),
    ...(route.source === null ? [] : ['src', route.source]),
    ...['table', `${route.table}`, 'metric', `${route.metric}`, 'proto', `${PROTOCOL}`],
  ];
}
