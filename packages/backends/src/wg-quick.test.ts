import { describeDriverError } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { FAKE_PRIVATE_KEY } from './testing/fake-wireguard.js';
import { complaintOf, type WgQuickCall } from './wg-quick.js';

const call: WgQuickCall = {
  verb: 'up',
  iface: 'wg0',
  path: '/run/x/wg0.conf',
  hooks: [{ key: 'PostUp', command: 'nft -f /etc/%i.nft' }],
  userspace: 'wireguard-go',
};
const saying = (...lines: string[]) => complaintOf(call, { exitCode: 1, stdout: '', stderr: lines.join('\n') });
const sentence = (...lines: string[]): string => describeDriverError(saying(...lines));

const FELL_BACK = [
  '[#] ip link add wg0 type wireguard',
  'Error: Unknown device type.',
  '[!] Missing WireGuard kernel module. Falling back to slow userspace implementation.',
  '[#] wireguard-go wg0',
  '┌──────┐',
  '│  Box │',
  '└──────┘',
  '[#] wg setconf wg0 /dev/fd/63',
];
const CLEAN_UP = ['[#] ip link delete dev wg0', 'Cannot find device "wg0"'];

describe('what wg-quick complains of', () => {
  it.each(['Error: Unknown device type.', 'RTNETLINK answers: Operation not supported'])(
    'is a missing program where neither kernel nor program has WireGuard: %s',
    (refusal) => {
      const error = saying('[#] ip link add wg0 type wireguard', refusal, 'Unable to access interface', ...CLEAN_UP);

      expect(error).toMatchObject({ kind: 'missing_tool', tool: 'wireguard-go' });
      expect(describeDriverError(error)).toMatch(/modprobe wireguard.*apt install wireguard-go/);
    },
  );

  it('is what came after the fall-back and before the clean-up', () => {
    expect(sentence(...FELL_BACK, 'Unable to modify interface: No such device', ...CLEAN_UP)).toBe(
      '"wg-quick up /run/x/wg0.conf" ended with status 1: Unable to modify interface: No such device',
    );
  });

  it('names the kind of the file’s own command that failed, not the command', () => {
    const text = sentence(...FELL_BACK, '[#] nft -f /etc/wg0.nft', 'Error: Permission denied', ...CLEAN_UP);

    expect(text).toMatch(/its PostUp command failed: Error: Permission denied$/);
    expect(sentence(...FELL_BACK, '[#] nft -f /etc/wg0.nft', ...CLEAN_UP)).toMatch(/its PostUp command failed$/);
  });

  it.each([
    [`Line unrecognized: \`PrivatKey=${FAKE_PRIVATE_KEY}'`, "Line unrecognized: `PrivatKey = …'"],
    [`Line unrecognized: \`${FAKE_PRIVATE_KEY}'`, "Line unrecognized: `…'"],
    [
      `Key is not the correct length or format: \`${FAKE_PRIVATE_KEY.slice(5)}'`,
      "Key is not the correct length or format: `…'",
    ],
    [`no quotes around ${FAKE_PRIVATE_KEY}`, 'no quotes around …'],
    ["Unable to parse IP address: `2001:db8::x'", "Unable to parse IP address: `…'"],
    ["Unable to parse IP address: `192.0.2.300'", "Unable to parse IP address: `192.0.2.300'"],
    ["wg-quick: `wg0' already exists", "wg-quick: `wg0' already exists"],
  ])('shows no key: %s', (line, shown) => {
    expect(saying(...FELL_BACK, line, ...CLEAN_UP)).toMatchObject({ kind: 'command_failed', stderr: shown });
  });

  it('is a lack of rights where it is one', () => {
    expect(saying('[#] ip link add wg0 type wireguard', 'RTNETLINK answers: Operation not permitted')).toMatchObject({
      kind: 'not_permitted',
    });
  });
});
