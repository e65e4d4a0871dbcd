import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_CONFIG_FILE } from './invocation.js';

export function configOption(): Option {
  return new Option('-c, --config <file>', `configuration file (default: ${DEFAULT_CONFIG_FILE})`).argParser(
    (given: string): string => {
      if (given !== '' && !given.includes('\0')) return given;
      throw new InvalidArgumentError('It is not the name of a file.');
    },
  );
}

export function httpUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('It is not an http URL.');
  return url.href.replace(/\/$/, '');
}

/** An option before a command that has no use for it was meant to do something: it is not passed over. */
export function refuseFlagsFor(program: Command, command: string, allowed: readonly string[]): void {
  const stray = program.options.find(
    (option) =>
      program.getOptionValue(option.attributeName()) !== undefined && !allowed.includes(option.attributeName()),
  );
  if (stray !== undefined) program.error(`error: ${stray.long} does not go with ${command}`);
}
