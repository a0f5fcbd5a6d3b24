/**
 * Values that come again and again: a payment's id stands in a dozen messages and records, and each time
 * its bytes would become another string. What was read or written lately is found by its bytes in a table of
 * fixed size and is the same object again, which costs no allocation.
 *
 * What is found is equal to what would have been made; so nothing depends on what the tables hold.
 */

/** A power of two: more than is under way at most times, so that little is lost before it is done with. */
export const slotsDefault = 32_768;
const chunkBytes = 32 * 1024;

/**
 * The newest values by their bytes, of at most a length. They stand one after the other in the order in which
 * they came, and so does most of what is looked for next: the processor's caches have it by then, which
 * they would not if each stood where its hash says.
 */
export class Interned<T> {
  readonly #width: number;
  /** By hash: the place of the last value kept with it, from 1. */
  readonly #places: Uint32Array;
  /** By place, each with its length first. */
  readonly #keys: Uint8Array;
  readonly #values: (T | undefined)[];
  #next = 0;

  /** @param slots a power of two: how many values are kept alive */
  constructor(bytesMax: number, slots = slotsDefault) {
    this.#width = bytesMax + 1;
    this.#places = new Uint32Array(slots);
    this.#keys = new Uint8Array(slots * this.#width);
    this.#values = new Array(slots).fill(undefined);
  }

  /** What was kept for `length` bytes from `at`; nothing where others have taken its place by now. */
  find(bytes: Uint8Array, at: number, length: number): T | undefined {
    if (length >= this.#width) return undefined;
    const place = this.#places[this.#slotOf(bytes, at, length)]!;
    if (place === 0) return undefined;
    const keys = this.#keys;
    let key = (place - 1) * this.#width;
    if (keys[key++] !== length) return undefined;
    for (const end = at + length; at < end;) if (keys[key++] !== bytes[at++]) return undefined;
    return this.#values[place - 1];
  }

  keep(bytes: Uint8Array, at: number, length: number, value: T): T {
    if (length >= this.#width) return value;
    const place = this.#next;
    this.#next = (place + 1) & (this.#values.length - 1);
    const key = place * this.#width;
    this.#keys[key] = length;
    for (let i = 0; i < length; i++) this.#keys[key + 1 + i] = bytes[at + i]!;
    this.#values[place] = value;
    this.#places[this.#slotOf(bytes, at, length)] = place + 1;
    return value;
  }

  /** Of the last bytes, in which ids differ most, four at a time. */
  #slotOf(bytes: Uint8Array, at: number, length: number): number {
    let hash = length;
    const end = at + length;
    let i = Math.max(at, end - 12);
    for (; i + 4 <= end; i += 4) {
      const word = bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24;
      hash = mixed(hash ^ word);
    }
    for (; i < end; i++) hash = mixed(hash ^ bytes[i]!);
    return hash & (this.#places.length - 1);
  }
}

/** Each bit of a word has its say in the low ones. */
function mixed(word: number): number {
  const product = Math.imul(word, 0x9e3779b1);
  return product ^ product >>> 15;
}

/** Copies of short byte strings, many in one piece of memory: alone each would have one of its own. */
export class Slab {
  #chunk = new Uint8Array(0);
  #used = 0;

  copy(bytes: Uint8Array, at = 0, length = bytes.length): Uint8Array {
    if (length > chunkBytes / 8) return bytes.slice(at, at + length);
    if (this.#used + length > this.#chunk.length) {
      this.#chunk = new Uint8Array(chunkBytes);
      this.#used = 0;
    }
    const start = this.#used;
    const chunk = this.#chunk;
    for (let i = 0; i < length; i++) chunk[start + i] = bytes[at + i]!;
    this.#used += length;
    return chunk.subarray(start, this.#used);
  }
}
