import type { ConnectOptions, DatagramEngine, DatagramOptions, Engine, Flow, FlowEnd, Leg } from './contracts.js';
import { Shortage } from './shortage.js';
import { connectStream } from './stream-connect.js';
import { streamDatagrams } from './stream-datagrams.js';
import { type IdleLimits, Joiner } from './stream-join.js';
import { StreamLeg } from './stream-leg.js';
import { listenStream } from './stream-listen.js';

/** An engine, and how often it ran out of descriptors. */
export interface StreamEngine extends Engine, DatagramEngine {
  readonly shortages: () => number;
}

/** Carries TCP and datagrams over Node's own sockets: everywhere, without any dependency. */
export function streamEngine(limits?: IdleLimits): StreamEngine {
  const shortage = new Shortage();
  const joiner = new Joiner(limits);
  return {
    name: 'stream',
    shortages: () => shortage.count,
    listen: (at, accept) => listenStream(at, accept, shortage),
    connect: (options: ConnectOptions) => connectStream(options, shortage),
    datagrams: (options: DatagramOptions) => streamDatagrams(options),
    join: (near: Leg, far: Leg, flow: Flow): Promise<FlowEnd> => joiner.join(ownLeg(near), ownLeg(far), flow),
  };
}

function ownLeg(leg: Leg): StreamLeg {
  if (leg instanceof StreamLeg) return leg;
  throw new Error('a leg of another engine was given to the stream engine');
}
