import { eventDocument, type Millis, type NewsEntry, type NewsFeed } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';

import type { ApiProblem } from './problems.js';

export interface EventLimits {
  /** Between two comments on a stream where nothing happens. Half of what a server lets a connection rest. */
  readonly heartbeat: Millis;
  /** Clients that can follow at a time. */
  readonly subscribers: number;
  /** Characters that wait for a client that does not read. More: it is dropped. */
  readonly backlog: number;
}

export const EVENT_LIMITS: EventLimits = {
  heartbeat: 15_000,
  // A dashboard in every room and some scripts; each costs a few kB while it reads.
  subscribers: 64,
  // A thousand events. 16 MiB for all subscribers together.
  backlog: 262_144,
};

/** How long a browser waits before it connects again. */
const RETRY: Millis = 2_000;

/** The streams of one app: who follows, what each has yet to read, and how each ends. */
export class EventStreams {
  readonly #news: NewsFeed;
  readonly #limits: EventLimits;
  readonly #open = new Set<EventStream>();
  /** Tells this run of the program from others, whose ids begin at 1 as well. */
  readonly #run: string = Date.now().toString(36);
  #heartbeat: ReturnType<typeof setInterval> | null = null;
  #unsubscribe: (() => void) | null = null;
  #closed = false;

  constructor(news: NewsFeed, limits: EventLimits) {
    this.#news = news;
    this.#limits = limits;
  }

  /** @param lastEventId what the client has seen last, as it was sent; null when it wants what is to come only. */
  follow(lastEventId: string | null): Result<ReadableStream<Uint8Array>, ApiProblem> {
    if (this.#closed) return err({ kind: 'not_offered', what: 'events while it stops' });
    if (this.#open.size >= this.#limits.subscribers)
      return err({ kind: 'too_many_subscribers', limit: this.#limits.subscribers });
    const stream = new EventStream(this.#limits.backlog, () => this.#leave(stream));
    this.#open.add(stream);
    this.#unsubscribe ??= this.#news.subscribe((entry) => this.#tell(entry));
    this.#heartbeat ??= setInterval(() => this.#sendAll(':\n\n'), this.#limits.heartbeat);
    stream.send(`retry: ${RETRY}\n: follows\n\n${lastEventId === null ? '' : this.#missed(lastEventId)}`);
    return ok(stream.readable);
  }

  /** Ends every stream; there are no further ones. */
  close(): void {
    this.#closed = true;
    for (const stream of [...this.#open]) stream.end();
  }

  /** An id of another run, or of none, says nothing about what was missed. */
  #missed(lastEventId: string): string {
    const [run, number = ''] = lastEventId.split('-', 2);
    const known = run === this.#run && /^\d{1,15}$/.test(number) ? Number(number) : null;
    const slice = this.#news.since(known);
    const lost = known === null || known > slice.lastId || slice.gap;
    const gap = `event: gap\ndata: ${JSON.stringify({ last_id: slice.lastId })}\n\n`;
    return `${lost ? gap : ''}${slice.entries.map((entry) => this.#written(entry)).join('')}`;
  }

  #tell(entry: NewsEntry): void {
    this.#sendAll(this.#written(entry));
  }

  /** HTML, "Server-sent events", 9.2.6. JSON has no line ends in it. */
  #written(entry: NewsEntry): string {
    return `id: ${this.#run}-${entry.id}\nevent: ${entry.news.type}\ndata: ${JSON.stringify(eventDocument(entry))}\n\n`;
  }

  #sendAll(text: string): void {
    for (const stream of [...this.#open]) stream.send(text);
  }

  #leave(stream: EventStream): void {
    this.#open.delete(stream);
    if (this.#open.size > 0) return;
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#heartbeat = null;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }
}

/** One client's stream. What it has not read waits here, where it can be counted and let go of. */
class EventStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #backlog: number;
  readonly #left: () => void;
  #waiting = '';
  /** Set while the client is waiting for us and not we for it. */
  #wanted: ((text: string | null) => void) | null = null;
  #ended = false;

  constructor(backlog: number, left: () => void) {
    this.#backlog = backlog;
    this.#left = left;
    this.readable = new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.end() },
      { highWaterMark: 0 },
    );
  }

  send(text: string): void {
    if (this.#ended) return;
    if (this.#wanted !== null) {
      this.#wanted(text);
      return;
    }
    // What a client has asked to be told again comes in one piece, and is bounded by the ring it comes from.
    if (this.#waiting !== '' && this.#waiting.length + text.length > this.#backlog) {
      this.#waiting = '';
      this.end();
      return;
    }
    this.#waiting += text;
  }

  /** Ends the stream after what waits. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#left();
    this.#wanted?.(null);
  }

  #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> | void {
    const give = (text: string): void => controller.enqueue(new TextEncoder().encode(text));
    if (this.#waiting !== '') {
      give(this.#waiting);
      this.#waiting = '';
      return;
    }
    if (this.#ended) return controller.close();
    return new Promise((resolve) => {
      this.#wanted = (text) => {
        this.#wanted = null;
        if (text === null) controller.close();
        else give(text);
        resolve();
      };
    });
  }
}
