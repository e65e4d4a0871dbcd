import { type Config, describeConfigProblem } from '@hurricane/core';
import { loadConfig, type ReadText } from './config-file.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { describeConfigFault, describeStartError, exitCodeOf } from './start-error.js';
import type { ReadToken } from './token-file.js';
import { waysOn } from './ways-on.js';

/** What a command prints and how it ends. */
export interface Report {
  readonly out: readonly string[];
  readonly errors: readonly string[];
  readonly exitCode: ExitCode;
}

/** `-t`: says everything that is wrong with a configuration file and the token file it names, or that nothing is. */
export async function checkConfig(
  file: string,
  readText: ReadText,
  readToken: ReadToken,
  example: string | null,
): Promise<Report> {
  const loaded = await loadConfig(file, readText);
  if (loaded.isErr()) {
    const sentences = describeConfigFault(loaded.error);
    const errors = loaded.error.kind === 'file_missing' ? [`${sentences[0]}: ${waysOn(file, example)}`] : sentences;
    return { out: [], errors, exitCode: exitCodeOf(loaded.error) };
  }
  const { apiTokenFile } = loaded.value.core;
  const token = apiTokenFile === null ? null : await readToken(apiTokenFile);
  if (token?.isErr()) {
    const fault = { kind: 'no_token', fault: token.error } as const;
    return { out: [], errors: describeStartError(fault), exitCode: exitCodeOf(fault) };
  }
  return {
    out: [`configuration ok: ${countTunnels(loaded.value)}`],
    errors: warningsOf(loaded.value, file),
    exitCode: EXIT.ok,
  };
}

function countTunnels({ tunnels }: Config): string {
  return `${tunnels.length} tunnel${tunnels.length === 1 ? '' : 's'}`;
}

function warningsOf({ warnings }: Config, file: string): readonly string[] {
  return warnings.map((warning) => describeConfigProblem(file, { ...warning, problem: `warning: ${warning.problem}` }));
}
