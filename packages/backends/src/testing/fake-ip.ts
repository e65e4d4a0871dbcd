import type { Finished } from '../command.js';
import { prefixKey } from '../prefix.js';
import type { FakeKernel, FakeLink, FakeRoute, FakeRule, Refusal } from './fake-kernel.js';

const LOCAL_TABLE = 255;
const MAIN_TABLE = 254;

/** How the fake host reaches IPv4. */
export interface FakeUnderlay {
  readonly iface: string;
  readonly source: string;
}

export interface FakeIpOptions {
  readonly kernel: FakeKernel;
  /** Whether the kernel has `sit` interfaces. */
  readonly sit: boolean;
  /** Null: no route to anywhere. */
  readonly underlay: FakeUnderlay | null;
}

const done = (rows?: readonly object[]): Finished => ({
  exitCode: 0,
  stdout: rows === undefined ? '' : `${JSON.stringify(rows)}\n`,
  stderr: '',
});
const no = (stderr: string, exitCode = 2): Finished => ({ exitCode, stdout: '', stderr: `${stderr}\n` });
const verdict = (refusal: Refusal): Finished => (refusal === null ? done() : no(refusal));

/** Does what `ip` would, with the words after it. Null for a command it does not know. */
export function fakeIp(options: FakeIpOptions, args: readonly string[]): Finished | null {
  const words = args.filter((word) => !/^-[A-Za-z46]+$/.test(word));
  const [object, verb, ...rest] = words;
  const family = args.includes('-4') ? 4 : 6;
  switch (`${object} ${verb}`) {
    case 'addr show':
      return showAddresses(options.kernel, rest);
    case 'addr replace':
    case 'addr del':
      return changeAddress(options.kernel, verb === 'del', rest);
    case 'link show':
      return showLink(options.kernel, rest);
    case 'link add':
      return addLink(options, rest);
    case 'link set':
      return setLink(options.kernel, rest);
    case 'link del':
      return withLink(options.kernel, rest, (_link, name) => {
        options.kernel.removeLink(name);
        return done();
      });
    case 'rule show':
      return done([...options.kernel.rules].sort((a, b) => a.pref - b.pref).map(ruleRow));
    case 'rule add':
    case 'rule del':
      return changeRule(options.kernel, verb === 'del', rest);
    case 'route show':
      return showRoutes(options.kernel, family, rest);
    case 'route add':
    case 'route replace':
    case 'route del':
      return changeRoute(options.kernel, verb ?? '', rest);
    case 'route get':
      return options.underlay === null
        ? no('RTNETLINK answers: Network is unreachable')
        : done([{ dst: rest[0], dev: options.underlay.iface, prefsrc: options.underlay.source }]);
    default:
      return null;
  }
}

/** The word after `key`; null when there is none. */
const after = (words: readonly string[], key: string): string | null => {
  const at = words.indexOf(key);
  return at === -1 ? null : (words[at + 1] ?? null);
};

function withLink(
  kernel: FakeKernel,
  words: readonly string[],
  act: (link: FakeLink, name: string) => Finished | null,
): Finished | null {
  const name = after(words, 'dev');
  if (name === null) return null;
  const link = kernel.links.get(name);
  return link === undefined ? no(`Cannot find device "${name}"`, 1) : act(link, name);
}

function showAddresses(kernel: FakeKernel, words: readonly string[]): Finished | null {
  const name = after(words, 'dev');
  if (name === null) return done([...kernel.links].map(([each, link]) => addressRow(each, link)));
  const link = kernel.links.get(name);
  return link === undefined ? no(`Device "${name}" does not exist.`, 1) : done([addressRow(name, link)]);
}

function addressRow(name: string, link: FakeLink): object {
  const addr_info = [...link.addresses].map(([text, flags]) => {
    const [local, length] = text.split('/');
    return {
      family: text.includes(':') ? 'inet6' : 'inet',
      local,
      prefixlen: Number(length),
      scope: local?.startsWith('fe80:') === true ? 'link' : 'global',
      ...Object.fromEntries(
        flags.map((flag) => (flag.startsWith('metric ') ? ['metric', Number(flag.slice(7))] : [flag, true])),
      ),
    };
  });
  return {
    ...linkRow(name, link),
    ...{ addr_info, stats64: { rx: { bytes: 5, packets: 1 }, tx: { bytes: 7, packets: 1 } } },
  };
}

const linkRow = (ifname: string, link: FakeLink): object => ({
  ...{ ifindex: link.index, ifname, flags: flagsOf(link), mtu: link.mtu, group: link.group },
  ...(link.alias === '' ? {} : { ifalias: link.alias }),
  ...(link.kind === null
    ? {}
    : { linkinfo: { info_kind: link.kind, info_data: { remote: link.remote, local: link.local } } }),
});

/** Tunnels have no neighbours. */
const flagsOf = ({ up, kind }: FakeLink): readonly string[] => [
  ...(['sit', 'tun', 'wireguard'].includes(kind ?? '') ? ['NOARP'] : []),
  ...(up ? ['UP'] : []),
];

function showLink(kernel: FakeKernel, words: readonly string[]): Finished | null {
  if (words.includes('dev')) return withLink(kernel, words, (link, name) => done([linkRow(name, link)]));
  const kind = after(words, 'type');
  return done(
    [...kernel.links].filter(([, link]) => kind === null || link.kind === kind).map((each) => linkRow(...each)),
  );
}

function addLink(options: FakeIpOptions, words: readonly string[]): Finished | null {
  const [name, kind] = [after(words, 'name'), after(words, 'type')];
  if (name === null || kind !== 'sit') return null;
  if (!options.sit) return no('Error: Unknown device type.');
  const ends = endsIn(words, { remote: 'any', local: 'any' });
  if (hasTwin(options.kernel, name, ends)) return no('RTNETLINK answers: File exists');
  const group = after(words, 'group') ?? 'default';
  return verdict(options.kernel.addLink(name, { kind, mtu: 1480, group, ...ends }));
}

function setLink(kernel: FakeKernel, words: readonly string[]): Finished | null {
  return withLink(kernel, words, (link, name) => {
    const [what, value] = words.slice(2);
    const alias = after(words, 'alias');
    if (what === 'up' || what === 'down') kernel.setUp(name, link, what === 'up');
    else if (what === 'mtu') link.mtu = Number(value);
    else if (what === 'alias') link.alias = value ?? '';
    else if (what === 'group' && value === '0' && alias !== null) Object.assign(link, { group: 'default', alias });
    else if (what === 'type' && value === 'sit' && link.kind === 'sit') {
      const ends = endsIn(words, link);
      if (hasTwin(kernel, name, ends)) return no('RTNETLINK answers: File exists');
      Object.assign(link, ends);
    } else return null;
    return done();
  });
}

const hasTwin = (kernel: FakeKernel, name: string, ends: { remote: string; local: string }): boolean =>
  [...kernel.links].some(([other, is]) => other !== name && is.remote === ends.remote && is.local === ends.local);

const endsIn = (
  words: readonly string[],
  was: { remote: string; local: string },
): { remote: string; local: string } => ({
  remote: after(words, 'remote') ?? was.remote,
  local: after(words, 'local') ?? was.local,
});

function changeAddress(kernel: FakeKernel, isRemoval: boolean, words: readonly string[]): Finished | null {
  return withLink(kernel, words, (link) => {
    const address = words[0] ?? '';
    if (isRemoval)
      return link.addresses.delete(address) ? done() : no('RTNETLINK answers: Cannot assign requested address');
    const held = [...link.addresses.keys()].some((is) => is.split('/')[0] === address.split('/')[0]);
    // A known address keeps its prefix length, whatever it is told.
    const metric = after(words, 'metric');
    const flags = [words.includes('nodad') ? 'nodad' : 'tentative', ...(metric === null ? [] : [`metric ${metric}`])];
    if (!held) link.addresses.set(address, flags);
    return done();
  });
}

function ruleRow(rule: FakeRule): object {
  const [src, length] = rule.from?.split('/') ?? ['all'];
  return {
    priority: rule.pref,
    src,
    ...(length === undefined || length === '128' ? {} : { srclen: Number(length) }),
    ...(rule.oif === null ? {} : { oif: rule.oif }),
    table: `${rule.table}`,
    ...(rule.protocol === null ? {} : { protocol: `${rule.protocol}` }),
    ...rule.more,
  };
}

function changeRule(kernel: FakeKernel, isRemoval: boolean, words: readonly string[]): Finished {
  const protocol = after(words, 'protocol');
  const rule = {
    pref: Number(after(words, 'pref')),
    from: after(words, 'from'),
    oif: after(words, 'oif'),
    table: Number(after(words, 'lookup')),
    protocol: protocol === null ? null : Number(protocol),
  };
  return verdict(isRemoval ? kernel.removeRule(rule) : kernel.addRule(rule));
}

function showRoutes(kernel: FakeKernel, family: 4 | 6, words: readonly string[]): Finished {
  const table = after(words, 'table') ?? 'main';
  const protocol = after(words, 'proto');
  const iface = after(words, 'dev');
  const shown = kernel.routes.filter(
    (route) =>
      family === (/^\d+\./.test(route.destination) ? 4 : 6) &&
      (iface === null || route.iface === iface) &&
      (table === 'all' ? route.table !== LOCAL_TABLE : route.table === Number(table)) &&
      (!words.includes('default') || route.destination === 'default') &&
      (protocol === null || route.protocol === Number(protocol)),
  );
  if (shown.length === 0 && table !== 'all' && table !== `${MAIN_TABLE}`) {
    return { ...no('Error: ipv6: FIB table does not exist.\nDump terminated'), stdout: '[' };
  }
  const names = { table: table === 'all', protocol: protocol === null };
  return done(shown.map((route) => routeRow(route, names)));
}

/** `ip` leaves out what it was asked to select by, and the main table. */
const routeRow = (route: FakeRoute, names: { readonly table: boolean; readonly protocol: boolean }): object => ({
  ...(route.type === null ? {} : { type: route.type }),
  dst: route.destination,
  ...(route.gateway === null ? {} : { gateway: route.gateway }),
  dev: route.iface ?? 'lo',
  ...(names.table && route.table !== MAIN_TABLE ? { table: `${route.table}` } : {}),
  ...(route.source === null ? {} : { prefsrc: route.source }),
  ...(names.protocol ? { protocol: `${route.protocol}` } : {}),
  ...{ metric: route.metric, flags: [] },
});

function changeRoute(kernel: FakeKernel, verb: string, words: readonly string[]): Finished {
  const iface = after(words, 'dev');
  if (iface !== null && !kernel.links.has(iface)) return no(`Cannot find device "${iface}"`, 1);
  const isUnreachable = words[0] === 'unreachable';
  const route: FakeRoute = {
    table: Number(after(words, 'table') ?? MAIN_TABLE),
    type: isUnreachable ? '7' : null,
    destination: networkOf(words[isUnreachable ? 1 : 0] ?? ''),
    iface,
    gateway: after(words, 'via'),
    source: after(words, 'src'),
    metric: Number(after(words, 'metric') ?? 1024),
    protocol: Number(after(words, 'proto') ?? 3),
  };
  if (verb === 'del') return verdict(kernel.removeRoute(route));
  return verdict(verb === 'add' ? kernel.addRoute(route) : kernel.replaceRoute(route));
}

/** The kernel forgets the host part of a destination. Enough of that for the addresses of our tests: /64 and /128. */
function networkOf(destination: string): string {
  const [address = '', length] = destination.split('/');
  if (length !== '64') return destination;
  const network = `${address.split(':').slice(0, 4).join(':').replace(/:+$/, '')}::/64`;
  return prefixKey(network) === prefixKey(destination) ? network : destination;
}
