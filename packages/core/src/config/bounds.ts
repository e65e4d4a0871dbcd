import type { Millis } from '../units.js';

// What a configuration may ask for. Durations end where the number stops being a policy and starts
// being a slip of the pen; all of them fit the 2^31 - 1 ms a timer can count.

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;

/** A least and a greatest value, both allowed. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Characters of text read: a configuration of 256 tunnels with every key set and explained is a tenth of it. */
export const MAX_TEXT = 1_048_576;

/** Problems told at once; what is beyond them is counted. */
export const MAX_PROBLEMS = 1_000;

/** Characters of somebody's text repeated in a problem. */
export const MAX_QUOTED = 64;

/** Every tunnel is probed twice a second and has a routing table of its own. */
export const MAX_TUNNELS = 256;

/** The first is asked regularly; the others share the quick interval while a doubt is settled. */
export const MAX_TARGETS = 8;

/** PATH_MAX of Linux, without the closing zero. */
export const MAX_PATH = 4_095;

/** unix(7): `sun_path` has 108 bytes, the closing zero included. */
export const MAX_SOCKET_PATH = 107;

/** Origins and names of hosts: each is compared with every request that has one. */
export const MAX_ACCESS_NAMES = 16;

/** Networks of a list: each is compared with every connection of the proxy. */
export const MAX_RANGES = 64;

/** resolv.conf(5) takes as many name servers. */
export const MAX_RESOLVERS = 3;

/** chown(2): the largest number, 2^32 - 1, means "leave it". */
export const GROUP_IDS: Bounds = { min: 0, max: 0xffff_fffe };

/** Slots a window may be cut into: they are kept in memory for every tunnel. */
export const MAX_SLOTS = 1_000;

export const PORTS: Bounds = { min: 1, max: 65_535 };
export const PRIORITIES: Bounds = { min: 0, max: 100 };
export const PREFIX_LENGTHS: Bounds = { min: 1, max: 128 };
/** RFC 8200 section 5: every IPv6 link carries 1280. An IPv4 packet holds 65535, its header 20 of them. */
export const MTUS: Bounds = { min: 1_280, max: 65_515 };
export const SCORES: Bounds = { min: 0, max: 100 };

export const PROBE_INTERVALS: Bounds = { min: 50, max: 10 * MINUTE };
/** Ten probes a second and target is what public resolvers still answer without limiting; 20 ms serves a lab. */
export const QUICK_INTERVALS: Bounds = { min: 20, max: 10 * MINUTE };
export const DEADLINES: Bounds = { min: 10, max: MINUTE };
export const WINDOWS: Bounds = { min: 100, max: DAY };
export const SLOTS: Bounds = { min: 100, max: HOUR };
export const MISSES: Bounds = { min: 1, max: 1_000 };
export const HARD_DOWN_AFTER: Bounds = { min: 0, max: 10 * MINUTE };

export const CHECK_INTERVALS: Bounds = { min: 100, max: DAY };
/** Zero: a better tunnel takes the route back at once. */
export const FAILBACKS: Bounds = { min: 0, max: 7 * DAY };

export const OPERATION_TIMEOUTS: Bounds = { min: 100, max: 10 * MINUTE };
export const RETRIES: Bounds = { min: 100, max: DAY };

/** Metrics are 32 bits wide, and the standby of every tunnel needs a further ten. */
export const METRICS: Bounds = { min: 1, max: 0xffff_ffff - 10 * MAX_TUNNELS };
/** Routing table numbers are 32 bits wide, and 0 means none. */
export const TABLES: Bounds = { min: 1, max: 0xffff_ffff };
/** ip-rule(8): the tables `default`, `main` and `local`. */
export const KERNEL_TABLES: Bounds = { min: 253, max: 255 };
/** Flows of the relay: each takes two descriptors, and a million of them is what Linux gives one process. */
export const FLOWS: Bounds = { min: 1, max: 500_000 };

/** Characters of a mapping's description: it is for people. */
export const MAX_DESCRIPTION = 200;

/** The rule for the table `main` stands at 32766: ours and the ones after them must come before it. */
export const RULES: Bounds = { min: 1, max: 32_000 };
