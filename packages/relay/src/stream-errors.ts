import type { ConnectError, LegError, ListenError } from './contracts.js';

// The system's error codes, as errno(3) names them, in the terms of the contracts.

/** What a socket of Node's reports. */
export interface SystemError extends Error {
  readonly code?: string | undefined;
  readonly syscall?: string | undefined;
}

/** Of that, what tells errors apart. */
type Facts = Pick<SystemError, 'code' | 'syscall'>;

const SHORTAGES: readonly string[] = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'];

const NO_SOURCE: readonly string[] = ['EADDRNOTAVAIL', 'EINVAL', 'EAFNOSUPPORT'];

/** The process or the machine has run out of descriptors or of memory for sockets. */
export function isShortage(code: string | undefined): boolean {
  return code !== undefined && SHORTAGES.includes(code);
}

/** tcp(7): ETIMEDOUT here means that keep-alives or data were never acknowledged. EPIPE: a reset came before. */
export function legErrorOf({ code = 'EUNKNOWN' }: Facts): LegError {
  return code === 'ECONNRESET' || code === 'EPIPE' ? { kind: 'reset' } : { kind: 'failed', code };
}

export function connectErrorOf({ code = 'EUNKNOWN', syscall }: Facts): ConnectError {
  // bind(2): the address is not, or not any more, one of this machine's; or of the other family.
  if (syscall === 'bind' && NO_SOURCE.includes(code)) return { kind: 'no_source' };
  switch (code) {
    case 'ECONNREFUSED':
      return { kind: 'refused' };
    case 'ENETUNREACH':
      return { kind: 'network_unreachable' };
    case 'EHOSTUNREACH':
      return { kind: 'host_unreachable' };
    case 'ETIMEDOUT':
      return { kind: 'timed_out' };
    default:
      return { kind: 'failed', code };
  }
}

export function listenErrorOf({ code = 'EUNKNOWN' }: Facts): ListenError {
  switch (code) {
    case 'EADDRINUSE':
      return { kind: 'taken' };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'not_permitted' };
    case 'EADDRNOTAVAIL':
      return { kind: 'no_address' };
    default:
      return { kind: 'failed', code };
  }
}
