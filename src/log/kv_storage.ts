/** A log's bytes in a Deno KV file: embedded, one sync a commit, whole after a crash. */

import { DatabaseSync } from "node:sqlite";
import { IntegrityError, messageOf } from "../errors.ts";
import { wipedAtCloseBytesMax } from "../limits.ts";
import { fullDisk } from "./full_disk.ts";
import type { Storage, StorageKey, StoredValue, Write } from "./storage.ts";
import { checkCount, secondOwner } from "./storage.ts";
import { isWipingDue, willWipe, wipeFreed } from "./wiping.ts";

const headKey: StorageKey = ["head"];

export class KvStorage implements Storage {
  readonly #path: string;
  readonly #kv: Deno.Kv;
  /** Of the head as this owner last read or wrote it. */
  #headVersion: string | null;
  /** The file may still hold what was wiped. */
  #isWiping = false;

  private constructor(path: string, kv: Deno.Kv, headVersion: string | null) {
    this.#path = path;
    this.#kv = kv;
    this.#headVersion = headVersion;
  }

  /**
   * Opens the file, or makes it.
   *
   * @throws {IntegrityError} if the file is damaged; nothing is written then
   */
  static async open(path: string): Promise<KvStorage> {
    checkFile(path);
    return await KvStorage.#open(path);
  }

  /** As {@linkcode open}, for the log's owner, who finishes what was begun before a crash. */
  static async openOwn(path: string): Promise<KvStorage> {
    // For its owner alone, also in a folder that others may read. SQLite gives its mode to those beside it.
    (await Deno.open(path, { append: true, create: true, mode: 0o600 })).close();
    checkFile(path);
    const isDue = await isWipingDue(path);
    const isDone = isDue && tryToWipe(path);
    const storage = await KvStorage.#open(path);
    storage.#isWiping = isDue && !isDone;
    return storage;
  }

  static async #open(path: string): Promise<KvStorage> {
    let kv;
    try {
      kv = await Deno.openKv(path);
      const { versionstamp } = await kv.get(headKey);
      return new KvStorage(path, kv, versionstamp);
    } catch (error) {
      kv?.close();
      throw fullDisk(path, error) ??
        new IntegrityError(`Cannot open the log "${path}": ${messageOf(error)}`);
    }
  }

  async get(key: StorageKey): Promise<Uint8Array | undefined> {
    try {
      const { value } = await this.#kv.get(key);
      return value === null ? undefined : bytesOf(value);
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  async *listFrom(word: string, from: StorageKey): AsyncIterable<StoredValue> {
    const start = from.length > 1 ? { start: from } : {};
    const list = this.#kv.list({ prefix: [word], ...start });
    for (;;) {
      let next;
      try {
        next = await list.next();
        if (next.done) return;
        const { key, value } = next.value;
        next = { key: key as unknown as StorageKey, value: bytesOf(value) };
      } catch (error) {
        throw this.#unreadable(error);
      }
      yield next;
    }
  }

  /** Damage within a value goes through the check of the file, and may make it anything. */
  #unreadable(error: unknown): IntegrityError {
    return new IntegrityError(`Cannot read the log "${this.#path}": ${messageOf(error)}`);
  }

  async commit(writes: readonly Write[]): Promise<void> {
    checkCount(writes);
    if (!this.#isWiping && writes.some(({ isWiping }) => isWiping)) {
      await willWipe(this.#path);
      this.#isWiping = true;
    }
    const atomic = this.#kv.atomic();
    const writesHead = writes.some(({ key }) => key[0] === headKey[0]);
    if (writesHead) atomic.check({ key: headKey, versionstamp: this.#headVersion });
    for (const { key, value } of writes) {
      if (value) atomic.set(key, value);
      else atomic.delete(key);
    }
    const result = await atomic.commit().catch((error) => {
      throw fullDisk(this.#path, error) ?? error;
    });
    if (!result.ok) throw secondOwner();
    if (writesHead) this.#headVersion = result.versionstamp;
  }

  close(): void {
    this.#kv.close();
    if (!this.#isWiping) return;
    this.#isWiping = false;
    // A node that is told to stop has seconds; the next start has them, too.
    if (Deno.statSync(this.#path).size <= wipedAtCloseBytesMax) tryToWipe(this.#path);
  }
}

/** Where it fails the log is whole, and whoever stops or starts its node next tries again. */
function tryToWipe(path: string): boolean {
  try {
    wipeFreed(path);
    return true;
  } catch {
    return false;
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`it holds a ${typeof value} where bytes were written`);
}

/**
 * Asks SQLite whether the file's pages hold together. A damaged page would otherwise end the process
 * in a panic that nothing catches.
 */
function checkFile(path: string): void {
  let size;
  try {
    size = Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  // A crash while the file was made leaves it empty.
  if (size === 0) return;
  let verdict;
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const row = database.prepare("PRAGMA quick_check(1)").get();
      verdict = String(Object.values(row ?? {})[0]).replaceAll("\n", " ");
    } finally {
      database.close();
    }
  } catch (error) {
    const full = fullDisk(path, error);
    if (full) throw full;
    verdict = messageOf(error);
  }
  if (verdict !== "ok") {
    throw new IntegrityError(
      `The file "${path}" is damaged (${verdict}). Nothing was written to it; restore the disk, or ` +
        "have its peers readmit this node with what can be read",
    );
  }
}
