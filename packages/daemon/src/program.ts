import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { type CommandOutline, type OptionOutline, SHELLS, type Shell } from './completion.js';
import { HELP_AFTER, PLAYGROUND_HELP, PLAYGROUND_WORDS, STATUS_HELP } from './help.js';
import { DEFAULT_CONFIG_FILE, type Invocation, type LogFormat } from './invocation.js';
import { nearest } from './nearest.js';

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

/** The command line, as commander reads it. It calls `accept` when it has understood one. */
export function buildProgram(name: string, version: string, accept: (invocation: Invocation) => void): Command {
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
    .helpCommand('help [command]', 'print help for a command')
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
    .allowExcessArguments(false)
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
    .allowExcessArguments(false)
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
    (option) =>
      program.getOptionValue(option.attributeName()) !== undefined && !allowed.includes(option.attributeName()),
  );
  if (stray !== undefined) program.error(`error: ${stray.long} does not go with ${command}`);
}

function outlineOf(command: Command): CommandOutline {
  return {
    name: command.name(),
    about: command.description(),
    options: command.createHelp().visibleOptions(command).map(outlineOfOption),
    words:
      command.name() === 'playground'
        ? PLAYGROUND_WORDS
        : command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    commands: command.createHelp().visibleCommands(command).map(outlineOf),
  };
}

function outlineOfOption(option: Option): OptionOutline {
  const names = [option.short, option.long].filter((name) => name !== undefined && name !== null);
  const takes = !option.required ? null : (option.argChoices ?? (option.long === '--config' ? 'file' : 'anything'));
  return { names, about: option.description, takes };
}
