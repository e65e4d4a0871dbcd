import type { Millis } from '@hurricane/core';

/** What one line of `ping -n -O` says. */
export type PingLine =
  /** `seq` wraps at 65536. */
  | { readonly kind: 'reply'; readonly seq: number; readonly rtt: Millis }
  /** Printed as the probe after `seq` leaves. */
  | { readonly kind: 'unanswered'; readonly seq: number }
  /** An ICMP or ICMPv6 error came back for `seq`. */
  | { readonly kind: 'unreachable'; readonly seq: number; readonly reason: string }
  /** The probe that was due could not be sent, as when it is longer than the way is known to carry. */
  | { readonly kind: 'send_failed'; readonly reason: string }
  /** Headings, duplicates, warnings, noise. */
  | { readonly kind: 'other' };

const OTHER: PingLine = { kind: 'other' };

/** `-D` puts the time of day in front. */
const STAMP = /^\[\d+\.\d+\] /;
// The address in parentheses is there where names are resolved; the tail says DUP!, truncated and the like.
const REPLY = /^\d+ bytes from \S+(?: \(\S+\))?: icmp_seq=(\d+)(?: ttl=\d+)? time([=<])(\d+(?:\.\d+)?) ms(.*)$/;
const UNANSWERED = /^no answer yet for icmp_seq=(\d+)$/;
const UNREACHABLE = /^From \S+(?: \(\S+\))?:? icmp_seq=(\d+) (\S.*)$/;
// RFC 792: a router that advises a shorter way has sent the packet on; source quench (RFC 6633) means nothing.
const ADVICE = /^(?:Redirect|Source Quench)\b/;
const SEND_FAILED = /^\S+: (?:sendmsg|local error): (\S.*)$/;

/** Reads one line of iputils ping, from either of its streams, without the line end. */
export function parsePingLine(text: string): PingLine {
  const line = text.replace(STAMP, '').trimEnd();
  const reply = REPLY.exec(line);
  if (reply !== null) return readReply(reply);
  const unanswered = UNANSWERED.exec(line);
  if (unanswered !== null) return withSeq(unanswered[1], (seq) => ({ kind: 'unanswered', seq }));
  const unreachable = UNREACHABLE.exec(line);
  if (unreachable !== null) {
    const [, number, reason = ''] = unreachable;
    return ADVICE.test(reason) ? OTHER : withSeq(number, (seq) => ({ kind: 'unreachable', seq, reason }));
  }
  const failed = SEND_FAILED.exec(line);
  return failed === null ? OTHER : { kind: 'send_failed', reason: failed[1] ?? '' };
}

function readReply(match: RegExpExecArray): PingLine {
  const [, seq, , rtt, tail] = match;
  // A second answer to one probe says nothing new; a damaged one cannot be trusted to be an answer.
  if (tail?.includes('DUP!') || tail?.includes('BAD CHECKSUM')) return OTHER;
  return withSeq(seq, (n) => ({ kind: 'reply', seq: n, rtt: Number(rtt) }));
}

/** Sequence numbers of echo requests are 16 bits wide: a larger one is damage. */
function withSeq(text: string | undefined, line: (seq: number) => PingLine): PingLine {
  const seq = Number(text);
  return Number.isInteger(seq) && seq >= 0 && seq <= 0xffff ? line(seq) : OTHER;
}

/** ping's longest line is about 150 characters; what is longer is not ping's. */
const LINE_LIMIT = 512;

/** Cuts a stream into lines. A line beyond the limit is dropped whole, so memory stays bounded. */
export class LineCutter {
  #rest = '';
  #dropping = false;

  /** The lines that `chunk` completes, without their ends. */
  push(chunk: string): readonly string[] {
    const parts = chunk.split('\n');
    const lines: string[] = [];
    for (const [i, part] of parts.entries()) {
      const last = i === parts.length - 1;
      if (!this.#dropping) this.#rest += part;
      if (this.#rest.length > LINE_LIMIT) {
        this.#rest = '';
        this.#dropping = true;
      }
      if (last) break;
      if (!this.#dropping) lines.push(this.#rest);
      this.#rest = '';
      this.#dropping = false;
    }
    return lines;
  }
}
