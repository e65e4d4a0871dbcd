import type { CommandOutline, Shell } from './completion.js';
import type { FollowOptions } from './follow-events.js';
import type { BridgeOptions } from './mcp-bridge.js';
import type { VerbOptions } from './verbs.js';

export const DEFAULT_CONFIG_FILE = '/etc/v6-gatewayd.conf';

export type LogFormat = 'text' | 'json';

/** What the command line asks for. */
export type Invocation =
  | {
      readonly kind: 'run';
      readonly configFile: string;
      readonly debug: boolean;
      /** `-f` was given, which asks for what happens anyway. */
      readonly foreground: boolean;
      readonly logFormat: LogFormat;
    }
  | { readonly kind: 'check'; readonly configFile: string }
  | {
      readonly kind: 'status';
      /** Null: the default one, which need not be there. */
      readonly configFile: string | null;
      /** Null: the one the configuration names. */
      readonly url: string | null;
      readonly json: boolean;
    }
  | ({ readonly kind: 'verb' } & VerbOptions)
  | ({ readonly kind: 'events' } & FollowOptions)
  | ({ readonly kind: 'mcp' } & BridgeOptions)
  /** The password comes by standard input. */
  | { readonly kind: 'user'; readonly name: string }
  | { readonly kind: 'completion'; readonly shell: Shell; readonly outline: CommandOutline }
  | { readonly kind: 'playground'; readonly args: readonly string[] }
  /** Help or the version. */
  | { readonly kind: 'print'; readonly text: string };

/** One sentence, without the program's name. */
export interface UsageError {
  readonly problem: string;
}
