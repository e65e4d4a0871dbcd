import type { Clock, Ipv4Policy, Logger } from '@hurricane/core';
import type { Gatekeeper } from '../access/gatekeeper.js';
import type { Endpoint, Engine, Flows, Leg, Ways } from '../contracts.js';
import type { Dialer } from '../names/dial.js';
import type { Resolver } from '../names/resolver.js';
import type { Failure } from './codec.js';
import { writeReply } from './codec-write.js';
import type { Counters } from './counters.js';

/** What serving a client takes. */
export interface Service {
  readonly engine: Engine;
  readonly ways: Ways;
  readonly flows: Flows;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Counters;
  readonly dialer: Dialer;
  readonly resolver: Resolver;
  readonly ipv4: Ipv4Policy;
  /** Null: nobody is asked for a password. */
  readonly gatekeeper: Gatekeeper | null;
  /** Whether clients may reach it. */
  permits(to: Endpoint): boolean;
}

/** Tells the client that nothing comes of it, and closes once it has had the time to read that. */
export async function refuse(leg: Leg, reply: Failure, service: Service): Promise<void> {
  service.counters.replied(reply);
  const written = await leg.write(writeReply(reply, null));
  if (written.isOk()) leg.end();
  else leg.reset();
}

/** Resolves to whether the client could be told. */
export async function succeed(leg: Leg, bound: Endpoint, service: Service): Promise<boolean> {
  service.counters.replied('succeeded');
  return (await leg.write(writeReply('succeeded', bound))).isOk();
}
