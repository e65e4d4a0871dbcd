import { eventDocument, type LogLevel, type NewsEntry } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { condensed } from '../condense.js';
import type { EventsReport } from '../documents.js';
import { type Arguments, inputSchema } from '../json-schema.js';
import { OUTPUT } from '../output-schemas.js';
import type { Sources } from '../sources.js';
import { eventsText, historyText } from '../texts/past-text.js';
import { LOOKS, type Tool, type ToolAnswer } from '../tool.js';
import type { ToolError } from '../tool-error.js';
import { TUNNEL_NAME } from '../words.js';
import { knownTunnel } from './status-tools.js';

/** Ten minutes are kept second by second; a day is kept at all. */
const WINDOW_S = { least: 10, usual: 600, most: 86_400 };

/** Samples of each tunnel: enough for a sparkline. */
const SAMPLES = { usual: 20, most: 500 };

/** Events in one answer; as many as are kept at all. */
const EVENTS = { usual: 50, most: 1_000 };

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export function pastTools(sources: Sources): readonly Tool[] {
  return [
    {
      name: 'get_history',
      title: 'Latency, loss and score over time',
      description:
        'How tunnels did over the last minutes or hours: for each a summary of latency, loss, score and bytes, and a ' +
        'few samples. For "has it been like this before?".',
      annotations: LOOKS,
      inputSchema: inputSchema({
        tunnel: { ...TUNNEL_NAME, description: 'Only this tunnel; left out: all of them.' },
        window_s: {
          type: 'integer',
          minimum: WINDOW_S.least,
          maximum: WINDOW_S.most,
          default: WINDOW_S.usual,
          description: 'How far back, in seconds.',
        },
        samples: {
          type: 'integer',
          minimum: 0,
          maximum: SAMPLES.most,
          default: SAMPLES.usual,
          description: 'How many samples of each tunnel at most; 0: the summaries only.',
        },
      }),
      outputSchema: OUTPUT.history,
      run: (given) => history(given, sources),
    },
    {
      name: 'get_events',
      title: 'What happened',
      description:
        'What happened of late, as the log tells it: tunnels up and down, failovers, faults, reloads. ' +
        'Ask again with since = last_id for what has come since.',
      annotations: LOOKS,
      inputSchema: inputSchema({
        since: {
          type: 'integer',
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'Only events after this id; left out: the latest ones.',
        },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: EVENTS.most,
          default: EVENTS.usual,
          description: 'How many at most.',
        },
        level: { type: 'string', enum: LEVELS, default: 'info', description: 'The least severe ones to tell.' },
        tunnel: { ...TUNNEL_NAME, description: 'Only events about this tunnel.' },
      }),
      outputSchema: OUTPUT.events,
      run: (given) => events(given, sources),
    },
  ];
}

function history(given: Arguments, { gateway, insight }: Sources): ToolAnswer {
  if (insight === undefined) return err({ kind: 'not_offered', what: 'history' });
  const status = gateway.status();
  const tunnel = given['tunnel'] === undefined ? null : String(given['tunnel']);
  const found: Result<unknown, ToolError> = tunnel === null ? ok(null) : knownTunnel(status, tunnel);
  return found.map(() => {
    const since = status.at - Number(given['window_s'] ?? WINDOW_S.usual);
    const view = insight.history({ tunnel, since: since - 1 });
    const document = condensed(view, { since, until: status.at, samples: Number(given['samples'] ?? SAMPLES.usual) });
    return { document, text: historyText(document) };
  });
}

function events(given: Arguments, { gateway, insight }: Sources): ToolAnswer {
  if (insight === undefined) return err({ kind: 'not_offered', what: 'events' });
  const { tunnel, since, level = 'info', limit = EVENTS.usual } = given;
  const found: Result<unknown, ToolError> =
    tunnel === undefined ? ok(null) : knownTunnel(gateway.status(), String(tunnel));
  return found.map(() => {
    const { entries, gap, lastId } = insight.news.since(since === undefined ? null : Number(since));
    const least = LEVELS.indexOf(level as LogLevel);
    const wanted = entries.filter((entry) => LEVELS.indexOf(entry.level) >= least && isAbout(entry, tunnel));
    // After an id, what comes next; without one, the latest.
    const chosen = since === undefined ? wanted.slice(-Number(limit)) : wanted.slice(0, Number(limit));
    const cut = since !== undefined && chosen.length < wanted.length;
    const document: EventsReport = {
      events: chosen.map(eventDocument),
      gap: since !== undefined && gap,
      last_id: cut ? (chosen.at(-1)?.id ?? lastId) : lastId,
    };
    return { document, text: eventsText(document) };
  });
}

function isAbout({ news }: NewsEntry, tunnel: Arguments[string]): boolean {
  return tunnel === undefined || Object.values(news).includes(tunnel);
}
