import { explainFailover } from '../explain.js';
import type { StepRecord } from '../gateway.js';
import type { News } from '../news.js';
import type { State } from '../state.js';
import type { Instant } from '../units.js';

type Move = Extract<News, { type: 'failed_over' | 'primary_selected' }>;

/** Said of a tunnel that is fit, while others are given time. */
const WAITING = /^has answered no probe since|^waits for /;

/** Holds explanations against what failover does: the first tunnel that is called fit has the route, or gets it. */
export class ExplanationRules {
  readonly #fail: (what: string) => void;

  constructor(fail: (what: string) => void) {
    this.#fail = fail;
  }

  watch({ before, after, effects, now }: StepRecord): void {
    for (const effect of effects) {
      if (effect.type !== 'announce') continue;
      const { news, judged } = effect;
      if (news.type !== 'failed_over' && news.type !== 'primary_selected') continue;
      if (judged === undefined) this.#fail(`${news.type} was announced, and not what was judged`);
      else this.#checkMove(news, judged, now);
    }
    // A move is looked at once more when something happens: one thing may lead to another.
    if (after.phase === 'running' && after.failover === before.failover) this.#checkRest(after, now);
  }

  #checkMove(news: Move, judged: State, now: Instant): void {
    const to = news.type === 'failed_over' ? news.to : news.primary;
    const { candidates } = explainFailover(judged, now, 0);
    const first = candidates.find(({ fit }) => fit)?.tunnel;
    if (first !== to) this.#fail(`${to} got the route, and the explanation is for ${first}`);
  }

  /** What has been decided stays decided: nobody else is called fit before the primary. */
  #checkRest(after: State, now: Instant): void {
    const { candidates, state, primary, rule } = explainFailover(after, now, 0);
    const first = candidates.find(({ fit }) => fit)?.tunnel ?? null;
    if (first !== null && first !== primary)
      this.#fail(`${first} is called fit, and ${primary} has the route: ${rule}`);
    const waits = candidates.some(({ passed_over: why }) => why !== null && WAITING.test(why));
    if (state === 'holding' && first === null && !waits) this.#fail(`${primary} holds the route unfit: ${rule}`);
    if (candidates.length !== after.tunnels.length) this.#fail(`${candidates.length} candidates are explained`);
    for (const c of candidates) {
      if (c.fit !== (c.passed_over === null)) this.#fail(`${c.tunnel} is fit, and passed over: ${c.passed_over}`);
      if (c.rank !== null && c.rank !== (c.score ?? 0) + c.bonus) this.#fail(`${c.tunnel} ranks ${c.rank}`);
    }
  }
}
