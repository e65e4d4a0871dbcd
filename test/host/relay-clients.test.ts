import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../support/command.js';
import type { Namespace } from '../support/namespace.js';
import { RelayBed } from '../support/relay-bed.js';
import { requireHost } from '../support/require-host.js';
import { popsOf, TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

// Programs that people use, through mappings and the SOCKS5 proxy of the daemon, over real tunnels.

const blocked = requireHost({
  root: true,
  tools: [
    ...['ip', 'nft', 'ping', 'socat', 'curl', 'iperf3', 'ssh', 'sshd', 'nc', 'haproxy', 'caddy', 'chromium', 'ss'],
    'openssl',
  ],
});

const [FAR] = TARGETS;
const script = (name: string): string => new URL(`../support/${name}.mjs`, import.meta.url).pathname;

// All in namespaces of this test. The far ones are on the IPv6 side.
const IPERF = 5_201;
const SSH = 2_022;
const TOLD = 8_444;
const TOLD_FAR = 80;
const OUT = 9_080;
const OUT_BY_B = 9_081;
const MIRROR = 8_080;
const QUIC = 4_433;

const MAPPINGS = `
[mapping.iperf-tcp]
protocol = tcp
internal_port = ${IPERF}
[mapping.iperf-udp]
protocol = udp
internal_port = ${IPERF}
[mapping.ssh]
protocol = tcp
internal_port = ${SSH}
[mapping.told]
protocol = tcp
internal_port = ${TOLD}
external_port = ${TOLD_FAR}
proxy_protocol = yes
[mapping.out-tcp]
protocol = tcp
direction = out
internal_port = ${OUT}
target = [${FAR}]:${MIRROR}
[mapping.out-udp]
protocol = udp
direction = out
internal_port = ${OUT}
target = [${FAR}]:${MIRROR}
[mapping.out-by-b]
protocol = tcp
direction = out
internal_port = ${OUT_BY_B}
v6_address = ${popsOf(2)[1]?.tunnel.client}
target = [${FAR}]:${MIRROR}
`;

/** What iperf3 says at its end, as far as it is looked at. */
interface Transfer {
  readonly end: {
    readonly sum_received: { readonly bytes: number };
    readonly sum: { readonly packets: number; readonly lost_packets: number };
  };
}

describe.skipIf(blocked !== null)(`programs through the relay${blocked === null ? '' : ` (${blocked})`}`, () => {
  let relay: RelayBed;
  let client: Namespace;
  let internet: Namespace;

  beforeAll(async () => {
    relay = await RelayBed.create(MAPPINGS);
    client = relay.bed.client;
    internet = relay.bed.internet;
    await internet.spawn([process.execPath, script('mirror-server'), FAR]).says(/ready/);
  });
  afterAll(() => relay?.destroy());

  const file = (name: string): string => join(relay.folder, name);

  describe('iperf3', () => {
    const BYTES = 30_000_000;
    /** Of 1,200 B: 2 s at 8 Mbit/s, some 830 a second. */
    const RATE = 8_000_000;
    const SECONDS = 2;

    beforeAll(async () => {
      // Line by line, as a terminal would have it; a pipe is told at the end.
      const server = client.spawn(['iperf3', '-s', '-B', '127.0.0.1', '-p', `${IPERF}`, '--forceflush']);
      await server.says(/Server listening/);
    });

    async function transfer(...more: readonly string[]): Promise<Transfer['end']> {
      const argv = ['iperf3', '-c', relay.address('a'), '-p', `${IPERF}`, '-J', ...more];
      return (JSON.parse(await internet.must(argv, { limit: 30_000 })) as Transfer).end;
    }

    it.each([
      ['in', []],
      ['out', ['-R']],
    ])(`carries ${BYTES / 1e6} MB %s through a TCP mapping`, async (_way, more) => {
      const { sum_received } = await transfer('-n', `${BYTES}`, ...more);

      // With -n, iperf3 ends once so much was sent; what was on its way then, in the buffers of four sockets and in the
      // relay's pipes, is not counted.
      expect(sum_received.bytes).toBeGreaterThan(0.7 * BYTES);
    });

    it.each([
      ['in', []],
      ['out', ['-R']],
    ])(`loses no datagram %s through a UDP mapping at ${RATE / 1e6} Mbit/s`, async (_way, more) => {
      const { sum } = await transfer('-u', '-b', `${RATE}`, '-l', '1200', '-t', `${SECONDS}`, ...more);

      expect(sum.packets).toBeGreaterThan((0.9 * RATE * SECONDS) / 8 / 1_200);
      // The user-space tunnels of this test drop some when the machine is busy with other things.
      expect(sum.lost_packets).toBeLessThan(0.01 * sum.packets);
    });
  });

  describe('ssh', () => {
    const INPUT = randomBytes(500_000).toString('hex');
    const BACK = 1_000_000;

    beforeAll(async () => {
      for (const name of ['host', 'user'])
        await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file(name)]);
      const key = await readFile(file('host.pub'), 'utf8');
      await writeFile(file('known'), `testhost ${key}`);
      await writeFile(file('authorized'), await readFile(file('user.pub'), 'utf8'), { mode: 0o600 });
      // Where sshd shuts in its unprivileged half; it is empty, and stays.
      await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
      await Promise.all([serve(internet, FAR), serve(client, '127.0.0.1')]);
    });

    async function serve(space: Namespace, address: string): Promise<void> {
      const config = file(`sshd-${address.replaceAll(':', '-')}`);
      await writeFile(
        config,
        `ListenAddress ${address.includes(':') ? `[${address}]` : address}:${SSH}
HostKey ${file('host')}
AuthorizedKeysFile ${file('authorized')}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
`,
      );
      await space.spawn(['/usr/sbin/sshd', '-D', '-e', '-f', config]).says(/Server listening/);
    }

    /** Sends a megabyte, and gets back where it is seen to come from, its hash, and another megabyte. */
    async function session(from: Namespace, to: string, ...more: readonly string[]): Promise<void> {
      const own = ['-F', 'none', '-i', file('user'), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'];
      const known = ['-o', `UserKnownHostsFile=${file('known')}`, '-o', 'HostKeyAlias=testhost'];
      const command = `echo $SSH_CONNECTION; sha256sum; head -c ${BACK} /dev/zero`;
      const argv = ['ssh', ...own, ...known, ...more, '-p', `${SSH}`, `root@${to}`, command];

      const { stdout, stderr } = await from.exec(argv, { input: INPUT, limit: 20_000 });

      expect(stderr).toBe('');
      const [where = '', hash = '', ...rest] = stdout.split('\n');
      expect(hash.split(' ')[0]).toBe(createHash('sha256').update(INPUT).digest('hex'));
      expect(rest.join('\n')).toHaveLength(BACK);
      const [seen] = where.split(' ');
      // Through the mapping the program sees the gateway, through the proxy the far side sees the tunnel.
      expect(seen).toBe(from === client ? relay.address('a') : '127.0.0.1');
    }

    it('goes out through nc -X 5 and the proxy', () =>
      session(client, FAR, '-o', 'ProxyCommand=nc -X 5 -x 127.0.0.1:1080 %h %p'));

    it('comes in through a TCP mapping', () => session(internet, relay.address('a')));
  });

  it('HAProxy with accept-proxy is told who connects, and to which address', async () => {
    const config = file('haproxy.cfg');
    await writeFile(
      config,
      `defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend told
  bind 127.0.0.1:${TOLD} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"
`,
    );
    client.spawn(['haproxy', '-db', '-f', config]);
    const listens = async (): Promise<boolean> =>
      (await client.must(['ss', '-Hltn', `sport = :${TOLD}`])).includes('LISTEN');
    await waitFor(listens, 5_000, 'HAProxy to listen');
    const from = ['--interface', FAR, '--local-port', '40001'];

    const told = await internet.must(['curl', '-sS', '-g', ...from, `http://[${relay.address('a')}]:${TOLD_FAR}/`]);

    expect(told).toBe(`${FAR} 40001 ${relay.address('a')} ${TOLD_FAR}`);
  });

  it('a browser and a server of HTTP/3 meet through UDP ASSOCIATE', async () => {
    const site = file('site');
    await mkdir(site);
    // 2 MB that read as text: each byte of the text is one of the file.
    const big = randomBytes(1_000_000).toString('hex');
    const sum = [...Buffer.from(big)].reduce((total, byte) => (total * 31 + byte) % 1_000_000_007, 7);
    await writeFile(join(site, 'big.txt'), big);
    await writeFile(
      join(site, 'index.html'),
      `<!doctype html><script>
const ask = new XMLHttpRequest();
ask.open('GET', '/big.txt', false);
ask.send();
const text = ask.responseText;
let sum = 7;
for (let i = 0; i < text.length; i += 1) sum = (sum * 31 + text.charCodeAt(i)) % 1000000007;
const [page] = performance.getEntriesByType('navigation');
document.write('by ' + page.nextHopProtocol + ': ' + text.length + ' bytes, sum ' + sum);
</script>`,
    );
    await mustRun([
      ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-subj', '/CN=quic.example', '-addext', 'subjectAltName=DNS:quic.example'],
      ...['-keyout', file('quic.key'), '-out', file('quic.crt')],
    ]);
    const config = file('Caddyfile');
    await writeFile(
      config,
      `{
  admin off
  auto_https off
  storage file_system ${file('caddy')}
}
https://quic.example:${QUIC} {
  bind ${FAR}
  tls ${file('quic.crt')} ${file('quic.key')}
  root * ${site}
  file_server
  log {
    output stderr
    format json
  }
}
`,
    );
    const home = { HOME: relay.folder, XDG_CONFIG_HOME: relay.folder, XDG_DATA_HOME: relay.folder };
    const server = internet.spawn(['caddy', 'run', '--config', config, '--adapter', 'caddyfile'], home);
    await server.says(/serving initial configuration/);
    const shim = client.spawn([process.execPath, script('datagram-shim'), '1080', FAR, `${QUIC}`]);
    const port = Number((await shim.says(/listening on port (\d+)/))[1]);
    const { publicKey } = new X509Certificate(await readFile(file('quic.crt')));
    const pin = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64');

    const page = await client.must(
      [
        ...['chromium', '--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--dump-dom'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
        `--user-data-dir=${file('profile')}`,
        `--host-resolver-rules=MAP quic.example:${QUIC} 127.0.0.1:${port}`,
        `--origin-to-force-quic-on=quic.example:${QUIC}`,
        `--ignore-certificate-errors-spki-list=${pin}`,
        `https://quic.example:${QUIC}/`,
      ],
      { limit: 30_000 },
    );

    expect(page).toContain(`by h3: ${big.length} bytes, sum ${sum}`);
    // It writes down what it has answered, after that.
    const asked = (): readonly string[] =>
      (server.output.match(/.*\n/g) ?? []).filter((line) => line.includes('/big.txt'));
    await waitFor(() => asked().length > 0, 5_000, 'the request to be written down');
    expect(asked()).toHaveLength(1);
    expect(JSON.parse(asked()[0] ?? '')).toMatchObject({
      request: { remote_ip: relay.address('a'), proto: 'HTTP/3.0' },
      size: big.length,
      status: 200,
    });
    await shim.stop();
  });

  const by = (port: number): Promise<string> =>
    client.must(['curl', '-sS', '--max-time', '5', `http://127.0.0.1:${port}/`]);
  const outward = async (): Promise<readonly string[]> => [
    await by(OUT),
    (await client.must(['socat', '-t', '1', 'STDIO', `UDP4:127.0.0.1:${OUT}`], { input: 'hello' })).trim(),
  ];

  it('outward mappings leave by the primary, and by the next one from the moment it takes over', async () => {
    expect(await outward()).toEqual([`you are ${relay.address('a')}\n`, `${relay.address('a')} said hello`]);
    expect(await by(OUT_BY_B)).toBe(`you are ${relay.address('b')}\n`);

    await relay.bed.cut('popA');
    await relay.gatewayd.carriedBy('b');

    expect(await outward()).toEqual([`you are ${relay.address('b')}\n`, `${relay.address('b')} said hello`]);
    await relay.bed.restore('popA');
    await relay.gatewayd.isUp('a', 20_000);
  });

  it('a damaged file of mappings is kept aside and reported, and the gateway goes on', async () => {
    const stored = file('ports.json');
    const map = ['-X', 'POST', '-H', 'content-type: application/json', 'http://127.0.0.1:8642/ports/udp'];
    const body = ['-d', JSON.stringify({ internal_port: 1_234, external_port: 7_654, v6_address: 'auto' })];
    await client.must(['curl', '-sS', '--fail', ...map, ...body]);
    const { length } = await readFile(stored);

    await relay.restart(() => truncate(stored, length - 10));

    const aside = (await readdir(relay.folder)).filter((name) => /^ports\.json\.damaged-\d+$/.test(name));
    expect(aside).toHaveLength(1);
    expect(await readFile(file(aside[0] ?? ''))).toHaveLength(length - 10);
    expect(relay.gatewayd.process.output).toContain(`kept as ${file(aside[0] ?? '')}, and none is taken on`);
    expect((await relay.ports()).every(({ name }) => name !== null)).toBe(true);

    await client.must(['curl', '-sS', '--fail', ...map, ...body]);
    await relay.restart(async () => {});
    expect((await relay.ports()).filter(({ name }) => name === null)).toMatchObject([{ external_port: 7_654 }]);
  });
});
