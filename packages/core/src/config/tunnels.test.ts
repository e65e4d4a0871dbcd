import { describe, expect, test } from 'vitest';
import { MAX_TUNNELS } from './bounds.js';
import type { Config, TunnelConfig } from './model.js';
import { parseConfig } from './parse.js';

const HE = 'type = he_6in4\nendpoint_ipv4 = 192.0.2.1\nv6_prefix = 2001:db8::2\n';

describe('the address of a tunnel', () => {
  test.each([
    ['v6_prefix = 2001:db8::2', '2001:db8::2', 64],
    ['v6_prefix = 2001:DB8:0:0::2\nprefix_len = 48', '2001:db8::2', 48],
    ['v6_prefix = 2001:db8::2/64', '2001:db8::2', 64],
    ['v6_prefix = 2001:db8::2 / 64', '2001:db8::2', 64],
    ['v6_prefix = 2001:db8::2/64\nprefix_len = 64', '2001:db8::2', 64],
    ['v6_prefix = 2001:db8::2\nprefix_len = 128', '2001:db8::2', 128],
    ['v6_prefix = 2001:db8::2/128', '2001:db8::2', 128],
    ['v6_prefix = 2001:db8::/64', '2001:db8::2', 64],
    ['v6_prefix = 2001:db8::', '2001:db8::2', 64],
    ['v6_prefix = 2001:db8:0:4::/126', '2001:db8:0:4::2', 126],
    ['v6_prefix = 2001:db8:0:4::/127', '2001:db8:0:4::', 127],
    ['v6_prefix = 2001:db8::1:0\nprefix_len = 112', '2001:db8::1:2', 112],
  ])('of Hurricane Electric, given %j', (keys, address, prefixLength) => {
    expect(only(`[tunnel.he]\ntype = he_6in4\nendpoint_ipv4 = 192.0.2.1\n${keys}`)).toMatchObject({
      address,
      prefixLength,
    });
  });

  test.each(['wireguard', 'mullvad', 'external'])(
    'of type %s is read from the interface where only the network is known',
    (type) => {
      expect(only(`[tunnel.t]\ntype = ${type}\nv6_prefix = 2001:db8::/56`)).toMatchObject({
        address: null,
        prefixLength: 56,
      });
      expect(only(`[tunnel.t]\ntype = ${type}\nv6_prefix = 2001:db8::/128`)).toMatchObject({
        address: '2001:db8::',
        prefixLength: 128,
      });
      expect(only(`[tunnel.t]\ntype = ${type}\nv6_prefix =`)).toMatchObject({ address: null, prefixLength: 64 });
    },
  );

  test.each([
    ['v6_prefix = 192.0.2.1', 'v6_prefix'],
    ['v6_prefix = 2001:db8::/129', 'v6_prefix'],
    ['v6_prefix = 2001:db8::/0', 'v6_prefix'],
    ['v6_prefix = 2001:db8::2%eth0', 'v6_prefix'],
    ['v6_prefix = fe80::2', 'v6_prefix'],
    ['v6_prefix = ::', 'v6_prefix'],
    ['v6_prefix = ::1', 'v6_prefix'],
    ['v6_prefix = ff02::1', 'v6_prefix'],
    ['v6_prefix = ::ffff:192.0.2.1', 'v6_prefix'],
    ['v6_prefix = tunnel.example', 'v6_prefix'],
    ['v6_prefix = 2001:db8::2/64\nprefix_len = 48', 'prefix_len'],
    ['endpoint_ipv4 = 2001:db8::1', 'endpoint_ipv4'],
    ['endpoint_ipv4 = tunnel.example', 'endpoint_ipv4'],
    ['endpoint_ipv4 = x.example.com', 'endpoint_ipv4'],
    ['endpoint_ipv4 = X', 'endpoint_ipv4'],
    ['endpoint_ipv4 = 192.0.2', 'endpoint_ipv4'],
    ['endpoint_ipv4 = 0300.0.2.1', 'endpoint_ipv4'],
    ['endpoint_ipv4 = 0.0.0.0', 'endpoint_ipv4'],
    ['endpoint_ipv4 = 255.255.255.255', 'endpoint_ipv4'],
    ['local_ipv4 = 2001:db8::1', 'local_ipv4'],
    ['gateway = 2001:db8::1', 'gateway'],
  ])('is refused %j', (keys, key) => {
    expect(places(`[tunnel.he]\ntype = he_6in4\n${keys}`)).toEqual([`${2 + keys.split('\n').length} tunnel.he.${key}`]);
  });

  test('has no meaning at the wrong type, unless it is empty', () => {
    expect(
      places('[tunnel.t]\ntype = wireguard\nendpoint_ipv4 = 192.0.2.1\nlocal_ipv4 = 192.0.2.2\ngateway = fe80::1'),
    ).toHaveLength(3);
    expect(only('[tunnel.t]\ntype = wireguard\nendpoint_ipv4 =\nlocal_ipv4 =\ngateway =')).not.toHaveProperty(
      'endpoint',
    );
    expect(only('[tunnel.t]\ntype = external\ngateway = FE80::1')).toMatchObject({ gateway: 'fe80::1' });
  });
});

describe('a gap', () => {
  test.each([
    'YOUR.TUNNEL.SERVER.IP',
    'X.X.X.X',
    'x.x.x.x',
    'Y.Y.Y.Y',
    '192.0.2.X',
    'YOUR_TUNNEL_SERVER_IP',
    'your.server.ip',
  ])('at the endpoint, %s, keeps the tunnel down and says so', (text) => {
    const config = accepted(`[tunnel.he]\ntype = he_6in4\nv6_prefix = 2001:db8::2\nendpoint_ipv4 = ${text}`);

    expect(config.tunnels).toMatchObject([{ endpoint: null, local: null, address: '2001:db8::2' }]);
    expect(config.warnings).toEqual([
      {
        line: 4,
        where: 'tunnel.he.endpoint_ipv4',
        problem: expect.stringContaining('tunnel he stays down until it is filled in'),
      },
    ]);
  });

  test.each([
    'YOUR:IPV6:PREFIX::2',
    'YOUR:IPV6:PREFIX::/64',
    '2001:db8:XXXX::2',
    '2001:db8:xxxx:yyyy::2/64',
    '2001:470:X:X::2',
  ])('at the address, %s, keeps the tunnel down and says so', (text) => {
    const config = accepted(`[tunnel.he]\ntype = he_6in4\nendpoint_ipv4 = 192.0.2.1\nv6_prefix = ${text}`);

    expect(config.tunnels).toMatchObject([{ endpoint: '192.0.2.1', address: null }]);
    expect(config.warnings.map((w) => w.where)).toEqual(['tunnel.he.v6_prefix']);
  });

  test('where nothing is written is told at the section, where a key is empty at the key', () => {
    expect(warnings('[tunnel.he]\ntype = he_6in4\nendpoint_ipv4 =')).toEqual([
      '1 tunnel.he.v6_prefix',
      '3 tunnel.he.endpoint_ipv4',
    ]);
  });

  test('that can be filled by looking at the host keeps nothing down', () => {
    expect(warnings(`[tunnel.he]\n${HE}local_ipv4 = Y.Y.Y.Y`)).toEqual([]);
    const config = accepted('[tunnel.t]\ntype = external\nv6_prefix = YOUR:PREFIX::2\ngateway = YOUR:GATEWAY::1');

    expect(config.tunnels).toMatchObject([{ address: null, gateway: null }]);
    expect(config.warnings.map((w) => w.problem)).toEqual([
      expect.stringMatching(/YOUR:PREFIX::2.*read from the interface/),
      expect.stringMatching(/YOUR:GATEWAY::1.*looked for/),
    ]);
  });

  test('of a tunnel that is switched off disturbs nobody', () => {
    expect(warnings('[tunnel.he]\ntype = he_6in4\nendpoint_ipv4 = X.X.X.X\nenabled = false')).toEqual([]);
  });
});

describe('a tunnel', () => {
  test.each(['true', 'TRUE', 'yes', 'On', '1', '"yes"'])('is enabled by %s', (text) => {
    expect(only(`[tunnel.t]\ntype = external\nenabled = ${text}`).enabled).toBe(true);
  });

  test.each(['false', 'False', 'no', 'OFF', '0'])('is disabled by %s', (text) => {
    expect(only(`[tunnel.t]\ntype = external\nenabled = ${text}`).enabled).toBe(false);
  });

  test('needs a type', () => {
    expect(places('[tunnel.t]\niface = wg0')).toEqual(['1 tunnel.t.type']);
    expect(places('[tunnel.t]\ntype = sit')).toEqual(['2 tunnel.t.type']);
    expect(places('[tunnel.t]\ntype =')).toEqual(['2 tunnel.t.type']);
    expect(only('[tunnel.t]\ntype = External').type).toBe('external');
  });

  test.each(['a', 'he0', 'wg-backup', 'tun.10', '_x', 'abcdefghijklmno'])('may have the interface %s', (iface) => {
    expect(only(`[tunnel.t]\ntype = external\niface = ${iface}`).iface).toBe(iface);
  });

  test.each([
    'abcdefghijklmnop',
    '-x',
    '.',
    '..',
    'lo',
    'all',
    'default',
    '"he 0"',
    'he/0',
    "a'b",
    '"a\\"b"',
    'hé0',
    '%d',
    'a:b',
    '$(id)',
    '',
  ])('may not have the interface %s', (iface) => {
    expect(places(`[tunnel.t]\ntype = external\niface = ${iface}`)).toEqual(['3 tunnel.t.iface']);
  });

  test.each(['a', 'he.primary', 'a.b.c', 'x'.repeat(63)])('may be named %s', (name) => {
    expect(only(`[tunnel.${name}]\ntype = external\niface = t0`).name).toBe(name);
    expect(only(`[tunnel1]\nname = ${name}\ntype = external\niface = t0`).name).toBe(name);
  });

  test.each(['x'.repeat(64), '-x', '.', '..', 'a b', 'a/b', 'ä', '"q"', ''])('may not be named "%s"', (name) => {
    expect(places(`[tunnel.${name}]\ntype = external\niface = t0`)).toHaveLength(1);
    expect(places(`[tunnel1]\nname = '${name}'\ntype = external\niface = t0`)).toEqual(['2 tunnel1.name']);
  });

  test('whose name can be no interface must say which it has', () => {
    expect(places('[tunnel.a-rather-long-name]\ntype = external')).toEqual(['1 tunnel.a-rather-long-name.iface']);
    expect(places('[tunnel.default]\ntype = external')).toEqual(['1 tunnel.default.iface']);
  });
});

describe('two tunnels', () => {
  test('may not share a name', () => {
    expect(places('[tunnel.a]\ntype = external\niface = x\n[tunnel1]\nname = a\ntype = external\niface = y')).toEqual([
      '5 tunnel1.name',
    ]);
    expect(places('[tunnel1]\nname = a\ntype = external\n[tunnel.a]\ntype = external')).toEqual(['4 tunnel.a']);
  });

  test('may not share an interface', () => {
    expect(places('[tunnel.a]\ntype = external\n[tunnel.b]\ntype = external\niface = a')).toEqual(['5 tunnel.b.iface']);
    expect(places('[tunnel.a]\ntype = external\niface = b\n[tunnel.b]\ntype = external')).toEqual(['4 tunnel.b.iface']);
  });

  test('may not share a section', () => {
    expect(places('[tunnel.a]\ntype = external\n[ tunnel.a ]\ntype = external')).toEqual(['3 tunnel.a']);
  });
});

test('as many tunnels as there may be are accepted, one more is refused', () => {
  const many = (n: number): string => Array.from({ length: n }, (_, i) => `[tunnel${i}]\ntype = external\n`).join('');

  expect(accepted(many(MAX_TUNNELS)).tunnels).toHaveLength(MAX_TUNNELS);
  expect(parseConfig(many(MAX_TUNNELS + 1))._unsafeUnwrapErr()).toEqual([
    { line: null, where: '', problem: expect.stringContaining('at most 256') },
  ]);
});

function accepted(text: string): Config {
  const config = parseConfig(text);
  if (config.isErr()) throw new Error(JSON.stringify(config.error, null, 2));
  return config.value;
}

function only(text: string): TunnelConfig {
  const { tunnels } = accepted(text);
  expect(tunnels).toHaveLength(1);
  return tunnels[0] as TunnelConfig;
}

function warnings(text: string): readonly string[] {
  return accepted(text).warnings.flatMap((w) => (w.problem.includes('stays down') ? [`${w.line} ${w.where}`] : []));
}

function places(text: string): readonly string[] {
  return parseConfig(text)
    ._unsafeUnwrapErr()
    .map((p) => `${p.line ?? '-'} ${p.where}`);
}
