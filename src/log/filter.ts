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
    let at = hashOf(payment);
    const step = mixed(at) + 1;
    for (let probe = 0; probe < filterProbes; probe++, at += step) {
      const place = at % (bits.length * 8);
      bits[place >> 3]! |= 1 << (place & 7);
    }
  }

  mayHave(payment: LookUpKey): boolean {
    const bits = this.#bits;
    let at = hashOf(payment);
    const step = mixed(at) + 1;
    for (let probe = 0; probe < filterProbes; probe++, at += step) {
      const place = at % (bits.length * 8);
      if ((bits[place >> 3]! & 1 << (place & 7)) === 0) return false;
    }
    return true;
  }
}

/** Of all digits (FNV-1a; Fowler, Noll and Vo): whoever makes ids may have most of them the same. */
function hashOf(payment: LookUpKey): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < payment.length; i++) {
    hash = Math.imul(hash ^ payment.charCodeAt(i), 0x01000193);
  }
  return mixed(hash);
}

/** The last steps of MurmurHash3 (Appleby 2011). */
function mixed(bits: number): number {
  let n = bits;
  n = Math.imul(n ^ n >>> 16, 0x85ebca6b);
  n = Math.imul(n ^ n >>> 13, 0xc2b2ae35);
  return (n ^ n >>> 16) >>> 0;
}
