/** The look-up index by itself, where a log would take too long to get there. */

import { assert, assertEquals } from "@std/assert";
import { entryPartBytesMax, indexPageItems } from "../../src/limits.ts";
import { LookUpIndex } from "../../src/log/look_up_index.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { paymentId, posted } from "./records.ts";

Deno.test("LookUpIndex finds payments in a run whose pages do not fit one value", async () => {
  const storage = new MemoryStorage();
  const index = new LookUpIndex(storage);
  // The keys of so many pages fill three values; with the digest in it the last is begun.
  const count = Math.ceil(entryPartBytesMax / 16) * 2 * indexPageItems + 1;
  for (let n = 0; n < count; n++) index.add([posted(n * 2)], 1 + n % 3);
  const writes = [...index.freeze(9)];
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
    await storage.commit([...index.freeze(entries.length)]);

    index.thaw();
    const again = new LookUpIndex(storage);
    await again.open(index.names);
    assertEquals(await again.find(paymentId(1_000)), entries);
    for (let n = 0; n < before; n++) assertEquals(await again.find(paymentId(n)), [1]);
    assertEquals(await again.find(paymentId(2_000)), [1]);
    assertEquals(await again.find(paymentId(1_999)), []);
  });
}
