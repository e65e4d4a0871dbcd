import type { Millis } from '@hurricane/core';

// Every bound of the relay, with its unit and its reason; docs/limits.md lists them for users.

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;

/** Flows at once: each takes two descriptors and some 20 kB. Ten thousand idle ones, and busy ones beside them. */
export const FLOWS_AT_MOST = 16_384;

/** Of one client (an IPv4 address, or an IPv6 /64): one that runs wild leaves room for others. */
export const FLOWS_OF_ONE_CLIENT = 4_096;

/** Addresses whose client is looked up and not worked out; beyond it, all are forgotten and learnt anew. */
export const CLIENTS_REMEMBERED = 1_024;

/** Connections that an engine leads on before the table of flows is told; never more than that has room for. */
export const LED_AT_MOST = 1_024;

/** Tunnels of which it is remembered when they were lost: many more than there are. */
export const LOSSES_REMEMBERED = 256;

/** RFC 5382 REQ-5: an established connection that says nothing is kept for 2 h 4 min at least. */
export const IDLE_LIMIT: Millis = 150 * MINUTE;

/** One side has sent its FIN and nothing has moved since. Slides: a slow transfer goes on for as long as it likes. */
export const HALF_CLOSED_IDLE_LIMIT: Millis = 60 * SECOND;

/** Before the first keep-alive of a silent connection (tcp(7)): dead peers are found, and NATs on the way kept open. */
export const KEEP_ALIVE_DELAY: Millis = 2 * MINUTE;

/** Between two looks at what flows carried: how old a figure is, and how late an idle one ends. */
export const SWEEP_INTERVAL: Millis = SECOND;

/** TCP sends its first SYN four times in 7 s; who has not answered by then will not. */
export const CONNECT_LIMIT: Millis = 10 * SECOND;

/** How long a leg that was ended waits for the other side's FIN. */
export const LINGER_LIMIT: Millis = 10 * SECOND;

/** What the portable engine reads at once from a connection that carries much: half of what 64 KiB cost per byte. */
export const STREAM_BUFFER_BYTES = 262_144;

/** Such buffers at once, 8 MiB; connections beyond carry on with pieces of 64 KiB. */
export const STREAM_BUFFERS_AT_MOST = 32;

/** Of those, kept for the next connection that carries much. */
export const STREAM_BUFFERS_SPARE = 4;

/** Less than that is copied: Node's sockets tell of a write that waits from 16 KiB on (`writableHighWaterMark`). */
export const LENT_AT_LEAST = 65_536;

/** Connections that wait to be accepted; the kernel's `somaxconn` bounds it as well (listen(2)). */
export const BACKLOG = 1_024;

/** Out of descriptors: listeners rest for so long, twice as long each time, at most `SHORTAGE_REST_AT_MOST`. */
export const SHORTAGE_REST: Millis = 100;
export const SHORTAGE_REST_AT_MOST: Millis = 5 * SECOND;

/** RFC 4787 REQ-5: a mapping of UDP is kept for 2 min at least; 5 min are recommended. */
export const UDP_IDLE_LIMIT: Millis = 5 * MINUTE;

/** How many times in one idle limit the silent are looked for. */
export const UDP_LOOKS = 10;

/** Peers of one UDP mapping; the one that has been silent for longest gives way. Each takes a socket. */
export const UDP_PEERS_AT_MOST = 2_048;

/** Bytes that wait in one UDP socket for the kernel to take them; more are dropped, as a full queue does. */
export const UDP_BACKLOG_BYTES = 1_048_576;

/** Bytes of datagrams that the kernel may hold for one mapping, where it allows as much: bursts of new peers. */
export const UDP_KERNEL_BYTES = 1_048_576;

/** Datagrams of a new peer that wait for its socket. */
export const UDP_WAITING_AT_MOST = 64;

/** Before a mapping whose port could not be opened is tried again; doubles up to a minute. */
export const REOPEN_AFTER: Millis = SECOND;
export const REOPEN_AFTER_AT_MOST: Millis = MINUTE;

/** A probe is answered for by then. Each of its packets needs at most one round trip through two tunnels. */
export const PROBE_LIMIT: Millis = 3 * SECOND;

/** Datagrams of one probe, this far apart: one that is lost on the way says nothing. */
export const PROBE_INTERVAL: Millis = 500;

/** How long a nonce is still recognised after its probe: what was held up on the way must not reach a program. */
export const NONCE_GRACE: Millis = 10 * SECOND;

/** Probes under way or just over; each has its nonce looked for among what arrives from its address. */
export const PROBES_AT_MOST = 32;
