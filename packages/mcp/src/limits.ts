import type { Millis } from '@hurricane/core';

/** How much of this process the clients of one socket can take, and for how long. */
export interface McpLimits {
  /** Connections at once. Further ones are told so and closed. */
  readonly maxConnections: number;
  /** A connection at rest for so long gives way to a new one when there are as many as there may be. */
  readonly restBeforeGivingWay: Millis;
  /** Bytes of one line, which is one message. Longer: answered, and closed. */
  readonly maxLine: number;
  /** Bytes that wait for one client when there is news for it. More: cut. */
  readonly maxBacklog: number;
  /** Requests of one client that are being answered. Further ones are read when one of these is done. */
  readonly maxPending: number;
  /** From a connection's start to its first message. */
  readonly openingTimeout: Millis;
  /** How long a connection may rest. */
  readonly idleTimeout: Millis;
  /** How long a client may leave what was written to it unread. */
  readonly stallTimeout: Millis;
  /** How long a client that has said all waits for the answers to it. */
  readonly partingTimeout: Millis;
}

export const MCP_LIMITS: McpLimits = {
  // A host starts one for each assistant; a hundred at once is a stress test.
  maxConnections: 128,
  restBeforeGivingWay: 600_000,
  // The longest request of ours is a kilobyte. What is longer is a mistake or an attack.
  maxLine: 1_048_576,
  // The longest answer of ours is some 300 kB.
  maxBacklog: 1_048_576,
  // Assistants ask for a handful at once. So many of the longest answers are 5 MB.
  maxPending: 16,
  // The host starts the bridge and speaks at once, unless the machine is very busy.
  openingTimeout: 60_000,
  // People leave an assistant open over night.
  idleTimeout: 86_400_000,
  stallTimeout: 30_000,
  // `diagnose` watches for as long.
  partingTimeout: 35_000,
};

/** How long a connection is read from after its last answer: closing it at once could destroy the answer. */
export const LINGER: Millis = 500;
