import type { FailoverExplanation } from './explanation.js';
import type { HistoryQuery, HistoryView } from './history.js';
import type { NewsFeed } from './news-log.js';

/** What happened, kept in bounded memory. */
export interface Insight {
  /** Why the present primary has the route. */
  explain(): FailoverExplanation;
  history(query: HistoryQuery): HistoryView;
  readonly news: NewsFeed;
  /** Lets go of its gateway. What it has kept can still be read. */
  close(): void;
}
