import type { Result, ResultAsync } from 'neverthrow';
import type { Config } from './config/model.js';
import type { Clock, Host, Logger } from './contracts.js';
import type { GatewayError } from './errors.js';
import type { News } from './news.js';
import type { GatewayStatus } from './status.js';
import type { Millis } from './units.js';

/** What a gateway is to its users. (Facade under construction: the class follows.) */
export interface GatewayOptions {
  readonly config: Config;
  readonly host: Host;
  readonly clock?: Clock;
  readonly logger?: Logger;
}
export declare class Gateway {
  static create(options: GatewayOptions): Result<Gateway, GatewayError>;
  start(): void;
  stop(limit?: Millis): ResultAsync<void, GatewayError>;
  reload(config: Config): Result<void, GatewayError>;
  raise(tunnel: string): Result<void, GatewayError>;
  lower(tunnel: string): Result<void, GatewayError>;
  status(): GatewayStatus;
  on<K extends News['type']>(type: K, listener: (news: Extract<News, { type: K }>) => void): () => void;
  onNews(listener: (news: News) => void): () => void;
  ready(limit: Millis): ResultAsync<string, GatewayError>;
}
