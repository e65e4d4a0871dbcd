import { describe, expect, it } from 'vitest';
import { run } from '../support/command.js';
import { requireHost } from '../support/require-host.js';

/** The lab's scripts have time limits of their own; these are for a machine that hangs. */
const SELFTEST_LIMIT = 100_000;
const BOOT_LIMIT = 100_000;

const lab = (script: string): string => new URL(`../../lab/${script}`, import.meta.url).pathname;

const noBox = requireHost({ root: true, tools: ['ip', 'nft', 'unshare', 'setpriv', 'systemctl'] });
const noNet = requireHost({ root: true, tun: true, tools: ['ip', 'nft', 'ping', 'gcc', 'wg-quick', 'wireguard-go'] });
const noUml = requireHost({ root: true, tools: ['linux.uml', 'modprobe'] });

describe('the lab', () => {
  it.skipIf(noBox !== null)(`runs commands and systemd in a box${because(noBox)}`, async () => {
    await selftest('box');
  });

  it.skipIf(noNet !== null)(`makes a small internet and breaks it${because(noNet)}`, async () => {
    await selftest('net');
  });

  it.skipIf(noUml !== null)(
    `boots a kernel that has what this one may lack: sit and netem${because(noUml)}`,
    async () => {
      const guest = [
        'set -e',
        'ip link add he0 type sit local 127.0.0.1 remote 127.0.0.2',
        'tc qdisc add dev he0 root netem delay 10ms',
        'ip -o link show he0',
      ].join('\n');

      const { exitCode, stdout, stderr } = await run([lab('uml-run.sh'), '-t', '90', '--', 'sh', '-c', guest], {
        limit: BOOT_LIMIT,
      });

      expect(stderr).toBe('');
      expect(stdout).toContain('link/sit 127.0.0.1 peer 127.0.0.2');
      expect(exitCode).toBe(0);
    },
  );
});

async function selftest(part: string): Promise<void> {
  const { stdout } = await run([lab('selftest.sh'), part], { limit: SELFTEST_LIMIT });

  expect(stdout).toMatch(/\n[1-9]\d* passed, 0 failed, 0 skipped\n$/);
}

function because(missing: string | null): string {
  return missing === null ? '' : ` (skipped: ${missing})`;
}
