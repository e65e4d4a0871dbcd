import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { HealthView, Millis } from '@hurricane/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from '../support/cli.js';
import { type Finished, mustRun, Running, run } from '../support/command.js';
import { kill } from '../support/namespace.js';
import { requireHost } from '../support/require-host.js';
import { waitFor } from '../support/wait-for.js';

/** Building takes about a second, choosing a primary another; this is for a busy machine. */
const START_LIMIT: Millis = 20_000;
const REMOVAL_LIMIT: Millis = 10_000;
/** The promise is under a second; this is for a busy machine. */
const TAKEOVER_LIMIT: Millis = 5_000;
/** The demonstration's own limits are shorter. */
const DEMO_LIMIT: Millis = 100_000;

const NOBODY = 65_534;

const blocked = requireHost({ root: true, tun: true, tools: ['ip', 'tee', 'ping', 'socat', 'curl', 'setpriv'] });
const because = blocked === null ? '' : ` (skipped: ${blocked})`;

let cli: string;
beforeAll(async () => {
  if (blocked !== null) return;
  cli = await builtCli();
  // So that an ordinary user can run it too.
  await chmod(dirname(cli), 0o755);
});

const started: Running[] = [];
afterEach(async () => {
  for (const each of started.splice(0)) {
    await each.stop(REMOVAL_LIMIT);
    await waitFor(async () => (await remainsOf(each)).length === 0, REMOVAL_LIMIT, 'the playground to go');
  }
});

describe.skipIf(blocked !== null)(`the playground on real packets${because}`, () => {
  it.each([
    ['socat', 'userspace 6in4 (socat)'],
    ['veth', 'existing interface'],
  ])('fails over when a provider is cut and leaves nothing, with %s', async (encapsulation, carrier) => {
    const before = await namespaces();
    const playground = await launch('--encapsulation', encapsulation);
    const url = await urlOf(playground);
    const id = ['--id', `${playground.pid}`];
    const first = await health(url);
    const page = await mustRun([...inClient(playground), 'curl', '-sg', 'http://[2001:db8:ffff::1]/']);
    await command('cut', 'north', ...id);
    await command('cut', 'north', ...id);
    await primaryIs('south', url, TAKEOVER_LIMIT);
    const status = await command('status', ...id);
    const explained = await documentOf(`${url}/failover/explain`);
    const pageThen = await mustRun([...inClient(playground), 'curl', '-sg', 'http://[2001:db8:ffff::1]/']);
    await command('restore', 'north', ...id);
    await command('restore', 'north', ...id);
    playground.signal('SIGINT');
    const exitCode = await playground.end(REMOVAL_LIMIT);

    expect(first).toMatchObject({ status: 'ok', primary: 'north', active_tunnels: 2 });
    expect(page).toContain('Hello, 2001:db8:1::2.');
    expect(pageThen).toContain('Hello, 2001:db8:2::2.');
    expect(status).toMatch(new RegExp(`^\\* +south +up .*${carrier.replace(/[()]/g, '\\$&')}$`, 'm'));
    expect(status).toMatch(/^ +north +unreachable /m);
    expect(explained).toMatchObject({ switches: expect.arrayContaining([expect.objectContaining({ to: 'south' })]) });
    expect(playground.output).toMatch(/answers again, \d\.\d\d s after the cut: the Internet sees 2001:db8:2::2/);
    expect(playground.output).toContain('Failing over from north to south');
    expect(exitCode).toBe(0);
    expect(await remainsOf(playground)).toEqual([]);
    expect(await namespaces()).toEqual(before);
  });

  it('measures a failover by itself, says how long it took, and ends', async () => {
    const playground = await launch('--demo');

    const exitCode = await playground.end(DEMO_LIMIT);

    const said = /From the cut of north to traffic through south: (\d+\.\d\d) s/.exec(playground.output)?.[1];
    expect(Number(said)).toBeGreaterThan(0);
    expect(Number(said) * 1000).toBeLessThan(TAKEOVER_LIMIT);
    expect(playground.output).toMatch(
      /Failing back from south to north[\s\S]*goes on .*: the Internet sees 2001:db8:1::2/,
    );
    expect(exitCode).toBe(0);
    expect(await remainsOf(playground)).toEqual([]);
  });

  it('has an API that web pages cannot reach under a name of their own', async () => {
    const url = await urlOf(await launch());

    const asked = await run(['curl', '-s', '-H', 'Host: rebound.example', '-w', '%{http_code}', `${url}/health`]);

    expect(asked.stdout).toMatch(/403$/);
  });

  it('stands beside another, each with a port of its own, and wants to be told which one is meant', async () => {
    const [one, two] = await Promise.all([launch(), launch()]);
    const [urlOne, urlTwo] = await Promise.all([urlOf(one), urlOf(two)]);
    const refused = await run([...playgroundArgv(), 'cut', 'north']);
    await command('cut', 'north', '--id', `${two.pid}`);
    await primaryIs('south', urlTwo, TAKEOVER_LIMIT);

    expect(urlOne).not.toBe(urlTwo);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(`--id ${one.pid}`);
    expect((await health(urlOne)).primary).toBe('north');
  });

  it('says which providers there are when asked for another', async () => {
    const playground = await launch();
    await urlOf(playground);

    const refused = await run([...playgroundArgv(), 'cut', 'nroth', '--id', `${playground.pid}`]);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toBe('playground: there is no provider "nroth"; there are: north, south\n');
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('leaves nothing after %s', async (signal) => {
    const playground = await launch();
    await urlOf(playground);
    playground.signal(signal);

    expect(await playground.end(REMOVAL_LIMIT)).toBe(0);
    expect(await remainsOf(playground)).toEqual([]);
  });

  it.each([
    ['when it is complete', (playground: Running) => playground.output.includes('What the gateway says')],
    ['when its first namespace is there', async (playground: Running) => (await namespacesOf(playground)).length > 0],
    ['when its first process is there', async (playground: Running) => (await marked(playground)).length > 0],
  ])('leaves nothing after kill -9 %s', async (_when, reached) => {
    const playground = await launch();
    await waitFor(() => reached(playground), START_LIMIT, 'the moment to kill it');
    playground.signal('SIGKILL');
    await playground.end();

    await waitFor(async () => (await remainsOf(playground)).length === 0, REMOVAL_LIMIT, 'the guardian to clean up');
  });

  it('removes what was left behind when it and its guardian were both killed', async () => {
    const dead = await launch();
    await urlOf(dead);
    for (const pid of await guardiansOf(dead)) kill(pid);
    dead.signal('SIGKILL');
    await dead.end();
    const left = await remainsOf(dead);
    const next = await launch('--for', '0.1');
    await next.end(START_LIMIT);

    expect(left.length).toBeGreaterThan(0);
    expect(await remainsOf(dead)).toEqual([]);
  });

  it('says so and removes the rest when its gateway dies', async () => {
    const playground = await launch();
    await urlOf(playground);
    for (const pid of await processesWith((argv) => argv.at(-1) === `/run/hurricane-playground/${playground.pid}`)) {
      kill(pid);
    }

    expect(await playground.end(REMOVAL_LIMIT)).toBe(1);
    expect(playground.output).toContain('the gateway ended by itself');
    expect(await remainsOf(playground)).toEqual([]);
  });

  it('knows the encapsulations it is asked for, and lists them', async () => {
    const refused = await run([...playgroundArgv(), '--encapsulation', 'gre']);

    expect(refused.exitCode).toBe(64);
    expect(refused.stderr).toContain('"gre" is not one of sit, socat, veth');
  });
});

describe.skipIf(blocked !== null)(`the playground without root${because}`, () => {
  let temporary: string;

  beforeAll(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'playground-test-'));
    // Sticky, as /tmp is: nobody removes what is another's.
    await chmod(temporary, 0o1777);
  });
  afterAll(() => rm(temporary, { recursive: true, force: true }));

  it('says that it is simulated, and fails over all the same', async () => {
    const playground = launchAsNobody(temporary);
    const url = await urlOf(playground);
    const first = await health(url);
    await mustRun([...asNobody(temporary), ...playgroundArgv(), 'cut', 'north']);
    await primaryIs('south', url, TAKEOVER_LIMIT);
    const explained = await documentOf(`${url}/failover/explain`);
    const logged = await documentOf(`${url}/logs`);
    playground.signal('SIGINT');
    const exitCode = await playground.end(REMOVAL_LIMIT);

    expect(explained).toMatchObject({ switches: expect.arrayContaining([expect.objectContaining({ to: 'south' })]) });
    expect(JSON.stringify(logged)).toContain('Failing over from north to south');
    expect(playground.output).toContain('SIMULATED: no packets are sent');
    expect(first).toMatchObject({ status: 'ok', primary: 'north' });
    expect(playground.output).toContain('Failing over from north to south');
    expect(exitCode).toBe(0);
    expect(await readdir(temporary)).toEqual([]);
  });

  it('leaves nothing after kill -9', async () => {
    const playground = launchAsNobody(temporary);
    await urlOf(playground);
    playground.signal('SIGKILL');
    await playground.end();

    await waitFor(async () => (await readdir(temporary)).length === 0, REMOVAL_LIMIT, 'its folder to go');
  });

  it('says how to start one when there is none', async () => {
    const asked = await run([...asNobody(temporary), ...playgroundArgv(), 'status']);

    expect(asked.exitCode).toBe(1);
    expect(asked.stderr).toContain('no playground of yours is running: start one with "hurricane playground"');
  });

  it('keeps out of a folder that somebody else has made in its place', async () => {
    const theirs = join(temporary, `hurricane-playground-${NOBODY}`);
    await mustRun(['mkdir', '-m', '777', theirs]);
    const playground = launchAsNobody(temporary);
    const exitCode = await playground.end(START_LIMIT);
    const inside = await readdir(theirs);
    await rm(theirs, { recursive: true });

    expect(exitCode).toBe(1);
    expect(playground.output).toContain('is not a folder that only you can use');
    expect(inside).toEqual([]);
  });
});

const playgroundArgv = (): readonly string[] => [process.execPath, cli, 'playground'];

async function launch(...args: readonly string[]): Promise<Running> {
  const playground = new Running([...playgroundArgv(), ...args]);
  started.push(playground);
  return playground;
}

function launchAsNobody(temporary: string): Running {
  const playground = new Running([...asNobody(temporary), ...playgroundArgv()]);
  started.push(playground);
  return playground;
}

/** `setpriv` and `env` become the program they start, so its number is theirs. */
const asNobody = (temporary: string): readonly string[] => [
  ...['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'],
  ...['env', `TMPDIR=${temporary}`],
];

const command = (...args: readonly string[]): Promise<string> => mustRun([...playgroundArgv(), ...args]);

/** Where the REST API listens, once the start screen is there. */
async function urlOf(playground: Running): Promise<string> {
  const said = await playground.says(
    /REST API +(http:\/\/127\.0\.0\.1:\d+)\n[\s\S]*What the gateway says/,
    START_LIMIT,
  );
  return said[1] ?? '';
}

async function health(url: string): Promise<HealthView> {
  return (await documentOf(`${url}/health`)) as HealthView;
}

async function documentOf(url: string): Promise<unknown> {
  const asked: Finished = await run(['curl', '-sS', '--fail-with-body', url]);
  if (asked.exitCode !== 0) throw new Error(asked.stderr);
  return JSON.parse(asked.stdout);
}

function primaryIs(tunnel: string, url: string, limit: Millis): Promise<boolean> {
  const isThere = async (): Promise<boolean> => {
    const { primary, v6_reachable } = await health(url);
    return primary === tunnel && v6_reachable;
  };
  return waitFor(isThere, limit, `${tunnel} to be the primary`);
}

const inClient = ({ pid }: Running): readonly string[] => ['ip', 'netns', 'exec', `hurricane-play-${pid}-client`];

async function namespaces(): Promise<readonly string[]> {
  const names = await readdir('/run/netns').catch((): string[] => []);
  return names.filter((name) => name.startsWith('hurricane-play-'));
}

const namespacesOf = async ({ pid }: Running): Promise<readonly string[]> =>
  (await namespaces()).filter((name) => name.startsWith(`hurricane-play-${pid}-`));

/** Whatever there still is of a playground on this machine. */
async function remainsOf(playground: Running): Promise<readonly string[]> {
  const folders = await readdir('/run/hurricane-playground').catch((): string[] => []);
  const processes = [...(await marked(playground)), ...(await guardiansOf(playground))];
  return [
    ...(await namespacesOf(playground)),
    ...folders.filter((name) => name === `${playground.pid}`),
    ...processes.map((pid) => `process ${pid}`),
  ];
}

const guardiansOf = ({ pid }: Running): Promise<readonly number[]> =>
  processesWith((argv) => argv.at(-2) === '--reap' && argv.at(-1) === `${pid}`);

const marked = ({ pid }: Running): Promise<readonly number[]> =>
  processesWith((_argv, environment) => environment.includes(`HURRICANE_PLAYGROUND=${pid}`));

async function processesWith(
  fits: (argv: readonly string[], environment: readonly string[]) => boolean,
): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [argv, environment] = await Promise.all(
        ['cmdline', 'environ'].map((file) => words(`/proc/${pid}/${file}`)),
      );
      return argv !== undefined && environment !== undefined && fits(argv, environment) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/** Empty for a process that has gone. */
const words = async (file: string): Promise<readonly string[]> =>
  (await readFile(file, 'utf8').catch(() => '')).split('\0').filter((word) => word !== '');
