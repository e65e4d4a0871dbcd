/** A process that has what was wanted. */
export interface Holder {
  readonly pid: number;
  /** As `ps` shows it, up to 15 characters. */
  readonly name: string;
}

/** Why a server could not begin to listen. */
export type ListenError =
  /** Another program listens there; null when it cannot be told which. */
  | { readonly kind: 'port_in_use'; readonly address: string; readonly port: number; readonly holder: Holder | null }
  /** No interface of this machine has that address, or the kernel does not speak that family. */
  | { readonly kind: 'address_not_available'; readonly address: string }
  | { readonly kind: 'not_permitted'; readonly address: string; readonly port: number }
  /** Not an IPv4 or IPv6 literal. */
  | { readonly kind: 'bad_address'; readonly address: string }
  /** Not a whole number from 0 to 65535. */
  | { readonly kind: 'bad_port'; readonly port: number }
  /** Anything else the system said, such as being out of file descriptors (`EMFILE`). */
  | { readonly kind: 'listen_failed'; readonly address: string; readonly port: number; readonly code: string }
  | SocketError;

/** Why a Unix socket could not be made. Nothing has been changed. */
export type SocketError =
  /** Not absolute. */
  | { readonly kind: 'bad_socket_path'; readonly path: string }
  | { readonly kind: 'socket_path_too_long'; readonly path: string; readonly bytes: number; readonly limit: number }
  | { readonly kind: 'directory_missing'; readonly directory: string }
  /** It belongs to an ordinary user, who could put something else there. */
  | { readonly kind: 'directory_not_ours'; readonly directory: string; readonly owner: number }
  /** Users other than its owner may write to it. */
  | { readonly kind: 'directory_open'; readonly directory: string }
  /** Somebody listens there. */
  | { readonly kind: 'socket_in_use'; readonly path: string; readonly holder: Holder | null }
  | { readonly kind: 'not_a_socket'; readonly path: string; readonly found: string }
  | { readonly kind: 'socket_not_permitted'; readonly path: string }
  | { readonly kind: 'group_not_permitted'; readonly path: string; readonly group: number }
  | { readonly kind: 'socket_failed'; readonly path: string; readonly code: string };

/** One sentence for people: what happened and what to do. */
export function describeListenError(error: ListenError): string {
  switch (error.kind) {
    case 'port_in_use':
      return `port ${error.port} on ${error.address} is taken by ${named(error.holder)}: stop it or choose another port`;
    case 'address_not_available':
      return `this machine has no address ${error.address} to listen on`;
    case 'not_permitted':
      return (
        `not permitted to listen on port ${error.port} of ${error.address}: ` +
        'ports below 1024 need root or CAP_NET_BIND_SERVICE'
      );
    case 'bad_address':
      return `"${error.address}" is not an IPv4 or IPv6 address`;
    case 'bad_port':
      return `${error.port} is not a port number: 0 to 65535`;
    case 'listen_failed':
      return `cannot listen on port ${error.port} of ${error.address} (${error.code})`;
    default:
      return describeSocketError(error);
  }
}

function describeSocketError(error: SocketError): string {
  switch (error.kind) {
    case 'bad_socket_path':
      return `"${error.path}" is not an absolute path, which a socket needs`;
    case 'socket_path_too_long':
      return `the socket path ${error.path} has ${error.bytes} bytes: Linux takes ${error.limit}`;
    case 'directory_missing':
      return `there is no directory ${error.directory} for the socket: make it, or choose another path`;
    case 'directory_not_ours':
      return `${error.directory} belongs to user ${error.owner}, who could replace the socket: choose a directory of root's`;
    case 'directory_open':
      return `others may write to ${error.directory} and could replace the socket: chmod go-w ${error.directory}`;
    case 'socket_in_use':
      return `${error.path} is taken by ${named(error.holder)} that listens on it: stop it or choose another path`;
    case 'not_a_socket':
      return `${error.path} is ${error.found}: remove it or choose another path for the socket`;
    case 'socket_not_permitted':
      return `not permitted to make a socket at ${error.path}`;
    case 'group_not_permitted':
      return (
        `not permitted to give ${error.path} to group ${error.group}: ` +
        'this process must be a member of it (systemd: SupplementaryGroups=) or have CAP_CHOWN'
      );
    case 'socket_failed':
      return `cannot listen on ${error.path} (${error.code})`;
  }
}

function named(holder: Holder | null): string {
  return holder === null ? 'another program' : `${holder.name} (process ${holder.pid})`;
}

/** @param thrown what `listen` emitted. */
export function toListenError(
  thrown: NodeJS.ErrnoException,
  address: string,
  port: number,
  holder: Holder | null,
): ListenError {
  switch (thrown.code) {
    case 'EADDRINUSE':
      return { kind: 'port_in_use', address, port, holder };
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return { kind: 'address_not_available', address };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'not_permitted', address, port };
    default:
      return { kind: 'listen_failed', address, port, code: thrown.code ?? thrown.message };
  }
}

/** @param thrown what a system call on the way to a socket said. */
export function toSocketError(thrown: NodeJS.ErrnoException, path: string): SocketError {
  switch (thrown.code) {
    case 'EADDRINUSE':
      return { kind: 'socket_in_use', path, holder: null };
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return { kind: 'socket_not_permitted', path };
    default:
      return { kind: 'socket_failed', path, code: thrown.code ?? thrown.message };
  }
}
