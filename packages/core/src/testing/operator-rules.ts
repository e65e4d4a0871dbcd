import type { StepRecord } from '../gateway.js';
import type { State } from '../state.js';
import type { Tunnel } from '../tunnel.js';

/** What an operator may expect of what was asked for, spelled out from the requirement. */
export class OperatorRules {
  readonly #fail: (what: string) => void;
  #asked: string | null = null;
  /** Asked for, not yet given the route, and not seen down since. */
  #owed: string | null = null;
  /** Restarted, and not down since. */
  readonly #restarting = new Set<string>();

  constructor(fail: (what: string) => void) {
    this.#fail = fail;
  }

  isOwed(tunnel: string): boolean {
    return this.#owed === tunnel;
  }

  /** Before the step's effects are looked at. */
  hear(record: StepRecord): void {
    this.#hearRestart(record);
    const { before, event } = record;
    if (event.type === 'reload' && !event.config.tunnels.some(({ name }) => name === this.#asked)) this.#ask(null);
    if (event.type !== 'prefer') return;
    const known = before.tunnels.some((t) => !t.leaving && t.config.name === event.tunnel);
    if (known || event.tunnel === null) this.#ask(event.tunnel);
  }

  #hearRestart({ before, event }: StepRecord): void {
    if (!('tunnel' in event) || event.tunnel === null) return;
    const t = before.tunnels.find(({ config, leaving }) => config.name === event.tunnel && !leaving);
    if (event.type === 'restart' && t !== undefined && t.state.kind !== 'down') this.#restarting.add(event.tunnel);
    if (event.type === 'tunnel_lowered' && t?.epoch === event.epoch) this.#restarting.delete(event.tunnel);
  }

  /** And after. */
  watch({ after, effects }: StepRecord): void {
    const asked = after.tunnels.find((t) => t.config.name === this.#asked);
    if ((after.preference?.tunnel ?? null) !== this.#asked)
      this.#fail(`${this.#asked} was asked for, and ${after.preference?.tunnel} is preferred`);
    for (const name of this.#restarting)
      if (!after.tunnels.some((t) => t.config.name === name && !t.leaving)) this.#restarting.delete(name);
    for (const effect of effects) {
      if (effect.type === 'raise' && this.#restarting.has(effect.tunnel.name))
        this.#fail(`raised ${effect.tunnel.name}, which was to go down first`);
      if (effect.type !== 'announce' || effect.news.type !== 'failed_over') continue;
      const { from, to, reason } = effect.news;
      if (reason === 'preferred' && to !== this.#asked) this.#fail(`switched to ${to}, which nobody asked for`);
      if (from === this.#asked && asked !== undefined && isKept(asked, after))
        this.#fail(`left ${from}, which was asked for and is well, for ${to} (${reason})`);
    }
    this.#give(asked, after);
  }

  /** What is owed is given as soon as it can be. */
  #give(asked: Tunnel | undefined, after: State): void {
    if (this.#owed === null || after.phase !== 'running') return;
    const primary = after.failover.kind === 'idle' ? null : after.failover.primary;
    if (primary === this.#owed || asked === undefined || isDown(asked)) this.#owed = null;
    else if (asked.liveness.kind === 'alive' && (asked.health?.score ?? 0) > 0)
      this.#fail(`${this.#owed} was asked for and answers, and ${primary} has the route`);
  }

  #ask(tunnel: string | null): void {
    this.#asked = tunnel;
    this.#owed = tunnel;
  }
}

/** Its score is good enough to stay, and it answers but for a probe. */
function isKept(t: Tunnel, { config }: State): boolean {
  const score = t.health?.score ?? 0;
  return !isDown(t) && t.liveness.kind !== 'unknown' && score >= config.failover.leaveBelow;
}

function isDown(t: Tunnel): boolean {
  const runs = t.running?.iface === t.config.iface && t.running.type === t.config.type;
  const same = runs && t.running?.address === t.config.address;
  return t.state.kind !== 'up' || !t.wanted || t.restarting || !same || t.liveness.kind.endsWith('_down');
}
