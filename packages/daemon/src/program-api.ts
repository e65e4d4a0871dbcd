import { Argument, Command, Option } from 'commander';
import { EVENTS_HELP, STATUS_HELP, VERB_HELP } from './help.js';
import type { Invocation } from './invocation.js';
import { configOption, httpUrl, refuseFlagsFor } from './program-options.js';
import type { Verb } from './verbs.js';

interface ApiFlags {
  readonly config?: string;
  readonly url?: string;
  readonly json?: true;
}

type Accept = (invocation: Invocation) => void;

/** What the gateway itself is called as a choice of primary. A tunnel of that name is chosen by POST /failover. */
export const AUTOMATIC = 'auto';

/** The commands that speak to a running daemon. */
export function addApiCommands(program: Command, accept: Accept): void {
  addApiCommand(program, 'status', 'ask the running daemon how its tunnels are', STATUS_HELP, (asked) =>
    accept({ kind: 'status', ...asked }),
  );
  for (const [type, about] of [
    ['up', 'take a tunnel up, whatever the configuration says'],
    ['down', 'take a tunnel down until it is taken up again'],
    ['restart', 'take a tunnel down and up again'],
  ] as const) {
    addApiCommand(
      program,
      type,
      about,
      VERB_HELP,
      (asked, tunnel = '') => accept({ kind: 'verb', verb: { type, tunnel }, ...asked }),
      new Argument('<tunnel>', 'its name in the configuration'),
    );
  }
  addApiCommand(
    program,
    'prefer',
    'choose the tunnel that carries the traffic, or auto to let the gateway choose',
    VERB_HELP,
    (asked, tunnel = '') =>
      accept({ kind: 'verb', verb: { type: 'prefer', tunnel: tunnel === AUTOMATIC ? null : tunnel }, ...asked }),
    new Argument('<tunnel>', `its name in the configuration, or ${AUTOMATIC}`),
  );
  const plain = (type: Extract<Verb, { type: 'explain' | 'ports' }>['type'], about: string): void =>
    addApiCommand(program, type, about, VERB_HELP, (asked) => accept({ kind: 'verb', verb: { type }, ...asked }));
  plain('explain', 'say why the present primary is the primary');
  plain('ports', 'list the port mappings');
  addApiCommand(program, 'events', 'print what happens as it happens', EVENTS_HELP, (asked) =>
    accept({ kind: 'events', ...asked }),
  );
}

interface Asked {
  readonly configFile: string | null;
  readonly url: string | null;
  readonly json: boolean;
}

function addApiCommand(
  program: Command,
  name: string,
  about: string,
  help: string,
  perform: (asked: Asked, argument?: string) => void,
  argument?: Argument,
): void {
  const command = new Command(name)
    .copyInheritedSettings(program)
    .allowExcessArguments(false)
    .description(about)
    .addOption(configOption())
    .addOption(new Option('--url <url>', 'address of its API, such as http://127.0.0.1:8642').argParser(httpUrl))
    .option('--json', 'print what the API says, for programs')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', help);
  if (argument !== undefined) command.addArgument(argument);
  command.action((...given: readonly unknown[]) => {
    refuseFlagsFor(program, name, ['config']);
    const flags = command.opts<ApiFlags>();
    const configFile = flags.config ?? program.opts<ApiFlags>().config ?? null;
    const word = typeof given[0] === 'string' ? given[0] : undefined;
    perform({ configFile, url: flags.url ?? null, json: flags.json === true }, word);
  });
  program.addCommand(command);
}
