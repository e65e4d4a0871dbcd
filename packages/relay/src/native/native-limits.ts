import type { Millis } from '@hurricane/core';

// Bounds of the native engine beside those it shares with the other (limits.ts); docs/limits.md lists them for users.

/** A pipe holds this much; `fs.pipe-max-size` allows it to everybody. Fewer, longer moves than with 64 KiB. */
export const PIPE_BYTES = 1_048_576;

/** Directions that splice at once, two descriptors and at most `PIPE_BYTES` each; further ones copy. */
export const PIPES_AT_MOST = 64;

/** Of those, so many wait for their next use. */
export const PIPES_KEPT = 16;

/** Rounds for one direction before the others have theirs: 512 KiB copied, at most 8 MiB spliced. */
export const ROUNDS_AT_ONCE = 8;

/**
 * So many reads that fill the buffer, and no burst between them that does not, before a direction splices; and small
 * moves in a row before it copies again.
 */
export const FULL_READS = 4;
export const SMALL_MOVE_BYTES = 16_384;

/** Connections taken from one listener before the others have their turn. */
export const ACCEPTS_AT_ONCE = 64;

/** Connections that arrived and that the main thread has not taken note of; more wait in the kernel's queue. */
export const HANDED_OVER_AT_MOST = 1_024;

/** What became of connections that were led on is told so much later at most: how late a flow is in the table. */
export const TELL_AFTER: Millis = 20;

/** And so many in one message; as many as may be untold (`LED_AT_MOST`, limits.ts). */
export const LED_IN_ONE_MESSAGE = 1_024;

/** What SOCKS5 clients ask for is told once there is nothing else to do, or after so long, or so many have asked. */
export const ASKED_AFTER: Millis = 1;
export const ASKED_IN_ONE_MESSAGE = 64;

/** Bytes that wait to be sent to one end while it is not joined: a handshake's. A write beyond is refused. */
export const WAITING_AT_MOST = 1_048_576;

/** Datagrams taken from one socket, or sent by one, before the others have their turn; each way has as many slots. */
export const DATAGRAMS_AT_ONCE = 64;

/** A session whose replies come one by one has so many read by themselves before it is tried whether there are more. */
export const READ_ALONE = 16;

/** Peers of one UDP mapping that the main thread has not spoken of yet, and all their bytes; more are dropped. */
export const NEWCOMERS_AT_MOST = 256;
export const NEWCOMERS_BYTES_AT_MOST = 1_048_576;

/** How long a SOCKS5 client may send to where it was allowed to before that is asked again, as the last half begins. */
export const LEASE: Millis = 1_000;

/** Destinations of one client that are leased, some 400 B each; the one unused for longest gives way. */
export const LEASES_AT_MOST = 256;

/** Datagrams of one client that the main thread has not judged, and those that wait for them; more are dropped. */
export const LETTERS_AT_MOST = 256;
export const LETTERS_BYTES_AT_MOST = 1_048_576;

/** And of all clients together. */
export const LETTERS_BYTES_OF_ALL = 16_777_216;

/**
 * With low latency: how long the loop polls after an event before it sleeps. On loopback 0.025 ms gained nothing, for a
 * program that has to be woken answers later; 0.05 ms all there is; and with 0.1 ms between answer and next question
 * only 0.2 ms did. So long polls a guest before it halts its processor (Documentation/virt/guest-halt-polling.rst).
 */
export const POLL_FOR: Millis = 0.2;

/** The loop looks around at least this often, whatever happens. */
export const LONGEST_SLEEP: Millis = 30_000;

/** A worker that starts: Node's own start and koffi's, many times over. */
export const START_LIMIT: Millis = 5_000;

/** A worker that was asked to stop; then it is terminated. */
export const STOP_LIMIT: Millis = 2_000;
