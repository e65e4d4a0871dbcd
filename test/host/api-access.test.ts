import { chmodSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import type { Running } from '../support/command.js';
import { requireHost } from '../support/require-host.js';
import { Testbed } from '../support/testbed.js';

/** Node's start, the bundle's, and a busy machine. */
const START_LIMIT = 20_000;

const OLD = '0123456789abcdef0123456789abcdef';
const NEW = 'fedcba9876543210fedcba9876543210';
const TUNNEL = '[tunnel.somebody]\ntype = external\niface = some0\n';

const missing = requireHost({ root: true, tools: ['ip', 'curl', 'setpriv', 'socat'] });

describe.skipIf(missing !== null)(`the API of a daemon${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let bed: Testbed;
  let cli: string;
  let folder: string;
  let socket: string;
  let token: string;
  const started: Running[] = [];

  beforeAll(async () => {
    [bed, cli] = await Promise.all([Testbed.create({ pops: 1, plain: true }), builtCli()]);
  });
  afterAll(() => bed?.destroy());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hurricane-access-'));
    socket = join(folder, 'api.sock');
    token = join(folder, 'token');
    writeFileSync(token, `${OLD}\n`, { mode: 0o600 });
  });
  afterEach(async () => {
    for (const daemon of started.splice(0)) await daemon.stop(START_LIMIT);
    rmSync(folder, { recursive: true });
  });

  function start(settings: string, before: readonly string[] = []): Running {
    const file = join(folder, 'gateway.conf');
    writeFileSync(file, `[core]\n${settings}\n${TUNNEL}`);
    const daemon = bed.client.spawn([...before, process.execPath, cli, '-d', '-c', file]);
    started.push(daemon);
    return daemon;
  }

  async function running(settings: string, before: readonly string[] = []): Promise<Running> {
    const daemon = start(settings, before);
    await daemon.says(/Gateway started/, START_LIMIT);
    return daemon;
  }

  /** The status that curl is told. */
  async function status(...args: readonly string[]): Promise<number> {
    const { stdout } = await bed.client.exec(['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', ...args]);
    return Number(stdout);
  }

  const bySocket = (...args: readonly string[]) => status('--unix-socket', socket, ...args);
  const bearer = (text: string) => ['-H', `Authorization: Bearer ${text}`];
  const HEALTH = 'http://127.0.0.1:8642/health';

  it('is on a socket that only its group may open, and takes it away at the end', async () => {
    const daemon = await running(`api_socket = ${socket}\napi_socket_group = nogroup`);
    chmodSync(folder, 0o755);

    expect(lstatSync(socket)).toMatchObject({ uid: 0, gid: 65_534, mode: 0o140660 });
    expect(await bySocket('http://localhost/health')).toBe(200);
    expect(await bySocket('http://any.example/health')).toBe(200);
    expect(await bySocket('-H', 'Origin: https://evil.example', 'http://localhost/health')).toBe(403);
    const asUser = (gid: string) => [
      ...['setpriv', '--reuid=12345', `--regid=${gid}`, '--clear-groups', 'curl', '-sS', '--unix-socket', socket],
      'http://localhost/health',
    ];
    expect((await bed.client.exec(asUser('65534'))).stdout).toContain('"status"');
    expect((await bed.client.exec(asUser('12345'))).exitCode).not.toBe(0);

    expect(await daemon.stop(START_LIMIT)).toBe(0);
    expect(() => lstatSync(socket)).toThrow('ENOENT');
  });

  it('can give its socket to a group of its own without CAP_CHOWN, and to no other', async () => {
    const without = (groups: string) => ['setpriv', `--groups=${groups}`, '--bounding-set=-chown', '--inh-caps=-chown'];
    await running(`api_socket = ${socket}\napi_socket_group = 12345`, without('12345'));
    expect(lstatSync(socket)).toMatchObject({ gid: 12_345, mode: 0o140660 });
    await started.pop()?.stop(START_LIMIT);

    const refused = start(`api_socket = ${socket}\napi_socket_group = 12345`, without('54321'));

    expect(await refused.end(START_LIMIT)).toBe(77);
    expect(refused.output).toMatch(/not permitted to give .*api\.sock to group 12345: .*SupplementaryGroups=/);
    expect(() => lstatSync(socket)).toThrow('ENOENT');
  });

  it('replaces the socket of a daemon that was killed, and refuses that of a living program', async () => {
    const killed = await running(`api_socket = ${socket}`);
    killed.signal('SIGKILL');
    await killed.end(START_LIMIT);
    expect(lstatSync(socket).isSocket()).toBe(true);

    await running(`api_socket = ${socket}`);
    expect(await bySocket('http://localhost/health')).toBe(200);
    const second = start(`api_port = 8643\napi_socket = ${socket}`);

    expect(await second.end(START_LIMIT)).toBe(69);
    expect(second.output).toMatch(
      /The socket .*api\.sock \(api_socket\) is taken by \S+ \(process \d+\), perhaps a v6-/,
    );
    expect(await bySocket('http://localhost/health')).toBe(200);
  });

  it('asks for its token before changes, and for the new one after SIGHUP', async () => {
    const daemon = await running(`api_token_file = ${token}`);
    const post = (...args: readonly string[]) => status('-X', 'POST', ...args, HEALTH);

    expect(await status(HEALTH)).toBe(200);
    expect(await post()).toBe(401);
    expect(await post(...bearer(NEW))).toBe(401);
    expect(await post(...bearer(OLD))).toBe(405);

    chmodSync(token, 0o644);
    daemon.signal('SIGHUP');
    await daemon.says(/has mode 0644, so that others may read or change it: chmod 600 .*; the token from before stays/);
    expect(await post(...bearer(OLD))).toBe(405);

    chmodSync(token, 0o600);
    writeFileSync(token, NEW);
    daemon.signal('SIGHUP');
    await daemon.says(/The API token has been read again/);
    expect(await post(...bearer(OLD))).toBe(401);
    expect(await post(...bearer(NEW))).toBe(405);
    expect(daemon.output).not.toMatch(new RegExp(`${OLD}|${NEW}`));
    expect(readFileSync(`/proc/${daemon.pid}/cmdline`, 'utf8')).not.toContain(NEW);
  });

  it('is open to other machines with a token only', async () => {
    const refused = start('api_bind = ::');
    expect(await refused.end(START_LIMIT)).toBe(78);
    expect(refused.output).toMatch(
      /:2: core\.api_bind: "::" opens the API to other machines, which needs api_token_file/,
    );

    await running(`api_bind = ::\napi_token_file = ${token}`);
    for (const url of [HEALTH, 'http://[::1]:8642/health', 'http://127.0.0.1:8642/nope']) {
      expect(await status(url)).toBe(401);
      expect(await status(...bearer(OLD), url)).toBe(url.endsWith('nope') ? 404 : 200);
    }
  });

  it.each([
    [0o644, 78, /has mode 0644, so that others may read or change it: chmod 600/],
    [0o660, 78, /has mode 0660/],
  ])('does not start with a token file of mode %o', async (mode, exitCode, sentence) => {
    chmodSync(token, mode);

    const refused = start(`api_token_file = ${token}`);

    expect(await refused.end(START_LIMIT)).toBe(exitCode);
    expect(refused.output).toMatch(sentence);
    expect(refused.output).not.toContain(OLD);
  });

  it('says which program has its port', async () => {
    const squatter = bed.client.spawn(['socat', '-dd', 'TCP4-LISTEN:8642,bind=127.0.0.1', '/dev/null']);
    await squatter.says(/listening on/);

    const refused = start('');

    expect(await refused.end(START_LIMIT)).toBe(69);
    expect(refused.output).toMatch(/Port 8642 on 127\.0\.0\.1 \(api_port\) is taken by socat \(process \d+\)/);
    await squatter.stop();
  });
});
