import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import { type Finished, type Running, run } from '../support/command.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';
import { TARGETS } from '../support/topology.js';
import { waitFor } from '../support/wait-for.js';

/** Node's start, the bundle's, and a busy machine. */
const START_LIMIT = 20_000;

const missing = requireHost({ root: true, tools: ['ip', 'nft', 'ping', 'socat', 'curl', 'setpriv'] });
const because = missing === null ? '' : ` (skipped: ${missing})`;

const GOOD = `
[tunnel.he-primary]
type = external
iface = extA
gateway = 2001:db8:1::1
priority = 0

[tunnel.wg-backup]
type = external
iface = extB
gateway = 2001:db8:2::1
priority = 1

[health]
targets = ${TARGETS.join(', ')}
probe_interval = 200ms
`;

let cli: string;
let folder: string;
let pipes = 0;
const idleReaders: number[] = [];

beforeAll(async () => {
  cli = await builtCli();
  folder = mkdtempSync(join(tmpdir(), 'hurricane-daemon-'));
  chmodSync(folder, 0o755);
});
afterAll(() => {
  for (const reader of idleReaders) closeSync(reader);
  rmSync(folder, { recursive: true, force: true });
});

describe('the bundled program', () => {
  it('prints help', async () => {
    const { exitCode, stdout, stderr } = await runCli('-h');

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: v6-gatewayd \[options\] \[command\]\n/);
    expect(stdout).toContain('Exit codes:');
    expect(stderr).toBe('');
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(
      readFileSync(new URL('../../packages/daemon/package.json', import.meta.url), 'utf8'),
    ) as { version: string };

    expect(await runCli('--version')).toEqual({ exitCode: 0, stdout: `v6-gatewayd ${version}\n`, stderr: '' });
  });

  it('calls a configuration good', async () => {
    expect(await runCli('-t', '-c', conf('good', GOOD))).toEqual({
      exitCode: 0,
      stdout: 'configuration ok: 2 tunnels\n',
      stderr: '',
    });
  });

  it('lists everything that is wrong with one, by line, and starts nothing with it', async () => {
    const file = conf('bad', '[core]\napi_port = 0\n\n[tunnel.a]\ntype = magic\nnonsense\n');

    const checked = await runCli('-t', '-c', file);
    const ran = await runCli('-c', file);

    expect(checked.exitCode).toBe(78);
    expect(ran.exitCode).toBe(78);
    for (const line of [2, 5, 6]) {
      expect(checked.stderr).toMatch(new RegExp(`^${file}:${line}: `, 'm'));
      expect(ran.stderr).toMatch(new RegExp(`\\[ERROR\\] ${file}:${line}: `));
    }
  });

  it('says in one line what to do without a configuration file', async () => {
    const file = join(folder, 'none.conf');

    const { exitCode, stderr } = await runCli('-c', file);

    expect(exitCode).toBe(78);
    expect(stderr).toMatch(
      /^\[[^\]]+\] \[ERROR\] There is no configuration file .*none\.conf: .*-c FILE.*playground\n$/,
    );
  });

  it.each([
    ['/etc', 'is a directory'],
    ['/dev/null', 'is not an ordinary file'],
  ])('refuses %s as a configuration', async (file, why) => {
    const { exitCode, stderr } = await runCli('-c', file);

    expect(exitCode).toBe(78);
    expect(stderr).toContain(`The configuration file ${file} ${why}`);
  });

  it('answers a wrong command line with one sentence', async () => {
    const { exitCode, stderr } = await runCli('--confg', 'x');

    expect(exitCode).toBe(64);
    expect(stderr).toBe(
      "v6-gatewayd: unknown option '--confg' (Did you mean --config?); v6-gatewayd --help says what there is\n",
    );
  });

  it('survives a reader that leaves before the help is over', async () => {
    const { exitCode, stderr } = await run(['sh', '-c', `"${process.execPath}" "${cli}" -h | true`]);

    expect(exitCode).toBe(0);
    expect(stderr).toBe('');
  });

  it('says that nobody answers when no daemon runs', async () => {
    // RFC 6335: port 1 is reserved, so that nothing listens there.
    const { exitCode, stderr } = await runCli('status', '--url', 'http://127.0.0.1:1');

    expect(exitCode).toBe(69);
    expect(stderr).toMatch(/^the daemon at http:\/\/127.0.0.1:1\/health .*\n$/);
  });
});

describe.skipIf(missing !== null)(`a daemon that may not or cannot${because}`, () => {
  it('says in one line that it needs root', async () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];

    const { exitCode, stderr } = await run([...nobody, process.execPath, cli, '-c', conf('good', GOOD)]);

    expect(exitCode).toBe(77);
    expect(errorsIn(stderr)).toEqual([
      expect.stringMatching(/Not permitted .* run it as root, or grant CAP_NET_ADMIN/),
    ]);
  });

  it('says which package to install when there is no ip', async () => {
    const { exitCode, stderr } = await run(['env', 'PATH=/nowhere', process.execPath, cli, '-c', conf('good', GOOD)]);

    expect(exitCode).toBe(69);
    expect(errorsIn(stderr)).toEqual([expect.stringContaining('"ip" is not installed: apt install iproute2')]);
  });
});

describe.skipIf(missing !== null)(`a daemon on a host with two tunnels${because}`, () => {
  let bed: Testbed;
  let atFirst: string;

  beforeAll(async () => {
    bed = await Testbed.create({ pops: 2, plain: true });
    atFirst = await bed.snapshot('client');
  });
  afterEach(() => bed.client.killPrograms());
  afterAll(() => bed?.destroy());

  const start = (...args: readonly string[]): Running =>
    bed.client.spawn([process.execPath, cli, '-c', conf('good', GOOD), ...args]);

  it('selects a primary, answers, and leaves nothing after SIGTERM', async () => {
    const daemon = start('-f');

    await daemon.says(
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[INFO\] Selected primary tunnel: he-primary \(health: \d+\)$/m,
      START_LIMIT,
    );
    await daemon.says(/Tunnel wg-backup is up/);
    const health = await bed.client.must(['curl', '-sS', 'http://127.0.0.1:8642/health']);
    const status = await bed.client.exec([process.execPath, cli, 'status', '-c', conf('good', GOOD)]);
    const during = await bed.snapshot('client');
    const asked = performance.now();
    const exitCode = await daemon.stop(START_LIMIT);

    expect(JSON.parse(health)).toMatchObject({ status: 'ok', primary: 'he-primary' });
    expect(status.exitCode).toBe(0);
    expect(status.stdout).toMatch(/^IPv6: ok through he-primary, (<1|\d+) ms\n/);
    expect(status.stdout).toMatch(/^\* {2}he-primary +up +\d+ .* extA +2001:db8:1::\/64 +external$/m);
    expect(status.stdout).toMatch(/^ {3}wg-backup +up /m);
    expect(during).not.toBe(atFirst);
    expect(exitCode).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5_000);
    expect(await bed.snapshot('client')).toBe(atFirst);
  });

  it('is the only one: a second one ends with a sentence, and the first does not notice', async () => {
    const first = start();
    await first.says(/Selected primary tunnel/, START_LIMIT);
    await first.says(/Tunnel wg-backup is up/);
    const before = await bed.snapshot('client');

    const second = start();
    const exitCode = await second.end(START_LIMIT);

    expect(exitCode).toBe(69);
    expect(errorsIn(second.output)).toEqual([expect.stringContaining('Port 8642 on 127.0.0.1 (api_port) is taken')]);
    expect(await bed.snapshot('client')).toBe(before);
    expect(await first.stop(START_LIMIT)).toBe(0);
  });

  it('touches nothing when another program has its port', async () => {
    const squatter = bed.client.spawn(['socat', '-dd', 'TCP4-LISTEN:8642,bind=127.0.0.1', '/dev/null']);
    await squatter.says(/listening on/);

    const daemon = start();

    expect(await daemon.end(START_LIMIT)).toBe(69);
    expect(daemon.output).not.toContain('Gateway started');
    expect(await bed.snapshot('client')).toBe(atFirst);
    await squatter.stop();
  });

  it('ends with 0 and leaves nothing when SIGTERM comes during its start', async () => {
    const daemon = start();
    await daemon.says(/v6-gatewayd \S+ with/, START_LIMIT);

    expect(await daemon.stop(START_LIMIT)).toBe(0);
    expect(await bed.snapshot('client')).toBe(atFirst);
  });

  it('reloads after SIGHUP, and keeps what runs when the file has mistakes', async () => {
    const file = conf('reloaded', GOOD);
    const daemon = bed.client.spawn([process.execPath, cli, '-c', file]);
    await daemon.says(/Tunnel wg-backup is up/, START_LIMIT);

    writeFileSync(file, `${GOOD}\nmore = nonsense\n`);
    daemon.signal('SIGHUP');
    await daemon.says(new RegExp(`\\[ERROR\\] ${file}:\\d+: health.more: `));
    await daemon.says(/goes on with the one it has/);
    writeFileSync(file, GOOD.replace('iface = extB', 'iface = extB\nenabled = false'));
    daemon.signal('SIGHUP');
    await daemon.says(/Configuration reloaded: 0 added, 0 removed, 1 changed/);
    await daemon.says(/Tunnel wg-backup is down/);

    expect(await daemon.stop(START_LIMIT)).toBe(0);
    expect(await bed.snapshot('client')).toBe(atFirst);
  });

  it('logs objects with --log-format json, and every decision with -d', async () => {
    const daemon = start('--log-format', 'json', '-d', '-f');
    await daemon.says(/"news":"primary_selected"/, START_LIMIT);
    await daemon.stop(START_LIMIT);

    const lines = daemon.output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map((line) => line['level'])).toContain('debug');
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'info', msg: expect.stringMatching(/^Selected primary tunnel: he-primary/) }),
    );
  });

  it('logs priorities and no time to the journal', async () => {
    const file = join(folder, 'journal');
    const journal = openSync(file, 'w');
    const { dev, ino } = statSync(file);
    const daemon = spawnIn(bed, { stderr: journal, env: { JOURNAL_STREAM: `${dev}:${ino}` } });
    closeSync(journal);

    await waitFor(() => readFileSync(file, 'utf8').includes('Gateway started'), START_LIMIT, 'the daemon to start');
    daemon.kill('SIGTERM');
    await waitFor(() => daemon.exitCode !== null, START_LIMIT, 'the daemon to end');

    expect(readFileSync(file, 'utf8')).toMatch(/^<6>\[INFO\] Gateway started with 2 tunnels$/m);
    expect(daemon.exitCode).toBe(0);
  });

  it.each([
    ['has gone', goneReader],
    ['has stopped reading', stoppedReader],
  ])('goes on and ends well when the reader of its log %s', async (_what, reader) => {
    const stderr = reader();
    const daemon = spawnIn(bed, { stderr, env: {} });
    closeSync(stderr);

    const answers = async (): Promise<boolean> =>
      (await bed.client.exec(['curl', '-sf', 'http://127.0.0.1:8642/health'])).stdout.includes('"status":"ok"');
    await waitFor(answers, START_LIMIT, 'the API to answer that all is well');
    daemon.kill('SIGTERM');
    await waitFor(() => daemon.exitCode !== null, START_LIMIT, 'the daemon to end');

    expect(daemon.exitCode).toBe(0);
    expect(await bed.snapshot('client')).toBe(atFirst);
  });
});

function runCli(...args: readonly string[]): Promise<Finished> {
  return run([process.execPath, cli, ...args], { limit: START_LIMIT });
}

function conf(name: string, text: string): string {
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, text);
  return file;
}

function errorsIn(output: string): readonly string[] {
  return output.split('\n').filter((line) => line.includes('[ERROR]'));
}

/** A pipe that nobody reads from, and so nothing can be written to: EPIPE. */
function goneReader(): number {
  const { reader, writer } = aPipe();
  closeSync(reader);
  return writer;
}

/** A full pipe whose reader is there and does not read. */
function stoppedReader(): number {
  const { reader, writer } = aPipe();
  idleReaders.push(reader);
  try {
    // The reading end is open for writing too, and does not block.
    for (;;) writeSync(reader, Buffer.alloc(4_096));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
  }
  return writer;
}

/** @returns the writing end blocks, as those that shells make do. */
function aPipe(): { readonly reader: number; readonly writer: number } {
  pipes += 1;
  const file = join(folder, `pipe${pipes}`);
  execFileSync('mkfifo', [file]);
  const reader = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  return { reader, writer: openSync(file, constants.O_WRONLY) };
}

/** Like `Namespace.spawn`, with a standard error of the test's own. */
function spawnIn(
  bed: Testbed,
  options: { readonly stderr: number; readonly env: Readonly<Record<string, string>> },
): ChildProcess {
  const argv = ['netns', 'exec', bed.client.name, process.execPath, cli, '-c', conf('good', GOOD), '-d'];
  return spawn('ip', argv, { stdio: ['ignore', 'ignore', options.stderr], env: { ...process.env, ...options.env } });
}
