// The words of SOCKS5: RFC 1928 (the protocol), RFC 1929 (user name and password), and Tor's RESOLVE and
// RESOLVE_PTR (socks-extensions.txt section 2). Reading is in codec-read.ts, writing in codec-write.ts.

/** RFC 1928 sections 3 and 4: VER. */
export const SOCKS_VERSION = 0x05;

/** RFC 1929 section 2: VER of the sub-negotiation. */
export const PASSWORD_VERSION = 0x01;

/** RFC 1928 section 3: METHOD. */
export const METHODS = { none: 0x00, password: 0x02, unacceptable: 0xff } as const;

export type Method = keyof typeof METHODS;

/** RFC 1928 section 4: CMD; the last two are Tor's. */
export const COMMANDS = { connect: 0x01, bind: 0x02, udp_associate: 0x03, resolve: 0xf0, resolve_ptr: 0xf1 } as const;

export type Command = keyof typeof COMMANDS;

/** RFC 1928 section 5: ATYP. */
export const ADDRESS_TYPES = { ipv4: 0x01, name: 0x03, ipv6: 0x04 } as const;

/** RFC 1928 section 6: REP. */
export const REPLIES = {
  succeeded: 0x00,
  general_failure: 0x01,
  not_allowed: 0x02,
  network_unreachable: 0x03,
  host_unreachable: 0x04,
  refused: 0x05,
  ttl_expired: 0x06,
  command_not_supported: 0x07,
  address_type_not_supported: 0x08,
} as const;

export type Reply = keyof typeof REPLIES;

/** A reply that nothing comes of. */
export type Failure = Exclude<Reply, 'succeeded'>;

/** Where a client wants to go. */
export type Target =
  /** Canonical text; an IPv4-mapped address is the IPv4 address. */
  | { readonly kind: 'address'; readonly address: string; readonly port: number }
  /** One character for each byte that came, whatever they are; 1 to 255 of them. */
  | { readonly kind: 'name'; readonly name: string; readonly port: number };

export interface Request {
  readonly command: Command;
  readonly target: Target;
}

export interface Credentials {
  /** Bytes, in no particular encoding. */
  readonly username: Uint8Array;
  readonly password: Uint8Array;
}

/** RFC 1928 section 7: what is in front of a datagram. */
export interface DatagramHeader {
  readonly target: Target;
  /** Where the payload begins. */
  readonly length: number;
}

/** What came of reading the beginning of some bytes as one message. */
export type Read<T, Fault> =
  /** The message goes on: at least so many bytes are missing. */
  | { readonly kind: 'more'; readonly missing: number }
  /** `length`: bytes it took. What follows belongs to the next message. */
  | { readonly kind: 'read'; readonly value: T; readonly length: number }
  | { readonly kind: 'bad'; readonly fault: Fault };

export type GreetingFault = 'wrong_version' | 'no_methods';
export type PasswordFault = 'wrong_version' | 'empty_username' | 'empty_password';
export type TargetFault = 'unknown_address_type' | 'empty_name';
export type RequestFault = TargetFault | 'wrong_version' | 'unknown_command' | 'reserved_not_zero' | 'port_zero';
export type DatagramFault = TargetFault | 'truncated' | 'reserved_not_zero' | 'fragmented' | 'port_zero';

/** RSV twice, FRAG, ATYP, the length of a name, 255 bytes of it, and the port. */
export const LONGEST_DATAGRAM_HEADER: number = 4 + 1 + 255 + 2;
