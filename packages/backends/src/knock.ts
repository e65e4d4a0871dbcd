import type { DriverError, Millis, PortProtocol } from '@hurricane/core';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { CommandRunner } from './command.js';

export interface KnockOptions {
  readonly protocol: PortProtocol;
  /** A tunnel's interface, and its address. */
  readonly from: { readonly iface: string; readonly address: string };
  readonly to: { readonly address: string; readonly port: number };
  readonly bytes: Uint8Array;
  readonly signal: AbortSignal;
}

/** Of one connection; whoever knocks tries again. */
const CONNECT_SECONDS = 2;
const DEADLINE: Millis = 5_000;

/**
 * Sends bytes to an address of this same machine, out through one tunnel.
 *
 * The kernel would deliver them by itself, so the socket has to be bound to the interface (SO_BINDTODEVICE of
 * socket(7)), which Node cannot do: `socat` does. What comes back to that address is delivered to the socket all the
 * same, for the kernel takes it as having arrived by the interface that has the address.
 *
 * Ok also when nobody answered. Errs when nothing was sent.
 */
export function knockOut(options: KnockOptions, runner: CommandRunner): ResultAsync<void, DriverError> {
  return new ResultAsync(knock(options, runner));
}

async function knock(
  { protocol, from, to, bytes, signal }: KnockOptions,
  runner: CommandRunner,
): Promise<Result<void, DriverError>> {
  const argv = ['socat', '-u', '-', addressOf(protocol, from, to)];
  const finished = await runner.run(argv, signal, { deadline: DEADLINE, input: bytes });
  if (finished.isErr()) return finished.error.kind === 'aborted' ? ok(undefined) : err(finished.error);
  const { exitCode, stderr } = finished.value;
  // A connection that fails has knocked; a socket that could not be made the way it has to be has not.
  const unsent = exitCode !== 0 && / E (socket|bind|setsockopt)\(/.test(stderr);
  return unsent ? err({ kind: 'command_failed', argv, exitCode, stderr }) : ok(undefined);
}

function addressOf(protocol: PortProtocol, from: KnockOptions['from'], to: KnockOptions['to']): string {
  const kind = protocol === 'tcp' ? 'TCP6' : 'UDP6-SENDTO';
  const limit = protocol === 'tcp' ? `,connect-timeout=${CONNECT_SECONDS}` : '';
  return `${kind}:[${to.address}]:${to.port},bind=[${from.address}],so-bindtodevice=${from.iface}${limit}`;
}
