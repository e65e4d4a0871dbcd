import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeListenError, type ListenError, type SocketListener, serveSocket } from './node.js';
import { type Ask, anApp, askOnce, expectNone, type Reply } from './testing-clients.test-support.js';

const isRoot = process.getuid?.() === 0;

let folder: string;
let path: string;
const listeners: SocketListener[] = [];
const servers: Server[] = [];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hurricane-socket-')));
  path = join(folder, 'api.sock');
});

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close(0)));
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true, force: true });
});

describe('a Unix socket', () => {
  test.each([0o000, 0o022, 0o077, 0o777])('has mode 0660 from the first moment with umask %o', async (umask) => {
    const before = process.umask(umask);
    const asked = serveSocket({ app: anApp().app, path, group: null, onDefect: expectNone });
    const seen = await modesUntil(asked, path);
    expect(process.umask(before)).toBe(umask);
    listeners.push((await asked)._unsafeUnwrap());

    expect([...seen]).toEqual(['660']);
  });

  // security M1.
  test('is seen with no other mode by another process, start after start', async () => {
    const watcher = spawn(process.execPath, ['-e', WATCH, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    let seen = '';
    watcher.stdout.setEncoding('utf8').on('data', (piece: string) => {
      seen += piece;
    });
    await once(watcher.stdout, 'data');

    // On a busy machine the watcher may sleep through many of them.
    for (let i = 0; i < 200 || (seen === 'watching\n' && i < 10_000); i += 1) await (await aListener()).close(0);
    watcher.stdin.end();
    await once(watcher, 'close');

    expect(seen).toBe('watching\n660\n');
  });

  test('answers whatever the Host is, but no pages, and is gone after the end', async () => {
    const listener = await aListener();

    expect(JSON.parse((await ask()).text)).toMatchObject({ status: 'ok' });
    expect((await ask({ headers: { host: 'anything.example' } })).status).toBe(200);
    expect((await ask({ headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await ask({ headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);

    expect((await listener.close(1_000))._unsafeUnwrap()).toEqual({ cut: 0 });
    expect(existsSync(path)).toBe(false);
  });

  test('belongs to the group it is given', async () => {
    const group = isRoot ? 12_345 : (process.getgroups?.()[0] ?? 0);
    await aListener({ group });

    expect(lstatSync(path)).toMatchObject({ uid: process.getuid?.(), gid: group });
    expect(modeOf(path)).toBe('660');
  });

  test('takes the place of one that a killed process left', async () => {
    await leaveStale(path);
    expect(lstatSync(path).isSocket()).toBe(true);

    await aListener();

    expect((await ask()).status).toBe(200);
  });

  test('leaves that of a living process alone, and says whose it is', async () => {
    const server = await aServer(path);

    const error = await refusal();

    const name = readFileSync('/proc/self/comm', 'utf8').trim();
    expect(error).toEqual({ kind: 'socket_in_use', path, holder: { pid: process.pid, name } });
    expect(describeListenError(error)).toBe(
      `${path} is taken by ${name} (process ${process.pid}) that listens on it: stop it or choose another path`,
    );
    expect(server.listening && existsSync(path)).toBe(true);
  });

  test('leaves its own alone when it is asked for twice', async () => {
    await aListener();

    expect(await refusal()).toMatchObject({ kind: 'socket_in_use' });
    expect((await ask()).status).toBe(200);
  });
});

describe('what is in the way of a socket', () => {
  test.each([
    ['a file', () => writeFileSync(path, 'precious'), 'a file'],
    ['a directory', () => mkdirSync(path), 'a directory'],
    ['a link to nothing', () => symlinkSync(join(folder, 'nothing'), path), 'a symbolic link'],
    ['a link to a file', () => symlinkSync('/etc/hostname', path), 'a symbolic link'],
    ['a device', () => symlinkSync('/dev/null', path), 'a symbolic link'],
  ])('%s is left alone', async (_what, make, found) => {
    make();
    const before = lstatSync(path).ino;

    const error = await refusal();

    expect(error).toEqual({ kind: 'not_a_socket', path, found });
    expect(describeListenError(error)).toBe(`${path} is ${found}: remove it or choose another path for the socket`);
    expect(lstatSync(path).ino).toBe(before);
    expect(existsSync(join(folder, 'nothing'))).toBe(false);
  });

  test('a link to a stale socket is left alone, and so is the socket', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await leaveStale(elsewhere);
    symlinkSync(elsewhere, path);

    expect(await refusal()).toMatchObject({ kind: 'not_a_socket' });
    expect(lstatSync(elsewhere).isSocket()).toBe(true);
  });

  test('a directory that is not there is named', async () => {
    path = join(folder, 'no', 'where', 'api.sock');

    const error = await refusal();

    expect(error).toEqual({ kind: 'directory_missing', directory: join(folder, 'no', 'where') });
    expect(describeListenError(error)).toMatch(/^there is no directory .*\/no\/where for the socket: make it/);
  });

  test.each([0o777, 0o770, 0o702])('a directory with mode %o could be changed by others', async (mode) => {
    chmodSync(folder, mode);

    const error = await refusal();

    expect(error).toEqual({ kind: 'directory_open', directory: folder });
    expect(describeListenError(error)).toBe(
      `others may write to ${folder} and could replace the socket: chmod go-w ${folder}`,
    );
  });

  test('a directory above it could be, too', async () => {
    mkdirSync(join(folder, 'inner'), { mode: 0o700 });
    path = join(folder, 'inner', 'api.sock');
    chmodSync(folder, 0o777);

    expect(await refusal()).toEqual({ kind: 'directory_open', directory: folder });
  });

  test('a sticky directory will do', async () => {
    chmodSync(folder, 0o1777);

    await aListener();
  });

  test('a link on the way leads where it led at the start', async () => {
    mkdirSync(join(folder, 'real'), { mode: 0o700 });
    symlinkSync(join(folder, 'real'), join(folder, 'link'));
    path = join(folder, 'link', 'api.sock');

    const listener = await aListener();

    expect(listener.path).toBe(join(folder, 'real', 'api.sock'));
    expect(lstatSync(listener.path).isSocket()).toBe(true);
  });

  test.runIf(isRoot)('a directory of an ordinary user could be changed by that one', async () => {
    chownSync(folder, 12_345, 0);

    expect(await refusal()).toEqual({ kind: 'directory_not_ours', directory: folder, owner: 12_345 });
  });

  test.each([
    [107, null],
    [108, 'socket_path_too_long'],
  ])('a path of %i bytes: %s', async (bytes, kind) => {
    path = join(folder, 'ü'.repeat(Math.floor((bytes - folder.length - 1) / 2)));
    path += 'x'.repeat(bytes - Buffer.byteLength(path));

    if (kind === null) await aListener();
    else expect(await refusal()).toEqual({ kind, path, bytes, limit: 107 });
  });

  test.each(['api.sock', '', '\0abstract'])('"%s" is no place for one', async (given) => {
    path = given;

    expect(await refusal()).toEqual({ kind: 'bad_socket_path', path: given });
  });

  test.each([
    [{ kind: 'socket_not_permitted', path: '/s' }, 'not permitted to make a socket at /s'],
    [{ kind: 'socket_failed', path: '/s', code: 'EMFILE' }, 'cannot listen on /s (EMFILE)'],
    [{ kind: 'bad_socket_path', path: 's' }, '"s" is not an absolute path, which a socket needs'],
    [
      { kind: 'socket_path_too_long', path: '/s', bytes: 108, limit: 107 },
      'the socket path /s has 108 bytes: Linux takes 107',
    ],
    [
      { kind: 'group_not_permitted', path: '/s', group: 7 },
      'not permitted to give /s to group 7: this process must be a member of it (systemd: SupplementaryGroups=) or have CAP_CHOWN',
    ],
    [
      { kind: 'directory_not_ours', directory: '/d', owner: 7 },
      "/d belongs to user 7, who could replace the socket: choose a directory of root's",
    ],
  ] as const)('is described in one sentence: %j', (error, sentence) => {
    expect(describeListenError(error)).toBe(sentence);
  });
});

/** Looks at a path until its input ends; says every mode that it sees, once. */
const WATCH = `
const { lstatSync } = require('node:fs');
const seen = new Set();
let open = true;
process.stdin.resume().on('end', () => { open = false; });
console.log('watching');
(function look() {
  for (let i = 0; i < 100; i += 1) {
    const stats = lstatSync(process.argv[1], { throwIfNoEntry: false });
    if (stats === undefined) continue;
    const mode = (stats.mode & 0o7777).toString(8);
    if (!seen.has(mode)) console.log(mode);
    seen.add(mode);
  }
  if (open) setImmediate(look);
})();`;

const ask = (how: Ask = {}): Promise<Reply> => askOnce({ socketPath: path }, '/health', how);

async function aListener(parts: { readonly group?: number } = {}): Promise<SocketListener> {
  const listening = await serveSocket({ app: anApp().app, path, group: null, onDefect: expectNone, ...parts });
  const listener = listening._unsafeUnwrap();
  listeners.push(listener);
  return listener;
}

async function refusal(): Promise<ListenError> {
  const attempt = await serveSocket({ app: anApp().app, path, group: null, onDefect: expectNone });
  if (attempt.isOk()) listeners.push(attempt.value);
  return attempt._unsafeUnwrapErr();
}

async function aServer(at: string): Promise<Server> {
  const server = createServer();
  servers.push(server);
  server.listen(at);
  await once(server, 'listening');
  return server;
}

/** A socket whose process was killed. */
async function leaveStale(at: string): Promise<void> {
  const program = `require('node:net').createServer().listen(process.argv[1], () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', program, at], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Every mode that `file` is seen with at any turn of the event loop until `asked` is answered, and then. */
async function modesUntil(asked: ReturnType<typeof serveSocket>, file: string): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  let answered = false;
  void asked.then(() => {
    answered = true;
  });
  while (!answered) {
    if (existsSync(file)) seen.add(modeOf(file));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return seen.add(modeOf(file));
}

const modeOf = (file: string): string => (lstatSync(file).mode & 0o7777).toString(8);
