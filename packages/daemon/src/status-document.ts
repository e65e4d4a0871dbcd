import { err, ok, type Result } from 'neverthrow';

// What `status` shows of the API's documents. They come over the network, possibly from another
// program or another version: every field is looked at before it is believed.

export interface HealthDocument {
  readonly status: string;
  readonly primary: string | null;
  readonly latency: number | null;
  readonly reasons: readonly string[];
}

export interface TunnelRow {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly iface: string;
  readonly primary: boolean;
  readonly enabled: boolean;
  readonly score: number | null;
  readonly latency: number | null;
  /** 0 to 1. */
  readonly loss: number | null;
  readonly prefix: string | null;
  readonly error: string | null;
}

/** Reads `GET /health`. Errs when it is something else. */
export function parseHealth(document: unknown): Result<HealthDocument, 'not_health'> {
  if (!isRecord(document) || typeof document['status'] !== 'string') return err('not_health');
  const reasons = Array.isArray(document['reasons']) ? document['reasons'].filter((r) => typeof r === 'string') : [];
  return ok({
    status: document['status'],
    primary: textOf(document, 'primary'),
    latency: numberOf(document, 'v6_latency_ms'),
    reasons,
  });
}

/** Reads `GET /tunnels`. Errs when it is something else. */
export function parseTunnels(document: unknown): Result<readonly TunnelRow[], 'not_tunnels'> {
  const rows = isRecord(document) ? document['tunnels'] : null;
  if (!Array.isArray(rows)) return err('not_tunnels');
  const tunnels = rows.flatMap(toRow);
  return tunnels.length === rows.length ? ok(tunnels) : err('not_tunnels');
}

function toRow(row: unknown): readonly TunnelRow[] {
  if (!isRecord(row)) return [];
  const [name, type, state, iface] = ['name', 'type', 'state', 'iface'].map((key) => textOf(row, key));
  if (name == null || type == null || state == null || iface == null) return [];
  return [
    {
      name,
      type,
      state,
      iface,
      primary: row['primary'] === true,
      enabled: row['enabled'] !== false,
      score: numberOf(row, 'score'),
      latency: numberOf(row, 'latency_ms'),
      loss: numberOf(row, 'loss'),
      prefix: textOf(row, 'v6_prefix'),
      error: textOf(row, 'error'),
    },
  ];
}

type JsonRecord = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is JsonRecord => typeof value === 'object' && value !== null;

const textOf = (record: JsonRecord, key: string): string | null => {
  const value = record[key];
  return typeof value === 'string' ? value : null;
};

const numberOf = (record: JsonRecord, key: string): number | null => {
  const value = record[key];
  return typeof value === 'number' ? value : null;
};
