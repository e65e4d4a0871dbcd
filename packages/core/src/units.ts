declare const unit: unique symbol;

/** A length of time in milliseconds. */
export type Millis = number & { readonly [unit]?: 'ms' };

/**
 * A reading of the monotonic clock in milliseconds. Zero is arbitrary and differs between
 * processes: subtract two of them, never print one.
 */
export type Instant = number & { readonly [unit]?: 'instant' };

/** Wall-clock time in whole seconds since 1970, the form the REST API reports. */
export type UnixSeconds = number & { readonly [unit]?: 'unix-s' };

/** Wall-clock time in milliseconds since 1970. */
export type UnixMillis = number & { readonly [unit]?: 'unix-ms' };

/** Later than every reading of the clock. */
export const NEVER: Instant = Number.POSITIVE_INFINITY;

/** Earlier than every reading of the clock. */
export const LONG_AGO: Instant = Number.NEGATIVE_INFINITY;
