import type { Instant } from '../units.js';

export interface Alarm {
  readonly at: Instant;
  /** Breaks ties: alarms due together fire in the order they were set. */
  readonly order: number;
  readonly label: string;
  readonly fire: () => void;
  cancelled: boolean;
}

/** Alarms by due time: a binary heap, because a simulated hour sets hundreds of thousands. */
export class AlarmHeap<A extends Alarm = Alarm> {
  readonly #heap: A[] = [];

  push(alarm: A): void {
    const heap = this.#heap;
    let child = heap.push(alarm) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!before(alarm, heap[parent]!)) break;
      heap[child] = heap[parent]!;
      child = parent;
    }
    heap[child] = alarm;
  }

  /** Takes out the first alarm that is due by `until` and was not cancelled; null when there is none. */
  popDue(until: Instant): A | null {
    const first = this.first();
    if (first === null || first.at > until) return null;
    this.removeFirst();
    return first;
  }

  /** The first alarm that was not cancelled; null when there is none. */
  first(): A | null {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (!first.cancelled) return first;
      this.removeFirst();
    }
    return null;
  }

  labels(): readonly string[] {
    return this.#heap.filter((a) => !a.cancelled).map((a) => a.label);
  }

  removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
      if (!before(heap[child]!, last)) break;
      heap[parent] = heap[child]!;
      parent = child;
    }
    heap[parent] = last;
  }
}

function before(a: Alarm, b: Alarm): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
