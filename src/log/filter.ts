/**
 * Which payments a run may have, in little memory (Bloom 1970). A payment that a filter does not know is
 * not in the run; of others a few in a thousand aren't either.
 */

import { filterBitsPerItem, filterProbes } from "../limits.ts";
import type { LookUpKey } from "../protocol/step.ts";

export class Filter {
  readonly #bits: Uint8Array;

  constructor(items: number) {
    this.#bits = new Uint8Array(Math.ceil(items * filterBitsPerItem / 8));
  }

  add(payment: LookUpKey): void {
    const bits = this.#bits;
    for (const at of this.#places(payment)) bits[at >> 3] = bits[at >> 3]! | 1 << (at & 7);
  }

  mayHave(payment: LookUpKey): boolean {
    return this.#places(payment).every((at) => (this.#bits[at >> 3]! & 1 << (at & 7)) !== 0);
  }

  #places(payment: LookUpKey): number[] {
    const first = mixed(parseInt(payment.slice(-8), 16));
    const step = mixed(first ^ parseInt(payment.slice(-12, -8), 16)) + 1;
    const size = this.#bits.length * 8;
    return Array.from({ length: filterProbes }, (_, i) => (first + i * step) % size);
  }
}

/** Ids end at random, mostly; whoever makes them otherwise shall not fill the same places with all. The
 * last steps of MurmurHash3 (Appleby 2011). */
function mixed(bits: number): number {
  let n = bits;
  n = Math.imul(n ^ n >>> 16, 0x85ebca6b);
  n = Math.imul(n ^ n >>> 13, 0xc2b2ae35);
  return (n ^ n >>> 16) >>> 0;
}
