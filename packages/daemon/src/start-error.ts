import { describeConfigProblem, describeGatewayError, type GatewayError } from '@hurricane/core';
import { describeListenError, type ListenError } from '@hurricane/http/node';
import { match } from 'ts-pattern';
import { type ConfigFault, MAX_BYTES } from './config-file.js';
import { EXIT, type ExitCode } from './exit-codes.js';

/** Why the daemon does not run. Nothing on the host has been touched. */
export type StartError =
  | ConfigFault
  | { readonly kind: 'no_rights' }
  | { readonly kind: 'no_program'; readonly program: string; readonly install: string }
  | { readonly kind: 'no_api'; readonly error: ListenError }
  | { readonly kind: 'no_gateway'; readonly error: GatewayError };

/** What to say, one sentence a line. */
export function describeStartError(error: StartError): readonly string[] {
  return match(error)
    .returnType<readonly string[]>()
    .with({ kind: 'no_rights' }, () => [
      'Not permitted to change interfaces and routes: run it as root, or grant CAP_NET_ADMIN and CAP_NET_RAW',
    ])
    .with({ kind: 'no_program' }, (e) => [`The program "${e.program}" is not installed: ${e.install}`])
    .with({ kind: 'no_api', error: { kind: 'port_in_use' } }, ({ error: { port, address } }) => [
      `Port ${port} on ${address} (api_port) is taken, perhaps by a v6-gatewayd that runs already: two of them would fight over the routes`,
    ])
    .with({ kind: 'no_api' }, (e) => [`The REST API cannot start: ${describeListenError(e.error)}`])
    .with({ kind: 'no_gateway' }, (e) => [`The gateway cannot start: ${describeGatewayError(e.error)}`])
    .otherwise(describeConfigFault);
}

/** What to say, one sentence a line. */
export function describeConfigFault(fault: ConfigFault): readonly string[] {
  return match(fault)
    .returnType<readonly string[]>()
    .with({ kind: 'file_missing' }, (e) => [`There is no configuration file ${e.file}`])
    .with({ kind: 'file_forbidden' }, (e) => [`Not permitted to read the configuration file ${e.file}`])
    .with({ kind: 'not_a_file' }, (e) => [`The configuration file ${e.file} is ${e.found}`])
    .with({ kind: 'file_too_large' }, (e) => [
      `The configuration file ${e.file} has ${e.bytes} bytes, more than the ${MAX_BYTES} that are read`,
    ])
    .with({ kind: 'not_text' }, (e) => [`The configuration file ${e.file} is not UTF-8 text`])
    .with({ kind: 'file_unreadable' }, (e) => [`The configuration file ${e.file} cannot be read (${e.code})`])
    .with({ kind: 'config_invalid' }, (e) => e.problems.map((problem) => describeConfigProblem(e.file, problem)))
    .exhaustive();
}

export function exitCodeOf(error: StartError): ExitCode {
  switch (error.kind) {
    case 'no_rights':
    case 'file_forbidden':
      return EXIT.noPermission;
    case 'no_program':
    case 'no_gateway':
      return EXIT.unavailable;
    case 'no_api':
      return error.error.kind === 'not_permitted' ? EXIT.noPermission : EXIT.unavailable;
    case 'file_missing':
    case 'not_a_file':
    case 'file_too_large':
    case 'not_text':
    case 'file_unreadable':
    case 'config_invalid':
      return EXIT.config;
  }
}
