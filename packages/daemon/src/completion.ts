export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

/** A command and what can follow it. */
export interface CommandOutline {
  readonly name: string;
  readonly about: string;
  readonly options: readonly OptionOutline[];
  /** Words it takes. */
  readonly words: readonly string[];
  readonly commands: readonly CommandOutline[];
}

export interface OptionOutline {
  /** `-c` and `--config`. */
  readonly names: readonly string[];
  readonly about: string;
  /** What its value can be; null when it takes none. */
  readonly takes: 'file' | 'anything' | readonly string[] | null;
}

/** The names this program is installed under. */
const PROGRAMS = ['hurricane', 'v6-gatewayd'];

/** The script that teaches a shell to complete this program's command line. */
export function completionScript(shell: Shell, outline: CommandOutline): string {
  switch (shell) {
    case 'bash':
      return bashScript(outline);
    case 'zsh':
      return zshScript(outline);
    case 'fish':
      return fishScript(outline);
  }
}

function bashScript(outline: CommandOutline): string {
  const names = outline.commands.map((command) => command.name).join('|');
  const levels = [{ ...outline, name: "''" }, ...outline.commands].map(
    (command) => `    ${command.name}) COMPREPLY=($(compgen -W ${quoted(wordsOf(command).join(' '))} -- "$cur")) ;;`,
  );
  return `# bash completion of ${PROGRAMS.join(' and ')}: source <(hurricane completion bash)
_hurricane() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in ${names}) command=\${COMP_WORDS[i]}; break ;; esac
  done
  COMPREPLY=()
  case $prev in
${valueCases(outline).join('\n')}
  esac
  case $command in
${levels.join('\n')}
  esac
}
complete -o filenames -F _hurricane ${PROGRAMS.join(' ')}
`;
}

/** What to offer after an option that takes a value. An option means the same in every command. */
function valueCases(outline: CommandOutline): readonly string[] {
  const taking = allOptions(outline).filter((option) => option.takes !== null);
  const unique = taking.filter((option, i) => taking.findIndex((o) => o.names[0] === option.names[0]) === i);
  return unique.map(({ names, takes }) => {
    const reply =
      takes === 'file'
        ? 'COMPREPLY=($(compgen -f -- "$cur")); '
        : takes === 'anything' || takes === null
          ? ''
          : `COMPREPLY=($(compgen -W ${quoted(takes.join(' '))} -- "$cur")); `;
    return `    ${names.join('|')}) ${reply}return ;;`;
  });
}

function zshScript(outline: CommandOutline): string {
  const described = outline.commands.map((command) => quoted(`${command.name}:${command.about}`));
  const levels = outline.commands.map((command) => {
    const words = command.words.length === 0 ? [] : [quoted(`*:word:(${command.words.join(' ')})`)];
    return `    ${command.name}) _arguments ${[...command.options.flatMap(zshOption), ...words].join(' ')} ;;`;
  });
  return `#compdef ${PROGRAMS.join(' ')}
# zsh completion: hurricane completion zsh > "\${fpath[1]}/_hurricane"
_hurricane() {
  local state line
  local -a commands=(${described.join(' ')})
  _arguments -C ${[...outline.options.flatMap(zshOption)].join(' ')} '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument) case $line[1] in
${levels.join('\n')}
    esac ;;
  esac
}
if [[ $funcstack[1] == _hurricane ]]; then _hurricane "$@"; else compdef _hurricane ${PROGRAMS.join(' ')}; fi
`;
}

function zshOption({ names, about, takes }: OptionOutline): readonly string[] {
  const text = about.replace(/[[\]]/g, '').replace(/:/g, '\\:');
  const value =
    takes === null
      ? ''
      : takes === 'file'
        ? ':file:_files'
        : takes === 'anything'
          ? ':value:'
          : `:value:(${takes.join(' ')})`;
  return names.map((name) => quoted(`(${names.join(' ')})${name}[${text}]${value}`));
}

function fishScript(outline: CommandOutline): string {
  const names = outline.commands.map((command) => command.name).join(' ');
  const none = quoted(`not __fish_seen_subcommand_from ${names}`);
  const lines = [
    ...outline.options.map((option) => `-n ${none} ${fishOption(option)}`),
    ...outline.commands.map((command) => `-n ${none} -a ${command.name} -d ${fishText(command.about)}`),
    ...outline.commands.flatMap((command) => {
      const within = quoted(`__fish_seen_subcommand_from ${command.name}`);
      const words = command.words.length === 0 ? [] : [`-n ${within} -a ${quoted(command.words.join(' '))}`];
      return [...words, ...command.options.map((option) => `-n ${within} ${fishOption(option)}`)];
    }),
  ];
  const completes = PROGRAMS.flatMap((name) => [
    `complete -c ${name} -f`,
    ...lines.map((l) => `complete -c ${name} ${l}`),
  ]);
  return `# fish completion: hurricane completion fish > ~/.config/fish/completions/hurricane.fish\n${completes.join('\n')}\n`;
}

function fishOption({ names, about, takes }: OptionOutline): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ');
  const value =
    takes === null
      ? ''
      : takes === 'file'
        ? ' -r -F'
        : takes === 'anything'
          ? ' -x'
          : ` -x -a ${quoted(takes.join(' '))}`;
  return `${flags}${value} -d ${fishText(about)}`;
}

function allOptions(outline: CommandOutline): readonly OptionOutline[] {
  return [...outline.options, ...outline.commands.flatMap(allOptions)];
}

function wordsOf(command: CommandOutline): readonly string[] {
  const options = command.options.flatMap((option) => option.names);
  return [...command.commands.map((each) => each.name), ...command.words, ...options];
}

/** For bash and zsh. Our own texts have no quotes in them, so that this only has to be right, not pretty. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const fishText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
