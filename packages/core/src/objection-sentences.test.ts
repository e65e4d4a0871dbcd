import { describe, expect, it } from 'vitest';
import type { Objection } from './candidacy.js';
import { sentenceAgainst } from './objection-sentences.js';
import { initialState, type State } from './state.js';
import { simulatedConfig, simulatedTunnel } from './testing/index.js';
import { newTunnel, type Tunnel } from './tunnel.js';

const NOW = 100_000;
const config = simulatedTunnel('wg');
const state: State = {
  ...initialState(simulatedConfig({ tunnels: [config] })),
  phase: 'running',
  failover: { kind: 'holding', primary: 'he', since: 0 },
};
const wg = newTunnel(config);

const SENTENCES: readonly (readonly [string, Objection, changes?: Partial<Tunnel>])[] = [
  ['is switched off', { kind: 'not_wanted' }, { wanted: false, config: { ...config, enabled: false } }],
  ['was lowered by the operator', { kind: 'not_wanted' }, { wanted: false }],
  ['is being restarted', { kind: 'not_wanted' }, { restarting: true }],
  ['a reload has removed it', { kind: 'not_wanted' }, { wanted: false, leaving: true }],
  ['is to be run with another configuration first', { kind: 'not_wanted' }, { wanted: true }],
  ['is down', { kind: 'not_up', state: 'down' }],
  [
    'is coming up',
    { kind: 'not_up', state: 'starting' },
    { state: { kind: 'starting', deadline: 0, attempt: 1, calledOff: false } },
  ],
  ['is going down', { kind: 'not_up', state: 'stopping' }, { state: { kind: 'stopping', deadline: 0, attempt: 1 } }],
  [
    'failed: "wg-quick" is not installed; next try in 2.5 s',
    { kind: 'not_up', state: 'failed' },
    {
      state: {
        kind: 'failed',
        fault: { kind: 'missing_tool', tool: 'wg-quick', install: null },
        lowering: false,
        attempt: 1,
        retryAt: NOW + 2_500,
      },
    },
  ],
  ['answers nothing (soft_down)', { kind: 'silent', liveness: 'soft_down' }],
  ['has not been judged yet: too few probes have come back', { kind: 'unjudged' }],
  ['scores 25, and a backup must score at least 50', { kind: 'poor', score: 25, needed: 50 }],
  ['scores 0', { kind: 'poor', score: 0, needed: 1 }],
  ['has just missed a probe', { kind: 'in_doubt' }],
  ['is only just back: it must be steady for another 0.4 s', { kind: 'unsteady', until: NOW + 400 }],
  ['has answered no probe since the primary fell silent', { kind: 'unproven' }],
  ['waits for he, which may be better, to show that it is well', { kind: 'awaits', tunnel: 'he' }],
  ['he was asked for', { kind: 'not_asked_for', tunnel: 'he' }],
  ['the primary is left only when it fails (failback = never)', { kind: 'no_failback' }],
  ['priority 2 is less preferred than 0', { kind: 'less_preferred', priority: 2, than: 0 }],
  ['ranks 7 below the primary', { kind: 'no_lead', lead: -7, needed: 0 }],
  ['ranks 7 above the primary, and must be ahead by 10', { kind: 'no_lead', lead: 7, needed: 10 }],
  ['scores better, but is hardly faster and loses hardly less', { kind: 'no_clear_lead' }],
  ['is ahead, but scores count at the next check in 23 s', { kind: 'between_checks', checkAt: NOW + 23_000 }],
  [
    'sound for 12 s of the 60 s it must be before it takes the route back',
    { kind: 'held_back', since: NOW - 12_000, hold: 60_000 },
  ],
];

describe('what speaks against a tunnel', () => {
  it.each(SENTENCES.map(([sentence, objection, changes = {}]) => ({ sentence, objection, changes })))(
    'is that it, or that: $sentence',
    ({ sentence, objection, changes }) => {
      expect(sentenceAgainst({ ...wg, ...changes }, objection, state, NOW)).toBe(sentence);
    },
  );

  it('is told of a primary by what it would be left for', () => {
    const t = { ...wg, config: { ...config, name: 'he' } };
    const asPrimary = { ...initialState(simulatedConfig({ tunnels: [t.config] })), failover: state.failover };

    const sentence = sentenceAgainst(asPrimary.tunnels[0]!, { kind: 'poor', score: 20, needed: 30 }, asPrimary, NOW);

    expect(sentence).toBe('scores 20, and a primary is left below 30');
  });

  it('is that the gateway does not run', () => {
    expect(sentenceAgainst(wg, { kind: 'not_wanted' }, { ...state, phase: 'stopping' }, NOW)).toBe(
      'the gateway is stopping',
    );
  });
});
