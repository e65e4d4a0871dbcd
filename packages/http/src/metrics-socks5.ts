import type { Family, Sample } from './metrics-text.js';
import type { Socks5Sums } from './sources.js';

/** What a SOCKS5 proxy was asked. The bytes it carries are the relay's. */
export function socks5Families(sums: Socks5Sums): readonly Family[] {
  const family = (name: string, type: Family['type'], help: string, samples: readonly Sample[]): Family => ({
    name: `hurricane_socks5_${name}`,
    type,
    help,
    samples,
  });
  const by = (label: string, counts: Readonly<Record<string, number>>): readonly Sample[] =>
    Object.entries(counts).map(([word, value]) => ({ labels: { [label]: word }, value }));
  const one = (value: number): readonly Sample[] => [{ labels: {}, value }];
  return [
    family('clients_total', 'counter', 'Clients that connected.', one(sums.clients)),
    family('clients_refused_total', 'counter', 'Clients turned away at the door, by why.', by('reason', sums.refused)),
    family('handshakes_failed_total', 'counter', 'Handshakes that came to nothing, by why.', by('reason', sums.failed)),
    family('replies_total', 'counter', 'Replies to requests (RFC 1928 section 6).', by('reply', sums.replies)),
    family(
      'datagrams_dropped_total',
      'counter',
      'Datagrams of associations that went nowhere, by why.',
      by('reason', sums.datagramsDropped),
    ),
    family('opening', 'gauge', 'Clients whose handshake or connection is under way.', one(sums.opening)),
    family('associations', 'gauge', 'UDP associations at this moment.', one(sums.associations)),
  ];
}
