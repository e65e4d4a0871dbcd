import type { DiagnosisView, FailoverExplanation, RehearsalView, RingEvidence } from '@hurricane/core';
import { moment } from './moment.js';

export function explanationText({ rule, next, candidates, switches }: FailoverExplanation): string {
  const ranked = candidates.map((c) => {
    const rank = c.rank === null ? 'not ranked' : `rank ${c.rank} (score ${c.score} + ${c.bonus})`;
    return `- ${c.tunnel}: ${c.fit ? 'fit' : `passed over: ${c.passed_over}`}; ${rank}, ${c.state}, ${c.liveness}`;
  });
  const moves = switches.map((s) => `- ${moment(s.at)}: ${s.from ?? 'nobody'} -> ${s.to} (${s.reason})`);
  return [
    `${rule}.`,
    ...(next.length === 0 ? [] : ['', 'What would move the route:', ...next.map((sentence) => `- ${sentence}`)]),
    '',
    'Candidates, the best first:',
    ...ranked,
    ...(moves.length === 0 ? [] : ['', 'Moves of the route, the newest first:', ...moves]),
  ].join('\n');
}

export function rehearsalText(view: RehearsalView): string {
  const events = view.events.map((event) => `- after ${event.after_ms} ms: ${event.text}`);
  const more = view.events_left_out === 0 ? [] : [`- and ${view.events_left_out} more`];
  const cut = view.cut_short ? [`Only ${view.looked_ahead_s} s were looked at: more would take too long.`] : [];
  return [
    `Suppose that ${view.supposed}. ${view.summary}.`,
    ...cut,
    ...(events.length === 0
      ? ['Nothing would be worth a log line.']
      : ['', 'What the log would say:', ...events, ...more]),
    '',
    'Assumed:',
    ...view.assumptions.map((sentence) => `- ${sentence}`),
  ].join('\n');
}

/** @param watched one line for each row of probes that was watched. */
export function diagnosisText({ findings, tunnels }: DiagnosisView, watched: readonly string[]): string {
  const evidence = tunnels.flatMap((t) => [
    `${t.tunnel} (${t.state}, ${t.liveness}):`,
    ringLine('IPv4 path to the provider', t.underlay),
    ringLine("provider's end of the tunnel", t.pop),
    ringLine('target', t.targets),
    ringLine('full-sized packets', t.full_size),
  ]);
  return [
    ...findings.map((finding) => `${finding}.`),
    '',
    'Evidence:',
    ...evidence,
    ...(watched.length === 0 ? [] : ['', 'Probes that came to their end while this was watched:', ...watched]),
  ].join('\n');
}

function ringLine(what: string, ring: RingEvidence): string {
  const whom = ring.address === null ? '' : ` (${ring.address})`;
  const heard = ring.heard_s_ago === null ? 'never answered' : `last answered ${ring.heard_s_ago} s ago`;
  const missed = ring.misses_in_a_row === 0 ? '' : `, ${ring.misses_in_a_row} missed in a row`;
  return `- ${what}${whom}: ${ring.verdict}, ${heard}${missed}`;
}
