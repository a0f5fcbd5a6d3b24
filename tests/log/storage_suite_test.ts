/** What every storage does, by one suite for all of them. */

import { assertEquals, assertRejects } from "@std/assert";
import { IntegrityError } from "../../src/errors.ts";
import { kvCommitMutationsMax } from "../../src/limits.ts";
import type { StorageKey, StoredValue } from "../../src/log/storage.ts";
import { disks } from "./disks.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const keys = (values: readonly StoredValue[]) => values.map(({ key }) => key);

for (const [name, make] of disks) {
  Deno.test(`${name}.get() gives back what was committed, also to the next owner`, async () => {
    await using disk = await make();
    const first = await disk.open();
    assertEquals(await first.get(["head"]), undefined);
    await first.commit([{ key: ["head"], value: bytes(1) }, {
      key: ["entry", 1, 0],
      value: bytes(2),
    }]);
    assertEquals(await first.get(["head"]), bytes(1));
    first.close();
    const second = await disk.open();
    assertEquals(await second.get(["entry", 1, 0]), bytes(2));
    second.close();
  });

  Deno.test(`${name}.commit() keeps bytes, not the buffer that they were in`, async () => {
    await using disk = await make();
    const storage = await disk.open();
    const buffer = bytes(9, 1, 2, 9);
    await storage.commit([{ key: ["entry", 1, 0], value: buffer.subarray(1, 3) }]);
    buffer.fill(0);
    assertEquals(await storage.get(["entry", 1, 0]), bytes(1, 2));
    storage.close();
  });

  Deno.test(`${name}.commit() overwrites, and deletes where there is no value`, async () => {
    await using disk = await make();
    const storage = await disk.open();
    await storage.commit([{ key: ["a"], value: bytes(1) }, { key: ["b"], value: bytes(1) }]);
    await storage.commit([{ key: ["a"], value: bytes(2) }, { key: ["b"] }, { key: ["c"] }]);
    assertEquals(await storage.get(["a"]), bytes(2));
    assertEquals(await storage.get(["b"]), undefined);
    storage.close();
  });

  Deno.test(`${name}.listFrom() lists by number, not by digits, and stays with its word`, async () => {
    await using disk = await make();
    const storage = await disk.open();
    const order: StorageKey[] = [["entry", 2, 0], ["entry", 2, 1], ["entry", 10, 0], [
      "entry",
      300,
      0,
    ]];
    const others: StorageKey[] = [["entries"], ["head"], ["run", 2]];
    for (const key of [...order, ...others].toReversed()) {
      await storage.commit([{ key, value: bytes(1) }]);
    }
    const list = (from: StorageKey) => Array.fromAsync(storage.listFrom("entry", from));
    assertEquals(keys(await list(["entry"])), order);
    assertEquals(keys(await list(["entry", 2, 1])), order.slice(1));
    assertEquals(keys(await list(["entry", 3])), order.slice(2));
    assertEquals(await list(["entry", 301]), []);
    storage.close();
  });

  Deno.test(`${name}.listFrom() lists more than one batch`, async () => {
    await using disk = await make();
    const storage = await disk.open();
    for (let from = 0; from < 2_500; from += 500) {
      await storage.commit(
        Array.from(
          { length: 500 },
          (_, i) => ({ key: ["entry", from + i], value: bytes(i % 256) }),
        ),
      );
    }
    const listed = await Array.fromAsync(storage.listFrom("entry", ["entry", 3]));
    assertEquals(listed.length, 2_497);
    assertEquals(listed.at(-1)!.key, ["entry", 2_499]);
    storage.close();
  });

  Deno.test(`${name}.commit() refuses more writes than Deno KV takes, and does none of them`, async () => {
    await using disk = await make();
    const storage = await disk.open();
    const writes = Array.from({ length: kvCommitMutationsMax + 1 }, (_, i) => (
      { key: ["entry", i] as const, value: bytes(1) }
    ));
    await assertRejects(() => storage.commit(writes), RangeError);
    assertEquals(await storage.get(["entry", 0]), undefined);
    await storage.commit(writes.slice(1));
    storage.close();
  });

  Deno.test(`${name}.commit() of the head fails after another owner's, and does nothing`, async () => {
    await using disk = await make();
    const first = await disk.open();
    await first.commit([{ key: ["head"], value: bytes(1) }]);
    const second = await disk.open();
    await second.commit([{ key: ["head"], value: bytes(2) }]);
    const writes = [{ key: ["entry", 9, 0] as const, value: bytes(3) }];
    const late = () => first.commit([{ key: ["head"], value: bytes(3) }, ...writes]);
    await assertRejects(late, IntegrityError, "another process");
    await assertRejects(late, IntegrityError, "another process");
    assertEquals(await second.get(["head"]), bytes(2));
    assertEquals(await second.get(["entry", 9, 0]), undefined);
    await second.commit([{ key: ["head"], value: bytes(4) }]);
    first.close();
    second.close();
  });

  Deno.test(`${name}.commit() of a first head fails where another owner was first`, async () => {
    await using disk = await make();
    const first = await disk.open();
    const second = await disk.open();
    await second.commit([{ key: ["head"], value: bytes(2) }]);
    const late = () => first.commit([{ key: ["head"], value: bytes(1) }]);
    await assertRejects(late, IntegrityError, "another process");
    first.close();
    second.close();
  });
}
