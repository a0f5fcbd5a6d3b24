/** Runs of idempotency keys that become one, and what of a checkpoint is deleted, and when. */

import { assert, assertEquals } from "@std/assert";
import { indexPageItems, mergePagesMin, runsMerged } from "../../src/limits.ts";
import { LookUpIndex } from "../../src/log/look_up_index.ts";
import { dueOf, Merge } from "../../src/log/merge.ts";
import type { Run } from "../../src/log/run.ts";
import { rangesOf } from "../../src/log/run.ts";
import { Log } from "../../src/log/log.ts";
import { decodePointer } from "../../src/log/stored.ts";
import type { Storage, StorageKey, Write } from "../../src/log/storage.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import type { KeyRange } from "../../src/log/unused.ts";
import { takeKeys } from "../../src/log/unused.ts";
import type { Disk } from "./disks.ts";
import { CrashingStorage, disks, keysOf, makeMemory, valueOf } from "./disks.ts";
import {
  append,
  checkpoint,
  keyed,
  keyOf,
  noContext,
  openLog,
  paymentId,
  prepared,
} from "./records.ts";
import { stateOf } from "./records.ts";

async function commit(
  storage: Storage,
  writes: Iterable<Write> | AsyncIterable<Write>,
): Promise<number> {
  let count = 0;
  for await (const write of writes) {
    await storage.commit([write]);
    count++;
  }
  return count;
}

/** In an order that is not that of their entries. */
function mixed(n: number): number {
  return (n * 7_919) % 100_003;
}

/** A run of `size` keys, the `number`th. */
async function addRun(index: LookUpIndex, storage: Storage, number: number, size: number) {
  for (let i = 0; i < size; i++) index.add([keyed(mixed((number - 1) * size + i))], number);
  await commit(storage, index.freeze(number, 0));
}

async function assertFinds(index: LookUpIndex, runs: number, size: number, step = 1) {
  for (let n = 0; n < runs * size; n += step) {
    assertEquals(await index.find(keyOf(mixed(n))), [Math.floor(n / size) + 1]);
  }
  assertEquals(await index.find(keyOf(100_003)), []);
}

Deno.test("LookUpIndex has few runs of keys, however many checkpoints there were", async () => {
  const storage = new MemoryStorage();
  const index = new LookUpIndex(storage);
  const checkpoints = runsMerged ** 3 + 5;
  for (let number = 1; number <= checkpoints; number++) {
    await addRun(index, storage, number, 2);
    await commit(storage, index.merge());
    index.thaw();
    assert(index.names.keys.length <= 3 * runsMerged, `${index.names.keys.length} runs`);
  }
  await assertFinds(index, checkpoints, 2);
  const levels = index.names.keys.map(({ level }) => level);
  assertEquals(levels, levels.toSorted((a, b) => b - a));
  assertEquals(levels[0], 3);

  const again = new LookUpIndex(storage);
  await again.open(index.names);
  assertEquals(again.runs, index.runs);
  await assertFinds(again, checkpoints, 2);
});

Deno.test("LookUpIndex keeps all runs of payments, and names the last", async () => {
  const storage = new MemoryStorage();
  const index = new LookUpIndex(storage);
  const checkpoints = 24;
  for (let number = 1; number <= checkpoints; number++) {
    // A checkpoint without any has no run.
    if (number % 5 > 0) index.add([prepared(number), prepared(1)], number);
    await commit(storage, index.freeze(number, 0));
    await commit(storage, index.merge());
    index.thaw();
  }
  assertEquals(index.names, { payments: checkpoints, keys: [], late: [] });
  const again = new LookUpIndex(storage);
  await again.open(index.names);
  assertEquals(again.runs.map(({ after, number }) => [after, number]).slice(3, 5), [[3, 4], [
    4,
    6,
  ]]);
  assertEquals(again.runs, index.runs);
  assertEquals(await again.find(paymentId(7)), [7]);
  assertEquals((await again.find(paymentId(1))).length, checkpoints - 4);
});

/** A merge takes several checkpoints: each run has so many keys. */
const manyKeys = indexPageItems * (Math.ceil(mergePagesMin / runsMerged) + 4);

Deno.test("LookUpIndex finds what is being merged, over several checkpoints and a crash", async () => {
  const storage = new MemoryStorage();
  let index = new LookUpIndex(storage);
  let number = 1;
  for (; number <= runsMerged; number++) {
    await addRun(index, storage, number, manyKeys);
    index.thaw();
  }
  const runs = runsMerged;
  for (const isCrash of [false, true, false, false]) {
    const count = await commit(storage, index.merge());
    assert(isCrash || count > 0);
    await assertFinds(index, runs, manyKeys, 101);
    const { names } = index;
    if (isCrash) {
      index = new LookUpIndex(storage);
      await index.open(names);
    } else index.thaw();
    await assertFinds(index, runs, manyKeys, 101);
  }
  assertEquals(index.names.keys, [{ number: runs, level: 1 }]);
});

Deno.test("LookUpIndex goes on merging short runs while long ones are merged", async () => {
  const storage = new MemoryStorage();
  const index = new LookUpIndex(storage);
  // As many as make a level of long runs, and with each checkpoint too few pages to be done with these.
  const long = 20 * mergePagesMin * indexPageItems / runsMerged;
  let number = 0;
  const add = async (size: number) => {
    for (let i = 0; i < size; i++) index.add([keyed(number * 100_000 + mixed(i))], number + 1);
    await commit(storage, index.freeze(++number, 0));
    await commit(storage, index.merge());
    index.thaw();
  };
  const countOf = (level: number) => index.names.keys.filter((run) => run.level === level).length;
  while (countOf(1) < runsMerged) await add(long / runsMerged);
  const shorts: number[] = [];
  while (countOf(2) === 0) {
    await add(1);
    shorts.push(countOf(0));
  }
  assert(shorts.length >= runsMerged * 2, `${shorts.length} checkpoints`);
  assert(shorts.every((count) => count < 3 * runsMerged), shorts.join());
});

Deno.test("LookUpIndex has few runs of keys also where its node is started often", async () => {
  const storage = new MemoryStorage();
  let index = new LookUpIndex(storage);
  const keys = indexPageItems * 20;
  for (let number = 1; number <= 240; number++) {
    await addRun(index, storage, number, keys);
    await commit(storage, index.merge());
    index.thaw();
    if (number % 5 > 0) continue;
    const { names } = index;
    index = new LookUpIndex(storage);
    await index.open(names);
  }
  assert(index.names.keys.length <= 16, `${index.names.keys.length} runs`);
});

Deno.test("Merge does as much as a checkpoint may, and ends with what its inputs have", async () => {
  const storage = new MemoryStorage();
  const index = new LookUpIndex(storage);
  for (let number = 1; number <= runsMerged; number++) {
    await addRun(index, storage, number, manyKeys);
    index.thaw();
    assertEquals(dueOf(index.runs).length, number === runsMerged ? 1 : 0);
  }
  const merge = new Merge(storage, dueOf(index.runs)[0]!);
  let pages = 0;
  while (!merge.output) {
    const writes = await Array.fromAsync(merge.writes(10));
    if (!merge.output) assertEquals(writes.length, 10);
    pages += writes.filter(({ key }) => key[0] === "page").length;
  }
  assertEquals(pages, Math.ceil(runsMerged * manyKeys / indexPageItems));
  assertEquals(merge.output.firsts.length, 16 * pages);
  assertEquals([merge.output.after, merge.output.number], [0, runsMerged]);
});

Deno.test("takeKeys() takes as many as it may, over ranges, and leaves the rest", () => {
  const ranges: KeyRange[] = [
    { prefix: ["state", 3], first: 1, end: 3 },
    { prefix: ["page", 1, 2, 0], first: 0, end: 2 },
  ];
  const all: StorageKey[] = [
    ["state", 3, 1],
    ["state", 3, 2],
    ["page", 1, 2, 0, 0],
    ["page", 1, 2, 0, 1],
  ];
  for (let max = 0; max <= 5; max++) {
    const { keys, left } = takeKeys(ranges, max);
    assertEquals(keys, all.slice(0, max));
    assertEquals(takeKeys(left, 9).keys, all.slice(max));
  }
});

/** All keys of the storage but those of entries. */
async function storedKeys(disk: Disk): Promise<StorageKey[]> {
  const keys = await Promise.all(["state", "run", "page"].map((word) => keysOf(disk, word)));
  return keys.flat();
}

/** What the latest checkpoint reads. */
async function assertNothingElse(disk: Disk): Promise<void> {
  const pointer = decodePointer(await valueOf(disk, ["checkpoint"]));
  const { log } = await openLog(disk);
  const ranges: KeyRange[] = log.runs.flatMap((run: Run) => rangesOf(run));
  log.close();
  for (const { number, pieces } of pointer.layers) {
    const end = pieces + (number === pointer.number ? pointer.restPieces : 0);
    ranges.push({ prefix: ["state", number], first: 0, end });
  }
  const named = takeKeys(ranges, Infinity).keys.map((key) => key.join());
  assertEquals((await storedKeys(disk)).map((key) => key.join()).sort(), named.toSorted());
}

/** An entry with a key, and a checkpoint. */
async function addKey(log: Log, n: number): Promise<void> {
  await append(log, prepared(n), keyed(n));
  await checkpoint(log, stateOf([[noContext, prepared(n)]]));
}

for (const [name, make] of disks) {
  Deno.test(`${name}: of many checkpoints only what the last one reads is left`, async () => {
    await using disk = await make();
    for (let n = 0; n < 2 * runsMerged + 3; n++) {
      const { log } = await openLog(disk);
      await addKey(log, n);
      log.close();
      await assertNothingElse(disk);
    }
  });
}

Deno.test("a crash at any commit of a checkpoint leaves nothing for good, and loses nothing", async () => {
  const before = runsMerged - 1;
  let crashes = 0;
  for (let commitsMax = 0;; commitsMax++) {
    await using disk = await makeMemory();
    const { log } = await openLog(disk);
    for (let n = 0; n < before; n++) await addKey(log, n);
    log.close();

    const storage = new CrashingStorage(await disk.open(), commitsMax);
    const crashing = await Log.open(storage);
    await crashing.replay(() => {});
    let hasCrashed = false;
    let appended = 0;
    try {
      // The first of them makes a merge due, which the second finishes.
      for (; appended < 2; appended++) await addKey(crashing, before + appended);
    } catch {
      hasCrashed = true;
      crashes++;
    }
    storage.close();

    const { log: again } = await openLog(disk);
    const known = before + appended;
    for (let n = 0; n < known; n++) {
      assertEquals((await again.lookUp(keyOf(n))).length, 1);
      assertEquals((await again.lookUp(paymentId(n))).length, 1);
    }
    for (let n = 0; n < 2; n++) await addKey(again, before + 2 + n);
    again.close();
    await assertNothingElse(disk);
    if (!hasCrashed) break;
  }
  assert(crashes > 8, `${crashes} crashes`);
});

/** Reads of pages wait until they are let go. */
class SlowPages extends CrashingStorage {
  waits: (() => void)[] = [];
  isSlow = false;

  override async get(key: StorageKey): Promise<Uint8Array | undefined> {
    if (this.isSlow && key[0] === "page") {
      await new Promise<void>((resolve) => this.waits.push(resolve));
    }
    return await super.get(key);
  }
}

Deno.test("a look-up finds what it began to read, though it was merged meanwhile", async () => {
  const storage = new SlowPages(new MemoryStorage());
  const log = await Log.open(storage);
  await log.replay(() => {});
  for (let n = 0; n < runsMerged; n++) await addKey(log, n);
  await append(log, keyed(90));
  const begun = log.beginCheckpoint(stateOf([]));
  await log.writeCheckpoint(begun);
  await append(log, begun.record);
  storage.isSlow = true;
  const found = Promise.all([1, 90].map((n) => log.lookUp(keyOf(n))));
  const finished = log.finishCheckpoint(begun);
  await new Promise((resolve) => setTimeout(resolve, 10));
  storage.isSlow = false;
  for (const letGo of storage.waits) letGo();
  // Also what was being written as it began, and is in a run by now.
  assertEquals((await found).map(({ length }) => length), [1, 1]);
  await finished;
  assertEquals(log.runs.filter(({ kind }) => kind === 1).map(({ level }) => level), [1, 0]);
  assertEquals((await log.lookUp(keyOf(1))).length, 1);
});
