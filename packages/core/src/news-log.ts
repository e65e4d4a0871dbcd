import type { LogLevel } from './config/model.js';
import type { News } from './news.js';
import type { UnixMillis } from './units.js';

/** A piece of news as it is kept. */
export interface NewsEntry {
  /** 1, 2, 3 … in the order in which it happened. */
  readonly id: number;
  readonly at: UnixMillis;
  readonly level: LogLevel;
  /** The log line. */
  readonly text: string;
  readonly news: News;
}

/** What happened after a certain entry. */
export interface NewsSlice {
  /** Oldest first. */
  readonly entries: readonly NewsEntry[];
  /** Something between that entry and the first of these has been forgotten. */
  readonly gap: boolean;
  /** Of the newest entry there is; 0 before the first. */
  readonly lastId: number;
}

/** The newest news, in bounded memory. */
export interface NewsFeed {
  /** Everything after that id; null: everything that is kept. */
  since(id: number | null): NewsSlice;
  /** Calls `listener` for each new entry, at once. Returns the way to stop it. */
  subscribe(listener: (entry: NewsEntry) => void): () => void;
}
