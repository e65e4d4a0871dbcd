import { type Changed, changedBy } from './resources.js';
import type { InsightSource } from './sources.js';

type Listener = (changed: Changed) => void;

/** Passes on what the news has changed; listens to them only while somebody wants to know. */
export class Updates {
  readonly #insight: InsightSource | undefined;
  readonly #listeners = new Set<Listener>();
  readonly #uris = new Set<string>();
  #listed = false;
  #due: NodeJS.Immediate | null = null;
  #letGo: (() => void) | null = null;

  constructor(insight: InsightSource | undefined) {
    this.#insight = insight;
  }

  /** Returns the way to stop it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#letGo ??= this.#insight?.news.subscribe((entry) => this.#note(changedBy(entry))) ?? null;
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#letGo?.();
      this.#letGo = null;
    };
  }

  /** What one turn of the gateway changes is told once, when that turn is over. */
  #note({ uris, listed }: Changed): void {
    for (const uri of uris) this.#uris.add(uri);
    this.#listed ||= listed;
    this.#due ??= setImmediate(() => this.#tell());
  }

  #tell(): void {
    const changed: Changed = { uris: [...this.#uris], listed: this.#listed };
    this.#uris.clear();
    this.#listed = false;
    this.#due = null;
    for (const listener of [...this.#listeners]) listener(changed);
  }
}
