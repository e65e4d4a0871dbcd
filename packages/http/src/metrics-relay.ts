import type { Family, Sample } from './metrics-text.js';
import type { FlowSource } from './sources.js';

/** What a relay carries and has carried. Labels come from fixed sets of words, never from clients. */
export function relayFamilies(source: FlowSource): readonly Family[] {
  const totals = source.totals();
  const family = (name: string, type: Family['type'], help: string, samples: readonly Sample[]): Family => ({
    name: `hurricane_relay_${name}`,
    type,
    help,
    samples,
  });
  const byReason = (of: (sums: (typeof totals)[number]) => Readonly<Record<string, number>>, label: string) =>
    totals.flatMap((sums) =>
      Object.entries(of(sums)).map(([word, value]): Sample => ({ labels: { kind: sums.kind, [label]: word }, value })),
    );
  const engine = source.engine?.();
  const inUse = family('engine', 'gauge', 'Which engine carries the bytes of connections.', [
    { labels: { name: engine ?? '' }, value: 1 },
  ]);
  return [
    ...(engine === undefined ? [] : [inUse]),
    family(
      'flows',
      'gauge',
      'Connections and sessions of datagrams at this moment.',
      totals.map(({ kind, active }) => ({ labels: { kind }, value: active })),
    ),
    family(
      'bytes_total',
      'counter',
      'Bytes carried: sent from clients to targets, and received back.',
      totals.flatMap(({ kind, sent, received }) => [
        { labels: { kind, direction: 'sent' }, value: sent },
        { labels: { kind, direction: 'received' }, value: received },
      ]),
    ),
    family(
      'flows_ended_total',
      'counter',
      'Flows that have ended, by how.',
      byReason(({ ended }) => ended, 'end'),
    ),
    family(
      'flows_refused_total',
      'counter',
      'Flows that were not begun, by the bound that was reached.',
      byReason(({ refused }) => refused, 'reason'),
    ),
    family(
      'faults_total',
      'counter',
      'Clients that could not be led on and datagrams that were dropped, by why.',
      source.faults().map(({ kind, reason, count }) => ({ labels: { kind, reason }, value: count })),
    ),
  ];
}
