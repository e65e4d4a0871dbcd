import type { Instant, Millis, Prober } from '@hurricane/core';

/** How a network treats the probes that leave from here on. */
export type NetworkMood =
  | { readonly kind: 'answers'; readonly after: Millis }
  | { readonly kind: 'silent' }
  | { readonly kind: 'refuses' };

export interface SentProbe {
  readonly target: string;
  readonly at: Instant;
  /** Null: left to the host's routes. */
  readonly source: string | null;
  /** Length from the IP header on, where fragmenting is forbidden. Null: as short as the method allows. */
  readonly packetSize: number | null;
}

/** A prober on a stage: a clock and a network that the test directs. */
export interface ProberStage {
  readonly prober: Prober;
  now(): Instant;
  /** Lets time pass and all that is due in it happen. */
  pass(span: Millis): Promise<void>;
  network(mood: NetworkMood): void;
  /** From here on the source address is not on the host. */
  loseSource(): void;
  /** Every probe that has left. */
  readonly sent: readonly SentProbe[];
  /** Processes, sockets and alarms the prober holds. */
  held(): number;
}

/** `chance`, from 0 to 1, is what the prober's source of randomness says. */
export type SetProberStage = (chance: number) => ProberStage;
