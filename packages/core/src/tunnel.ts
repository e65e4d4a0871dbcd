import type { DriverError } from './facts.js';
import type { Instant } from './units.js';
export type TunnelState =
  | { readonly kind: 'down' }
  | { readonly kind: 'starting'; readonly deadline: Instant; readonly attempt: number }
  | { readonly kind: 'up'; readonly since: Instant }
  | { readonly kind: 'stopping'; readonly deadline: Instant }
  | { readonly kind: 'failed'; readonly fault: DriverError; readonly attempt: number; readonly retryAt: Instant };
