/** The vector clocks of a log's entries, a column a node: far smaller than a map an entry. */

import type { VectorClock } from "../protocol/vector_clock.ts";

export class ClockColumns {
  readonly #columns = new Map<string, number[]>();
  #length = 0;

  /** Of the next entry. */
  add(clock: VectorClock): void {
    for (const name of clock.keys()) {
      if (!this.#columns.has(name)) this.#columns.set(name, new Array(this.#length).fill(0));
    }
    for (const [name, column] of this.#columns) column.push(clock.get(name) ?? 0);
    this.#length++;
  }

  names(): Iterable<string> {
    return this.#columns.keys();
  }

  /** The component of `name` in the clock of entry `number`. */
  at(name: string, number: number): number {
    return this.#columns.get(name)?.[number - 1] ?? 0;
  }

  equals(number: number, clock: VectorClock): boolean {
    for (const [name, count] of clock) if (this.at(name, number) !== count) return false;
    return this.isAtMost(number, clock);
  }

  /** Whether every component of entry `number`'s clock, but those of `except`, is at most `clock`'s. */
  isAtMost(number: number, clock: VectorClock, except?: ReadonlyMap<string, unknown>): boolean {
    for (const [name, column] of this.#columns) {
      if (except?.has(name)) continue;
      if ((column[number - 1] ?? 0) > (clock.get(name) ?? 0)) return false;
    }
    return true;
  }
}
