/** An interface of a {@link FakeKernel}. */
export interface FakeLink {
  kind: string | null;
  up: boolean;
  mtu: number;
  remote: string;
  local: string;
  /** '' for none. */
  alias: string;
  /** As `ip link` shows it. */
  group: string;
  index: number;
  /** `address/length` to the flags `ip` would show with it; `metric N` for a metric of its own. */
  readonly addresses: Map<string, readonly string[]>;
}

export interface FakeRoute {
  readonly table: number;
  /** Absent for unicast, as `ip -N` prints it; 7 is unreachable. */
  readonly type: string | null;
  /** `default` or `network/length`. */
  readonly destination: string;
  readonly iface: string | null;
  readonly gateway: string | null;
  readonly source: string | null;
  readonly metric: number;
  readonly protocol: number;
}

export interface FakeRule {
  readonly pref: number;
  readonly from: string | null;
  readonly oif: string | null;
  readonly table: number;
  readonly protocol: number | null;
  /** Selectors that ours never have, as `ip -j` shows them: `{ fwmark: '0xca6c', not: null }`. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** What the kernel prints when it refuses; null when it obeys. */
export type Refusal = string | null;

const NO_SUCH = 'RTNETLINK answers: No such process';
const EXISTS = 'RTNETLINK answers: File exists';

/** As much of Linux networking as our commands touch, with the side effects they rely on. */
export class FakeKernel {
  readonly links: Map<string, FakeLink> = new Map();
  readonly rules: FakeRule[] = [];
  readonly routes: FakeRoute[] = [];
  #nextIndex = 1;

  addLink(name: string, link: Partial<FakeLink> = {}): Refusal {
    if (this.links.has(name)) return EXISTS;
    const base = {
      kind: null,
      up: false,
      mtu: 1500,
      remote: 'any',
      local: 'any',
      alias: '',
      group: 'default',
      index: this.#nextIndex,
    };
    this.#nextIndex += 1;
    this.links.set(name, { ...base, ...link, addresses: link.addresses ?? new Map() });
    return null;
  }

  /** Its number, addresses and routes stay with it; rules that name it do not follow. */
  renameLink(from: string, to: string): void {
    const link = this.links.get(from);
    if (link === undefined) return;
    this.links.delete(from);
    this.links.set(to, link);
    for (const [i, route] of this.routes.entries()) if (route.iface === from) this.routes[i] = { ...route, iface: to };
  }

  /** Its addresses and routes go with it; rules that name it and routes that name no device stay. */
  removeLink(name: string): void {
    this.links.delete(name);
    this.#drop(this.routes, (route) => route.iface === name);
  }

  setUp(name: string, link: FakeLink, up: boolean): void {
    link.up = up;
    if (up) return;
    link.addresses.clear();
    this.#drop(this.routes, (route) => route.iface === name);
  }

  addRule(rule: FakeRule): Refusal {
    if (this.rules.some((is) => sameFields(is, rule))) return EXISTS;
    this.rules.push(rule);
    return null;
  }

  removeRule(rule: FakeRule): Refusal {
    return this.#drop(this.rules, (is) => sameFields(is, rule), 1)
      ? null
      : 'RTNETLINK answers: No such file or directory';
  }

  /** Refused where there is one of equal table, destination and metric, whosever it is. */
  addRoute(route: FakeRoute): Refusal {
    return this.routes.some((is) => sameSlot(is, route)) ? EXISTS : this.replaceRoute(route);
  }

  /** The first one of equal table, destination and metric is replaced, whosever it is, as the kernel does. */
  replaceRoute(route: FakeRoute): Refusal {
    if (route.iface !== null && this.links.get(route.iface)?.up !== true) return 'RTNETLINK answers: Network is down';
    const at = this.routes.findIndex((is) => sameSlot(is, route));
    if (at === -1) this.routes.push(route);
    else this.routes[at] = route;
    return null;
  }

  removeRoute(route: FakeRoute): Refusal {
    const matches = (is: FakeRoute): boolean =>
      sameSlot(is, route) &&
      is.protocol === route.protocol &&
      (route.iface === null || is.iface === route.iface) &&
      (route.gateway === null || is.gateway === route.gateway);
    return this.#drop(this.routes, matches, 1) ? null : NO_SUCH;
  }

  toString(): string {
    const links = [...this.links].map(([name, link]) => {
      const addresses = [...link.addresses.keys()].sort().join(' ');
      const ends = link.kind === 'sit' ? ` ${link.local}>${link.remote}` : '';
      const alias = link.alias === '' ? '' : ` alias ${link.alias}`;
      const group = link.group === 'default' ? '' : ` group ${link.group}`;
      const state = `${link.up ? 'up' : 'down'} mtu ${link.mtu}${group}${alias}`;
      return `link ${name} ${link.kind ?? 'hardware'}${ends} ${state} ${addresses}`;
    });
    const rules = this.rules.map((rule) => {
      return `rule ${rule.pref} from ${rule.from} oif ${rule.oif} table ${rule.table} proto ${rule.protocol}${more(rule)}`;
    });
    const routes = this.routes.map((route) => {
      const way = `${route.type ?? 'unicast'} ${route.destination} via ${route.gateway} dev ${route.iface}`;
      return `route ${route.table} ${way} src ${route.source} metric ${route.metric} proto ${route.protocol}`;
    });
    return [...links.sort(), ...rules.sort(), ...routes.sort()].join('\n');
  }

  #drop<T>(list: T[], isDoomed: (item: T) => boolean, atMost: number = list.length): boolean {
    let left = atMost;
    const kept = list.filter((item) => left === 0 || !isDoomed(item) || left-- === 0);
    const dropped = kept.length < list.length;
    list.splice(0, list.length, ...kept);
    return dropped;
  }
}

const more = ({ more: extra }: FakeRule): string => (extra === undefined ? '' : ` ${JSON.stringify(extra)}`);

const sameSlot = (a: FakeRoute, b: FakeRoute): boolean =>
  a.table === b.table && a.destination === b.destination && a.metric === b.metric;

const sameFields = (a: FakeRule, b: FakeRule): boolean =>
  a.pref === b.pref &&
  a.from === b.from &&
  a.oif === b.oif &&
  a.table === b.table &&
  a.protocol === b.protocol &&
  more(a) === more(b);
