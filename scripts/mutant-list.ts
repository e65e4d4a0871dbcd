export interface Mutant {
  readonly name: string;
  /** Each text must occur exactly once in its file under packages/core/src. */
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
  /** Scenario files that ought to notice, beside the seeds. */
  readonly scenarios: readonly string[];
  /** Only a second look at every step can see it. */
  readonly purity?: boolean;
}

const mutant = (name: string, file: string, from: string, to: string, scenarios: readonly string[] = []): Mutant => ({
  name,
  edits: [{ file, from, to }],
  scenarios,
});

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'an unreachable tunnel keeps its latency points, as in the C seed',
    edits: [
      {
        file: 'health.ts',
        from: 'latency === null ? 0 : Math.round(',
        to: 'latency === null ? 50 : Math.round(',
      },
      { file: 'health.ts', from: 'loss: summary?.loss ?? 1, score: 0 }', to: 'loss: summary?.loss ?? 1, score: 50 }' },
      {
        file: 'failover.ts',
        from: "if (primary.liveness.kind === 'soft_down' || primary.liveness.kind === 'hard_down') return",
        to: 'if (primary.epoch < 0) return',
      },
    ],
    scenarios: ['black-hole'],
  },
  mutant('late answers are accepted', 'step.ts', '(t.epoch === answer.epoch ? change(t) : t)', 'change(t)'),
  mutant(
    'operations are not serial',
    'scopes.ts',
    'const result = before.then(turn);',
    'void before;\n    const result = turn();',
    ['driver-failure'],
  ),
  mutant(
    'a tunnel is lowered under the default route',
    'settle-tunnel.ts',
    "return due || carriesRoute(state, t) ? t : begin('lower', 1);",
    "return due ? t : begin('lower', 1);",
    ['operator', 'stop'],
  ),
  mutant(
    'a failed tunnel is lowered under the default route',
    'settle-tunnel.ts',
    '(t.state.lowering && now < t.state.retryAt) || carriesRoute(state, t)',
    't.state.lowering && now < t.state.retryAt',
    ['operator'],
  ),
  mutant(
    'a backup need not be healthy',
    'tunnel.ts',
    'return alive && t.health.score >= state.config.failover.takeAtLeast;',
    'return alive;',
    ['degraded', 'no-backup'],
  ),
  mutant(
    'a primary is left only at checks',
    'failover.ts',
    "if (primary.liveness.kind === 'soft_down' || primary.liveness.kind === 'hard_down') return",
    "if (due && (primary.liveness.kind === 'soft_down' || primary.liveness.kind === 'hard_down')) return",
    ['black-hole'],
  ),
  mutant(
    'probing goes on where nothing is up',
    'probing.ts',
    "if (t.state.kind !== 'up' || source === null) return null;",
    'if (source === null) return null;',
  ),
  mutant(
    'a failed route is never tried again',
    'route.ts',
    'if (route.pending !== null || done || now < route.retryAt)',
    'if (route.pending !== null || done || route.attempt > 0)',
    ['route-failure'],
  ),
  mutant(
    'nothing wakes a failed route',
    'route.ts',
    'return done ? route.assertAt : route.retryAt === LONG_AGO ? NEVER : route.retryAt;',
    'return done ? route.assertAt : NEVER;',
    ['stop'],
  ),
  mutant('a failed route counts as still there', 'route.ts', '    applied: null,\n', ''),
  {
    ...mutant(
      'step changes its input',
      'liveness.ts',
      'const next: Liveness = {\n    ...was,\n    misses: was.misses + 1,',
      'const next: Liveness = Object.assign(was, { replies: 0 }) && {\n    ...was,\n    misses: was.misses + 1,',
    ),
    purity: true,
  },
  mutant(
    "a driver's throw escapes",
    'scopes.ts',
    "    } catch (cause) {\n      return err({ kind: 'defect', cause });\n    }",
    '    } finally {\n    }',
    ['driver-failure'],
  ),
  {
    ...mutant(
      'chance decides between equals',
      'failover.ts',
      'best === null || lead > 0 ||',
      'best === null || (lead > -10 && Math.random() < 0.5) || lead > 0 ||',
    ),
    purity: true,
  },
  mutant(
    'operations have no deadline',
    'settle-tunnel.ts',
    'const expired = now >= t.state.deadline;',
    'const expired = false;',
    ['driver-failure'],
  ),
  mutant('received traffic vetoes for ever', 'liveness.ts', 'if (now - vetoSince > VETO_AT_MOST) return was;', '', [
    'rx-traffic',
  ]),
  mutant(
    'a refusal does not defeat the veto',
    'liveness.ts',
    "if (was.misses === 0 || was.refused || was.kind === 'hard_down') return was;",
    "if (was.misses === 0 || was.kind === 'hard_down') return was;",
    ['rx-traffic'],
  ),
  mutant('no other target is elected', 'probing.ts', 'return elect(next, finding, config);', 'return next;', [
    'dead-target',
  ]),
  mutant(
    'an answer once given speaks for targets asked alone',
    'probing.ts',
    ' && told?.targets.includes(voice) === true;',
    ';',
    ['slow-replies'],
  ),
  mutant(
    'nobody calls off a raise that is not wanted any more',
    'settle-tunnel.ts',
    "const callOff = t.state.kind === 'starting' && !due && !t.state.calledOff;",
    "const callOff = t.state.kind === 'starting' && false;",
    ['operator'],
  ),
  mutant(
    'flaps are not damped',
    'failover.ts',
    'failbackAfter * 2 ** Math.min(20, Math.max(0, t.flaps - 1))',
    'failbackAfter',
    ['failback'],
  ),
  mutant('a dead tunnel stands by', 'route.ts', "t.state.kind === 'up' && answers(t)", "t.state.kind === 'up'", [
    'black-hole',
  ]),
  mutant(
    'whoever answers first takes over, whatever the user prefers',
    'failover.ts',
    'now < turnDue(primary.liveness, state)',
    'now < -1',
    ['next-in-line'],
  ),
  mutant(
    'a backup need not have answered since',
    'failover.ts',
    'silent ? bestProven(state, primary, now) : bestFit(state, primary, now)',
    'silent ? bestFit(state, primary, now) : bestFit(state, primary, now)',
    ['all-dark'],
  ),
  mutant('who is back takes over without grace', 'liveness.ts', 'steadyAt: now + RECOVERY_GRACE', 'steadyAt: now', [
    'all-dark',
  ]),
  mutant(
    'scores count between checks',
    'failover.ts',
    'return due && lead >= RANK_MARGIN;',
    'return lead >= RANK_MARGIN;',
    ['degraded'],
  ),
  mutant(
    'a tunnel that the user prefers less takes over for its score',
    'failover.ts',
    'return t.config.priority < primary.config.priority && lead >= 0;',
    'return t.config.priority < primary.config.priority ? lead >= 0 : lead >= RANK_MARGIN;',
    ['degraded', 'readme-failover'],
  ),
  mutant(
    'a look runs beside an operation',
    'performer.ts',
    `.serial(\`tunnel \${tunnel}\`, (signal) => {\n        asked`,
    `.serial(\`look \${tunnel}\`, (signal) => {\n        asked`,
    ['driver-failure'],
  ),
  mutant(
    "another route waits out the first one's pause",
    'route.ts',
    'desired: plan, retryAt: LONG_AGO }',
    'desired: plan }',
    ['route-failure'],
  ),
  mutant(
    'a stop waits out the pauses of failures',
    'step.ts',
    "return { ...afresh(state, now), phase: 'stopping' };",
    "return { ...state, phase: 'stopping' };",
    ['stop'],
  ),
  mutant(
    'a stopped gateway goes on working',
    'step.ts',
    "if (recorded.phase === 'stopped') return withoutGone(recorded);",
    '',
    ['stop'],
  ),
  mutant(
    'two tunnels get one interface',
    'settle-tunnel.ts',
    "due && !isSweeping(state) && interfaceFree(t, state) ? begin('raise', 1)",
    "due && !isSweeping(state) ? begin('raise', 1)",
    ['reload'],
  ),
  mutant(
    'a hint that routing was changed is not heeded',
    'step.ts',
    "const doubted = change.kind === 'link' ? state : suspectTampering(state, now);",
    'const doubted = state;',
    ['tampering'],
  ),
  mutant(
    'fights over routes are never given a rest',
    'upkeep.ts',
    'if (streak <= UPKEEP_PATIENCE) return 0;',
    'if (streak <= UPKEEP_PATIENCE || streak > 0) return 0;',
    ['tampering'],
  ),
  mutant(
    'tunnels come up beside what an earlier run left',
    'upkeep.ts',
    'return state.upkeep.sweepingUntil !== NEVER;',
    'return state.upkeep.epoch < 0;',
    ['leftovers'],
  ),
  mutant(
    'connections are ended without a backup',
    'flows.ts',
    "const elsewhere = primary !== null && primary !== t && state.failover.kind === 'holding';",
    'const elsewhere = primary !== null;',
    ['abort-flows'],
  ),
  mutant(
    'a sleep leaves what was measured before it',
    'step.ts',
    '{ ...stirred(t, now, state.config), ...unjudged(now, t.probing.told) }',
    'stirred(t, now, state.config)',
    ['sleep'],
  ),
];
