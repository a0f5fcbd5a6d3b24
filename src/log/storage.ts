/** Where a log keeps its bytes: an ordered store that writes several values at once or none. */

import { IntegrityError } from "../errors.ts";
import { kvCommitMutationsMax } from "../limits.ts";

/** First a word, then whole numbers; sorted part by part, a key before those that it begins. */
export type StorageKey = readonly [string, ...number[]];

export interface Write {
  readonly key: StorageKey;
  /** Missing: the key is deleted. */
  readonly value?: Uint8Array;
  /** It takes the place of what must not be found in any file any more; it is as long as that. */
  readonly isWiping?: true;
}

export interface Storage {
  get(key: StorageKey): Promise<Uint8Array | undefined>;
  /** The values whose key is `word` and then at least `from`, in order. */
  listFrom(word: string, from: StorageKey): AsyncIterable<StoredValue>;
  /**
   * Writes all or none, synced to disk when it resolves. The caller's writes of `["head"]` find out a
   * second owner: one that finds it changed by someone else fails.
   *
   * @throws {IntegrityError} if another owner has written the head
   */
  commit(writes: readonly Write[]): Promise<void>;
  close(): void;
}

export interface StoredValue {
  readonly key: StorageKey;
  readonly value: Uint8Array;
}

function compareKeys(a: StorageKey, b: StorageKey): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  }
  return a.length - b.length;
}

/** The contents of a {@linkcode MemoryStorage}: what a disk keeps while its owner comes and goes. */
export interface MemoryDisk {
  /** Sorted by key. */
  values: StoredValue[];
  /** Changes with every write of the head. */
  headVersion: number;
}

/** Keeps everything in memory, for tests and the simulator. */
export class MemoryStorage implements Storage {
  readonly #disk: MemoryDisk;
  #headVersion: number;

  constructor(disk: MemoryDisk = { values: [], headVersion: 0 }) {
    this.#disk = disk;
    this.#headVersion = disk.headVersion;
  }

  get(key: StorageKey): Promise<Uint8Array | undefined> {
    const found = this.#disk.values[this.#firstFrom(key)];
    return Promise.resolve(found && compareKeys(found.key, key) === 0 ? found.value : undefined);
  }

  async *listFrom(word: string, from: StorageKey): AsyncIterable<StoredValue> {
    for (const stored of this.#disk.values.slice(this.#firstFrom(from))) {
      if (stored.key[0] !== word) return;
      yield await Promise.resolve(stored);
    }
  }

  async commit(writes: readonly Write[]): Promise<void> {
    checkCount(writes);
    if (writes.some(({ key }) => key[0] === "head")) {
      if (this.#headVersion !== this.#disk.headVersion) throw secondOwner();
      this.#headVersion = ++this.#disk.headVersion;
    }
    for (const { key, value } of writes) {
      const at = this.#firstFrom(key);
      const found = this.#disk.values[at];
      const isThere = found !== undefined && compareKeys(found.key, key) === 0;
      const stored = value ? [{ key, value: value.slice() }] : [];
      this.#disk.values.splice(at, isThere ? 1 : 0, ...stored);
    }
    await Promise.resolve();
  }

  close(): void {}

  #firstFrom(key: StorageKey): number {
    let low = 0;
    let high = this.#disk.values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareKeys(this.#disk.values[middle]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Every storage has the limit of the strictest, so that what works in memory works on disk. */
export function checkCount(writes: readonly Write[]): void {
  if (writes.length <= kvCommitMutationsMax) return;
  throw new RangeError(`${writes.length} writes; a commit takes ${kvCommitMutationsMax}`);
}

export function secondOwner(): IntegrityError {
  return new IntegrityError(
    "another process has written to this log since it was opened; stop one of the two",
  );
}
