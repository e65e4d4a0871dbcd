import type { DriverError } from '@hurricane/core';
import type { Result } from 'neverthrow';
import { expect } from 'vitest';
import type { FakeHost } from './fake-host.js';

/** What an operation answered that had to succeed, with no command that the fake host does not know. */
export async function finished<V>(host: FakeHost, operation: PromiseLike<Result<V, DriverError>>): Promise<V> {
  const result = await operation;
  expect(host.surprises).toEqual([]);
  return result._unsafeUnwrap();
}
