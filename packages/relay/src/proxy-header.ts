import type { Endpoint } from './contracts.js';

// The PROXY protocol, version 2: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt section 2.2.

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const VERSION_2_PROXY = 0x21;
const TCP_OVER_IPV6 = 0x21;
/** Two addresses of 16 bytes, two ports of 2. */
const IPV6_BLOCK = 36;

/** Tells a program who has connected to which of our addresses, before the first byte of the connection. */
export function proxyHeader(from: Endpoint, to: Endpoint): Uint8Array {
  const header = Buffer.alloc(16 + IPV6_BLOCK);
  header.set([...SIGNATURE, VERSION_2_PROXY, TCP_OVER_IPV6], 0);
  header.writeUInt16BE(IPV6_BLOCK, 14);
  header.set(ipv6Bytes(from.address), 16);
  header.set(ipv6Bytes(to.address), 32);
  header.writeUInt16BE(from.port, 48);
  header.writeUInt16BE(to.port, 50);
  return header;
}

/** `address`: canonical text, perhaps with a zone, which means nothing to a program. */
function ipv6Bytes(address: string): Uint8Array {
  const [text = ''] = address.split('%');
  const [head = '', tail = ''] = text.split('::');
  const before = head.split(':').filter((group) => group !== '');
  const after = tail.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Uint8Array.from(
    [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16)).flatMap((n) => [n >> 8, n & 0xff]),
  );
}
