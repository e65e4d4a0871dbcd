import type { LogLevel } from './config/model.js';
import { type News, sentenceOf } from './news.js';
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
  /** Something between that entry and the first of these has been forgotten, or that entry was never here. */
  readonly gap: boolean;
  /** Of the newest entry there is; 0 before the first. */
  readonly lastId: number;
}

/** The newest news, in bounded memory. */
export interface NewsFeed {
  /** Everything after that id; null: everything that is kept. An id from elsewhere gives everything, and a gap. */
  since(id: number | null): NewsSlice;
  /** Calls `listener` for each new entry, at once. One that throws does not stop the others. Returns the way out. */
  subscribe(listener: (entry: NewsEntry) => void): () => void;
}

/** So many pieces of news are kept: hours of trouble, for less than a megabyte. */
export const NEWS_KEPT = 1_000;

/** A ring of entries. */
export class NewsLog implements NewsFeed {
  readonly #ring: NewsEntry[] = [];
  readonly #listeners = new Set<(entry: NewsEntry) => void>();
  #lastId = 0;

  /** Keeps it, and tells everybody. What a listener throws it throws on, once all have been told. */
  append(news: News, at: UnixMillis): void {
    this.#lastId += 1;
    const entry: NewsEntry = Object.freeze({ id: this.#lastId, at, ...sentenceOf(news), news });
    this.#ring[(entry.id - 1) % NEWS_KEPT] = entry;
    const thrown: unknown[] = [];
    for (const listener of [...this.#listeners]) {
      try {
        listener(entry);
      } catch (cause) {
        thrown.push(cause);
      }
    }
    if (thrown.length > 0) throw thrown[0];
  }

  since(id: number | null): NewsSlice {
    const lastId = this.#lastId;
    const oldest = Math.max(1, lastId - NEWS_KEPT + 1);
    const foreign = id !== null && !(id >= 0 && id <= lastId);
    const gap = foreign || (id !== null && id + 1 < oldest);
    const first = id === null || gap ? oldest : Math.floor(id) + 1;
    const entries: NewsEntry[] = [];
    for (let next = first; next <= lastId; next += 1) entries.push(this.#ring[(next - 1) % NEWS_KEPT]!);
    return { entries, gap, lastId };
  }

  subscribe(listener: (entry: NewsEntry) => void): () => void {
    // Two subscriptions of one function are two.
    const own = (entry: NewsEntry): void => listener(entry);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }
}
