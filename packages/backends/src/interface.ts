import { ABSENT, type DriverError, type LinkCounters, type LinkReading } from '@hurricane/core';
import { err, ok, type Result, type ResultAsync } from 'neverthrow';
import type { CommandRunner } from './command.js';
import { faultOf, missingDevice, obey } from './obey.js';
import { sameAddress } from './prefix.js';
import { isRow, listOf, numberOf, parseRows, type Row, textOf } from './rows.js';

export interface InterfaceAddress {
  readonly address: string;
  readonly length: number;
  /** Fit to be a source: of global scope, checked for duplicates, neither temporary nor on its way out. */
  readonly usable: boolean;
  /** Of the route to its network that it brings along; null when that is the kernel's usual one. */
  readonly metric: number | null;
}

/** A network interface as the kernel has it. */
export interface Interface {
  readonly name: string;
  /** The kernel's number for it, which one made anew under the same name does not get again. */
  readonly index: number | null;
  /** `sit`, `tun`, `wireguard`, `veth`, …; null for hardware. */
  readonly kind: string | null;
  readonly up: boolean;
  /** What somebody wrote on it (`ip link set alias`); null when nothing. */
  readonly alias: string | null;
  /** `default`, or what somebody put it into (`ip link set group`). */
  readonly group: string | null;
  readonly mtu: number | null;
  /** IPv6 only. */
  readonly addresses: readonly InterfaceAddress[];
  /** `address/length` of each IPv4 address. */
  readonly ipv4: readonly string[];
  readonly counters: LinkCounters | null;
  /** IPv4 ends of a `sit` interface; `any` where it names none. Null on other kinds. */
  readonly ends: { readonly remote: string; readonly local: string } | null;
}

/** Null when there is none of that name: an answer, unlike not being able to look. */
export function readInterface(
  runner: CommandRunner,
  name: string,
  signal: AbortSignal,
): ResultAsync<Interface | null, DriverError> {
  const argv = ['ip', '-j', '-d', '-s', 'addr', 'show', 'dev', name];
  return runner.run(argv, signal).andThen((finished) => {
    if (missingDevice(finished.stderr) !== null) return ok(null);
    if (finished.exitCode !== 0) return err<Interface | null, DriverError>(faultOf(argv, finished));
    return parseRows(argv, finished.stdout).andThen((rows) => {
      const row = rows.find((each) => textOf(each, 'ifname') === name);
      if (row === undefined) return err<Interface, DriverError>({ kind: 'interface_missing', iface: name });
      return ok(toInterface(name, row, countersIn(finished.stdout)));
    });
  });
}

/** All there are, by name, without their counters. */
export function readInterfaces(
  runner: CommandRunner,
  signal: AbortSignal,
): ResultAsync<ReadonlyMap<string, Interface>, DriverError> {
  const argv = ['ip', '-j', '-d', 'addr', 'show'];
  return obey(runner, argv, signal).andThen(({ stdout }) => interfacesIn(argv, stdout));
}

/** What `addr show` prints of all interfaces. Their kinds are only there with `ip -d`. */
export function interfacesIn(
  argv: readonly string[],
  stdout: string,
): Result<ReadonlyMap<string, Interface>, DriverError> {
  return parseRows(argv, stdout).map((rows) => {
    const named = rows.flatMap((row) => {
      const name = textOf(row, 'ifname');
      return name === null ? [] : [[name, toInterface(name, row, null)] as const];
    });
    return new Map(named);
  });
}

function toInterface(name: string, row: Row, counters: LinkCounters | null): Interface {
  const info = isRow(row['linkinfo']) ? row['linkinfo'] : {};
  const data = isRow(info['info_data']) ? info['info_data'] : {};
  const kind = textOf(info, 'info_kind');
  const flags = listOf(row, 'flags');
  const addresses = (family: string): readonly Row[] =>
    listOf(row, 'addr_info')
      .filter(isRow)
      .filter((each) => each['family'] === family);
  return {
    name,
    index: numberOf(row, 'ifindex'),
    kind,
    up: flags.includes('UP'),
    alias: textOf(row, 'ifalias'),
    group: textOf(row, 'group'),
    mtu: numberOf(row, 'mtu'),
    addresses: addresses('inet6').map((each) => toAddress(each, flags.includes('NOARP'))),
    ipv4: addresses('inet').map((each) => `${textOf(each, 'local') ?? ''}/${numberOf(each, 'prefixlen') ?? 32}`),
    counters,
    ends: kind === 'sit' ? { remote: textOf(data, 'remote') ?? 'any', local: textOf(data, 'local') ?? 'any' } : null,
  };
}

/** RT_SCOPE_UNIVERSE of rtnetlink.h, by its name and as `ip -N` prints it. */
const GLOBAL = ['global', '0'];

const UNFIT = ['deprecated', 'temporary', 'dadfailed'] as const;

/** `isAlone`: nobody is asked whether the address is free, so `tentative` lasts a moment only (addrconf_dad_work). */
function toAddress(row: Row, isAlone: boolean): InterfaceAddress {
  const isFit = UNFIT.every((flag) => row[flag] !== true) && (isAlone || row['tentative'] !== true);
  return {
    address: textOf(row, 'local') ?? '',
    length: numberOf(row, 'prefixlen') ?? 128,
    metric: numberOf(row, 'metric'),
    usable: GLOBAL.includes(textOf(row, 'scope') ?? '') && isFit,
  };
}

/** Taken from the text: JSON numbers lose their last digits beyond 2^53. */
function countersIn(json: string): LinkCounters | null {
  const found = /"stats64":\{"rx":\{"bytes":(\d+)[^}]*\},"tx":\{"bytes":(\d+)/.exec(json);
  return found === null ? null : { rx: BigInt(found[1] ?? 0), tx: BigInt(found[2] ?? 0) };
}

/** `preferred` if the interface has it, else a global address of it, else null. */
export function sourceAddress(found: Interface, preferred: string | null): InterfaceAddress | null {
  const usable = found.addresses.filter((each) => each.usable);
  return (
    usable.find((each) => preferred !== null && sameAddress(each.address, preferred)) ??
    usable.find((each) => !isLocalUse(each.address)) ??
    usable[0] ??
    null
  );
}

/** fc00::/7: unique local addresses (RFC 4193), which only reach the world behind a translator. */
export const isLocalUse = (address: string): boolean => /^f[cd]/i.test(address);

/** What the core wants to know of an interface. */
export function toReading(
  found: Interface | null,
  source: InterfaceAddress | null,
  gateway: string | null,
  carrier: string,
): LinkReading {
  if (found === null) return ABSENT;
  return {
    link: found.up ? 'up' : 'down',
    address: source?.address ?? null,
    prefixLength: source?.length ?? null,
    gateway,
    mtu: found.mtu,
    counters: found.counters,
    carrier,
  };
}
