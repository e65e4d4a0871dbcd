import { Argument, Command, Option } from 'commander';
import { type CommandOutline, type OptionOutline, SHELLS, type Shell } from './completion.js';
import { HELP_AFTER, MCP_HELP, PLAYGROUND_HELP, PLAYGROUND_WORDS, USER_HELP } from './help.js';
import { DEFAULT_CONFIG_FILE, type Invocation, type LogFormat } from './invocation.js';
import { nearest } from './nearest.js';
import { AUTOMATIC, addApiCommands } from './program-api.js';
import { configOption, refuseFlagsFor } from './program-options.js';

interface GatewayFlags {
  readonly config?: string;
  readonly foreground?: true;
  readonly debug?: true;
  readonly test?: true;
  readonly logFormat?: LogFormat;
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
  addApiCommands(program, accept);
  addMcp(program, accept);
  addUser(program, accept);
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

function addMcp(program: Command, accept: (invocation: Invocation) => void): void {
  program
    .command('mcp')
    .allowExcessArguments(false)
    .description('join standard input and output to the MCP server, for assistants that start programs')
    .addOption(configOption())
    .addOption(new Option('--socket <path>', 'its socket (default: the one in the configuration)'))
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', MCP_HELP)
    .action((flags: { readonly config?: string; readonly socket?: string }) => {
      refuseFlagsFor(program, 'mcp', ['config']);
      const configFile = flags.config ?? program.opts<GatewayFlags>().config ?? null;
      accept({ kind: 'mcp', configFile, socket: flags.socket ?? null });
    });
}

function addUser(program: Command, accept: (invocation: Invocation) => void): void {
  program
    .command('user')
    .allowExcessArguments(false)
    .description("print a line for the SOCKS5 proxy's users file; the password comes by standard input")
    .addArgument(new Argument('<name>', 'what the user is called'))
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', USER_HELP)
    .action((name: string) => {
      refuseFlagsFor(program, 'user', []);
      accept({ kind: 'user', name });
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

function refuseCommand(program: Command, given: string): never {
  const names = program.commands.map((command) => command.name());
  const meant = nearest(given, names);
  program.error(`error: unknown command '${given}'${meant === null ? '' : ` (Did you mean ${meant}?)`}`);
}

/** What completion offers where an argument can be more than these. */
const WORDS: Readonly<Record<string, readonly string[]>> = { playground: PLAYGROUND_WORDS, prefer: [AUTOMATIC] };

function outlineOf(command: Command): CommandOutline {
  return {
    name: command.name(),
    about: command.description(),
    options: command.createHelp().visibleOptions(command).map(outlineOfOption),
    words: WORDS[command.name()] ?? command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    commands: command.createHelp().visibleCommands(command).map(outlineOf),
  };
}

function outlineOfOption(option: Option): OptionOutline {
  const names = [option.short, option.long].filter((name) => name !== undefined && name !== null);
  const takes = !option.required ? null : (option.argChoices ?? (option.long === '--config' ? 'file' : 'anything'));
  return { names, about: option.description, takes };
}
