import { placeOf } from '../fault-place.js';
import { popAddressOf } from '../rings.js';
import type { State } from '../state.js';
import type { Tunnel } from '../tunnel.js';
import type { Instant, Millis } from '../units.js';
import type { Link } from './link.js';
import type { World } from './world.js';

/** Within this a link through which nothing comes back is known to be dead, whatever traffic pretends. */
const DEAD_KNOWN: Millis = 15_000;

/** Within this a place that is named is the right one: ten probes of a ring that is asked seldom. */
const PLACE_KNOWN: Millis = 60_000;

/** The same where the network answers with errors: traffic that still comes in pretends nothing then. */
const REFUSAL_KNOWN: Millis = 5_000;

/** Within this a link that has become good has a good score: a window's length, and some. */
const GOOD_KNOWN: Millis = 75_000;

export interface WitnessOptions {
  readonly world: World;
  readonly fail: (what: string) => void;
}

/** What the world knows of the link a tunnel runs on, and since when. */
interface Truth {
  readonly deadFor: Millis;
  readonly refusedFor: Millis;
  readonly goodFor: Millis;
}

/** Holds the gateway's judgement against the world's truth, never against its own scores. S8. */
export class Witness {
  readonly #options: WitnessOptions;
  #deadSince = new Map<string, Instant>();
  #refusedSince = new Map<string, Instant>();
  #goodSince = new Map<string, Instant>();
  readonly #sameSince = new Map<string, { readonly key: string; readonly since: Instant }>();

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** To be called every few seconds. */
  look(state: State, now: Instant): void {
    const truths = this.#truths(state, now);
    const { faults } = this.#options.world;
    // A prober that cannot probe sees nothing, and nothing is what it says.
    if (state.phase !== 'running' || faults.probingFails > 0 || faults.proberDies > 0) return;
    const unheard = this.#targetsUnheard(state);
    for (const t of state.tunnels) {
      // While no target can be heard through any tunnel, a provider that answers is all the proof there is.
      const excused = unheard && this.#linkOf(t).delivers('pop');
      if (!excused) this.#judgeScore(t, truths.get(t.config.name)!, now);
      this.#judgePlace(t, state, now);
    }
    this.#judgeService(state, truths);
  }

  #truths(state: State, now: Instant): ReadonlyMap<string, Truth> {
    const dead = new Map<string, Instant>();
    const refused = new Map<string, Instant>();
    const good = new Map<string, Instant>();
    const truths = new Map<string, Truth>();
    for (const t of state.tunnels) {
      const link = this.#linkOf(t);
      // Another interface or address, or a tunnel that came up or learned its address only since, begins anew.
      const believed = t.reading?.address ?? null;
      const key = `${t.config.name} ${link.iface} ${link.disturbances} ${link.address} ${believed} ${t.epoch}`;
      if (!link.carries) dead.set(key, this.#deadSince.get(key) ?? now);
      if (link.refuses && link.present) refused.set(key, this.#refusedSince.get(key) ?? now);
      const heard = !this.#targetsDead(state);
      const wanted = t.wanted && !t.restarting;
      if (t.state.kind === 'up' && wanted && heard && isGood(link, t)) good.set(key, this.#goodSince.get(key) ?? now);
      truths.set(t.config.name, {
        deadFor: now - (dead.get(key) ?? now),
        refusedFor: now - (refused.get(key) ?? now),
        goodFor: now - (good.get(key) ?? now),
      });
    }
    this.#deadSince = dead;
    this.#refusedSince = refused;
    this.#goodSince = good;
    return truths;
  }

  /**
   * A place that is named is the right one, once nothing has changed for a while. Whether targets or the way
   * to them are silent cannot be told apart where all are.
   */
  #judgePlace(t: Tunnel, state: State, now: Instant): void {
    const place = t.state.kind === 'up' ? placeOf(t, state) : null;
    const link = this.#linkOf(t);
    const key = `${link.cutAt} ${link.disturbances} ${link.carries} ${link.popMute} ${link.underlayMute} ${t.epoch}`;
    const before = this.#sameSince.get(t.config.name);
    const since = before?.key === key ? before.since : now;
    this.#sameSince.set(t.config.name, { key, since });
    // A server that has fallen mute looks broken: nobody can know that it only says nothing.
    if (place === null || now - since < PLACE_KNOWN || link.popMute || link.underlayMute) return;
    // One that is too slow for every deadline answers nowhere along its path.
    if (link.rtt + link.jitter >= state.config.health.deadline.max) return;
    // Where the rules are gone, or the address is another's, packets leave by another tunnel.
    if (!link.routed || !link.present || link.address !== t.reading?.address || link.refuses || link.loss === 1) return;
    const truth = link.cutAt ?? 'target';
    // WireGuard's far end cannot be asked: the server, or what is beyond it, is all that is known.
    const fits = place === truth || (place === 'target' && truth === 'upstream') || popAddressOf(t) === null;
    if (!fits && !(place === 'upstream' && truth === 'target'))
      this.#options.fail(`${t.config.name} is called broken at ${place}, and is at ${truth}`);
  }

  #linkOf(t: Tunnel): Link {
    return this.#options.world.link((t.running ?? t.config).iface);
  }

  #targetsDead({ config }: State): boolean {
    return config.health.targets.every((target) => this.#options.world.deadTargets.has(target));
  }

  #targetsUnheard(state: State): boolean {
    const up = state.tunnels.filter((t) => t.state.kind === 'up');
    return this.#targetsDead(state) || up.every((t) => !this.#linkOf(t).carries);
  }

  #judgeScore(t: Tunnel, truth: Truth, now: Instant): void {
    const { state, liveness, health } = t;
    const { name } = t.config;
    // Without an address there is nothing to probe from.
    if (state.kind !== 'up' || t.reading?.address == null) return;
    const upFor = now - state.since;
    const deadFor = Math.min(upFor, truth.deadFor);
    const known = deadFor > DEAD_KNOWN || Math.min(upFor, truth.refusedFor) > REFUSAL_KNOWN;
    if (known && !liveness.kind.endsWith('_down'))
      this.#options.fail(`${name} is called ${liveness.kind}, and has been dead for ${deadFor} ms`);
    if (truth.goodFor > GOOD_KNOWN && (health?.score ?? 0) < 95)
      this.#options.fail(`${name} scores ${health?.score}, and has been good for ${truth.goodFor} ms`);
  }

  #judgeService({ failover }: State, truths: ReadonlyMap<string, Truth>): void {
    if (failover.kind === 'idle') return;
    const { primary } = failover;
    const deadFor = truths.get(primary)?.deadFor ?? 0;
    const good = [...truths].some(([name, { goodFor }]) => name !== primary && goodFor > GOOD_KNOWN);
    if (deadFor > DEAD_KNOWN && good)
      this.#options.fail(`stays on ${primary}, dead for ${deadFor} ms, beside a good tunnel`);
  }
}

function isGood(link: Link, t: Tunnel): boolean {
  return link.carries && link.loss === 0 && link.rtt < 45 && link.address === t.reading?.address;
}
