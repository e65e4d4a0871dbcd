import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../support/command.js';
import { configurationFor, Gatewayd } from '../support/gatewayd.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { CLIENT_ROUTER, CLIENT_V4, CLIENT_WAN, TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

const blocked = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl'] });

/** The client's own addresses, one of a provider's translator (RFC 6598) and one of a home router (RFC 1918). */
const SHARED = { address: '100.64.0.2', router: '100.64.0.1' };
const HOME = { address: '10.9.0.2', router: '10.9.0.1' };
const LIMIT = 10_000;

// HE's users behind a translator; openwrt pull requests #3687 and #3688: a host route to the tunnel's peer, which every
// 6in4 tunnel got, kept it on the WAN that it had come up on.
describe.skipIf(blocked !== null)(`a 6in4 tunnel behind a translator${blocked === null ? '' : ` (${blocked})`}`, () => {
  let bed: Testbed;
  let gatewayd: Gatewayd;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 1 });
    await bed.client.ip(
      `addr del ${CLIENT_V4}/24 dev ${CLIENT_WAN}`,
      `addr add ${SHARED.address}/24 dev ${CLIENT_WAN}`,
      `route add default via ${SHARED.router}`,
    );
    await bed.ns('middle').ip(`addr del ${CLIENT_ROUTER}/24 dev client`, `addr add ${SHARED.router}/24 dev client`);
    await translate(SHARED.address);
    gatewayd = await Gatewayd.start(bed, configurationFor(bed));
    await gatewayd.carriedBy('a');
  });
  afterAll(async () => {
    await gatewayd.end();
    await bed.destroy();
  });

  /** For the tunnel server the client is who it always was, whatever its own address. */
  const translate = (address: string): Promise<void> =>
    bed.ns('middle').nft(`table ip translator { }
        delete table ip translator
        table ip translator {
          chain out { type filter hook postrouting priority 100; ip saddr ${address} ip saddr set ${CLIENT_V4}; }
          chain back { type filter hook prerouting priority raw; ip daddr ${CLIENT_V4} ip daddr set ${address}; }
        }`);
  /** The far end of what carries the tunnel, as its command line has it. */
  const carrier = async (): Promise<string> => {
    const pids = (await mustRun(['ip', 'netns', 'pids', bed.client.name])).split('\n').filter((pid) => pid !== '');
    return pids.map(commandOf).find((line) => line.includes('IP4-DATAGRAM')) ?? '';
  };
  const ping = (): Promise<string> => bed.client.must(['ping', '-6', '-n', '-c', '1', '-W', '2', TARGETS[0]]);
  const routesToServer = async (): Promise<readonly string[]> =>
    (await bed.client.must(['ip', '-4', 'route', 'show', 'table', 'all']))
      .split('\n')
      .filter((line) => line.includes(bed.pop('popA').v4));

  it('leaves from the private address that the machine has, and carries packets', async () => {
    expect(await carrier()).toContain(`:41,bind=${SHARED.address},`);
    await ping();
  });

  it('has no route of its own to its server', async () => {
    expect(await routesToServer()).toEqual([]);
    expect(await bed.client.must(['ip', '-4', 'rule', 'show'])).not.toContain(bed.pop('popA').v4);
  });

  it('follows the host to another WAN with another private address', async () => {
    await mustRun([
      ...['ip', 'link', 'add', 'wan1', 'netns', bed.client.name],
      ...['type', 'veth', 'peer', 'name', 'client2', 'netns', bed.ns('middle').name],
    ]);
    await bed.ns('middle').ip('link set client2 up', `addr add ${HOME.router}/24 dev client2`);
    await translate(HOME.address);
    await bed.client.ip(
      'link set wan1 up',
      `addr add ${HOME.address}/24 dev wan1`,
      `route replace default via ${HOME.router} dev wan1`,
      `link set ${CLIENT_WAN} down`,
    );

    await waitFor(async () => (await carrier()).includes(`bind=${HOME.address},`), LIMIT, 'the tunnel to follow');
    await gatewayd.carriedBy('a', LIMIT);
    await ping();
    expect(await routesToServer()).toEqual([]);
  });
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
