import type { UnixMillis } from '@hurricane/core';

/** `2026-11-22T21:41:00.123Z`. */
export function moment(at: UnixMillis): string {
  return new Date(at).toISOString();
}
