import { answers } from './processes.js';

/** Where a relay and its target are, and where their clients. */
export interface Place {
  /** Addresses of a relay, and of the target for those who go there without one. Both sides know them. */
  readonly relay: string;
  readonly direct: string;
  /** The interface that has the relay's address. */
  readonly iface: string;
  /** What starts a program beside the relay; beside the clients. */
  readonly here: readonly string[];
  readonly there: readonly string[];
  /** Whether somebody listens for TCP at this port beside the relay. */
  isHeard(host: string, port: number): Promise<boolean>;
}

export const LOOPBACK: Place = {
  relay: '::1',
  direct: '127.0.0.1',
  iface: 'lo',
  here: [],
  there: [],
  isHeard: answers,
};
