import { CommanderError } from 'commander';
import { err, ok, type Result } from 'neverthrow';
import type { Invocation, UsageError } from './invocation.js';
import { printableWithin } from './printable.js';
import { buildProgram } from './program.js';

/** How much of a wrong command line an error repeats. */
const QUOTED = 200;

/**
 * Reads a command line.
 *
 * @param args without the interpreter and the script.
 * @param program the name it was called by.
 */
export function parseArgs(args: readonly string[], program: string, version: string): Result<Invocation, UsageError> {
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

/** Commander writes `error: …`, and its suggestion on a line of its own. */
function sentenceOf(thrown: CommanderError): string {
  return printableWithin(
    QUOTED,
    thrown.message
      .replace(/^error: /, '')
      .replace(/\s*\n\s*/g, ' ')
      .replace(/\.$/, ''),
  );
}
