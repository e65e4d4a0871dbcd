import type { Candidate, FailoverExplanation, SwitchRecord } from '@hurricane/core';

/** How many of the last switches are told. `--json` has them all. */
const SWITCHES = 5;

/** Why the primary is the primary, for people. */
export function explanationLines(explanation: FailoverExplanation): readonly string[] {
  const { primary, preferred, rule, next, candidates, switches } = explanation;
  return [
    primary === null ? 'No tunnel carries the traffic' : `${primary} carries the traffic`,
    ...(preferred === null ? [] : [`  ${preferred} is preferred by the operator`]),
    `  ${rule}`,
    ...heading('It moves when', next),
    ...heading('Candidates, the best first', candidates.map(candidateLine)),
    ...heading('Last switches', switches.slice(0, SWITCHES).map(switchLine)),
  ];
}

const heading = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];

function candidateLine({ tunnel, score, bonus, rank, state, liveness, passed_over }: Candidate): string {
  const points = score === null ? 'not measured' : `${score} + ${bonus} = ${rank ?? '-'}`;
  return `${tunnel}: ${points}, ${state}, ${liveness}${passed_over === null ? '' : `; ${passed_over}`}`;
}

function switchLine({ at, from, to, reason, from_score, to_score }: SwitchRecord): string {
  const when = new Date(at).toISOString();
  const scores = `${from_score ?? '-'} -> ${to_score ?? '-'}`;
  return `${when}  ${from ?? 'none'} -> ${to}  ${reason} (health: ${scores})`;
}
