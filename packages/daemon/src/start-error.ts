import { describeConfigProblem, describeGatewayError, type GatewayError } from '@hurricane/core';
import { describeListenError, type Holder } from '@hurricane/http/node';
import { describeSocks5Error, type Socks5Error } from '@hurricane/relay';
import { match } from 'ts-pattern';
import type { ApiError } from './api.js';
import { type ConfigFault, MAX_BYTES } from './config-file.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { GROUP_FILE } from './group.js';
import { describeTokenFault } from './token-file.js';

/** Why the daemon does not run. Nothing on the host has been touched. */
export type StartError =
  | ConfigFault
  | { readonly kind: 'no_rights' }
  | { readonly kind: 'no_program'; readonly program: string; readonly install: string }
  | ApiError
  | { readonly kind: 'no_gateway'; readonly error: GatewayError }
  | { readonly kind: 'no_proxy'; readonly error: Socks5Error };

/** What to say, one sentence a line. */
export function describeStartError(error: StartError): readonly string[] {
  return match(error)
    .returnType<readonly string[]>()
    .with({ kind: 'no_rights' }, () => [
      'Not permitted to change interfaces and routes: run it as root, or grant CAP_NET_ADMIN and CAP_NET_RAW',
    ])
    .with({ kind: 'no_program' }, (e) => [`The program "${e.program}" is not installed: ${e.install}`])
    .with({ kind: 'no_api', error: { kind: 'port_in_use' } }, ({ error: { port, address, holder } }) => [
      `Port ${port} on ${address} (api_port) is taken${byWhom(holder)}: two of them would fight over the routes`,
    ])
    .with({ kind: 'no_api', error: { kind: 'socket_in_use' } }, ({ error: { path, holder } }) => [
      `The socket ${path} (api_socket) is taken${byWhom(holder)}: two of them would fight over the routes`,
    ])
    .with({ kind: 'no_token' }, (e) => [describeTokenFault(e.fault)])
    .with({ kind: 'no_group', fault: null }, (e) => [
      `There is no group ${e.group} (api_socket_group) in ${GROUP_FILE}: make it with groupadd --system ${e.group}, or give a number`,
    ])
    .with({ kind: 'no_group' }, (e) => [
      `The group ${e.group} (api_socket_group) cannot be looked up: give its number, or make ${GROUP_FILE} readable`,
    ])
    .with({ kind: 'no_api' }, (e) => [`The REST API cannot start: ${describeListenError(e.error)}`])
    .with({ kind: 'no_proxy' }, (e) => [describeSocks5Error(e.error)])
    .with({ kind: 'no_gateway' }, (e) => [`The gateway cannot start: ${describeGatewayError(e.error)}`])
    .otherwise(describeConfigFault);
}

function byWhom(holder: Holder | null): string {
  if (holder === null) return ', perhaps by a v6-gatewayd that runs already';
  return ` by ${holder.name} (process ${holder.pid}), perhaps a v6-gatewayd`;
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
      return /not_permitted$/.test(error.error.kind) ? EXIT.noPermission : EXIT.unavailable;
    case 'no_proxy':
      return error.error.kind === 'users' ? EXIT.config : EXIT.unavailable;
    case 'no_token':
      return error.fault.kind === 'token_forbidden' ? EXIT.noPermission : EXIT.config;
    case 'no_group':
    case 'file_missing':
    case 'not_a_file':
    case 'file_too_large':
    case 'not_text':
    case 'file_unreadable':
    case 'config_invalid':
      return EXIT.config;
  }
}
