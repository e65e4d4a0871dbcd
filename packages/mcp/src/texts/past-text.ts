import type { EventsReport, HistoryReport, HistorySummary, Spread } from '../documents.js';
import { moment } from './moment.js';

export function historyText({ since, until, tunnels }: HistoryReport): string {
  const head = `The last ${until - since} s, since ${moment(since * 1_000)}:`;
  return [head, ...tunnels.map(({ tunnel, summary }) => `- ${tunnel}: ${summaryText(summary)}`)].join('\n');
}

function summaryText(summary: HistorySummary): string {
  if (summary.known_s === 0) return 'nothing was measured';
  const facts = [
    spread('latency', 'ms', summary.latency_ms),
    spread('loss', '%', times(summary.loss, 100)),
    spread('score', '', summary.score),
    summary.unreachable_s === 0 ? null : `unreachable for ${summary.unreachable_s} s`,
    summary.rx_bytes === null ? null : `received ${summary.rx_bytes} B`,
    summary.tx_bytes === null ? null : `sent ${summary.tx_bytes} B`,
  ].filter((fact) => fact !== null);
  return `${facts.join('; ')} (measured for ${summary.known_s} s)`;
}

function spread(what: string, unit: string, values: Spread | null): string | null {
  if (values === null) return null;
  const { min, mean, max } = values;
  return `${what} ${short(mean)}${unit === '' ? '' : ` ${unit}`} on average (${short(min)} to ${short(max)})`;
}

const short = (value: number): number => Math.round(value * 10) / 10;

function times(values: Spread | null, factor: number): Spread | null {
  return values === null ? null : { min: values.min * factor, mean: values.mean * factor, max: values.max * factor };
}

export function eventsText({ events, gap }: EventsReport): string {
  if (events.length === 0) return gap ? 'What came after that has been overwritten.' : 'Nothing has happened.';
  const lines = events.map((event) => `${moment(event.at)}  ${event.level.padEnd(5)}  ${event.text}`);
  return [...(gap ? ['Some events before these have been overwritten.'] : []), ...lines].join('\n');
}
