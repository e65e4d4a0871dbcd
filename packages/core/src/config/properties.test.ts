import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AddressRange } from '../address.js';
import { MAX_PROBLEMS } from './bounds.js';
import { CORE_DEFAULTS } from './defaults.js';
import type { Config, ConfigProblem, DestinationRange, MappingConfig, Socks5Config, TunnelConfig } from './model.js';
import { parseConfig } from './parse.js';

test('a configuration that is printed and read again is the same', () => {
  fc.assert(
    fc.property(configs, fc.constantFrom('\n', '\r\n'), (config, end) => {
      expect(parseConfig(print(config).join(end))._unsafeUnwrap()).toEqual(config);
    }),
    { numRuns: 300 },
  );
});

test('any text at all is read or refused in good order', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), scraps), inGoodOrder), {
    numRuns: 1_000,
  });
});

test('a valid configuration with any damage is read or refused in good order', () => {
  const damages = fc.array(
    fc.record({
      at: fc.nat(10_000),
      cut: fc.nat(12),
      put: fc.oneof(
        fc.string({ maxLength: 8 }),
        fc.constantFrom('"', '[', ']', '=', '#', '\n', '\0', '__proto__', '999999'),
      ),
    }),
    { minLength: 1, maxLength: 6 },
  );

  fc.assert(
    fc.property(configs, damages, (config, all) => {
      let text = print(config).join('\n');
      for (const { at, cut, put } of all) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + put + text.slice(place + cut);
      }
      inGoodOrder(text);
    }),
    { numRuns: 1_000 },
  );
});

test('a problem stands on a line of the text and prints on one line', () => {
  fc.assert(
    fc.property(scraps, (text) => {
      const lines = text.split(/\r\n|\n|\r/).length;
      for (const { line, where, problem } of findingsOf(text)) {
        expect(line === null || (line >= 1 && line <= lines)).toBe(true);
        expect(`${where} ${problem}`).not.toMatch(/\p{C}/u);
        expect(problem.length).toBeLessThan(400);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a text of a megabyte takes no longer than a breath', { timeout: 20_000 }, () => {
  for (const piece of ['a=1\n', '[a]\n', '[tunnel.a]\n', '"', '[core]\napi_porti = 1\n']) {
    const began = performance.now();
    inGoodOrder(piece.repeat(Math.floor(1_000_000 / piece.length)));
    expect(performance.now() - began, JSON.stringify(piece)).toBeLessThan(10_000);
  }
});

/** Lines such as people write, and lines such as they should not. */
const scraps = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '[core]',
        '[tunnel.a]',
        '[tunnel1]',
        '[mapping.a]',
        '[mapping1]',
        '[health]',
        '[',
        ']',
        '[__proto__]',
        '[exposure.socks5]',
        'type = external',
        'type = he_6in4',
        'junk',
        '',
        '# x',
        'api_port = 1',
      ),
      fc
        .tuple(
          fc.constantFrom(
            'api_port',
            'api_bind',
            'api_socket',
            'api_allow_origin',
            'api_trusted_hosts',
            'type',
            'iface',
            'v6_prefix',
            'targets',
            'bind',
            'window',
            'constructor',
            '__proto__',
            'name',
            'enabled',
            'protocol',
            'internal_port',
            'target',
            'direction',
            '',
          ),
          fc.oneof(
            fc.string({ unit: 'binary', maxLength: 30 }),
            fc.constantFrom('1', '::', '"x"', '"', "'", '[::1]:1', 'X.X.X.X', '2001:db8::/64', '1s'),
          ),
        )
        .map(([key, value]) => `${key} = ${value}`),
    ),
    { maxLength: 12 },
  )
  .map((lines) => lines.join('\n'));

/** Never throws; problems and warnings by line, and no more than are told. */
function inGoodOrder(text: string): void {
  const found = findingsOf(text);
  const lines = found.map((p) => p.line ?? Infinity);
  expect(lines).toEqual([...lines].sort((a, b) => a - b || 0));
  expect(found.length).toBeLessThanOrEqual(MAX_PROBLEMS);
}

function findingsOf(text: string): readonly ConfigProblem[] {
  return parseConfig(text).match(
    (config) => config.warnings,
    (problems) => {
      expect(problems.length).toBeGreaterThan(0);
      return problems;
    },
  );
}

const port = fc.integer({ min: 1, max: 65_535 });
const v6 = fc
  .tuple(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 1, max: 0xffff }))
  .map(([site, host]) => `2001:db8:${(site | 1).toString(16)}::${host.toString(16)}`);
const v4 = fc.integer({ min: 1, max: 254 }).map((host) => `192.0.2.${host}`);
const flag = fc.boolean();

const base = {
  enabled: flag,
  priority: fc.integer({ min: 0, max: 100 }),
  address: v6,
  prefixLength: fc.constantFrom(48, 64, 128),
};
const tunnels: fc.Arbitrary<readonly TunnelConfig[]> = fc
  .array(
    fc.oneof(
      fc.record({
        ...base,
        type: fc.constant('he_6in4' as const),
        endpoint: v4,
        local: fc.option(v4),
        mtu: fc.option(fc.integer({ min: 1_280, max: 65_515 })),
      }),
      fc.record({ ...base, type: fc.constant('wireguard' as const), address: fc.option(v6) }),
      fc.record({ ...base, type: fc.constant('mullvad' as const), address: fc.option(v6) }),
      fc.record({
        ...base,
        type: fc.constant('external' as const),
        address: fc.option(v6),
        gateway: fc.option(fc.constantFrom('fe80::1', '2001:db8::1')),
      }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) => all.map((tunnel, i): TunnelConfig => ({ ...tunnel, name: `site.${i}-a`, iface: `t_${i}` })));

const mapping = {
  enabled: flag,
  protocol: fc.constantFrom('udp' as const, 'tcp' as const),
  internalPort: port,
  v6Address: fc.oneof(fc.constant('auto'), v6),
  description: fc.constantFrom(null, 'I2P; "SSU2" #1'),
};
const mappings: fc.Arbitrary<readonly MappingConfig[]> = fc
  .array(
    fc.oneof(
      fc.record({
        ...mapping,
        direction: fc.constant('in' as const),
        internalHost: fc.constantFrom('127.0.0.1', '::1', '192.0.2.9'),
        target: fc.constant(null),
        proxyProtocol: fc.boolean(),
      }),
      fc.record({
        ...mapping,
        direction: fc.constant('out' as const),
        internalHost: fc.constantFrom('127.0.0.1', '::1'),
        target: v6.map((address) => `[${address}]:7654`),
        proxyProtocol: fc.constant(false),
      }),
    ),
    { maxLength: 6 },
  )
  .map((all) =>
    all.map((one, i) => ({
      ...one,
      name: `i2p.${i}`,
      externalPort: i + 1,
      proxyProtocol: one.proxyProtocol && one.protocol === 'tcp',
    })),
  );

const names = (...all: readonly string[]): fc.Arbitrary<readonly string[]> => fc.subarray([...all]);
const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 100, max });
const configs: fc.Arbitrary<Config> = fc
  .record({
    tunnels,
    core: fc.record({
      logLevel: fc.constantFrom('debug' as const, 'info' as const, 'warn' as const, 'error' as const),
      stateDir: fc.constantFrom(CORE_DEFAULTS.stateDir, '/srv/a b', '/srv/#1; "2"', '/srv/\\'),
      apiBind: fc.constantFrom('127.0.0.1', '::1'),
      apiPort: port,
      apiSocket: fc.constantFrom('/run/a b.sock', '/srv/#"\\'),
      apiSocketGroup: fc.constantFrom(null, 'v6-users', 0, 4_294_967_294),
      apiTokenFile: fc.constantFrom(null, '/etc/none', '/srv/a;b'),
      apiAllowOrigin: names('https://a.example', 'http://localhost:3000', 'http://[2001:db8::1]'),
      apiTrustedHosts: names('a.lan', 'a.lan:1', '[2001:db8::1]:8443'),
    }),
    mcp: fc.record({
      enabled: fc.boolean(),
      socket: fc.constantFrom('/run/m c.sock', '/srv/;"\\'),
      http: fc.boolean(),
      allowControl: fc.boolean(),
    }),
    exposure: fc
      .record({
        mode: fc.constantFrom('kernel' as const, 'proxy' as const, 'socks5' as const),
        socks5: socks5(),
        proxy: fc.record({ udpBasePort: port, tcpBasePort: port }),
      })
      .map((e) => ({ ...e, socks5: { ...e.socks5, enabled: e.socks5.enabled || e.mode === 'socks5' } })),
    health: fc
      .record({
        targets: fc.uniqueArray(v6, { minLength: 1, maxLength: 8 }),
        method: fc.constantFrom('auto' as const, 'icmp' as const, 'tcp' as const, 'udp' as const),
        port,
        slots: fc.integer({ min: 1, max: 1_000 }),
        slot: fc.integer({ min: 1_000, max: 60_000 }),
        times: fc.tuple(upTo(1_000), upTo(1_000), upTo(1_000), upTo(1_000)),
        misses: fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 2 }),
        hardDownAfter: fc.integer({ min: 0, max: 600_000 }),
        repliesToAlive: fc.integer({ min: 1, max: 1_000 }),
      })
      .map(({ slots, slot, times: [a, b, c, d], misses, ...rest }) => ({
        ...rest,
        interval: Math.max(a, b),
        quickInterval: Math.min(a, b),
        deadline: { min: Math.min(c, d), max: Math.max(c, d) },
        window: { slots, slot },
        missesToSoftDown: Math.min(...misses),
        missesToHardDown: Math.max(...misses),
      })),
    failover: fc
      .record({
        checkInterval: upTo(86_400_000),
        scores: fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 2 }),
        abortFlows: flag,
        failback: fc.constantFrom('auto' as const, 'never' as const),
        times: fc.tuple(upTo(604_800_000), upTo(604_800_000)),
      })
      .map(({ scores, times, ...rest }) => ({
        ...rest,
        leaveBelow: Math.min(...scores),
        takeAtLeast: Math.max(...scores),
        failbackAfter: Math.min(...times),
        failbackAtMost: Math.max(...times),
      })),
    operation: fc
      .tuple(upTo(600_000), upTo(86_400_000), upTo(86_400_000))
      .map(([timeout, a, b]) => ({ timeout, retryMin: Math.min(a, b), retryMax: Math.max(a, b) })),
    routing: fc.record({
      metric: fc.integer({ min: 1, max: 4_294_964_735 }),
      tableBase: fc.oneof(fc.integer({ min: 1, max: 245 }), fc.integer({ min: 256, max: 4_294_967_000 })),
      ruleBase: fc.integer({ min: 1, max: 32_000 }),
    }),
    relay: fc.record({
      maxFlows: port,
      maxFlowsPerClient: port,
      engine: fc.constantFrom('auto' as const, 'stream' as const, 'native' as const),
      lowLatency: fc.boolean(),
    }),
    mappings,
  })
  .map((config) => ({
    ...config,
    exposure: { ...config.exposure, mode: config.mappings.length > 0 ? ('proxy' as const) : config.exposure.mode },
    mappings: config.mappings.map((one) => ({ ...one, ...apartFrom(config, one) })),
    warnings: [],
  }));

/** The gateway's own ports are no mapping's. */
function apartFrom({ core, exposure }: Pick<Config, 'core' | 'exposure'>, one: MappingConfig): Partial<MappingConfig> {
  const own = [core.apiPort, exposure.socks5.port];
  const free = (port: number): number => (own.includes(port) ? free((port % 65_000) + 300) : port);
  return { internalPort: free(one.internalPort), externalPort: free(one.externalPort) };
}

/** Quotes whatever could be misread; durations in any unit that holds them exactly. */
function socks5(): fc.Arbitrary<Socks5Config> {
  const address = fc.constantFrom(
    ...['192.0.2.1/32', '198.51.100.0/24', '0.0.0.0/0', '2001:db8::1/128', '2001:db8::/32', '::/0'],
  );
  const range = address.map((text) => ({ address: text.split('/')[0] ?? '', length: Number(text.split('/')[1]) }));
  const textOf = (r: AddressRange): string => `${r.address}/${r.length}`;
  const ranges = fc.uniqueArray(range, { maxLength: 4, selector: textOf });
  const destination = fc.record({ range, port: fc.option(fc.integer({ min: 1, max: 65_535 })) });
  const destinations = fc
    .uniqueArray(destination, { maxLength: 4, selector: (d) => `${textOf(d.range)} ${d.port}` })
    .map((all) => all.map((d) => ({ ...d.range, port: d.port })));
  return fc.record({
    enabled: fc.boolean(),
    bind: fc.constantFrom('127.0.0.1', '::1'),
    port: fc.integer({ min: 1, max: 65_535 }),
    usersFile: fc.constantFrom(null, '/etc/users of it'),
    allowClients: ranges,
    allowDestinations: destinations,
    denyDestinations: destinations,
    raceTunnels: fc.boolean(),
    ipv4: fc.constantFrom('prefer6' as const, 'only6' as const, 'allow4' as const),
    resolver: fc.constantFrom(null, ['192.0.2.53'], ['192.0.2.53:5353', '2001:db8::53', '[2001:db8::53]:53']),
  });
}

function printSocks5(s: Socks5Config): readonly string[] {
  const ranges = (all: readonly AddressRange[]): string =>
    all.map((r) => `${r.address}/${r.length}`).join(', ') || 'none';
  const destinations = (all: readonly DestinationRange[]): string =>
    all.map((r) => `[${r.address}/${r.length}]${r.port === null ? '' : `:${r.port}`}`).join(' ') || 'none';
  return [
    `enabled = ${s.enabled}`,
    `bind = [${s.bind}]:${s.port}`,
    `users_file = ${s.usersFile === null ? 'None' : JSON.stringify(s.usersFile)}`,
    `allow_clients = ${ranges(s.allowClients)}`,
    `allow_destinations = ${destinations(s.allowDestinations)}`,
    `deny_destinations = ${destinations(s.denyDestinations)}`,
    `ipv4 = ${s.ipv4}`,
    `race_tunnels = ${s.raceTunnels ? 'on' : 'No'}`,
    `resolver = ${s.resolver?.join(' ') ?? 'system'}`,
  ];
}

function print({
  core,
  mcp,
  exposure,
  tunnels,
  health,
  failover,
  operation,
  routing,
  relay,
  mappings,
}: Config): readonly string[] {
  const ms = (value: number): string =>
    value % 1_000 === 0 ? `${value / 1_000}` : value % 10 === 0 ? `${value / 1_000}s` : `${value}ms`;
  return [
    '[core]',
    `log_level = ${core.logLevel}`,
    `state_dir = ${JSON.stringify(core.stateDir)}  # where`,
    `api_bind = ${core.apiBind}`,
    `api_port = ${core.apiPort}`,
    `api_socket = ${JSON.stringify(core.apiSocket)}`,
    `api_socket_group = ${core.apiSocketGroup ?? 'none'}`,
    `api_token_file = ${core.apiTokenFile === null ? 'NONE' : JSON.stringify(core.apiTokenFile)}`,
    `api_allow_origin = ${core.apiAllowOrigin.join(' , ').toUpperCase() || 'none'}`,
    `api_trusted_hosts = ${core.apiTrustedHosts.join(' ') || 'None'}`,
    '[mcp]',
    `enabled = ${mcp.enabled}`,
    `socket = ${JSON.stringify(mcp.socket)}`,
    `http = ${mcp.http}`,
    `allow_control = ${mcp.allowControl}`,
    '[exposure]',
    `mode = ${exposure.mode}`,
    '[exposure.socks5]',
    ...printSocks5(exposure.socks5),
    '[exposure.proxy]',
    `udp_base_port = ${exposure.proxy.udpBasePort}`,
    `tcp_base_port = ${exposure.proxy.tcpBasePort}`,
    ...tunnels.flatMap((tunnel, i) => [
      ...(i % 2 === 0 ? [`[tunnel.${tunnel.name}]`] : [`[tunnel${i}]`, `name = '${tunnel.name}'`]),
      `type = ${tunnel.type}`,
      `iface = ${tunnel.iface}`,
      `enabled = ${tunnel.enabled ? 'Yes' : 'off'}`,
      `priority = ${tunnel.priority}`,
      ...(i % 3 === 0 && tunnel.address !== null
        ? [`v6_prefix = ${tunnel.address.toUpperCase()}/${tunnel.prefixLength}`]
        : [`v6_prefix = ${tunnel.address ?? ''}`, `prefix_len = ${tunnel.prefixLength}`]),
      ...(tunnel.type === 'he_6in4'
        ? [
            `endpoint_ipv4 = ${tunnel.endpoint}`,
            `local_ipv4 = ${tunnel.local ?? ''}`,
            ...(tunnel.mtu === null ? [] : [`mtu = ${tunnel.mtu}`]),
          ]
        : []),
      ...(tunnel.type === 'external' ? [`gateway = ${tunnel.gateway ?? ''}`] : []),
    ]),
    '[relay]',
    `max_flows = ${relay.maxFlows}`,
    `max_flows_per_client = ${relay.maxFlowsPerClient}`,
    `engine = ${relay.engine}`,
    `low_latency = ${relay.lowLatency ? 'yes' : 'no'}`,
    ...mappings.flatMap((m, i) => [
      ...(i % 2 === 0 ? [`[mapping.${m.name}]`] : [`[mapping${i}]`, `name = ${m.name}`]),
      `enabled = ${m.enabled ? 'ON' : '0'}`,
      `protocol = ${m.protocol.toUpperCase()}`,
      `internal_host = ${m.internalHost}`,
      `internal_port = ${m.internalPort}`,
      `external_port = ${m.externalPort}`,
      `v6_address = ${m.v6Address.toUpperCase()}`,
      `direction = ${m.direction}`,
      ...(m.target === null ? [] : [`target = ${m.target}`]),
      `proxy_protocol = ${m.proxyProtocol}`,
      ...(m.description === null ? [] : [`description = ${JSON.stringify(m.description)}`]),
    ]),
    '[health]',
    `targets = ${health.targets.join(', ')}`,
    `method = ${health.method}`,
    `port = ${health.port}`,
    `probe_interval = ${ms(health.interval)}`,
    `quick_interval = ${ms(health.quickInterval)}`,
    `deadline_min = ${ms(health.deadline.min)}`,
    `deadline_max = ${ms(health.deadline.max)}`,
    `window = ${ms(health.window.slots * health.window.slot)}`,
    `slot = ${ms(health.window.slot)}`,
    `misses_soft = ${health.missesToSoftDown}`,
    `misses_hard = ${health.missesToHardDown}`,
    `hard_down_after = ${ms(health.hardDownAfter)}`,
    `replies_alive = ${health.repliesToAlive}`,
    '[failover]',
    `check_interval = ${ms(failover.checkInterval)}`,
    `leave_below = ${failover.leaveBelow}`,
    `take_at_least = ${failover.takeAtLeast}`,
    `failback = ${failover.failback}`,
    `failback_after = ${ms(failover.failbackAfter)}`,
    `failback_at_most = ${ms(failover.failbackAtMost)}`,
    `abort_flows = ${failover.abortFlows ? 'on' : 'no'}`,
    '[operation]',
    `timeout = ${ms(operation.timeout)}`,
    `retry_min = ${ms(operation.retryMin)}`,
    `retry_max = ${ms(operation.retryMax)}`,
    '[routing]',
    `metric = ${routing.metric}`,
    `table_base = ${routing.tableBase}`,
    `rule_base = ${routing.ruleBase}`,
  ];
}
