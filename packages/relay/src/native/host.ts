import type { Command, News } from './protocol.js';

/** Where a loop runs, as the engine sees it. */
export interface Host {
  /** Heard in order, and together with what is asked in the same turn. Nothing once it is gone. */
  post(command: Command): void;
  /** Called with everything the loop tells, in order. */
  onNews(listener: (news: readonly News[]) => void): void;
  /** How many clients its loop has begun to hear, ever, as a 32-bit number that turns over. */
  readonly heard: number;
  /** Resolves, to why, once it runs no more and every descriptor has been given back. Null: it was stopped. */
  readonly gone: Promise<string | null>;
  /** Whether the process stays for its sake. */
  hold(isHeld: boolean): void;
  /** Resolves once it is gone. What it carries is reset. */
  stop(): Promise<void>;
}
