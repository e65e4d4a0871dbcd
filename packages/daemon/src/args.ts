import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { err, ok, type Result } from 'neverthrow';
import { type CommandOutline, type OptionOutline, type Shell, SHELLS } from './completion.js';
import { HELP_AFTER, PLAYGROUND_HELP, STATUS_HELP } from './help.js';
import { nearest } from './nearest.js';
import { printableWithin } from './printable.js';

export const DEFAULT_CONFIG_FILE = '/etc/v6-gatewayd.conf';

export type LogFormat = 'text' | 'json';

/** What the command line asks for. */
export type Invocation =
  | {
      readonly kind: 'run';
      readonly configFile: string;
      readonly debug: boolean;
      /** `-f` was given, which asks for what happens anyway. */
      readonly foreground: boolean;
      readonly logFormat: LogFormat;
    }
  | { readonly kind: 'check'; readonly configFile: string }
  | {
      readonly kind: 'status';
      /** Null: the default one, which need not be there. */
      readonly configFile: string | null;
      /** Null: the one the configuration names. */
      readonly url: string | null;
      readonly json: boolean;
    }
  | { readonly kind: 'completion'; readonly shell: Shell; readonly outline: CommandOutline }
  | { readonly kind: 'playground'; readonly args: readonly string[] }
  /** Help or the version. */
  | { readonly kind: 'print'; readonly text: string };

/** One sentence, without the program's name. */
export interface UsageError {
  readonly problem: string;
}

interface GatewayFlags {
  readonly config?: string;
  readonly foreground?: true;
  readonly debug?: true;
  readonly test?: true;
  readonly logFormat?: LogFormat;
}

interface StatusFlags {
  readonly config?: string;
  readonly url?: string;
  readonly json?: true;
}

/** How much of a wrong command line an error repeats. */
const QUOTED = 200;

/**
 * Reads a command line.
 *
 * @param args without the interpreter and the script.
 * @param program the name it was called by.
 */
export function parseArgs(
  args: readonly string[],
  program: string,
  version: string,
): Result<Invocation, UsageError> {
  let printed = '';
  let invocation: Invocation | null = null;
  const command = buildProgram(program, version, (asked) => {
    invocation = asked;
  });
  const capture = (text: string): void => {
    printed += text;
  };
  for (const each of [command, ...command.commands]) {
    each.exitOverride().configureOutput({ writeOut: capture, writeErr: () => undefined, outputError: () => undefined });
  }
  try {
    command.parse(args, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return thrown.exitCode === 0 ? ok({ kind: 'print', text: printed }) : err({ problem: sentenceOf(thrown) });
  }
  return invocation === null ? err({ problem: 'there is nothing to do' }) : ok(invocation);
}

function buildProgram(name: string, version: string, accept: (invocation: Invocation) => void): Command {
  const program = new Command(name)
    .description('Runs IPv6 tunnels, measures them, and keeps the default route on the best one.')
    .usage('[options] [command]')
    .enablePositionalOptions()
    .allowExcessArguments()
    .addOption(configOption())
    .option('-f, --foreground', 'stay in the foreground, as it always does')
    .option('-d, --debug', 'log every decision, whatever log_level says')
    .option('-t, --test', 'check the configuration, say what is wrong with it, and exit')
    .addOption(new Option('--log-format <format>', 'form of the log lines (default: text)').choices(['text', 'json']))
    .version(`v6-gatewayd ${version}`, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP_AFTER);
  program.action((flags: GatewayFlags, self: Command) => {
    const stray = self.args[0];
    if (stray !== undefined) refuseCommand(program, stray);
    accept(gatewayInvocation(flags));
  });
  addPlayground(program, accept);
  addStatus(program, accept);
  addCompletion(program, accept);
  return program;
}

function gatewayInvocation(flags: GatewayFlags): Invocation {
  const configFile = flags.config ?? DEFAULT_CONFIG_FILE;
  if (flags.test === true) return { kind: 'check', configFile };
  return {
    kind: 'run',
    configFile,
    debug: flags.debug === true,
    foreground: flags.foreground === true,
    logFormat: flags.logFormat ?? 'text',
  };
}

function addPlayground(program: Command, accept: (invocation: Invocation) => void): void {
  program
    .command('playground')
    .description('try it on this machine with tunnels of its own, which can be cut and restored')
    .argument('[what...]', PLAYGROUND_HELP)
    // What follows is the playground's to read, its options and -h included.
    .passThroughOptions()
    .allowUnknownOption()
    .helpOption(false)
    .action((args: readonly string[]) => {
      refuseFlagsFor(program, 'playground', []);
      accept({ kind: 'playground', args });
    });
}

function addStatus(program: Command, accept: (invocation: Invocation) => void): void {
  program
    .command('status')
    .description('ask the running daemon how its tunnels are')
    .addOption(configOption())
    .addOption(new Option('--url <url>', 'address of its API, such as http://127.0.0.1:8642').argParser(httpUrl))
    .option('--json', 'print what the API says, for programs')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', STATUS_HELP)
    .action((flags: StatusFlags) => {
      refuseFlagsFor(program, 'status', ['config']);
      const configFile = flags.config ?? program.opts<GatewayFlags>().config ?? null;
      accept({ kind: 'status', configFile, url: flags.url ?? null, json: flags.json === true });
    });
}

function addCompletion(program: Command, accept: (invocation: Invocation) => void): void {
  program
    .command('completion')
    .description('print a script that completes this command in a shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .helpOption('-h, --help', 'print this help')
    .action((shell: Shell) => {
      refuseFlagsFor(program, 'completion', []);
      accept({ kind: 'completion', shell, outline: outlineOf(program) });
    });
}

function configOption(): Option {
  return new Option('-c, --config <file>', `configuration file (default: ${DEFAULT_CONFIG_FILE})`).argParser(
    (given: string): string => {
      if (given !== '' && !given.includes('\0')) return given;
      throw new InvalidArgumentError('It is not the name of a file.');
    },
  );
}

function httpUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('It is not an http URL.');
  return url.href.replace(/\/$/, '');
}

function refuseCommand(program: Command, given: string): never {
  const names = program.commands.map((command) => command.name());
  const meant = nearest(given, names);
  program.error(`error: unknown command '${given}'${meant === null ? '' : ` (Did you mean ${meant}?)`}`);
}

/** An option before a command that has no use for it was meant to do something: it is not passed over. */
function refuseFlagsFor(program: Command, command: string, allowed: readonly string[]): void {
  const stray = program.options.find(
    (option) => program.getOptionValue(option.attributeName()) !== undefined && !allowed.includes(option.attributeName()),
  );
  if (stray !== undefined) program.error(`error: ${stray.long} does not go with ${command}`);
}

function outlineOf(command: Command): CommandOutline {
  return {
    name: command.name(),
    about: command.description(),
    options: command.createHelp().visibleOptions(command).map(outlineOfOption),
    words: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    commands: command.commands.map(outlineOf),
  };
}

function outlineOfOption(option: Option): OptionOutline {
  const names = [option.short, option.long].filter((name) => name !== undefined && name !== null);
  const takes = !option.required ? null : (option.argChoices ?? (option.long === '--config' ? 'file' : 'anything'));
  return { names, about: option.description, takes };
}

/** Commander writes `error: …`, and its suggestion on a line of its own. */
function sentenceOf(thrown: CommanderError): string {
  return printableWithin(QUOTED, thrown.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' '));
}
