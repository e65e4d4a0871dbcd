/** How much is measured: how often, and for how long. */
export interface Effort {
  /** Tunnels made a black hole, one after the other. */
  readonly cuts: number;
  /** Interfaces taken away, of each kind. */
  readonly linkEvents: number;
  /** Changes of the default route. */
  readonly routeChanges: number;
  /** Simulated days of each kind of loss. */
  readonly days: number;
  readonly starts: number;
  /** Over which packets are counted. */
  readonly probeSeconds: number;
  /** Over which a thousand tunnels are watched, once they have settled. */
  readonly scaleSeconds: number;
  /** Cuts that another program watches, too. */
  readonly peerCuts: number;
}

/** Some eight minutes. */
export const BRIEF: Effort = {
  cuts: 30,
  linkEvents: 12,
  routeChanges: 300,
  days: 2,
  starts: 3,
  probeSeconds: 40,
  scaleSeconds: 30,
  peerCuts: 2,
};

/** Some half an hour: enough for a 99th percentile, and the 30 days of the goal. */
export const THOROUGH: Effort = {
  cuts: 100,
  linkEvents: 100,
  routeChanges: 1_000,
  days: 30,
  starts: 10,
  probeSeconds: 180,
  scaleSeconds: 60,
  peerCuts: 5,
};
