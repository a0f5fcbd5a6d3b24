/** The look-up index by itself, where a log would take too long to get there. */

import { assert, assertEquals } from "@std/assert";
import { entryPartBytesMax, indexPageItems } from "../../src/limits.ts";
import { LookUpIndex } from "../../src/log/look_up_index.ts";
import type { StorageKey } from "../../src/log/storage.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { paymentId, posted } from "./records.ts";

Deno.test("LookUpIndex finds payments in a run whose pages do not fit one value", async () => {
  const storage = new MemoryStorage();
  const index = new LookUpIndex(storage);
  // The keys of so many pages fill three values; with the digest in it the last is begun.
  const count = Math.ceil(entryPartBytesMax / 16) * 2 * indexPageItems + 1;
  for (let n = 0; n < count; n++) index.add([posted(n * 2)], 1 + n % 3);
  const writes = [...index.freeze(9, 0)];
  for (const write of writes) await storage.commit([write]);
  assertEquals(writes.filter(({ key }) => key[0] === "run").length, 3);
  for (const { key, value } of writes) assert(value!.length <= entryPartBytesMax, key.join());

  index.thaw();
  const again = new LookUpIndex(storage);
  await again.open(index.names);
  assertEquals(again.mark, paymentId((count - 1) * 2));
  for (const n of [0, 1, 255, 256, 500_000, count - 2, count - 1]) {
    assertEquals(await again.find(paymentId(n * 2)), [1 + n % 3]);
    assertEquals(await again.find(paymentId(n * 2 + 1)), []);
  }
});

for (const before of [0, 1, indexPageItems - 1, indexPageItems, indexPageItems + 1]) {
  Deno.test(`LookUpIndex finds all entries of a payment over several pages, after ${before}`, async () => {
    const storage = new MemoryStorage();
    const index = new LookUpIndex(storage);
    for (let n = 0; n < before; n++) index.add([posted(n)], 1);
    const entries = Array.from({ length: indexPageItems * 2 + 9 }, (_, i) => i + 1);
    for (const number of entries) index.add([posted(1_000)], number);
    index.add([posted(2_000)], 1);
    await storage.commit([...index.freeze(entries.length, 0)]);

    index.thaw();
    const again = new LookUpIndex(storage);
    await again.open(index.names);
    assertEquals(await again.find(paymentId(1_000)), entries);
    for (let n = 0; n < before; n++) assertEquals(await again.find(paymentId(n)), [1]);
    assertEquals(await again.find(paymentId(2_000)), [1]);
    assertEquals(await again.find(paymentId(1_999)), []);
  });
}

Deno.test("LookUpIndex finds what came before and after a checkpoint that failed", async () => {
  const storage = new MemoryStorage();
  const index = new LookUpIndex(storage);
  // More than are sorted in at a time, and some of both.
  const count = 3_000;
  for (let n = 0; n < count; n++) index.add([posted(n)], 1 + (n >> 10));
  for (const _ of index.freeze(3, 0));
  for (let n = 0; n < count; n += 2) index.add([posted(n)], 4);
  index.add([posted(count)], 5);
  const expected = (n: number) => n === count ? [5] : [1 + (n >> 10), ...n % 2 === 0 ? [4] : []];
  for (const n of [0, 1, 1_023, 1_024, count - 1, count]) {
    assertEquals(await index.find(paymentId(n)), expected(n));
  }
  for (const write of index.freeze(5, 0)) await storage.commit([write]);
  index.thaw();
  const again = new LookUpIndex(storage);
  await again.open(index.names);
  for (let n = 0; n <= count; n++) assertEquals(await again.find(paymentId(n)), expected(n));
});

/** Counts what is read of pages. */
class CountingStorage extends MemoryStorage {
  pages = 0;

  override get(key: StorageKey): Promise<Uint8Array | undefined> {
    if (key[0] === "page") this.pages++;
    return super.get(key);
  }
}

/** A checkpoint each second with a thousand payments, and those that `others` gives. */
async function playSeconds(
  seconds: number,
  others: (second: number) => readonly number[],
): Promise<{ index: LookUpIndex; storage: CountingStorage }> {
  const storage = new CountingStorage();
  const index = new LookUpIndex(storage);
  for (let second = 1; second <= seconds; second++) {
    for (let n = 0; n < 1_000; n += 2) index.add([posted((second - 1) * 1_000 + n)], second);
    for (const n of others(second)) index.add([posted(n)], second);
    for (const write of index.freeze(second, second * 1_000)) await storage.commit([write]);
    for await (const write of index.merge()) await storage.commit([write]);
    index.thaw();
  }
  return { index, storage };
}

async function pagesReadFor(
  { index, storage }: { index: LookUpIndex; storage: CountingStorage },
  id: number,
  found: readonly number[],
): Promise<number> {
  storage.pages = 0;
  assertEquals(await index.find(paymentId(id)), found);
  return storage.pages;
}

Deno.test("LookUpIndex reads few pages, however old the ids are that come with each checkpoint", async () => {
  const seconds = 100;
  const played = await playSeconds(seconds, (second) => [second * 2 + 1]);
  const again = new LookUpIndex(played.storage);
  await again.open(played.index.names);
  assertEquals(again.runs, played.index.runs);
  for (const index of [played.index, again]) {
    const one = { ...played, index };
    assert(index.names.late.length <= 9, `${index.names.late.length} runs`);
    for (const second of [2, 3, 50, seconds]) {
      const read = await pagesReadFor(one, second * 2 + 1, [second]);
      assert(read <= 10, `${read} pages for an old id`);
      assertEquals(await pagesReadFor(one, second * 1_000 - 500, [second]), 1);
    }
    assert(await pagesReadFor(one, 501, []) <= 10);
  }
});

Deno.test("LookUpIndex reads few pages where some ids are made by a clock that is ahead", async () => {
  const ahead = (second: number) => [second * 1_000 + 50_001];
  const played = await playSeconds(100, ahead);
  let read = 0;
  // All runs that reach so far are among those with filters.
  for (let n = 90_000; n < 100_000; n += 100) read += await pagesReadFor(played, n + 3, []);
  assert(read < 100, `${read} pages for 100 ids that are new`);
  assertEquals(await pagesReadFor(played, ahead(77)[0]!, [77]) >= 1, true);
  assertEquals(played.index.mark, paymentId(ahead(100)[0]!));
});
