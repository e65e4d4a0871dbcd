import type { Millis } from '../units.js';
import { CUT_PLACES, type Link } from './link.js';
import type { Prng } from './prng.js';
import type { World } from './world.js';

/** How a simulated network changes. Chances are per link and weather interval. */
export interface Weather {
  /** The link draws a new loss, round trip and traffic. */
  readonly changes: number;
  readonly losses: readonly number[];
  readonly rtts: readonly Millis[];
  readonly inflows: readonly number[];
  /** It becomes a black hole, or is one no more. */
  readonly cuts: number;
  /** All links become black holes together. */
  readonly darkens: number;
  readonly refuses: number;
  readonly vanishes: number;
  readonly readdresses: number;
  /** A target stops answering. One is always left. */
  readonly targetDies: number;
  /** All of them do. */
  readonly targetsDie: number;
  /** A link comes to lose large packets, or does so no more. */
  readonly narrows: number;
  /** The provider's server, or its end of the tunnel, comes to answer no probes, or does again. */
  readonly mutes: number;
  /** Somebody removes our default routes. */
  readonly flushes: number;
  /** Somebody removes a tunnel's rules. */
  readonly unroutes: number;
  /** The machine sleeps for a while. Per weather interval. */
  readonly naps: number;
}

/** How likely a bad spell is to end, per weather interval. */
const CLEARS = 0.1;

/** Lets an interval's weather happen. */
export function changeWeather(world: World, weather: Weather, targets: readonly string[]): void {
  const { prng } = world;
  for (const link of world.links.values()) changeLink(world, link, weather);
  if (prng.chance(weather.darkens)) for (const { iface } of world.links.values()) world.cut(iface, 'underlay');
  if (prng.chance(weather.targetsDie)) for (const target of targets) world.deadTargets.add(target);
  const [spared, ...mortal] = prng.chance(0.5) ? targets : [...targets].reverse();
  if (prng.chance(weather.targetDies) && spared !== undefined) {
    world.deadTargets.clear();
    for (const target of mortal) world.deadTargets.add(target);
  }
  if (prng.chance(CLEARS / 2)) world.deadTargets.clear();
  if (prng.chance(weather.flushes)) world.flush();
  if (prng.chance(weather.naps)) world.nap(prng.between(3_000, 3_600_000));
}

function changeLink(world: World, link: Link, weather: Weather): void {
  const { prng } = world;
  const { iface } = link;
  if (prng.chance(weather.changes)) {
    link.loss = prng.pick(weather.losses);
    link.rtt = prng.pick(weather.rtts);
    link.count(world.clock.now());
    link.inflow = prng.pick(weather.inflows);
  }
  if (prng.chance(weather.cuts)) world.cut(iface, prng.pick(CUT_PLACES));
  else if (prng.chance(CLEARS)) world.restore(iface);
  if (prng.chance(weather.narrows)) link.passes = prng.pick([null, 1_300]);
  if (prng.chance(weather.mutes)) link.popMute = prng.chance(0.5);
  if (prng.chance(weather.mutes)) link.underlayMute = prng.chance(0.5);
  if (prng.chance(weather.refuses)) link.refuses = true;
  else if (prng.chance(CLEARS)) link.refuses = false;
  if (prng.chance(weather.vanishes)) world.vanish(iface);
  if (prng.chance(CLEARS) && link.given) world.appear(iface);
  if (prng.chance(weather.unroutes)) world.unroute(iface);
  if (prng.chance(weather.readdresses)) world.readdress(iface, prng.chance(0.3) ? null : drawAddress(prng));
  if (link.address === null && prng.chance(CLEARS)) world.readdress(iface, drawAddress(prng));
}

function drawAddress(prng: Prng): string {
  return `2001:db8:${prng.between(1, 0xfffe).toString(16)}::2`;
}
