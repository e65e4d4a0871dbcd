import type { ResultAsync } from 'neverthrow';
import type { Endpoint, ListenError } from './contracts.js';

/** The sockets of a mapping at one address. */
export interface Carrier {
  /** Where it listens. */
  readonly at: Endpoint;
  /** Whether it has neither a listener nor a client's socket. */
  readonly idle: boolean;
  /** Takes new clients from here on. Already does: succeeds. Fails: nothing is open that was not before. */
  take(): ResultAsync<void, ListenError>;
  /** Takes no new clients; those it has go on. Resolves once it listens no more, or only for those it has. */
  rest(): Promise<void>;
}
