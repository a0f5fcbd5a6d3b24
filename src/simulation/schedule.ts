/** Time that passes only from one event to the next. */

import { setImmediate } from "node:timers";

interface Due {
  readonly atMs: number;
  /** Of two due at once the one planned first comes first. */
  readonly order: number;
  readonly run: () => void;
}

export class Schedule {
  /** Milliseconds since the simulation began. */
  nowMs = 0;
  /** Events so far. */
  step = 0;
  #order = 0;
  /** A binary heap, the next one first. */
  readonly #due: Due[] = [];

  after(delayMs: number, run: () => void): void {
    const due = { atMs: this.nowMs + Math.max(0, Math.round(delayMs)), order: ++this.#order, run };
    const heap = this.#due;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(due, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Runs what is due, each event to the end of all that it sets off, until `isOver`. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const next = this.#take();
      if (!next) return;
      this.nowMs = next.atMs;
      this.step++;
      next.run();
      // Nothing in the simulation waits for anything but promises, and these are done by then.
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  #take(): Due | undefined {
    const heap = this.#due;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || first === last) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
