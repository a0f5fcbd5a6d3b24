/** Chance that a seed repeats. */

import { invariant } from "../errors.ts";

/** Mulberry32: the same draws for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 4; i++) this.next();
  }

  /** From 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to `bound`, which it does not reach. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** A whole number, both bounds among them. */
  between([least, most]: readonly [number, number]): number {
    return least + this.below(most - least + 1);
  }

  chance(rate: number): boolean {
    return rate > 0 && this.next() < rate;
  }

  pick<T>(list: readonly T[]): T {
    invariant(list.length > 0, "a choice from nothing");
    return list[this.below(list.length)]!;
  }

  /** Lower-case hexadecimal digits. */
  hex(digits: number): string {
    let text = "";
    for (let i = 0; i < digits; i++) text += this.below(16).toString(16);
    return text;
  }
}
