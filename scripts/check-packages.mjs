// Looks at each library as its users will get it: packs it as for publishing, then asks publint and
// "are the types wrong" about the archive. Needs a build. Ends with 1 when anything is wrong.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const TOP = fileURLToPath(new URL('../', import.meta.url));
const LIBRARIES = ['core', 'backends', 'http', 'mcp', 'relay'];
/** Packing and reading a small archive takes about a second; npx may have to fetch pnpm first. */
const COMMAND_LIMIT_MS = 120_000;
/** Words that mean something only inside this workspace. pnpm replaces them when it packs. */
const WORKSPACE_WORDS = /"(?:workspace|catalog|link|file):[^"]*"/g;

const run = promisify(execFile);
const { packageManager } = JSON.parse(await readFile(join(TOP, 'package.json'), 'utf8'));

const findings = [];
for (const name of LIBRARIES) {
  const problems = await checkLibrary(join(TOP, 'packages', name)).catch((error) => [String(error.message ?? error)]);
  console.log(`@hurricane/${name}: ${problems.length === 0 ? 'fine' : ''}`.trimEnd());
  for (const problem of problems) console.log(problem.replace(/^/gm, '  '));
  findings.push(...problems);
}
console.log(
  findings.length === 0
    ? `${LIBRARIES.length} packages are fit to publish`
    : `${findings.length} problems keep packages from being published`,
);
process.exitCode = findings.length === 0 ? 0 : 1;

async function checkLibrary(folder) {
  const scratch = await mkdtemp(join(tmpdir(), 'check-package-'));
  try {
    const archive = await pack(folder, scratch);
    const reports = await Promise.all([askPublint(archive), askAttw(archive), findTests(archive)]);
    return reports.flat();
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** pnpm writes real version ranges where the workspace has its own words; npm would not. */
async function pack(folder, scratch) {
  await run('npx', ['-y', packageManager, 'pack', '--pack-destination', scratch], {
    cwd: folder,
    timeout: COMMAND_LIMIT_MS,
    env: { ...process.env, npm_config_ignore_scripts: 'true' },
  });
  const [archive] = await readdir(scratch);
  if (archive === undefined) throw new Error('pnpm pack made no archive');
  return join(scratch, archive);
}

async function askPublint(archive) {
  const bytes = await readFile(archive);
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  const left = JSON.stringify(pkg).match(WORKSPACE_WORDS) ?? [];
  return [
    ...messages.map((message) => `publint: ${message.type}: ${formatMessage(message, pkg, { color: false })}`),
    ...left.map((word) => `the archive's package.json still says ${word}, which installs nowhere else`),
  ];
}

/** Types are in the archive, so there is nothing to ask a registry for. */
async function askAttw(archive) {
  const tool = join(TOP, 'node_modules/.bin/attw');
  const options = ['--profile', 'esm-only', '--no-definitely-typed', '--no-emoji', '--no-color', '--format', 'ascii'];
  return run(tool, [archive, ...options], { timeout: COMMAND_LIMIT_MS }).then(
    () => [],
    (error) => [`attw: ${(error.stdout || error.message).trim()}`],
  );
}

async function findTests(archive) {
  const { stdout } = await run('tar', ['-tzf', archive], { timeout: COMMAND_LIMIT_MS });
  return stdout
    .split('\n')
    .filter((path) => /\.test(-support)?\./.test(path))
    .map((path) => `the archive contains ${path}, which only tests need`);
}
