import { fileNamed, type Import, importsOf } from './imports.js';
import { isTest, type SourceFile } from './sources.js';

/** What the files of one place may import, and why nothing else. */
export interface Boundary {
  readonly place: string;
  readonly files: RegExp;
  readonly only: readonly RegExp[];
  readonly why: string;
}

const word = (...names: readonly string[]): RegExp[] =>
  names.map((name) => new RegExp(`^${name.replaceAll('.', '\\.')}(/.*)?$`));
const node = (...names: readonly string[]): RegExp[] => word(...names.map((name) => `node:${name}`));

const CORE = /^@hurricane\/core$/;

/** The first row whose `files` match a path decides. */
export const BOUNDARIES: readonly Boundary[] = [
  {
    place: 'core/testing',
    files: /^packages\/core\/src\/testing\//,
    only: word('neverthrow', 'ts-pattern', 'vitest', 'fast-check'),
    why: 'the simulator runs wherever core runs',
  },
  {
    place: 'core',
    files: /^packages\/core\/src\//,
    only: word('neverthrow', 'ts-pattern', 'ini', 'ipaddr.js'),
    why: "it runs in other people's apps and in the simulator, where there is no host to ask",
  },
  {
    place: 'backends/testing',
    files: /^packages\/backends\/src\/testing\//,
    only: [/^@hurricane\/core(\/testing)?$/, ...word('neverthrow', 'ts-pattern', 'vitest'), /^node:/],
    why: 'authors of other drivers run it without the rest of the gateway',
  },
  {
    place: 'backends',
    files: /^packages\/backends\/src\//,
    only: [
      CORE,
      ...word('neverthrow', 'ts-pattern'),
      ...node('child_process', 'dgram', 'events', 'fs', 'net', 'os', 'path', 'perf_hooks', 'process'),
      ...node('readline', 'stream', 'string_decoder', 'timers'),
    ],
    why: 'drivers know hosts, not clients',
  },
  {
    place: 'http/node',
    files: /^packages\/http\/src\/(node|answering-server|connections|unix-socket|unread-body|holder|bearer-token)\.ts$/,
    only: [CORE, ...word('hono', '@hono/node-server', 'neverthrow'), /^node:/],
    why: 'it only puts the app on a socket',
  },
  {
    place: 'http/process',
    files: /^packages\/http\/src\/process\.ts$/,
    only: [CORE, ...word('neverthrow'), ...node('fs', 'perf_hooks')],
    why: 'it tells what the process says of itself, to apps that run on Node',
  },
  {
    place: 'http/schemas',
    files: /^packages\/http\/src\/schemas\//,
    only: [CORE, ...word('zod')],
    why: 'it describes the API, and loading it is left to those who want the schemas',
  },
  {
    place: 'http',
    files: /^packages\/http\/src\//,
    only: [CORE, ...word('@cfworker/json-schema', 'hono', 'neverthrow')],
    why: 'the same app mounts inside another Hono app, which may not run on Node',
  },
  {
    place: 'mcp/schemas',
    files: /^packages\/mcp\/src\/schemas\//,
    only: [CORE, ...word('zod')],
    why: 'it describes documents, and loading it is left to those who want the schemas',
  },
  {
    place: 'mcp/sdk',
    files: /^packages\/mcp\/src\/(index|sdk-v2|session|socket-transport|http-handler)\.ts$/,
    only: [CORE, ...word('@modelcontextprotocol/server', 'neverthrow'), ...node('net')],
    why: 'it puts the tables behind the SDK, and knows no more of them than how they are asked',
  },
  {
    place: 'mcp/sdk-v1',
    files: /^packages\/mcp\/src\/sdk-v1\.ts$/,
    only: [CORE, ...word('@modelcontextprotocol/sdk', 'neverthrow')],
    why: 'it is for those who are on that line of the SDK, and loads no other',
  },
  {
    place: 'relay/access',
    files: /^packages\/relay\/src\/access\//,
    only: [CORE, ...word('neverthrow'), ...node('crypto', 'fs', 'os')],
    why: 'it judges who may and where to, and opens no connection',
  },
  {
    place: 'relay/names',
    files: /^packages\/relay\/src\/names\//,
    only: [CORE, ...word('neverthrow'), ...node('dns', 'fs')],
    why: 'it asks for names, and leaves connections to the engine',
  },
  {
    place: 'mcp',
    files: /^packages\/mcp\/src\//,
    only: [CORE, ...word('neverthrow'), ...node('net')],
    why: 'its tables know no SDK, and what they may do to a gateway is passed in',
  },
  {
    place: 'relay/store',
    files: /^packages\/relay\/src\/store\.ts$/,
    only: [CORE, ...word('neverthrow'), ...node('crypto', 'fs', 'path')],
    why: 'it only keeps what programs have asked for',
  },
  {
    place: 'relay/native',
    files: /^packages\/relay\/src\/native(-engine\.ts|-worker\.ts|\/)/,
    only: [CORE, ...word('koffi', 'neverthrow'), ...node('fs', 'os', 'worker_threads')],
    why: 'it speaks to the kernel itself, in a thread of its own',
  },
  {
    place: 'relay',
    files: /^packages\/relay\/src\//,
    only: [CORE, ...word('neverthrow'), ...node('crypto', 'events', 'net', 'dgram', 'dns')],
    why: 'the data plane needs to know no more than which source address to use now',
  },
  { place: 'daemon', files: /^packages\/daemon\/src\//, only: [/.*/], why: 'it is the one place where all meet' },
];

/** The files that loading these entries loads, themselves included. */
export function reachableFrom(entries: readonly string[], files: readonly SourceFile[]): readonly SourceFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    waiting.push(...importsOf(file).flatMap((found) => fileNamed(found) ?? []));
  }
  return files.filter(({ path }) => reached.has(path));
}

/** One sentence for each import of this file that crosses a boundary. Tests may import anything. */
export function crossingsIn(file: SourceFile): readonly string[] {
  const boundary = BOUNDARIES.find(({ files }) => files.test(file.path));
  if (boundary === undefined || isTest(file.path)) return [];
  return importsOf(file).flatMap((found) => {
    const problem = found.specifier.startsWith('.') ? strayFile(found) : foreignModule(found, boundary);
    return problem === null ? [] : [`${found.path}:${found.line} imports ${found.specifier}: ${problem}`];
  });
}

function foreignModule({ specifier }: Import, { place, only, why }: Boundary): string | null {
  if (only.some((allowed) => allowed.test(specifier))) return null;
  return `${place} must not, because ${why}. Pass what it needs in from the daemon, or move the code.`;
}

/** A path may neither leave its package nor lead product code into what exists for tests. */
function strayFile(found: Import): string | null {
  const home = /^packages\/[^/]+\/src\//.exec(found.path)?.[0] ?? '';
  const target = fileNamed(found) ?? '';
  if (target === home.replace('src/', 'package.json')) return null;
  const fromTesting = found.path.startsWith(`${home}testing/`);
  if (!target.startsWith(home)) return 'packages meet by name (`@hurricane/…`), so that their exports mean something.';
  if (isTest(target)) return 'only tests may import what was made for tests.';
  if (!fromTesting && target.startsWith(`${home}testing/`)) return '`testing` is an entry of its own for tests.';
  if (!/\.(m?js|json)$/.test(found.specifier)) return 'Node finds it only with its `.js` ending.';
  return null;
}
