import { isIPv4 } from 'node:net';
import type { Millis, ProbePlan } from '@hurricane/core';

/** In front of an echo request's payload, in bytes: the IP header without options and ICMP's own 8. */
const HEADERS = { ipv4: 20 + 8, ipv6: 40 + 8 } as const;

/** The shortest payload with room for a time stamp, in bytes: below it iputils prints no `time=`. */
const SHORTEST_PAYLOAD = 16;

/**
 * From this period on every probe is a ping of its own. A ping whose daemon was killed notices when it writes
 * its next line, and must not be left behind for longer.
 */
const SINGLE_FROM: Millis = 2_000;

/** How much longer than the deadline a single ping waits for its answer. */
const SINGLE_MARGIN: Millis = 500;

/**
 * How a ping of ours is known when its gateway has been killed: `-p` fills what a probe carries behind its time
 * stamp with this and the gateway's process number, in hexadecimal. "HURR".
 */
const MARK = '48555252';

const markOf = (gateway: number): string => `${MARK}${gateway.toString(16).padStart(8, '0')}`;

/** The process number of the gateway that started this ping; null: it is none of ours. */
export function gatewayOf(argv: readonly string[]): number | null {
  const mark = argv[argv.indexOf('-p') + 1] ?? '';
  return argv.includes('-p') && new RegExp(`^${MARK}[0-9a-f]{8}$`).test(mark)
    ? Number.parseInt(mark.slice(MARK.length), 16)
    : null;
}

export const isSingle = (period: Millis): boolean => period >= SINGLE_FROM;

/**
 * The iputils ping that probes `target` as `plan` says, every `period`.
 *
 * `-O` makes ping write a line for every probe as it leaves, answered or not. `-M do` forbids this host
 * and all routers to fragment: what is too long for a link then ends there.
 */
export function pingArgv(plan: ProbePlan, target: string, period: Millis): readonly string[] {
  const [family, headers] = isIPv4(target) ? ['-4', HEADERS.ipv4] : ['-6', HEADERS.ipv6];
  const { source, packetSize } = plan;
  const wait = ((plan.deadline.max + SINGLE_MARGIN) / 1_000).toFixed(3);
  const payload = Math.max(SHORTEST_PAYLOAD, (packetSize ?? 0) - headers);
  return [
    ...['ping', family, '-n', '-O'],
    ...(isSingle(period) ? ['-c', '1', '-W', wait] : ['-i', (period / 1_000).toFixed(3)]),
    ...['-s', String(payload), '-p', markOf(process.pid)],
    ...(packetSize === null ? [] : ['-M', 'do']),
    ...(source === null ? [] : ['-I', source]),
    target,
  ];
}
