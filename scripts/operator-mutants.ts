import { type Mutant, mutant } from './mutant.js';

/** Faults in what becomes of an operator's word, and in what an operator is told. */
export const OPERATOR_MUTANTS: readonly Mutant[] = [
  mutant(
    'ranks come before what the operator asked for',
    'candidacy.ts',
    'return asked || rank(b) - rank(a)',
    'return rank(b) - rank(a) || asked',
    ['prefer'],
  ),
  {
    name: 'others take the route from a tunnel that was asked for',
    edits: [
      { file: 'candidacy.ts', from: 'if (asked === primary) return', to: 'if (asked === primary && now < 0) return' },
      { file: 'candidacy.ts', from: 'asked || rank(b) - rank(a)', to: 'rank(b) - rank(a) || asked' },
    ],
    scenarios: ['prefer'],
  },
  mutant(
    'a tunnel that was asked for has its route back without a hold',
    'failover.ts',
    'return may && t !== primaryOf(state) ? state :',
    'return may || t !== primaryOf(state) ? state :',
    ['prefer'],
  ),
  mutant(
    'whoever is asked for waits like everybody else',
    'judgement.ts',
    'const atOnce = idle || state.preference?.pending === true;',
    'const atOnce = idle;',
    ['prefer'],
  ),
  mutant(
    'a preference outlives its tunnel',
    'reload.ts',
    'asked !== null && config.tunnels.some(({ name }) => name === asked.tunnel) ? asked : null',
    'asked',
    ['prefer'],
  ),
  mutant(
    'what the operator asks for is looked at when something else happens',
    'decide.ts',
    'if (preference !== before.preference || failover',
    'if (failover',
    ['prefer'],
  ),
  mutant('a restart takes nothing down', 'step.ts', "restarting: t.state.kind !== 'down' };", 'restarting: false };', [
    'restart',
  ]),
  mutant(
    'a restart brings nothing up',
    'answers.ts',
    "state: { kind: 'down' }, restarting: false,",
    "state: { kind: 'down' },",
    ['restart'],
  ),
  mutant(
    'the restart of a primary is noticed when something else happens',
    'decide.ts',
    'a.restarting === b.restarting &&',
    '',
    ['restart'],
  ),
  mutant(
    'an explanation calls fit who is held back',
    'explain.ts',
    'fit: objection === null,',
    "fit: objection === null || objection.kind === 'held_back',",
    ['../explain'],
  ),
  mutant(
    'an explanation lists tunnels as the file does',
    'explain.ts',
    '.sort((a, b) => compareTunnels(a, b, state))',
    '',
    ['../explain'],
  ),
  mutant(
    'the route goes elsewhere than was judged',
    'failover.ts',
    'if (best !== null) return switchTo(state, best, reason, now, emit);',
    'if (best !== null) return switchTo(state, state.tunnels.find((t) => t !== primary)!, reason, now, emit);',
    [],
  ),
  mutant('a removed tunnel has a past', 'insight.ts', 'filter((t) => !t.leaving)', 'filter(() => true)', [
    '../insight',
  ]),
  mutant(
    'samples of a stopped gateway are taken for ever',
    'insight.ts',
    "if (this.#gateway.state.phase === 'stopped') return;",
    '',
    ['../insight'],
  ),
];
