import { describe, expect, it } from 'vitest';
import { FakeHost } from './testing/fake-host.js';
import { FAKE_PRIVATE_KEY, FAKE_PUBLIC_KEY, FAKE_SHARED_KEY } from './testing/fake-wireguard.js';
import { parseDump, readDump } from './wg-dump.js';

const KEYS = [FAKE_PRIVATE_KEY, FAKE_PUBLIC_KEY, FAKE_SHARED_KEY];
const first = `${FAKE_PRIVATE_KEY}\t${FAKE_PUBLIC_KEY}\t44649\t0xca6c`;
const peer = (...cells: string[]): string => [FAKE_PUBLIC_KEY, ...cells].join('\t');

describe('what wg shows of an interface', () => {
  it('is read for several peers with several networks, and for what is off or unknown', () => {
    const text = `${first}
${peer(FAKE_SHARED_KEY, '203.0.113.7:51820', '0.0.0.0/0,::/0', '1700000000', '148', '18446744073709551615', '25')}
${peer('(none)', '(none)', '(none)', '0', '0', '0', 'off')}
`;

    expect(parseDump(text)).toEqual({
      listenPort: 44_649,
      fwmark: 0xca6c,
      peers: [
        {
          endpoint: '203.0.113.7:51820',
          allowedIps: ['0.0.0.0/0', '::/0'],
          handshake: 1_700_000_000,
          rx: 148n,
          tx: 18_446_744_073_709_551_615n,
          keepalive: 25_000,
        },
        { endpoint: null, allowedIps: [], handshake: null, rx: 0n, tx: 0n, keepalive: null },
      ],
    });
  });

  it('is read of an interface that has nothing yet', () => {
    expect(parseDump('(none)\t(none)\t0\toff\n')).toEqual({ listenPort: null, fwmark: null, peers: [] });
  });

  it('leaves its keys behind', () => {
    const dump = parseDump(`${first}\n${peer(FAKE_SHARED_KEY, '[2001:db8::7]:51820', '::/0', '1', '2', '3', 'off')}\n`);

    const kept = JSON.stringify(dump, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
    expect(kept).toContain('[2001:db8::7]:51820');
    for (const key of KEYS) expect(kept).not.toContain(key);
  });

  it.each([
    ['', 'nothing'],
    ['Unable to access interface', 'a message'],
    [`wg0\t${first}`, 'a line of all interfaces'],
  ])('is nothing when wg printed %j (%s)', (text) => {
    expect(parseDump(text)).toBeNull();
  });

  it('leaves out a peer it cannot read', () => {
    const lines = [first, peer('(none)', '(none)', '(none)', 'x', '0', '0', 'off'), peer('short')];

    expect(parseDump(lines.join('\n'))?.peers).toEqual([]);
  });
});

describe('asking wg', () => {
  it('answers null for an interface that is none of WireGuard’s', async () => {
    const host = new FakeHost();

    expect((await readDump(host, 'eth0', new AbortController().signal))._unsafeUnwrap()).toBeNull();
    expect(host.surprises).toEqual([]);
  });

  it('says what to install when there is no wg', async () => {
    const host = new FakeHost();
    host.missing.add('wg');

    expect((await readDump(host, 'wg0', new AbortController().signal))._unsafeUnwrapErr()).toEqual({
      kind: 'missing_tool',
      tool: 'wg',
      install: 'apt install wireguard-tools',
    });
  });
});
