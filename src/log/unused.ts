/** What of the storage is not read any more, and how it is deleted. */

import { unusedKeysPerCommit } from "../limits.ts";
import { allKinds } from "./run.ts";
import type { Storage, StorageKey } from "./storage.ts";

/** Keys that differ in their last number alone: from `first` to before `end`. */
export interface KeyRange {
  readonly prefix: StorageKey;
  readonly first: number;
  readonly end: number;
}

/**
 * Some of the keys that ranges hold, in their order.
 *
 * @returns them, and what ranges are left
 */
export function takeKeys(
  ranges: readonly KeyRange[],
  max: number,
): { readonly keys: readonly StorageKey[]; readonly left: readonly KeyRange[] } {
  const keys: StorageKey[] = [];
  for (const [i, { prefix, first, end }] of ranges.entries()) {
    for (let last = first; last < end; last++) {
      if (keys.length === max) {
        return { keys, left: [{ prefix, first: last, end }, ...ranges.slice(i + 1)] };
      }
      keys.push([...prefix, last]);
    }
  }
  return { keys, left: [] };
}

/** What stands as of entries after `number`: a checkpoint that a crash kept from being finished. */
export async function unfinishedAfter(storage: Storage, number: number): Promise<StorageKey[]> {
  const keys: StorageKey[] = [];
  const ofRuns = allKinds.flatMap((kind) => [["run", kind], ["page", kind]] as const);
  for (const first of [["state"] as const, ...ofRuns]) {
    for await (const { key } of storage.listFrom(first[0], [...first, number + 1])) {
      if (first.length === 2 && key[1] !== first[1]) break;
      keys.push(key);
    }
  }
  return keys;
}

export async function deleteKeys(storage: Storage, keys: readonly StorageKey[]): Promise<void> {
  for (let at = 0; at < keys.length; at += unusedKeysPerCommit) {
    const some = keys.slice(at, at + unusedKeysPerCommit);
    await storage.commit(some.map((key) => ({ key })));
  }
}
