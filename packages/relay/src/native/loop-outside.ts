import type { PairLimits } from './pair.js';
import type { Command, News } from './protocol.js';

export interface LoopLimits extends PairLimits {
  /** Between two looks at what flows carried. */
  readonly sweep: number;
}

/** Whom the loop serves. */
export interface LoopOutside {
  readonly limits: LoopLimits;
  /** How long it polls after each event before it sleeps, in milliseconds; 0: it sleeps at once. */
  readonly pollFor: number;
  /** What has been asked since the last call. */
  commands(): readonly Command[];
  /** Whether anything has been: asked between two events, so it costs next to nothing. */
  isAsked(): boolean;
  /** Whether it may sleep, until the descriptor `wake` says so. Else it asks for commands first. */
  mayDoze(): boolean;
  awake(): void;
  tell(news: readonly News[]): void;
  /** It has begun to hear one more SOCKS5 client, of which it will tell later. */
  hears(): void;
}
