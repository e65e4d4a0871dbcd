import type { TunnelConfig } from '../config/model.js';
import type { Effect } from '../effects.js';
import type { RoutePlan } from '../facts.js';
import type { StepRecord } from '../gateway.js';
import type { News } from '../news.js';
import { needsTheSame, settleTunnel } from '../settle-tunnel.js';
import type { State } from '../state.js';
import { nextWake, step } from '../step.js';
import type { Tunnel } from '../tunnel.js';
import { type Instant, LONG_AGO, type Millis } from '../units.js';
import { deepEqual, deepFreeze } from './deep.js';
import { ExplanationRules } from './explanation-rules.js';
import { OperatorRules } from './operator-rules.js';
import type { World } from './world.js';

/** How long a primary that is down may keep the route while another stands ready: proof and grace included. */
const LEAVE_WITHIN: Millis = 3_000;

/** Doubling holds leave room for so many returns of one tunnel within an hour. */
const FAILBACKS_AN_HOUR = 7;
const HOUR: Millis = 3_600_000;

type FailedOver = Extract<News, { type: 'failed_over' }>;

export interface OracleOptions {
  readonly world: World;
  readonly fail: (what: string) => void;
  /** Ends the run at once. */
  readonly halt: () => void;
  /** Also takes every step a second time, from frozen inputs. */
  readonly checkPurity: boolean;
}

/**
 * Watches every step for what must never be. Each rule is spelled out from the requirement: an oracle
 * that asked the code under test what it thinks would agree with its every mistake.
 */
export class Oracle {
  readonly #options: OracleOptions;
  readonly #calledOff = new Set<string>();
  readonly #waiting = new Map<string, Instant>();
  readonly #unfitAt = new Map<string, Instant>();
  readonly #failbacks = new Map<string, readonly Instant[]>();
  readonly #operator: OperatorRules;
  readonly #explanation: ExplanationRules;
  #scoredAt: Instant = LONG_AGO;

  constructor(options: OracleOptions) {
    this.#options = options;
    this.#operator = new OperatorRules(options.fail);
    this.#explanation = new ExplanationRules(options.fail);
  }

  watch(record: StepRecord): void {
    const { now, after, effects } = record;
    if (this.#options.checkPurity) this.#checkPurity(record);
    this.#checkWake(after, now);
    for (const t of after.tunnels) if (!isFit(t, after)) this.#unfitAt.set(t.config.name, now);
    this.#operator.hear(record);
    for (const effect of effects) this.#checkEffect(effect, record);
    this.#operator.watch(record);
    this.#explanation.watch(record);
    this.#checkLate(record);
    this.#checkCalledOff(after);
    this.#checkPrimary(after, now);
  }

  /** S1: the same inputs give the same answer, and are left as they were. */
  #checkPurity(record: StepRecord): void {
    const { before, event, now, after, effects } = record;
    deepFreeze(before);
    const again = step(before, deepFreeze(event), now);
    if (!deepEqual(again, { state: after, effects })) this.#options.fail(`step is not pure: ${event.type}`);
    deepFreeze(after);
    this.#checkRest(record);
  }

  /** S1a: a tunnel that a step did not look at, because nothing about it made a difference, had nothing to be done. */
  #checkRest({ before, now, after }: StepRecord): void {
    const { wakeAt, restless } = after.settled;
    if (after.phase === 'stopped' || now >= wakeAt) return;
    for (const [i, t] of after.tunnels.entries()) {
      const was = before.tunnels[i];
      if (was === undefined || restless.includes(i) || !needsTheSame(was, t, after)) continue;
      const done: Effect[] = [];
      const next = settleTunnel(t, after, now, (effect) => done.push(effect));
      if (next !== t || done.length > 0) this.#options.fail(`${t.config.name} was left alone, and needed something`);
    }
  }

  /** An answer to a question that has been superseded is as good as none. */
  #checkLate({ before, event, now, after, effects }: StepRecord): void {
    if (!('epoch' in event)) return;
    const asked =
      'tunnel' in event
        ? before.tunnels.find((t) => t.config.name === event.tunnel)
        : event.type === 'repaired'
          ? before.upkeep
          : before.route;
    if (asked === undefined || asked.epoch === event.epoch) return;
    const otherwise = step(before, { type: 'tick' }, now);
    if (!deepEqual(otherwise, { state: after, effects })) this.#options.fail(`a late ${event.type} was heeded`);
  }

  /** S2: it never asks to be woken at once. A busy loop would never end, so time is brought to an end. */
  #checkWake(after: State, now: Instant): void {
    if (after.phase === 'stopped') return;
    const at = nextWake(after, now);
    if (at > now) return;
    this.#options.fail(`busy wake: asks to be woken at ${at}`);
    this.#options.halt();
  }

  #checkEffect(effect: Effect, { after, now }: StepRecord): void {
    const { fail, world } = this.#options;
    switch (effect.type) {
      case 'raise':
        if (after.phase !== 'running') fail(`raised ${effect.tunnel.name} while ${after.phase}`);
        this.#calledOff.delete(effect.tunnel.name);
        return;
      case 'lower':
        // S6: by what the gateway knows, and by what the host really has.
        if (after.phase !== 'running') return;
        for (const plan of [after.route.applied, after.route.pending, world.plan])
          if (plan !== null && names(plan, effect.tunnel)) fail(`lowered ${effect.tunnel.name} under a route of ours`);
        return;
      case 'abort':
        if (effect.scope !== 'route') this.#calledOff.add(effect.scope.tunnel);
        return;
      case 'apply_route':
        this.#checkPlan(effect.plan, after);
        return;
      case 'announce':
        if (effect.news.type === 'failed_over') this.#checkSwitch(effect.news, after, now);
        return;
      case 'probe':
        if (effect.plan !== null && after.tunnels.find((t) => t.config.name === effect.tunnel)?.state.kind !== 'up')
          fail(`probes ${effect.tunnel}, which is not up`);
        return;
      case 'inspect':
      case 'measure':
        return;
    }
  }

  /** S3, S5: whom traffic goes to, and how often that may change for the sake of scores. */
  #checkSwitch(news: FailedOver, after: State, now: Instant): void {
    const { fail } = this.#options;
    const { failover } = after.config;
    const to = after.tunnels.find((t) => t.config.name === news.to);
    const from = after.tunnels.find((t) => t.config.name === news.from);
    const score = to?.health?.score ?? 0;
    const atOnce = news.reason === 'preferred' && this.#operator.isOwed(news.to);
    if (to?.state.kind !== 'up' || to.liveness.kind !== 'alive' || score < (atOnce ? 1 : failover.takeAtLeast))
      fail(`switched to ${news.to}: ${to?.state.kind}, ${to?.liveness.kind}, ${score}`);
    if (news.reason === 'degraded' || news.reason === 'better_path') {
      if (now - this.#scoredAt < failover.checkInterval) fail('two switches for the sake of scores within one check');
      this.#scoredAt = now;
    }
    if (news.reason === 'degraded' && news.fromScore >= failover.leaveBelow)
      fail(`left ${news.from} at ${news.fromScore}`);
    if (atOnce || !['failback', 'better_path', 'preferred'].includes(news.reason)) return;
    if (failover.failback === 'never') fail('failed back although that was forbidden');
    const against = to !== undefined && from !== undefined && to.config.priority > from.config.priority;
    if (against && news.reason !== 'preferred') fail(`left ${news.from} for ${news.to}, which the user prefers less`);
    if (now - (this.#unfitAt.get(news.to) ?? LONG_AGO) < failover.failbackAfter)
      fail(`failed back to ${news.to} too soon`);
    if (news.reason !== 'better_path') this.#countFailback(news.to, now);
  }

  #countFailback(name: string, now: Instant): void {
    const lately = [...(this.#failbacks.get(name) ?? []).filter((at) => now - at < HOUR), now];
    this.#failbacks.set(name, lately);
    if (lately.length > FAILBACKS_AN_HOUR)
      this.#options.fail(`failed back to ${name} ${lately.length} times in an hour`);
  }

  /** Standbys must be worth falling back on: the kernel takes them without asking. */
  #checkPlan(plan: RoutePlan, after: State): void {
    const hops = plan.via === null ? plan.standbys : [plan.via, ...plan.standbys];
    if (new Set(hops.map((hop) => hop.iface)).size !== hops.length) this.#options.fail('a plan names a hop twice');
    for (const hop of hops) {
      const t = after.tunnels.find((o) => o.state.kind === 'up' && o.running?.iface === hop.iface);
      if (t === undefined) this.#options.fail(`routes through ${hop.iface}, where nothing is up`);
      else if (hop !== plan.via && (t.liveness.kind === 'soft_down' || t.liveness.kind === 'hard_down'))
        this.#options.fail(`${t.config.name} stands by although it is ${t.liveness.kind}`);
    }
  }

  /** What is starting and not wanted any more has been called off. */
  #checkCalledOff(after: State): void {
    for (const t of after.tunnels)
      if (
        t.state.kind === 'starting' &&
        !(t.wanted && !t.restarting && after.phase === 'running') &&
        !this.#calledOff.has(t.config.name)
      )
        this.#options.fail(`${t.config.name} goes on starting although nobody wants it`);
  }

  /** S4: no primary is down for longer than the bound while another stands ready all that time. */
  #checkPrimary(after: State, now: Instant): void {
    const { failover } = after;
    const name = failover.kind === 'idle' || after.phase !== 'running' ? null : failover.primary;
    const primary = after.tunnels.find((t) => t.config.name === name);
    const sick = primary !== undefined && (primary.state.kind !== 'up' || primary.liveness.kind.endsWith('_down'));
    for (const t of after.tunnels) {
      const key = `${name} ${t.config.name}`;
      if (!sick || t === primary || t.liveness.kind !== 'alive' || !isFit(t, after)) this.#waiting.delete(key);
      else if (!this.#waiting.has(key)) this.#waiting.set(key, now);
      else if (now - this.#waiting.get(key)! > LEAVE_WITHIN)
        this.#options.fail(
          `kept ${name} (${primary.state.kind}, ${primary.liveness.kind}) while ${t.config.name} stood ready`,
        );
    }
  }
}

/** Up, wanted as it runs, answering but for a probe, and scoring enough to take over. */
function isFit(t: Tunnel, { config }: State): boolean {
  if (t.state.kind !== 'up' || !t.wanted || t.restarting) return false;
  if (t.running === null || essence(t.running) !== essence(t.config)) return false;
  const answers = t.liveness.kind === 'alive' || t.liveness.kind === 'suspect';
  return answers && t.health !== null && t.health.score >= config.failover.takeAtLeast;
}

function essence({ type, iface, address, prefixLength }: TunnelConfig): string {
  return `${type} ${iface} ${address} ${prefixLength}`;
}

function names(plan: RoutePlan, { iface }: TunnelConfig): boolean {
  return plan.via?.iface === iface || plan.standbys.some((hop) => hop.iface === iface);
}
