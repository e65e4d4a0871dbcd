import { connect, createServer, type Socket } from 'node:net';
import type { Millis, TunnelsView } from '@hurricane/core';
import { err, fromThrowable, ok, type Result, ResultAsync } from 'neverthrow';
import { type Folder, folderIds, folderOf, isAlive } from './folders.js';
import { listen } from './forwarder.js';
import { codeOf, describePlaygroundError, type PlaygroundError } from './problems.js';
import { eachLine } from './reports.js';
import type { Stage } from './stage.js';
import type { Switchboard } from './switchboard.js';

/** What another process may ask of a running playground, one line of JSON each way. */
export type Request = { readonly ask: 'cut' | 'restore'; readonly provider: string } | { readonly ask: 'status' };

export type Reply =
  | { readonly ok: true; readonly tunnels: TunnelsView | null }
  | { readonly ok: false; readonly said: string };

/** How long a playground may take to answer: it runs a command or two. */
const REPLY_LIMIT: Millis = 10_000;

/** Commands under way at a time. */
const MAX_CONNECTIONS = 16;

/** Answers `cut`, `restore` and `status` on the playground's own socket. Resolves to the way to end it. */
export function openControl(
  folder: Folder,
  stage: Pick<Stage, 'tunnels'>,
  switchboard: Switchboard,
): ResultAsync<() => void, PlaygroundError> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.setTimeout(REPLY_LIMIT, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    eachLine(socket, (line) => {
      void answer(line, stage, switchboard).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  return listen(server, { path: folder.control }).map(() => () => {
    server.close();
    for (const socket of open) socket.destroy();
  });
}

async function answer(line: string, stage: Pick<Stage, 'tunnels'>, switchboard: Switchboard): Promise<Reply> {
  // Only this user's own processes can write here; what is not a request is a mistake, not an attack.
  const read = fromThrowable(() => JSON.parse(line) as Request)();
  if (read.isErr()) return { ok: false, said: 'that is not a request' };
  const request = read.value;
  if (request.ask === 'status') {
    return stage.tunnels().match((tunnels): Reply => ({ ok: true, tunnels }), refusal);
  }
  if (request.ask !== 'cut' && request.ask !== 'restore') return { ok: false, said: 'that is not a request' };
  const done = request.ask === 'cut' ? switchboard.cut(request.provider) : switchboard.restore(request.provider);
  return done.match((): Reply => ({ ok: true, tunnels: null }), refusal);
}

const refusal = (error: PlaygroundError): Reply => ({ ok: false, said: describePlaygroundError(error) });

/** Asks the running playground, or the one called `id` where there are several. */
export function ask(request: Request, id: string | null): ResultAsync<TunnelsView | null, PlaygroundError> {
  return new ResultAsync(findRunning(id))
    .andThen((found) => new ResultAsync(exchange(folderOf(found).control, request)))
    .andThen((reply) =>
      reply.ok ? ok(reply.tunnels) : err<never, PlaygroundError>({ kind: 'refused', said: reply.said }),
    );
}

async function findRunning(id: string | null): Promise<Result<string, PlaygroundError>> {
  const all = await folderIds();
  const alive = await Promise.all(all.map(isAlive));
  const running = all.filter((_, index) => alive[index]);
  if (id !== null) {
    return running.includes(id) ? ok(id) : err({ kind: 'no_such_playground', id, running });
  }
  const [only, ...more] = running;
  if (only === undefined) return err({ kind: 'none_running' });
  return more.length > 0 ? err({ kind: 'several_running', ids: running }) : ok(only);
}

function exchange(path: string, request: Request): Promise<Result<Reply, PlaygroundError>> {
  return new Promise((resolve) => {
    const fail = (code: string): void => {
      socket.destroy();
      resolve(err({ kind: 'system', doing: 'talk to the playground', code }));
    };
    const socket = connect({ path });
    socket.setTimeout(REPLY_LIMIT, () => fail('no answer'));
    socket.on('error', (cause) => fail(codeOf(cause)));
    socket.on('close', () => fail('it hung up'));
    eachLine(socket, (line) => {
      const reply = fromThrowable(() => JSON.parse(line) as Reply)();
      if (reply.isOk()) resolve(ok(reply.value));
      else fail('it said something odd');
    });
    socket.write(`${JSON.stringify(request)}\n`);
  });
}
