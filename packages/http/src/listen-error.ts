/** Why a server could not begin to listen. */
export type ListenError =
  /** Another program listens there. */
  | { readonly kind: 'port_in_use'; readonly address: string; readonly port: number }
  /** No interface of this machine has that address, or the kernel does not speak that family. */
  | { readonly kind: 'address_not_available'; readonly address: string }
  | { readonly kind: 'not_permitted'; readonly address: string; readonly port: number }
  /** Not an IPv4 or IPv6 literal. */
  | { readonly kind: 'bad_address'; readonly address: string }
  /** Not a whole number from 0 to 65535. */
  | { readonly kind: 'bad_port'; readonly port: number }
  /** Anything else the system said, such as being out of file descriptors (`EMFILE`). */
  | { readonly kind: 'listen_failed'; readonly address: string; readonly port: number; readonly code: string };

/** One sentence for people: what happened and what to do. */
export function describeListenError(error: ListenError): string {
  switch (error.kind) {
    case 'port_in_use':
      return `port ${error.port} on ${error.address} is taken by another program: stop it or choose another port`;
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
  }
}

/** @param thrown what `listen` emitted. */
export function toListenError(thrown: NodeJS.ErrnoException, address: string, port: number): ListenError {
  switch (thrown.code) {
    case 'EADDRINUSE':
      return { kind: 'port_in_use', address, port };
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
