/** The kinds of disk on which every test of the log runs. */

import { KvStorage } from "../../src/log/kv_storage.ts";
import { SealedStorage } from "../../src/log/sealed_storage.ts";
import type { MemoryDisk, Storage, StorageKey, StoredValue, Write } from "../../src/log/storage.ts";
import { MemoryStorage } from "../../src/log/storage.ts";

/** What stays while owners come and go. */
export interface Disk extends AsyncDisposable {
  open(): Promise<Storage>;
}

export const disks: readonly [name: string, make: () => Promise<Disk>][] = [
  ["MemoryStorage", makeMemory],
  ["KvStorage", makeFile],
  ["SealedStorage in memory", () => seal(makeMemory())],
  ["SealedStorage on Deno KV", () => seal(makeFile())],
];

export const fileSecret = Uint8Array.from({ length: 32 }, (_, i) => i * 7);

/** The same disk, encrypted. */
async function seal(making: Promise<Disk>): Promise<Disk> {
  const disk = await making;
  return {
    open: async () => {
      const storage = await SealedStorage.open(await disk.open(), fileSecret);
      if (storage) return storage;
      throw new Error("the disk is sealed by another key");
    },
    [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  };
}

export function makeMemory(): Promise<Disk> {
  const disk: MemoryDisk = { values: [], headVersion: 0 };
  return Promise.resolve({
    open: () => Promise.resolve(new MemoryStorage(disk)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

async function makeFile(): Promise<Disk> {
  const dir = await Deno.makeTempDir({ prefix: "handfast-log-" });
  return {
    open: () => KvStorage.open(`${dir}/log.kv`),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** Changes what is stored behind the log's back. */
export async function edit(disk: Disk, ...writes: readonly Write[]): Promise<void> {
  const storage = await disk.open();
  await storage.commit(writes);
  storage.close();
}

export async function valueOf(disk: Disk, key: StorageKey): Promise<Uint8Array> {
  const storage = await disk.open();
  const value = await storage.get(key);
  storage.close();
  if (!value) throw new Error(`nothing at ${key.join()}`);
  return value.slice();
}

export async function keysOf(disk: Disk, word: string): Promise<StorageKey[]> {
  const storage = await disk.open();
  const keys = (await Array.fromAsync(storage.listFrom(word, [word]))).map(({ key }) => key);
  storage.close();
  return keys;
}

/** Counts commits, and fails, as a crash would, when as many as it may do are done. */
export class CrashingStorage implements Storage {
  commits = 0;
  constructor(readonly inner: Storage, readonly commitsMax = Infinity) {}

  get(key: StorageKey): Promise<Uint8Array | undefined> {
    return this.inner.get(key);
  }
  listFrom(word: string, from: StorageKey): AsyncIterable<StoredValue> {
    return this.inner.listFrom(word, from);
  }
  async commit(writes: readonly Write[]): Promise<void> {
    if (this.commits >= this.commitsMax) throw new Error("crashed");
    this.commits++;
    await this.inner.commit(writes);
  }
  close(): void {
    this.inner.close();
  }
}
