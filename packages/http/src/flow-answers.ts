import type { FlowDocument, FlowsDocument } from './documents.js';
import type { FlowPoint, FlowRow, FlowSource } from './sources.js';

/** Flows in one answer: some 250 kB. */
const FLOWS_SHOWN = 1_000;

export function flowsDocument(source: FlowSource): FlowsDocument {
  const all = source.list();
  return { total: all.length, flows: all.slice(0, FLOWS_SHOWN).map(flowDocument) };
}

function flowDocument({ sent, received, client, target, ...flow }: FlowRow): FlowDocument {
  return {
    id: flow.id,
    kind: flow.kind,
    origin: flow.origin,
    client: pointText(client),
    target: pointText(target),
    tunnel: flow.tunnel,
    since: flow.since,
    sent_bytes: sent,
    received_bytes: received,
  };
}

const pointText = ({ address, port }: FlowPoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
