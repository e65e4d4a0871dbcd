import type { LogLevel } from './config/model.js';
import type { News } from './news.js';
import type { NewsEntry } from './news-log.js';

/** A piece of news as REST and MCP show it. Members that a type of event has no use for are null. */
export interface EventDocument {
  readonly id: number;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly level: LogLevel;
  readonly type: string;
  /** One sentence. */
  readonly text: string;
  readonly tunnel: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string | null;
}

/** Characters of a sentence. Commands quote what other programs said, and that can be long. */
const LONGEST_TEXT = 1_000;

/** What a client is told of a piece of news: named facts, and of what programs put out no more than the sentence. */
export function eventDocument({ id, at, level, text, news }: NewsEntry): EventDocument {
  return {
    id,
    at,
    level,
    type: news.type,
    text: text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text,
    tunnel: tunnelOf(news),
    from: memberOf(news, 'from'),
    to: memberOf(news, 'to'),
    reason: memberOf(news, 'reason'),
  };
}

/** The tunnel it is about: of a switch, the one that was taken. */
function tunnelOf(news: News): string | null {
  return news.type === 'failed_over' ? news.to : (memberOf(news, 'tunnel') ?? memberOf(news, 'primary'));
}

function memberOf(news: News, name: string): string | null {
  const value = Object.entries(news).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : null;
}
