import { describe, expect, test } from 'vitest';
import { parseConfig } from './parse.js';

const TUNNEL = '[tunnel.x]\ntype = external\n[exposure]\nmode = proxy\n';
const I2P = '[mapping.i2p]\nprotocol = udp\ninternal_port = 7654\n';

describe('a mapping that says little', () => {
  test('leads from the same port of the primary’s address to this machine', () => {
    expect(accepted(I2P)).toEqual([
      {
        name: 'i2p',
        enabled: true,
        protocol: 'udp',
        internalHost: '127.0.0.1',
        internalPort: 7654,
        externalPort: 7654,
        v6Address: 'auto',
        direction: 'in',
        target: null,
        proxyProtocol: false,
        description: null,
      },
    ]);
  });

  test('may be numbered, and then says its name or goes by its section', () => {
    const numbered = I2P.replace('mapping.i2p', 'mapping1');

    expect(accepted(numbered)[0]?.name).toBe('mapping1');
    expect(accepted(`${numbered}name = ssu2\n`)[0]?.name).toBe('ssu2');
  });
});

describe('a mapping that says everything', () => {
  test('is taken at its word, with addresses in their canonical form', () => {
    const text = `[mapping.far]
protocol = TCP
direction = out
internal_host = ::1
internal_port = 8080
external_port = 80
v6_address = 2001:DB8:0::2
target = [2001:DB8:0:0::1]:443
description = "far; web"
enabled = no
`;

    expect(accepted(text)).toMatchObject([
      {
        protocol: 'tcp',
        direction: 'out',
        internalHost: '::1',
        internalPort: 8080,
        externalPort: 80,
        v6Address: '2001:db8::2',
        target: '[2001:db8::1]:443',
        description: 'far; web',
        enabled: false,
      },
    ]);
  });
});

describe('[ports]', () => {
  const PORTS = '[ports]\nudp = 7654\ntcp = 22, 80:8080\n';

  test('is short for mappings from the primary’s address to this machine', () => {
    const [udp, ...tcp] = accepted(PORTS);

    expect(udp).toEqual({ ...accepted(I2P)[0], name: 'udp-7654' });
    expect(tcp).toMatchObject([
      { name: 'tcp-22', protocol: 'tcp', externalPort: 22, internalPort: 22 },
      { name: 'tcp-80', protocol: 'tcp', externalPort: 80, internalPort: 8080 },
    ]);
    expect(accepted('[ports]\nudp = none\n')).toEqual([]);
  });

  test.each<[string, string, number, string, string]>([
    ['no port', '[ports]\nudp = 0', 2, 'ports.udp', 'such as 7654'],
    ['a range', '[ports]\nudp = 7000-7010', 2, 'ports.udp', '"7000-7010" is no port'],
    ['three', '[ports]\ntcp = 1:2:3', 2, 'ports.tcp', '"1:2:3" is no port'],
    ['half of one', '[ports]\ntcp = 80:', 2, 'ports.tcp', '"80:" is no port'],
    ['one twice', '[ports]\ntcp = 80:1 80:2', 2, 'ports.tcp', '"80" is named twice'],
    ['the API’s', '[ports]\ntcp = 80:8642', 2, 'ports.tcp', "gateway's own API"],
    ['that of a mapping', `${I2P}[ports]\nudp = 7654`, 5, 'ports.udp', 'the mapping of line 1 has udp port 7654'],
    [
      'the name of a mapping',
      `${I2P.replace('i2p', 'udp-9')}[ports]\nudp = 9`,
      5,
      'ports.udp',
      'the mapping of line 1 is named "udp-9" already',
    ],
    ['another protocol', '[ports]\nsctp = 9', 2, 'ports.sctp', 'is no key of this section'],
  ])('refuses %s', (_what, text, line, where, problem) => {
    expect(parseConfig(`${text}\n${TUNNEL}`)._unsafeUnwrapErr()).toEqual([
      { line, where, problem: expect.stringContaining(problem) },
    ]);
  });

  test('counts with the sections, and means nothing in another mode', () => {
    const many = Array.from({ length: 256 }, (_, i) => i + 1).join(' ');

    expect(refused(`${I2P}[ports]\ntcp = ${many}\n`)).toEqual([
      [null, '', '257 mappings are configured: this gateway has at most 256'],
    ]);
    expect(parseConfig(`${PORTS}[tunnel.x]\ntype = external\n`)._unsafeUnwrap().warnings).toEqual([
      { line: 2, where: 'ports.udp', problem: 'mappings are for mode = proxy: in mode kernel none is opened' },
    ]);
  });
});

describe('a mapping that cannot be meant', () => {
  test.each<[string, string, number, string, string]>([
    ['no protocol', '[mapping.a]\ninternal_port = 1', 1, 'mapping.a.protocol', 'it is missing: give one of udp, tcp'],
    ['no port', '[mapping.a]\nprotocol = udp', 1, 'mapping.a.internal_port', 'it is missing: give the port'],
    ['port 0', `${I2P}external_port = 0`, 4, 'mapping.i2p.external_port', 'out of range'],
    ['a port that is none', `${I2P}external_port = 0x10`, 4, 'mapping.i2p.external_port', 'not a whole number'],
    ['another protocol', '[mapping.a]\nprotocol = sctp\ninternal_port = 1', 2, 'mapping.a.protocol', 'udp, tcp'],
    ['an IPv4 address', `${I2P}v6_address = 192.0.2.1`, 4, 'mapping.i2p.v6_address', 'IPv4 address where an IPv6'],
    ['loopback', `${I2P}v6_address = ::1`, 4, 'mapping.i2p.v6_address', 'which no tunnel has'],
    ['a name', `${I2P}internal_host = web.lan`, 4, 'mapping.i2p.internal_host', 'is not an IPv4 or IPv6 address'],
    ['a target for in', `${I2P}target = [2001:db8::1]:1`, 4, 'mapping.i2p.target', 'direction = out only'],
    ['no target', `${I2P}direction = out`, 1, 'mapping.i2p.target', 'direction = out needs it'],
    [
      'a bad target',
      `${I2P}direction = out\ntarget = 2001:db8::1`,
      5,
      'mapping.i2p.target',
      'such as [2001:db8::1]:7654',
    ],
    ['a target here', `${I2P}direction = out\ntarget = [::1]:1`, 5, 'mapping.i2p.target', 'is a loopback address'],
    [
      'an open door',
      `${I2P}direction = out\ntarget = [2001:db8::1]:1\ninternal_host = 0.0.0.0`,
      6,
      'mapping.i2p.internal_host',
      'unspecified',
    ],
    [
      'a door to the network',
      `${I2P}direction = out\ntarget = [2001:db8::1]:1\ninternal_host = 192.0.2.1`,
      6,
      'mapping.i2p.internal_host',
      'would let other machines leave',
    ],
    ['a PROXY header in UDP', `${I2P}proxy_protocol = yes`, 4, 'mapping.i2p.proxy_protocol', 'protocol = tcp'],
    ['the API’s port', `${I2P}external_port = 8642`, 4, 'mapping.i2p.external_port', "gateway's own API"],
    [
      'a way to the API',
      '[mapping.a]\nprotocol = tcp\ninternal_port = 8642\nexternal_port = 1',
      3,
      'mapping.a.internal_port',
      'own API',
    ],
    [
      'a way to the proxy',
      '[mapping.a]\nprotocol = tcp\ninternal_port = 1080\nexternal_port = 1',
      3,
      'mapping.a.internal_port',
      'SOCKS5 proxy',
    ],
    ['an unknown key', `${I2P}internal_prot = 1`, 4, 'mapping.i2p.internal_prot', 'did you mean "internal_port"?'],
    ['a bad name', '[mapping.-a]\nprotocol = udp\ninternal_port = 1', 1, 'mapping.-a', 'is no name for a mapping'],
    ['a long text', `${I2P}description = ${'x'.repeat(201)}`, 4, 'mapping.i2p.description', 'give at most 200'],
    ['two names', `${I2P}name = ssu2`, 4, 'mapping.i2p.name', 'contradicts the section'],
    ['a misspelt section', '[maping.a]\nprotocol = udp', 1, 'maping.a', 'did you mean "mapping.a"?'],
  ])('is refused with its line: %s', (_what, text, line, where, problem) => {
    const problems = parseConfig(`${text}\n${TUNNEL}`)._unsafeUnwrapErr();

    expect(problems).toEqual([{ line, where, problem: expect.stringContaining(problem) }]);
  });

  test('is one that shares its port or its name with another', () => {
    const other = '[mapping.b]\nprotocol = udp\ninternal_port = 1\nexternal_port = 7654\n';

    expect(refused(`${I2P}${other}`)).toEqual([
      [7, 'mapping.b.external_port', 'the mapping of line 1 has udp port 7654 already'],
    ]);
    expect(accepted(`${I2P}${other}enabled = no\n`)).toHaveLength(2);
    expect(accepted(`${I2P}${other.replace('udp', 'tcp')}`)).toHaveLength(2);
    expect(refused(`${I2P}[mapping1]\nname = i2p\nprotocol = tcp\ninternal_port = 1\n`)).toEqual([
      [5, 'mapping1.name', 'the mapping of line 1 is named "i2p" already'],
    ]);
  });

  test('does nothing in another mode, which is a warning', () => {
    const { warnings } = parseConfig(`${I2P}[tunnel.x]\ntype = external\n`)._unsafeUnwrap();

    expect(warnings).toEqual([
      { line: 1, where: 'mapping.i2p', problem: 'mappings are for mode = proxy: in mode kernel none is opened' },
    ]);
  });

  test('is one too many', () => {
    const many = Array.from({ length: 257 }, (_, i) => `[mapping.m${i}]\nprotocol = udp\ninternal_port = ${i + 1}\n`);

    expect(refused(many.join(''))).toEqual([[null, '', '257 mappings are configured: this gateway has at most 256']]);
  });
});

function accepted(text: string) {
  return parseConfig(`${text}${TUNNEL}`)._unsafeUnwrap().mappings;
}

function refused(text: string): readonly (readonly [number | null, string, string])[] {
  return parseConfig(`${text}${TUNNEL}`)
    ._unsafeUnwrapErr()
    .map(({ line, where, problem }) => [line, where, problem] as const);
}
