import { basename } from 'node:path';
import { argv, stderr, stdin, stdout } from 'node:process';
import { parseArgs } from './args.js';
import type { Report } from './check.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Invocation } from './invocation.js';
import { FLUSH_LIMIT } from './limits.js';
import { watchSignals } from './signals.js';
import { beThrifty } from './thrift.js';
import { VERSION } from './version.js';

// The rest is loaded by the command that needs it, so that help and completion are quick.

/** One program under two names: it answers by the one it was called by. */
const program = basename(argv[1] ?? '') === 'hurricane' ? 'hurricane' : 'v6-gatewayd';

async function main(): Promise<ExitCode> {
  const asked = parseArgs(argv.slice(2), program, VERSION);
  if (asked.isErr()) {
    stderr.write(`${program}: ${asked.error.problem}; ${program} --help says what there is\n`);
    return EXIT.usage;
  }
  return perform(asked.value);
}

async function perform(asked: Invocation): Promise<ExitCode> {
  switch (asked.kind) {
    case 'print':
      stdout.write(asked.text);
      return EXIT.ok;
    case 'run': {
      // Before everything that takes time: SIGHUP would end the process while nobody listens for it.
      const signals = watchSignals(process);
      beThrifty();
      const { runHere } = await import('./real-outside.js');
      return runHere(asked, signals);
    }
    case 'check': {
      const [{ checkConfig }, { readTextFile }, { readTokenFile }, { exampleFile }] = await Promise.all([
        import('./check.js'),
        import('./config-file.js'),
        import('./token-file.js'),
        import('./ways-on.js'),
      ]);
      return print(await checkConfig(asked.configFile, readTextFile, readTokenFile, exampleFile()));
    }
    case 'status': {
      const [{ reportStatus }, { readTextFile }, { askApi }] = await Promise.all([
        import('./status.js'),
        import('./config-file.js'),
        import('./ask-api.js'),
      ]);
      return print(await reportStatus(asked, readTextFile, askApi));
    }
    case 'verb': {
      const [{ performVerb }, { readTextFile }] = await Promise.all([import('./verbs.js'), import('./config-file.js')]);
      return print(await performVerb(asked, readTextFile));
    }
    case 'events': {
      const [{ followEvents }, { readTextFile }] = await Promise.all([
        import('./follow-events.js'),
        import('./config-file.js'),
      ]);
      const out = (line: string): void => void stdout.write(`${line}\n`);
      const err = (line: string): void => void stderr.write(`${program}: ${line}\n`);
      // `hurricane events | head`: without a reader there is nothing left to do.
      const deaf = new AbortController();
      stdout.once('error', () => deaf.abort());
      const stop = AbortSignal.any([watchSignals(process).stop, deaf.signal]);
      return followEvents(asked, { readText: readTextFile, out, err, stop });
    }
    case 'mcp': {
      const [{ bridgeMcp }, { readTextFile }] = await Promise.all([
        import('./mcp-bridge.js'),
        import('./config-file.js'),
      ]);
      const err = (line: string): void => void stderr.write(`${program}: ${line}\n`);
      return bridgeMcp(asked, { readText: readTextFile, stdin, stdout, err, stop: watchSignals(process).stop });
    }
    case 'user': {
      const { makeUserLine } = await import('./user-line.js');
      return print(await makeUserLine(asked.name, stdin));
    }
    case 'completion': {
      const { completionScript } = await import('./completion.js');
      stdout.write(completionScript(asked.shell, asked.outline));
      return EXIT.ok;
    }
    case 'playground': {
      const { runPlayground } = await import('./playground/index.js');
      return runPlayground(asked.args, { stdout, stderr });
    }
  }
}

function print({ out, errors, exitCode }: Report): ExitCode {
  if (errors.length > 0) stderr.write(`${errors.map((line) => `${line}\n`).join('')}`);
  if (out.length > 0) stdout.write(`${out.map((line) => `${line}\n`).join('')}`);
  return exitCode;
}

/** Ends the process, whatever is still open, once what was printed has been read or its reader has had time to. */
async function end(exitCode: ExitCode): Promise<void> {
  const written = [stdout, stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve())));
  const late = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_LIMIT));
  await Promise.race([Promise.all(written), late]);
  process.exit(exitCode);
}

// `hurricane status | head` closes our output before we are done with it.
for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
await end(await main());
