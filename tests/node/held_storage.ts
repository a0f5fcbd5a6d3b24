/** A storage whose commits wait, or fail, as a test says. */

import type { Storage, StorageKey, StoredValue, Write } from "../../src/log/storage.ts";
import { MemoryStorage } from "../../src/log/storage.ts";

export class HeldStorage implements Storage {
  readonly #memory = new MemoryStorage();
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};
  #failure: Error | undefined;
  /** Begun, whether or not they are done. */
  commits = 0;

  /** Commits wait from now on. */
  hold(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#open = resolve;
  }

  /** Commits that wait are done, and those that follow at once. */
  release(): void {
    this.#open();
  }

  /** Commits that wait fail, and all that follow. */
  fail(error: Error): void {
    this.#failure = error;
    this.#open();
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.commits++;
    await this.#gate;
    if (this.#failure) throw this.#failure;
    await this.#memory.commit(writes);
  }

  get(key: StorageKey): Promise<Uint8Array | undefined> {
    return this.#memory.get(key);
  }

  listFrom(word: string, from: StorageKey): AsyncIterable<StoredValue> {
    return this.#memory.listFrom(word, from);
  }

  close(): void {}
}
