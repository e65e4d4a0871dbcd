import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MAX_PROBLEMS, MAX_TEXT } from './bounds.js';
import {
  CORE_DEFAULTS,
  EXPOSURE_DEFAULTS,
  FAILOVER_DEFAULTS,
  HEALTH_DEFAULTS,
  MCP_DEFAULTS,
  OPERATION_DEFAULTS,
  RELAY_DEFAULTS,
  ROUTING_DEFAULTS,
} from './defaults.js';
import type { Config, ConfigProblem } from './model.js';
import { parseConfig } from './parse.js';

const TUNNEL = '[tunnel.x]\ntype = external\n';

describe('a configuration that says little', () => {
  test('has every default', () => {
    expect(accepted(TUNNEL)).toEqual({
      core: CORE_DEFAULTS,
      mcp: MCP_DEFAULTS,
      exposure: EXPOSURE_DEFAULTS,
      health: HEALTH_DEFAULTS,
      failover: FAILOVER_DEFAULTS,
      operation: OPERATION_DEFAULTS,
      routing: ROUTING_DEFAULTS,
      relay: RELAY_DEFAULTS,
      mappings: [],
      warnings: [],
      tunnels: [
        {
          name: 'x',
          iface: 'x',
          type: 'external',
          enabled: true,
          priority: 0,
          address: null,
          prefixLength: 64,
          gateway: null,
        },
      ],
    });
  });

  test('is refused when it has no tunnel', () => {
    expect(refused('')).toEqual([
      { line: null, where: '', problem: expect.stringContaining('no tunnel is configured') },
    ]);
  });
});

describe('the seed document', () => {
  const text = readFileSync(new URL('./fixtures/seed-document.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```ini\n(.*?)```/gs)].map((block) => block[1] ?? '');
  const [configure = '', core = '', he = '', mullvad = '', external = '', exposure = '', failover = ''] = blocks;

  test('has seven examples', () => {
    expect(blocks).toHaveLength(7);
  });

  test('step 3 of "Configure": the tunnel waits for its addresses, the rest is read', () => {
    const config = accepted(configure);

    expect(config.tunnels).toEqual([
      {
        name: 'he',
        iface: 'he0',
        type: 'he_6in4',
        enabled: true,
        priority: 0,
        address: null,
        prefixLength: 64,
        endpoint: null,
        local: null,
        mtu: null,
      },
    ]);
    expect(config.warnings).toEqual([
      {
        line: 4,
        where: 'tunnel.he.endpoint_ipv4',
        problem: expect.stringMatching(/YOUR\.TUNNEL\.SERVER\.IP.*tunnel he stays down/),
      },
      {
        line: 6,
        where: 'tunnel.he.v6_prefix',
        problem: expect.stringMatching(/YOUR:IPV6:PREFIX::2.*tunnel he stays down/),
      },
    ]);
  });

  test('"Core Settings": the API stays on this machine, whatever stands in the comments', () => {
    expect(refused(core)).toEqual([expect.objectContaining({ where: '', line: null })]);
    const config = accepted(core + external);

    expect(config.core).toEqual(CORE_DEFAULTS);
    expect(config.warnings).toEqual([]);
  });

  test('"Hurricane Electric 6in4": a network gives the client its ::2', () => {
    const config = accepted(he);

    expect(config.tunnels).toEqual([
      expect.objectContaining({ iface: 'he0', address: '2001:470::2', prefixLength: 64, endpoint: null, local: null }),
    ]);
    expect(config.warnings.map((w) => w.line)).toEqual([4, 5]);
  });

  test('"Mullvad VPN" and "External": comments after values, and no warnings', () => {
    expect(accepted(mullvad)).toMatchObject({
      tunnels: [
        { name: 'mullvad', type: 'wireguard', iface: 'mullvad0', address: 'fc00:bbbb:bbbb:bb01::1', priority: 0 },
      ],
      warnings: [],
    });
    expect(accepted(external)).toMatchObject({
      tunnels: [{ name: 'external', type: 'external', iface: 'tun0', address: '2001:db8::1', prefixLength: 64 }],
      warnings: [],
    });
  });

  test('"Exposure Modes"', () => {
    expect(accepted(exposure + external).exposure.mode).toBe('kernel');
  });

  test('"Multi-Tunnel Failover": numbered tunnels, the two without a server wait', () => {
    const config = accepted(failover);

    expect(config.tunnels.map((t) => [t.name, t.iface, t.type, t.priority])).toEqual([
      ['he-primary', 'he-primary', 'he_6in4', 0],
      ['wg-backup', 'wg-backup', 'wireguard', 1],
      ['he-backup2', 'he-backup2', 'he_6in4', 2],
    ]);
    expect(config.warnings.map((w) => [w.line, w.where])).toEqual([
      [1, 'tunnel1.endpoint_ipv4'],
      [1, 'tunnel1.v6_prefix'],
      [13, 'tunnel3.endpoint_ipv4'],
      [13, 'tunnel3.v6_prefix'],
    ]);
  });

  test('all of its tunnels and settings in one file', () => {
    const config = accepted([core, he, mullvad, external, exposure].join('\n'));

    expect(config.tunnels.map((t) => t.name)).toEqual(['he', 'mullvad', 'external']);
  });
});

describe('two dialects', () => {
  test('mean the same', () => {
    const dotted = accepted(
      '[core]\napi_bind = ::1\napi_port = 1234\n[tunnel.a.b]\ntype = wireguard\n[crypto]\ncrypto_enabled = no\ncrypto_keyfile =\n',
    );
    const numbered = accepted(
      '[api]\nbind = "::1"\nport = 1234\n[crypto]\nenabled = false\nkeyfile = "/var/lib/v6-gatewayd/keys.bin"\n[tunnel7]\nname = \'a.b\'\ntype = "wireguard"  # as in Mullvad\'s\n',
    );

    expect(numbered).toEqual(dotted);
    expect(numbered.core).toMatchObject({ apiBind: '::1', apiPort: 1234 });
    expect(numbered.tunnels).toMatchObject([{ name: 'a.b', iface: 'a.b' }]);
  });

  test('may be mixed, and tunnels keep the order of the file', () => {
    const text = '[tunnel2]\ntype = external\n[tunnel.b]\ntype = external\n[tunnel1]\nname = a\ntype = external\n';

    expect(accepted(text).tunnels.map((t) => t.name)).toEqual(['tunnel2', 'b', 'a']);
  });

  test('may not contradict each other', () => {
    expect(refused(`[core]\napi_port = 1\n[api]\nport = 1\n${TUNNEL}`)).toEqual([
      { line: 4, where: 'api.port', problem: 'it is set on line 2 already, as core.api_port' },
    ]);
    expect(places('[tunnel.a]\ntype = external\nname = b\n')).toEqual(['3 tunnel.a.name']);
    expect(accepted('[tunnel.a]\ntype = external\nname = a\n').tunnels).toHaveLength(1);
  });
});

describe('tells at once', () => {
  test('of every problem, by line', () => {
    const text = [
      'stray = 1',
      '[core]',
      'log_level = inof',
      'api_prot = 8642',
      'api_port = 0x10',
      'api_bind = gateway.example',
      '[api] junk',
      'port = 99999',
      '[tunnle.he]',
      'anything = here',
      '[tunnel.he',
      'type = he_6in4',
      'iface = "he 0"',
      'v6_prefix = 192.0.2.1/999',
      'type = external',
      '[tunnel1]',
      'name = he',
      'just words',
      '= 5',
      '[core]',
      'state_dir = relative',
      'state_dir =',
    ].join('\n');

    expect(places(text)).toEqual([
      '1 stray',
      '3 core.log_level',
      '4 core.api_prot',
      '5 core.api_port',
      '6 core.api_bind',
      '7 api',
      '8 api.port',
      '8 api.port',
      '9 tunnle.he',
      '11 tunnel.he',
      '13 tunnel.he.iface',
      '14 tunnel.he.v6_prefix',
      '14 tunnel.he.v6_prefix',
      '15 tunnel.he.type',
      '16 tunnel1.type',
      '17 tunnel1.name',
      '18 tunnel1',
      '19 tunnel1',
      '20 core',
      '21 core.state_dir',
      '22 core.state_dir',
      '22 core.state_dir',
    ]);
  });

  test.each([
    ['[core]\nlog_level = inof', '"inof" is not one of debug, info, warn, error; did you mean "info"?'],
    ['[core]\napi_prot = 1', '"api_prot" is no key of this section; did you mean "api_port"?'],
    ['[core]\nLOG_LEVEL = info', '"LOG_LEVEL" is no key of this section; did you mean "log_level"?'],
    ['[core]\ncolour = red', '"colour" is no key of this section'],
    ['[helath]', '"helath" is no section of this configuration; did you mean "health"?'],
    ['[tunnle.office]', '"tunnle.office" is no section of this configuration; did you mean "tunnel.office"?'],
    ['[exposure.sock5]', '"exposure.sock5" is no section of this configuration; did you mean "exposure.socks5"?'],
    ['[]', 'the section has no name'],
    ['[__proto__]', '"__proto__" is no section of this configuration'],
    ['[core]\n__proto__ = 1', '"__proto__" is no key of this section'],
    ['[core]\nconstructor = 1', '"constructor" is no key of this section'],
    [
      '[crypto]\nenabled = true',
      '"true" asks for an authenticated and encrypted API, which this gateway does not have: set it to false',
    ],
    [
      '[hwauth]\nenabled = yes',
      '"yes" asks for hardware authentication, which this gateway does not have: set it to false',
    ],
    ['[core]\nlog_level', '"log_level" is neither a [section] nor a "key = value"'],
  ])('%j: %s', (text, sentence) => {
    expect(refused(`${text}\n${TUNNEL}`).map((p) => p.problem)).toEqual([sentence]);
  });

  test('of no more than a thousand problems, and counts the rest', () => {
    const problems = refused('junk\n'.repeat(5_000));

    expect(problems).toHaveLength(MAX_PROBLEMS);
    expect(problems.at(-1)?.problem).toBe(`there are ${5_001 - MAX_PROBLEMS + 1} further problems`);
  });

  test('of a text that is too long, without reading it', () => {
    expect(refused('['.repeat(MAX_TEXT + 1))).toHaveLength(1);
    expect(accepted(TUNNEL.padEnd(MAX_TEXT, '#')).tunnels).toHaveLength(1);
  });

  test('what it was given only in part, and with nothing in it that moves a cursor', () => {
    const [problem] = refused(`[core]\napi_port = \u001b[31m\u202e${'9'.repeat(500)}\n${TUNNEL}`);

    expect(problem?.problem).toMatch(/^"\\u\{1b\}\[31m\\u\{202e\}9+\.\.\." /);
    expect(problem?.problem.length).toBeLessThan(200);
  });
});

describe('the API', () => {
  test.each(['127.0.0.1', 'localhost', 'LOCALHOST', '::1', '[::1]', '127.1.2.3'])(
    'listens on %s without a warning',
    (bind) => {
      expect(accepted(`[core]\napi_bind = ${bind}\n${TUNNEL}`).warnings).toEqual([]);
    },
  );

  test.each(['0.0.0.0', '::', '192.0.2.1', '2001:db8::1'])('listens on %s with a token only, and a warning', (bind) => {
    const open = `[core]\napi_bind = ${bind}\n`;
    const config = accepted(`${open}api_token_file = /etc/token\n${TUNNEL}`);

    expect(config.core).toMatchObject({ apiBind: bind, apiTokenFile: '/etc/token' });
    expect(config.warnings).toEqual([
      { line: 2, where: 'core.api_bind', problem: expect.stringContaining('reachable from other machines') },
    ]);
    expect(refused(`${open}${TUNNEL}`)).toEqual([
      { line: 2, where: 'core.api_bind', problem: expect.stringContaining('needs api_token_file') },
    ]);
    expect(places(`${open}api_token_file = none\n${TUNNEL}`)).toEqual(['2 core.api_bind']);
  });

  test('may have a socket, a token, names and origins', () => {
    const config = accepted(
      `[core]
api_socket = /run/v6-gatewayd/api.sock
api_socket_group = v6-users
api_token_file = "/etc/a token"
api_allow_origin = https://Dashboard.example:443, http://localhost:3000 http://[2001:db8::1]:80
api_trusted_hosts = Gateway.lan gateway.lan:8443,[2001:db8::1]:1
${TUNNEL}`,
    );

    expect(config.core).toMatchObject({
      apiSocket: '/run/v6-gatewayd/api.sock',
      apiSocketGroup: 'v6-users',
      apiTokenFile: '/etc/a token',
      apiAllowOrigin: ['https://dashboard.example', 'http://localhost:3000', 'http://[2001:db8::1]'],
      apiTrustedHosts: ['gateway.lan', 'gateway.lan:8443', '[2001:db8::1]:1'],
    });
    expect(config.warnings).toEqual([]);
  });

  test.each([
    ['api_socket', `/${'s'.repeat(106)}`, true],
    ['api_socket', `/${'s'.repeat(107)}`, false],
    ['api_socket', `/${'ü'.repeat(53)}`, true],
    ['api_socket', `/${'ü'.repeat(54)}`, false],
    ['api_socket', 'api.sock', false],
    ['api_socket', '@abstract', false],
    ['api_socket', '/run/', false],
    ['api_socket', '/run/..', false],
    ['api_socket', '', false],
    ['api_socket', 'None', true],
    ['api_token_file', 'token', false],
    ['api_token_file', 'none', true],
    ['api_allow_origin', '*', false],
    ['api_allow_origin', 'null', false],
    ['api_allow_origin', 'https://*.example', false],
    ['api_allow_origin', 'dashboard.example', false],
    ['api_allow_origin', 'https://dashboard.example/', false],
    ['api_allow_origin', 'https://a@dashboard.example', false],
    ['api_allow_origin', 'file://', false],
    ['api_allow_origin', 'https://a.example, HTTPS://A.example', false],
    ['api_allow_origin', 'https://a.example:0', false],
    ['api_allow_origin', '', false],
    ['api_allow_origin', Array.from({ length: 16 }, (_, i) => `http://h${i}`).join(), true],
    ['api_allow_origin', Array.from({ length: 17 }, (_, i) => `http://h${i}`).join(), false],
    ['api_trusted_hosts', '*', false],
    ['api_trusted_hosts', 'http://gateway.lan', false],
    ['api_trusted_hosts', 'gateway.lan.', false],
    ['api_trusted_hosts', 'gateway.lan:65536', false],
    ['api_trusted_hosts', '[::1', false],
    ['api_trusted_hosts', 'none', true],
  ])('%s = %s: %s', (key, value, fine) => {
    const text = `[core]\n${key} = ${value}\n${TUNNEL}`;

    if (fine) expect(parseConfig(text).isOk()).toBe(true);
    else expect(places(text)).toEqual([`2 core.${key}`]);
  });

  test.each([
    ['0', 0],
    ['4294967294', 4_294_967_294],
    ['v6', 'v6'],
    ['4294967295', null],
    ['-1', null],
    ['007', null],
    ['a b', null],
    ['a:b', null],
    ['x'.repeat(33), null],
  ])('api_socket_group = %s: %j', (value, group) => {
    const text = `[core]\napi_socket = /run/x\napi_socket_group = ${value}\n${TUNNEL}`;

    if (group !== null) expect(accepted(text).core.apiSocketGroup).toBe(group);
    else expect(places(text)).toEqual(['3 core.api_socket_group']);
  });

  test('has no group for a socket that there is not', () => {
    expect(places(`[core]\napi_socket_group = v6\n${TUNNEL}`)).toEqual(['2 core.api_socket_group']);
  });

  test.each([
    'gateway.example',
    '*',
    'any',
    '0',
    '127.1',
    '0x7f.0.0.1',
    '127.0.0.1/8',
    'fe80::1%eth0',
    '127.0.0.1:80',
    '224.0.0.1',
    '::ffff:0.0.0.0',
  ])('is refused "%s" rather than opened wider', (bind) => {
    expect(places(`[core]\napi_bind = ${bind}\n${TUNNEL}`)).toEqual(['2 core.api_bind']);
  });
});

describe('the SOCKS5 proxy', () => {
  test.each([
    ['bind = 127.0.0.2', { bind: '127.0.0.2', port: 1080, enabled: false }],
    ['port = 1081', { bind: '127.0.0.1', port: 1081 }],
    ['bind = ::1', { bind: '::1', port: 1080 }],
    ['bind = ::1:1080', { bind: '::1:1080', port: 1080 }],
    ['bind = [::1]', { bind: '::1', port: 1080 }],
    ['bind = [::1]:1081', { bind: '::1', port: 1081 }],
    ['bind = localhost:1081\nport = 1081', { bind: '127.0.0.1', port: 1081 }],
  ])('%j', (keys, socks5) => {
    expect(accepted(`[exposure.socks5]\n${keys}\n${TUNNEL}`).exposure.socks5).toMatchObject(socks5);
  });

  test.each([
    ['bind = 127.0.0.1:1081\nport = 1082', ['3 exposure.socks5.port']],
    ['bind = proxy.example:70000', ['2 exposure.socks5.bind', '2 exposure.socks5.bind']],
    ['bind = 127.0.0.1:', ['2 exposure.socks5.bind']],
    ['bind = [127.0.0.1:1080', ['2 exposure.socks5.bind']],
    ['bind = 1080', ['2 exposure.socks5.bind']],
  ])('is refused %j', (keys, where) => {
    expect(places(`[exposure.socks5]\n${keys}\n${TUNNEL}`)).toEqual(where);
  });

  test.each([
    ['kernel', '', false],
    ['kernel', 'enabled = no', false],
    ['kernel', 'enabled = yes', true],
    ['proxy', 'enabled = on', true],
    ['socks5', '', true],
    ['socks5', 'enabled = no', true],
  ])('runs in mode %s with "%s": %s', (mode, key, enabled) => {
    const text = `[exposure]\nmode = ${mode}\n[exposure.socks5]\n${key}\n${TUNNEL}`;

    expect(accepted(text).exposure.socks5.enabled).toBe(enabled);
  });

  test('has rules for clients and destinations, a users file, a policy and name servers', () => {
    const { socks5 } = accepted(`[exposure.socks5]
users_file = /etc/v6-gatewayd.users
allow_clients = 192.0.2.0/24, 2001:DB8::/32 198.51.100.7
allow_destinations = 10.0.0.0/8, 127.0.0.1:8080 [2001:db8:1::/48]:443
deny_destinations = ::/0
ipv4 = Only6
race_tunnels = yes
resolver = 192.0.2.53, [2001:DB8::53]:5353
${TUNNEL}`).exposure;

    expect(socks5).toEqual({
      enabled: false,
      bind: '127.0.0.1',
      port: 1080,
      usersFile: '/etc/v6-gatewayd.users',
      allowClients: [
        { address: '192.0.2.0', length: 24 },
        { address: '2001:db8::', length: 32 },
        { address: '198.51.100.7', length: 32 },
      ],
      allowDestinations: [
        { address: '10.0.0.0', length: 8, port: null },
        { address: '127.0.0.1', length: 32, port: 8080 },
        { address: '2001:db8:1::', length: 48, port: 443 },
      ],
      denyDestinations: [{ address: '::', length: 0, port: null }],
      ipv4: 'only6',
      raceTunnels: true,
      resolver: ['192.0.2.53', '[2001:db8::53]:5353'],
    });
  });

  test.each([
    ['users_file', 'users'],
    ['allow_clients', '192.0.2.1/24'],
    ['allow_clients', '192.0.2.0/33'],
    ['allow_clients', '2001:db8::/129'],
    ['allow_clients', '2001:db8::/'],
    ['allow_clients', '192.0.2.1:80'],
    ['allow_clients', 'gateway.example'],
    ['allow_clients', '::ffff:192.0.2.1'],
    ['allow_clients', '192.0.2.1, 192.0.2.1/32'],
    ['allow_clients', ''],
    ['allow_clients', Array.from({ length: 65 }, (_, i) => `192.0.2.${i}`).join()],
    ['allow_destinations', '192.0.2.1:0'],
    ['deny_destinations', '[2001:db8::/32]:70000'],
    ['deny_destinations', 'all'],
    ['ipv4', 'never'],
    ['resolver', 'none'],
    ['resolver', 'dns.example'],
    ['resolver', '192.0.2.53:0'],
    ['resolver', '192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4'],
    ['resolver', '0.0.0.0'],
  ])('is refused %s = %s', (key, value) => {
    expect(places(`[exposure.socks5]\n${key} = ${value}\n${TUNNEL}`)).toEqual([`2 exposure.socks5.${key}`]);
  });

  test.each([
    ['mode = socks5', ''],
    ['mode = kernel', 'enabled = yes'],
  ])('is never open to everybody (%s, %s)', (mode, enabled) => {
    const with_ = (keys: string): string =>
      `[exposure]\n${mode}\n[exposure.socks5]\n${enabled}\nbind = 0.0.0.0\n${keys}\n${TUNNEL}`;

    expect(refused(with_(''))).toEqual([
      { line: 5, where: 'exposure.socks5.bind', problem: expect.stringContaining('needs users_file or allow_clients') },
    ]);
    expect(places(with_('users_file = none\nallow_clients = none'))).toEqual(['5 exposure.socks5.bind']);
    expect(places(with_('allow_clients = 192.0.2.0/24, 0.0.0.0/0'))).toEqual(['6 exposure.socks5.allow_clients']);
    expect(accepted(with_('allow_clients = 192.0.2.0/24')).warnings).toEqual([]);
    expect(accepted(with_('users_file = /etc/users')).warnings.map((w) => [w.line, w.where])).toEqual([
      [5, 'exposure.socks5.bind'],
    ]);
  });

  test('may have any address while it does not run', () => {
    expect(accepted(`[exposure.socks5]\nbind = 0.0.0.0\n${TUNNEL}`).warnings).toEqual([]);
  });
});

describe('numbers and durations', () => {
  test.each([
    [
      'core',
      'api_port',
      ['1', '8642', '65535'],
      [
        '0',
        '65536',
        '-1',
        '+1',
        '0x10',
        '1e3',
        '080',
        '1.0',
        '٣',
        '8642abc',
        '8 642',
        '74178',
        '',
        '99999999999999999999',
      ],
    ],
    ['exposure.proxy', 'udp_base_port', ['1', '65535'], ['0', '65536']],
    ['exposure.proxy', 'tcp_base_port', ['1', '65535'], ['0', '65536']],
    ['tunnel.x', 'priority', ['0', '100'], ['101', '-1']],
    ['tunnel.x', 'prefix_len', ['1', '128'], ['0', '129', '999']],
    ['health', 'port', ['1', '65535'], ['0', '65536']],
    ['health', 'probe_interval', ['100ms', '60', '0.5'], ['49ms', '601s', '0', '.5', '5 minutes', '1d', '-1', '1,5']],
    ['health', 'quick_interval', ['20ms', '600ms'], ['19ms']],
    ['health', 'deadline_min', ['10ms', '1s'], ['9ms']],
    ['health', 'deadline_max', ['1m', '150ms'], ['61s']],
    ['health', 'window', ['3s', '3000s'], ['99ms', '25h']],
    ['health', 'slot', ['100ms', '60s', '1.5s'], ['99ms', '2h']],
    ['health', 'misses_soft', ['1', '10'], ['0']],
    ['health', 'misses_hard', ['5', '1000'], ['1001']],
    ['health', 'hard_down_after', ['0', '10m'], ['601']],
    ['health', 'replies_alive', ['1', '1000'], ['0', '1001']],
    ['failover', 'check_interval', ['100ms', '24h'], ['99ms', '25h']],
    ['failover', 'leave_below', ['0', '49'], ['101']],
    ['failover', 'take_at_least', ['31', '100'], ['101']],
    ['failover', 'failback_after', ['0', '1h'], ['169h']],
    ['failover', 'failback_at_most', ['60', '168h'], ['169h']],
    ['operation', 'timeout', ['100ms', '10m'], ['99ms', '11m']],
    ['operation', 'retry_min', ['100ms', '60s'], ['99ms']],
    ['operation', 'retry_max', ['1s', '24h'], ['25h']],
    ['routing', 'metric', ['1', '4294964735'], ['0', '4294964736']],
    ['routing', 'table_base', ['1', '252', '256', '4294967295'], ['0', '253', '254', '255', '4294967296']],
    ['routing', 'rule_base', ['1', '32000'], ['0', '32001', '32766']],
  ])('[%s] %s', (section, key, good, bad) => {
    const text = (value: string): string =>
      section === 'tunnel.x' ? `${TUNNEL}${key} = ${value}` : `${TUNNEL}[${section}]\n${key} = ${value}`;
    const line = section === 'tunnel.x' ? 3 : 4;

    for (const value of good) expect(accepted(text(value)), value).toBeDefined();
    for (const value of bad) expect(places(text(value)), value).toEqual([`${line} ${section}.${key}`]);
  });

  test('are seconds unless a unit is given', () => {
    const config = accepted(
      `[health]\nprobe_interval = 2\nquick_interval = 150ms\ndeadline_max = 1.5s\nwindow = 2m\n[failover]\nfailback_at_most = 2h\n${TUNNEL}`,
    );

    expect(config.health).toMatchObject({
      interval: 2_000,
      quickInterval: 150,
      deadline: { min: 150, max: 1_500 },
      window: { slots: 40, slot: 3_000 },
    });
    expect(config.failover.failbackAtMost).toBe(7_200_000);
  });
});

describe('settings that must agree', () => {
  test.each([
    ['[failover]\nleave_below = 50', '2 failover.leave_below'],
    ['[failover]\ntake_at_least = 60\nleave_below = 60', '3 failover.leave_below'],
    ['[failover]\nleave_below = 60\ntake_at_least = 60', '3 failover.take_at_least'],
    ['[failover]\nfailback_at_most = 59s', '2 failover.failback_at_most'],
    ['[health]\ndeadline_min = 2s', '2 health.deadline_min'],
    ['[health]\nmisses_soft = 11', '2 health.misses_soft'],
    ['[health]\nquick_interval = 601ms', '2 health.quick_interval'],
    ['[health]\nslot = 61s', '2 health.slot'],
    ['[health]\nwindow = 61s', '2 health.window'],
    ['[health]\nslot = 100ms\nwindow = 100.1s', '3 health.window'],
    ['[health]\nprobe_interval = 61s', '2 health.probe_interval'],
    ['[health]\ndeadline_max = 4s\nwindow = 3s', '3 health.window'],
    ['[operation]\nretry_min = 61s', '2 operation.retry_min'],
    ['[tunnel.y]\ntype = external\n[routing]\ntable_base = 252', '4 routing.table_base'],
    ['[tunnel.y]\ntype = external\n[routing]\ntable_base = 4294967295', '4 routing.table_base'],
  ])('%j', (text, place) => {
    expect(places(`${text}\n${TUNNEL}`)).toEqual([place]);
  });

  test('are not compared with what could not be read', () => {
    expect(places(`[failover]\nleave_below = sixty\ntake_at_least = 20\n${TUNNEL}`)).toEqual([
      '2 failover.leave_below',
    ]);
  });
});

describe('probe targets', () => {
  test.each(['2001:db8::1', '2001:db8::1, 2001:db8::2', '2001:DB8::1 2001:db8::2,', '2001:db8::1\t,\t2001:db8::2'])(
    '%j',
    (targets) => {
      expect(accepted(`[health]\ntargets = ${targets}\n${TUNNEL}`).health.targets[0]).toBe('2001:db8::1');
    },
  );

  test.each([
    [',', 1],
    ['192.0.2.1, dns.example', 2],
    ['2001:db8::1, 2001:db8:0::1', 1],
    ['ff02::1', 1],
    ['1::1 1::2 1::3 1::4 1::5 1::6 1::7 1::8 1::9', 1],
  ])('%j are refused, one by one', (targets, problems) => {
    expect(refused(`[health]\ntargets = ${targets}\n${TUNNEL}`)).toHaveLength(problems);
  });
});

function accepted(text: string): Config {
  const config = parseConfig(text);
  if (config.isErr()) throw new Error(JSON.stringify(config.error, null, 2));
  return config.value;
}

function refused(text: string): readonly ConfigProblem[] {
  return parseConfig(text)._unsafeUnwrapErr();
}

/** `line where` of every problem. */
function places(text: string): readonly string[] {
  return refused(text).map((p) => `${p.line ?? '-'} ${p.where}`);
}
