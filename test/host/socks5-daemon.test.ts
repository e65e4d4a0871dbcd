import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Running } from '../support/command.js';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

// The proxy as the daemon serves it; what it answers to whom is in socks5.test.ts.

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl', 'chromium'] });

const MIRROR = `http://[${TARGETS[0]}]:8080/`;
const SETTINGS = '[exposure]\nmode = socks5\n[failover]\nfailback = never\n';

describe.skipIf(blocked !== null)(`exposure mode socks5${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let gatewayd: Gatewayd;
  let mirror: Running;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2 });
    const script = new URL('../support/mirror-server.mjs', import.meta.url).pathname;
    mirror = bed.internet.spawn([process.execPath, script, TARGETS[0]]);
    await mirror.says(/ready/);
    gatewayd = await Gatewayd.startOn(bed, 'a', configurationFor(bed, SETTINGS));
    await gatewayd.isUp('b');
  });
  afterAll(async () => {
    await gatewayd.end();
    await bed.destroy();
  });

  const proxied = (...more: readonly string[]): readonly string[] => [
    ...['curl', '-sS', '--max-time', '10', '--socks5-hostname', '127.0.0.1:1080', ...more, MIRROR],
  ];
  const clientOf = (pop: string): string => bed.pop(pop).tunnel.client;

  it('leaves by the primary, is seen in /flows, and by the next one from the moment it takes over', async () => {
    expect(await bed.client.must(proxied())).toBe(`you are ${clientOf('popA')}\n`);
    // It says nothing, so the mirror waits, and the connection stays.
    const held = bed.client.spawn([
      'curl',
      '-sS',
      '--socks5-hostname',
      '127.0.0.1:1080',
      `telnet://[${TARGETS[0]}]:8080`,
    ]);
    const flows = async (): Promise<readonly { readonly tunnel: string }[]> =>
      (await gatewayd.get<{ flows: readonly { tunnel: string }[] }>('/flows')).flows;
    await waitFor(async () => (await flows()).some(({ tunnel }) => tunnel === 'a'), 5_000, 'the flow to be seen');

    await bed.cut('popA');
    await gatewayd.carriedBy('b');

    expect(await bed.client.must(proxied())).toBe(`you are ${clientOf('popB')}\n`);
    // What went through the dead tunnel is ended, not left to hang.
    expect(await held.end(10_000)).not.toBeNull();
    await waitFor(async () => (await flows()).length === 0, 5_000, 'no flow to be left');
    await bed.restore('popA');
  });

  it('carries a browser', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'hurricane-profile-'));
    const switches = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      `--user-data-dir=${profile}`,
    ];
    // Nothing but the page is asked for.
    const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
    const proxy = '--proxy-server=socks5://127.0.0.1:1080';

    const page = await bed.client.must(['chromium', ...switches, ...quiet, proxy, '--dump-dom', MIRROR]);
    await rm(profile, { recursive: true, force: true });

    expect(page).toMatch(/you are 2001:db8:[0-9a-f]+::2/);
  });

  it('does not lead back into this machine', async () => {
    const { exitCode, stderr } = await bed.client.exec([
      'curl',
      '-sS',
      '--socks5-hostname',
      '127.0.0.1:1080',
      'http://127.0.0.1:8642/health',
    ]);

    // 2: not allowed by the ruleset (RFC 1928 section 6).
    expect({ exitCode, stderr }).toEqual({ exitCode: 97, stderr: expect.stringMatching(/\(2\)/) });
  });

  it('does not start where another program has its port', async () => {
    const second = await Gatewayd.start(bed, configurationFor(bed, `[core]\napi_port = 8643\n${SETTINGS}`));
    await second.process.end(10_000);

    expect(second.process.output).toContain('The SOCKS5 proxy cannot listen on 127.0.0.1:1080');
    expect(await second.end()).toBe(69);
    expect(await bed.client.must(proxied())).toMatch(/^you are /);
  });
});
