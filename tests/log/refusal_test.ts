/** What a log must not be opened with: replay names what is wrong and gives up. */

import { assertEquals, assertRejects } from "@std/assert";
import { IntegrityError } from "../../src/errors.ts";
import { indexPageItems } from "../../src/limits.ts";
import { decodePointer, encodePointer } from "../../src/log/stored.ts";
import type { StorageKey, Write } from "../../src/log/storage.ts";
import { sha256 } from "../../src/sha256.ts";
import type { Disk } from "./disks.ts";
import { disks, edit, keysOf, valueOf } from "./disks.ts";
import {
  append,
  checkpoint,
  keyed,
  noContext,
  openLog,
  paymentId,
  prepared,
  stateOf,
} from "./records.ts";

/** Five entries, the last three after a checkpoint; the fourth in two parts. */
async function write(disk: Disk): Promise<void> {
  const { log } = await openLog(disk);
  await append(log, prepared(1), keyed(1));
  await append(log, prepared(2));
  await checkpoint(log, stateOf([[noContext, prepared(1)], [noContext, prepared(2)]]));
  await append(log, ...Array.from({ length: 60 }, (_, i) => prepared(10 + i, 64)));
  await append(log, prepared(4));
  log.close();
}

async function flipped(disk: Disk, key: Write["key"], at: number): Promise<Write> {
  const value = await valueOf(disk, key);
  value[at < 0 ? value.length + at : at]! ^= 1;
  return { key, value };
}

async function entryKey(disk: Disk, number: number, part: number): Promise<Write> {
  return { key: ["entry", number, part], value: await valueOf(disk, ["entry", number, part]) };
}

/** A run's directory that says another entry after which its items begin, with its digest. */
function directoryAfter(after: number, directory: Uint8Array): Uint8Array {
  const bytes = directory.slice(0, -16);
  bytes[0] = after;
  return new Uint8Array([...bytes, ...sha256(bytes).subarray(0, 16)]);
}

/** As an entry that fits one part is stored: its length, its hash, its bytes. */
function sealed(bytes: Uint8Array): Uint8Array {
  const value = new Uint8Array(40 + bytes.length);
  new DataView(value.buffer).setFloat64(0, bytes.length);
  value.set(sha256(bytes), 8);
  value.set(bytes, 40);
  return value;
}

const changes: [claim: string, change: (disk: Disk) => Promise<Write[]>, named: string][] = [
  [
    "a missing entry",
    () => Promise.resolve([{ key: ["entry", 4, 0] }, { key: ["entry", 4, 1] }]),
    "Entry 4 of the log is missing",
  ],
  [
    "an entry without its first part",
    () => Promise.resolve([{ key: ["entry", 4, 0] }]),
    "Entry 4 of the log is missing in part",
  ],
  [
    "an entry without its last part",
    () => Promise.resolve([{ key: ["entry", 4, 1] }]),
    "Entry 4 of the log is missing in part",
  ],
  [
    "a last entry without its last part",
    () => Promise.resolve([{ key: ["entry", 4, 1] }, { key: ["entry", 5, 0] }]),
    "Entry 4 of the log is missing in part",
  ],
  [
    "a changed byte of an entry",
    async (disk) => [await flipped(disk, ["entry", 5, 0], -1)],
    "Entry 5 of the log is not what was written",
  ],
  [
    "a changed byte in a later part",
    async (disk) => [await flipped(disk, ["entry", 4, 1], 100)],
    "Entry 4 of the log is not what was written",
  ],
  [
    "a changed hash of an entry",
    async (disk) => [await flipped(disk, ["entry", 5, 0], 8)],
    "Entry 5 of the log is not what was written",
  ],
  [
    "an entry cut to nothing",
    () => Promise.resolve([{ key: ["entry", 5, 0], value: new Uint8Array(3) }]),
    "Entry 5 of the log",
  ],
  [
    "an entry of another format",
    () => Promise.resolve([{ key: ["entry", 5, 0], value: sealed(new Uint8Array([9, 9])) }]),
    "Entry 5 of the log: entry of version 9",
  ],
  [
    "entries in another order",
    async (disk) => [
      { ...await entryKey(disk, 3, 0), key: ["entry", 5, 0] },
      { ...await entryKey(disk, 5, 0), key: ["entry", 3, 0] },
    ],
    "Entry 3 of the log does not follow",
  ],
  [
    "an entry twice",
    async (disk) => [{ ...await entryKey(disk, 5, 0), key: ["entry", 6, 0] }],
    "Entry 6 of the log does not follow",
  ],
  [
    "a tail cut off while the head remains",
    () => Promise.resolve([{ key: ["entry", 5, 0] }]),
    "The log ends at entry 4, but its head is entry 5",
  ],
  [
    "a tail cut off together with the head, up to before the checkpoint was confirmed",
    async (disk) => {
      const { log } = await openLog(disk);
      const hash = (await log.hashOf(2))!;
      log.close();
      const keys = (await keysOf(disk, "entry")).filter((key) => (key[1] as number) > 2);
      const head = new Uint8Array([2, ...hash]);
      return [{ key: ["head"], value: head }, ...keys.map((key) => ({ key }))];
    },
    "The checkpoint at entry 2 is not confirmed",
  ],
  [
    "a changed head",
    async (disk) => [await flipped(disk, ["head"], 10)],
    "its head is entry 5",
  ],
  ["a damaged head", () => Promise.resolve([{ key: ["head"], value: new Uint8Array(2) }]), "head"],
  ["a missing head", () => Promise.resolve([{ key: ["head"] }]), "its head is entry 0"],
  [
    "a changed piece of the checkpoint",
    // Before the marks of a proof and a card that are not there: an amount.
    async (disk) => [await flipped(disk, ["state", 2, 0], -3)],
    "The checkpoint at entry 2 is not what was written",
  ],
  [
    "a piece of the checkpoint that is no state",
    () => Promise.resolve([{ key: ["state", 2, 0], value: new Uint8Array([255, 255]) }]),
    "The checkpoint at entry 2:",
  ],
  [
    "a missing piece of the checkpoint",
    () => Promise.resolve([{ key: ["state", 2, 0] }]),
    "The checkpoint at entry 2 lacks its piece 0",
  ],
  [
    "a checkpoint that stands at another entry",
    async (disk) => {
      const pointer = decodePointer(await valueOf(disk, ["checkpoint"]));
      const value = encodePointer({ ...pointer, entryHash: new Uint8Array(32) });
      return [{ key: ["checkpoint"], value }];
    },
    "Entry 3 of the log does not follow",
  ],
  [
    "a damaged pointer to the checkpoint",
    () => Promise.resolve([{ key: ["checkpoint"], value: new Uint8Array(2) }]),
    "checkpoint",
  ],
  [
    "a changed bit of the pointer to the checkpoint",
    async (disk) => [await flipped(disk, ["checkpoint"], -30)],
    "the pointer to the checkpoint is damaged",
  ],
  [
    "a damaged run of the index",
    async (disk) => [await flipped(disk, ["run", 0, 2, 0, 0], 4)],
    "run 2 of the look-up index is damaged",
  ],
  [
    "a missing run of the index",
    () => Promise.resolve([{ key: ["run", 0, 2, 0, 0] }]),
    "run 2 of the look-up index is missing",
  ],
  [
    "a missing run of idempotency keys",
    () => Promise.resolve([{ key: ["run", 1, 2, 0, 0] }]),
    "run 2 of the look-up index is missing",
  ],
  [
    "a run of the index that comes after itself",
    async (disk) => {
      const key: StorageKey = ["run", 0, 2, 0, 0];
      return [{ key, value: directoryAfter(2, await valueOf(disk, key)) }];
    },
    "run 2 of the look-up index begins after its end",
  ],
];

for (const [name, make] of disks) {
  for (const [claim, change, named] of changes) {
    Deno.test(`${name}: replay() refuses ${claim}`, async () => {
      await using disk = await make();
      await write(disk);
      await edit(disk, ...await change(disk));
      await assertRejects(() => openLog(disk), IntegrityError, named);
    });
  }

  Deno.test(`${name}: replay() refuses a checkpoint that no entry confirms`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    await append(log, prepared(1));
    const begun = log.beginCheckpoint(stateOf([[noContext, prepared(1)]]));
    await log.writeCheckpoint(begun);
    await append(log, { ...begun.record, hash: "ab".repeat(32) });
    await log.finishCheckpoint(begun);
    log.close();
    const named = "The checkpoint at entry 1 is not confirmed";
    await assertRejects(() => openLog(disk), IntegrityError, named);
  });

  Deno.test(`${name}: replay() can't see a tail cut off together with the head: its peers do`, async () => {
    await using disk = await make();
    await write(disk);
    const { log } = await openLog(disk);
    const hash = (await log.hashOf(4))!;
    log.close();
    const head = new Uint8Array([4, ...hash]);
    await edit(disk, { key: ["head"], value: head }, { key: ["entry", 5, 0] });
    const { log: shorter } = await openLog(disk);
    assertEquals(shorter.head.number, 4);
    shorter.close();
  });

  Deno.test(`${name}: lookUp() refuses a damaged page, rather than find nothing there`, async () => {
    await using disk = await make();
    await write(disk);
    const [key] = await keysOf(disk, "page");
    await edit(disk, await flipped(disk, key!, 17));
    const { log } = await openLog(disk);
    const named = "a page of the look-up index is damaged";
    await assertRejects(() => log.lookUp(paymentId(1)), IntegrityError, named);
    log.close();
  });

  Deno.test(`${name}: lookUp() refuses a missing page, rather than find nothing there`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    const payments = Array.from({ length: indexPageItems * 3 }, (_, i) => prepared(i));
    await append(log, ...payments);
    await checkpoint(log, stateOf([]));
    log.close();
    const pages = await keysOf(disk, "page");
    assertEquals(pages.length, 3);
    for (const [page, key] of pages.entries()) {
      const value = await valueOf(disk, key);
      await edit(disk, { key });
      const { log } = await openLog(disk);
      const named = "a page of the look-up index is missing";
      const lost = paymentId(indexPageItems * page + 7);
      await assertRejects(() => log.lookUp(lost), IntegrityError, named);
      log.close();
      await edit(disk, { key, value });
    }
  });

  Deno.test(`${name}: lookUp() refuses exchanged pages, rather than find nothing there`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    await append(log, ...Array.from({ length: indexPageItems * 2 }, (_, i) => prepared(i)));
    await checkpoint(log, stateOf([]));
    log.close();
    const [first, second] = await keysOf(disk, "page") as [StorageKey, StorageKey];
    const values = [await valueOf(disk, first), await valueOf(disk, second)];
    await edit(disk, { key: first, value: values[1] }, { key: second, value: values[0] });
    const { log: changed } = await openLog(disk);
    const named = "a page of the look-up index is another than was written there";
    await assertRejects(() => changed.lookUp(paymentId(7)), IntegrityError, named);
    changed.close();
  });

  Deno.test(`${name}: entry() refuses an entry from before the checkpoint that is another`, async () => {
    await using disk = await make();
    await write(disk);
    await edit(disk, { ...await entryKey(disk, 2, 0), key: ["entry", 1, 0] });
    const { log } = await openLog(disk);
    await assertRejects(() => log.lookUp(paymentId(1)), IntegrityError, "in truth entry 2");
    log.close();
  });
  Deno.test(`${name}: entry() refuses an entry from before the checkpoint of another format`, async () => {
    await using disk = await make();
    await write(disk);
    await edit(disk, { key: ["entry", 1, 0], value: sealed(new Uint8Array([9, 9])) });
    const { log } = await openLog(disk);
    await assertRejects(
      () => log.entry(1),
      IntegrityError,
      "Entry 1 of the log: entry of version 9",
    );
    log.close();
  });
}
