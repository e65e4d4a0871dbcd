import { connect, isIPv6, type ServerOpts, type Socket } from 'node:net';
import { err, ok, type Result, ResultAsync } from 'neverthrow';
import type { ConnectError, ConnectOptions } from './contracts.js';
import { KEEP_ALIVE_DELAY } from './limits.js';
import type { Shortage } from './shortage.js';
import { connectErrorOf, isShortage, type SystemError } from './stream-errors.js';
import { Intake } from './stream-intake.js';
import { StreamLeg } from './stream-leg.js';

/** What every connection of the relay is set to, on whichever side it was begun. */
export const SOCKET_OPTIONS: ServerOpts = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_DELAY,
};

/** Connects from the source that is asked for and no other. Fails: the descriptor has been given back. */
export function connectStream(options: ConnectOptions, shortage: Shortage): ResultAsync<StreamLeg, ConnectError> {
  return new ResultAsync(attempt(options, shortage));
}

function attempt(
  { to, source, timeout, signal }: ConnectOptions,
  shortage: Shortage,
): Promise<Result<StreamLeg, ConnectError>> {
  if (signal?.aborted === true) return Promise.resolve(err({ kind: 'aborted' }));
  return new Promise((resolve) => {
    const intake = new Intake();
    // `to` is an address, so that nothing is looked up and there is nothing for Node to race.
    const socket: Socket = connect({
      host: to.address,
      port: to.port,
      family: isIPv6(to.address) ? 6 : 4,
      autoSelectFamily: false,
      ...(source === null ? {} : { localAddress: source }),
      ...SOCKET_OPTIONS,
      onread: intake.options,
    });
    const settle = (outcome: Result<StreamLeg, ConnectError>): void => {
      clearTimeout(late);
      signal?.removeEventListener('abort', abort);
      socket.off('error', failed);
      // A destroyed socket may still have an error to tell.
      if (outcome.isErr()) socket.on('error', () => {}).destroy();
      resolve(outcome);
    };
    const failed = (error: SystemError): void => {
      if (isShortage(error.code)) shortage.met();
      settle(err(connectErrorOf(error)));
    };
    const abort = (): void => settle(err({ kind: 'aborted' }));
    const late = setTimeout(() => settle(err({ kind: 'timed_out' })), timeout);
    signal?.addEventListener('abort', abort);
    socket.once('connect', () => settle(ok(new StreamLeg(socket, intake))));
    socket.on('error', failed);
  });
}
