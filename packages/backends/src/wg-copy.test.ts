import { describe, expect, it } from 'vitest';
import { fakeConf } from './testing/fake-wireguard.js';
import { digestOf, hooksOf, parseWgConf, sharesRouting } from './wg-conf.js';
import { closingCopy, openingCopy } from './wg-copy.js';

const NAMES_NOTHING = new Map<string, string>();
const opened = (text: string, endpoints = NAMES_NOTHING): string => openingCopy(parseWgConf(text), endpoints);

describe('the copy that wg-quick brings up', () => {
  it('differs from a full-tunnel file by Table = off alone', () => {
    const text = fakeConf(['2001:db8:2::2/128'], ['MTU = 1380', 'PostUp = echo a, b # why', '# a remark']);

    expect(opened(text)).toBe(text.replace('[Interface]\n', '[Interface]\nTable = off\n'));
  });

  it.each(['auto', 'main', '254'])('turns Table = %s off, because routes would land among the gateway’s', (table) => {
    const text = fakeConf(['2001:db8:2::2/128'], [`Table = ${table}`]);

    expect(opened(text).match(/^Table.*$/gm)).toEqual(['Table = off']);
  });

  it.each(['off', '51820', 'vpn'])('leaves a file with Table = %s as it is, DNS included', (table) => {
    const text = fakeConf(['2001:db8:2::2/128'], [`Table = ${table}`, 'DNS = 10.64.0.1'], ['AllowedIPs = 10.0.0.0/8']);

    expect(opened(text)).toBe(text);
  });

  it('goes by the last Table and reads keys as wg-quick does, in any case', () => {
    const lines = parseWgConf('[INTERFACE]\r\n table=off\r\n\tTABLE = auto # again\r\n');

    expect(sharesRouting(lines)).toBe(true);
    expect(openingCopy(lines, NAMES_NOTHING)).toBe('[INTERFACE]\r\nTable = off\n');
  });

  it('does not take a key of a peer for one of the interface', () => {
    const text = fakeConf(['2001:db8:2::2/128'], [], ['Table = off', 'DNS = kept']);

    expect(opened(text)).toContain('DNS = kept');
    expect(sharesRouting(parseWgConf(text))).toBe(true);
  });

  it('leaves out DNS and SaveConfig', () => {
    const text = fakeConf(['2001:db8:2::2/128'], ['DNS = 10.64.0.1', 'SaveConfig = true']);

    expect(opened(text)).not.toMatch(/DNS|SaveConfig/);
  });

  it('keeps the routes to networks that are not the Internet', () => {
    const allowed = ['AllowedIPs = 10.9.8.7/8, 192.0.2.5', 'AllowedIPs = 2001:db8:9::/48'];
    const text = fakeConf(['2001:db8:2::2/128'], [], allowed);

    expect(opened(text).match(/^PostUp.*$/gm)).toEqual([
      'PostUp = ip -4 route add 10.0.0.0/8 dev %i metric 1024',
      'PostUp = ip -4 route add 192.0.2.5/32 dev %i metric 1024',
      'PostUp = ip -6 route add 2001:db8:9::/48 dev %i metric 1024',
    ]);
  });

  it.each([
    ['halves', 'AllowedIPs = 0.0.0.0/1, 128.0.0.0/1, ::/1, 8000::/1'],
    ['all but something', 'AllowedIPs = 0.0.0.0/5, 11.0.0.0/8, 2000::/3, fd00::/48'],
  ])('takes a default route written as %s for one', (_, allowed) => {
    expect(opened(fakeConf(['2001:db8:2::2/128'], [], [allowed]))).not.toContain('PostUp');
  });

  it('makes no command of what is no network', () => {
    const text = fakeConf(
      ['2001:db8:2::2/128'],
      [],
      ['AllowedIPs = 10.0.0.0/8;reboot, $(reboot)/8, 2001:db8::%eth0/64'],
    );

    expect(opened(text)).not.toContain('PostUp');
  });

  it('has addresses for names', () => {
    const text = fakeConf(['2001:db8:2::2/128'], [], ['Endpoint = vpn.example.com:51820 # the near one']);

    const copy = opened(text, new Map([['vpn.example.com:51820', '203.0.113.7:51820']]));

    expect(copy.match(/^Endpoint.*$/gm)).toEqual(['Endpoint = 203.0.113.7:51820']);
  });
});

describe('the copy that wg-quick takes down', () => {
  it('has the file’s commands, no keys and no peers', () => {
    const text = fakeConf(['2001:db8:2::2/128'], ['PostUp = a', 'PreDown = b', 'PostDown = c', 'DNS = 10.64.0.1']);

    expect(closingCopy(parseWgConf(text))).toBe('[Interface]\nTable = off\nPreDown = b\nPostDown = c\n');
  });

  it('keeps the table and the DNS of a file that decides for itself', () => {
    const text = fakeConf(['2001:db8:2::2/128'], ['Table = 77', 'DNS = 10.64.0.1']);

    expect(closingCopy(parseWgConf(text))).toBe('[Interface]\nTable = 77\nDNS = 10.64.0.1\n');
  });
});

describe('a file', () => {
  it('is the same with other remarks and spaces, and another with another key', async () => {
    const text = fakeConf(['2001:db8:2::2/128']);
    const digest = await digestOf(parseWgConf(text));

    expect(digest).toMatch(/^[0-9a-f]{12}$/);
    expect(await digestOf(parseWgConf(`# new\n${text.replaceAll(' = ', '=')}`))).toBe(digest);
    expect(await digestOf(parseWgConf(text.replace('Key = c', 'Key = d')))).not.toBe(digest);
  });

  it('has commands, whole and in order', () => {
    expect(hooksOf(parseWgConf('[Interface]\nPostUp = a, b; c\npredown=d\n[Peer]\nPostUp = no\n'))).toEqual([
      { key: 'PostUp', command: 'a, b; c' },
      { key: 'PreDown', command: 'd' },
    ]);
  });
});
