/** Which of an epoch's transactions there were, a bit each: there may be more than a `Set` takes. */

const bitsOfChunk = 2 ** 16;

export class Sequences {
  readonly #chunks = new Map<number, Uint8Array>();

  /** Returns whether it was not there. */
  add(sequence: number): boolean {
    const at = sequence % bitsOfChunk;
    const number = (sequence - at) / bitsOfChunk;
    const chunk = this.#chunks.get(number) ?? new Uint8Array(bitsOfChunk / 8);
    this.#chunks.set(number, chunk);
    const bit = 1 << (at & 7);
    const isNew = (chunk[at >> 3]! & bit) === 0;
    chunk[at >> 3]! |= bit;
    return isNew;
  }
}
