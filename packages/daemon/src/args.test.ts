import { describe, expect, it } from 'vitest';
import { parseArgs } from './args.js';

const read = (...args: readonly string[]) => parseArgs(args, 'hurricane', '1.2.3');
const problemOf = (...args: readonly string[]): string => read(...args)._unsafeUnwrapErr().problem;

const RUN = {
  kind: 'run',
  configFile: '/etc/v6-gatewayd.conf',
  debug: false,
  foreground: false,
  logFormat: 'text',
} as const;

const VERB = { kind: 'verb', configFile: null, url: null, json: false } as const;

describe('a command line', () => {
  it.each([
    ['runs with the default configuration', [], RUN],
    ['runs with another', ['-c', 'my.conf'], { ...RUN, configFile: 'my.conf' }],
    ['runs with another, in one word', ['--config=my.conf'], { ...RUN, configFile: 'my.conf' }],
    // README "Troubleshooting": sudo v6-gatewayd -f -d
    ['takes -f and -d', ['-f', '-d'], { ...RUN, foreground: true, debug: true }],
    ['takes -fd', ['-fd'], { ...RUN, foreground: true, debug: true }],
    ['takes the long forms', ['--foreground', '--debug'], { ...RUN, foreground: true, debug: true }],
    ['logs as JSON', ['--log-format', 'json'], { ...RUN, logFormat: 'json' }],
    ['checks', ['-t', '-c', 'my.conf'], { kind: 'check', configFile: 'my.conf' }],
    ['asks for the status', ['status'], { kind: 'status', configFile: null, url: null, json: false }],
    [
      'asks for the status of another configuration',
      ['status', '-c', 'my.conf', '--json'],
      { kind: 'status', configFile: 'my.conf', url: null, json: true },
    ],
    [
      'takes the configuration before the command',
      ['-c', 'my.conf', 'status'],
      { kind: 'status', configFile: 'my.conf', url: null, json: false },
    ],
    [
      'asks for the status at an address',
      ['status', '--url', 'http://192.0.2.1:8642/'],
      { kind: 'status', configFile: null, url: 'http://192.0.2.1:8642', json: false },
    ],
    ['takes a tunnel up', ['up', 'he'], { ...VERB, verb: { type: 'up', tunnel: 'he' } }],
    ['takes a tunnel down', ['down', 'he', '--json'], { ...VERB, json: true, verb: { type: 'down', tunnel: 'he' } }],
    [
      'restarts a tunnel',
      ['-c', 'x', 'restart', 'he'],
      { ...VERB, configFile: 'x', verb: { type: 'restart', tunnel: 'he' } },
    ],
    ['prefers a tunnel', ['prefer', 'he'], { ...VERB, verb: { type: 'prefer', tunnel: 'he' } }],
    ['lets the gateway choose', ['prefer', 'auto'], { ...VERB, verb: { type: 'prefer', tunnel: null } }],
    ['asks for an explanation', ['explain'], { ...VERB, verb: { type: 'explain' } }],
    [
      'lists the ports at an address',
      ['ports', '--url', 'http://192.0.2.1:8642/'],
      { ...VERB, url: 'http://192.0.2.1:8642', verb: { type: 'ports' } },
    ],
    ['follows the events', ['events'], { kind: 'events', configFile: null, url: null, json: false }],
    ['joins an assistant to the MCP server', ['mcp'], { kind: 'mcp', configFile: null, socket: null }],
    [
      'joins it at another socket',
      ['-c', 'my.conf', 'mcp', '--socket', '/s'],
      { kind: 'mcp', configFile: 'my.conf', socket: '/s' },
    ],
    ['makes a line for the users file', ['user', 'alice'], { kind: 'user', name: 'alice' }],
    ['opens the playground', ['playground'], { kind: 'playground', args: [] }],
    ['leaves the rest to the playground', ['playground', 'cut', 'he'], { kind: 'playground', args: ['cut', 'he'] }],
    [
      'leaves options to the playground, -h and -c too',
      ['playground', '--demo', '-h', '-c', 'x'],
      { kind: 'playground', args: ['--demo', '-h', '-c', 'x'] },
    ],
  ])('%s', (_what, args, asked) => {
    expect(read(...args)._unsafeUnwrap()).toEqual(asked);
  });

  it('prints the version', () => {
    expect(read('-v')._unsafeUnwrap()).toEqual({ kind: 'print', text: 'v6-gatewayd 1.2.3\n' });
    expect(read('--version')).toEqual(read('-v'));
  });

  it('prints help with examples, files, signals and exit codes, also beside other options', () => {
    const help = read('-d', '--help')._unsafeUnwrap();

    const text = help.kind === 'print' ? help.text : '';
    expect(text).toMatch(/^Usage: hurricane \[options\] \[command\]\n/);
    for (const heading of ['Options:', 'Commands:', 'Examples:', 'Files:', 'Signals:', 'Exit codes:']) {
      expect(text).toContain(`\n${heading}\n`);
    }
    for (const option of ['-c, --config', '-f, --foreground', '-d, --debug', '-t, --test', '-v, --version']) {
      expect(text).toContain(option);
    }
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(110);
  });

  it.each([[['status', '-h']], [['help', 'status']]])('prints help for a command: %j', (args) => {
    const help = read(...args)._unsafeUnwrap();

    expect(help.kind === 'print' ? help.text : '').toMatch(/^Usage: hurricane status [\s\S]*--url <url>/);
  });

  it('carries what completion is made of', () => {
    const asked = read('completion', 'bash')._unsafeUnwrap();

    expect(asked.kind === 'completion' && asked.shell).toBe('bash');
    expect(asked.kind === 'completion' ? asked.outline.commands.map((c) => c.name) : []).toEqual([
      'playground',
      'status',
      'up',
      'down',
      'restart',
      'prefer',
      'explain',
      'ports',
      'events',
      'mcp',
      'user',
      'completion',
      'help',
    ]);
  });

  it.each([
    [['--confg', 'x'], "unknown option '--confg' (Did you mean --config?)"],
    [['playgruond'], "unknown command 'playgruond' (Did you mean playground?)"],
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['-c'], "option '-c, --config <file>' argument missing"],
    [['-c', ''], "option '-c, --config <file>' argument '' is invalid. It is not the name of a file"],
    [['-c', 'a\0b'], "option '-c, --config <file>' argument 'a\\u0000b' is invalid. It is not the name of a file"],
    [['--log-format', 'xml'], /Allowed choices are text, json$/],
    [['status', 'all'], /too many arguments for 'status'/],
    [['status', '--url', 'ftp://192.0.2.1'], /is not an http URL$/],
    [['status', '--demo'], /unknown option '--demo'/],
    [['up'], /missing required argument 'tunnel'/],
    [['down', 'he', 'wg'], /too many arguments for 'down'/],
    [['prefre', 'he'], "unknown command 'prefre' (Did you mean prefer?)"],
    [['-d', 'up', 'he'], '--debug does not go with up'],
    [['-d', 'status'], '--debug does not go with status'],
    [['-t', 'playground'], '--test does not go with playground'],
    [['-c', 'x', 'completion', 'bash'], '--config does not go with completion'],
    [['completion'], /missing required argument 'shell'/],
    [['completion', 'powershell'], /Allowed choices are bash, zsh, fish$/],
    [['\x1b[2Jbad'], "unknown command '\\u001b[2Jbad'"],
  ])('refuses %j in one sentence', (args, problem) => {
    const said = problemOf(...args);

    if (typeof problem === 'string') expect(said).toBe(problem);
    else expect(said).toMatch(problem);
    expect(said).not.toContain('\n');
  });

  it('cuts a sentence about a very long word short', () => {
    expect(problemOf('x'.repeat(100_000)).length).toBeLessThan(300);
  });
});
