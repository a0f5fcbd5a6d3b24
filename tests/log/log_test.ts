/** What a log does on every storage. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { toHex } from "../../src/bytes.ts";
import { encodeEntry } from "../../src/codec/record.ts";
import { IntegrityError } from "../../src/errors.ts";
import {
  entryPartBytesMax,
  indexPageItems,
  kvCommitBytesMax,
  kvValueBytesMax,
  operatorLengthMax,
  turnBytesMax,
} from "../../src/limits.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { recordBytesBound } from "../../src/protocol/record_size.ts";
import type { Found } from "../../src/protocol/step.ts";
import { Output } from "../../src/protocol/step.ts";
import { sha256 } from "../../src/sha256.ts";
import {
  clockBiggest,
  committedBiggest,
  orderBiggest,
  transactionLongest,
} from "../codec/samples.ts";
import { CrashingStorage, disks, keysOf } from "./disks.ts";
import {
  append,
  checkpoint,
  contentOf,
  keyed,
  keyOf,
  noContext,
  openLog,
  paymentId,
  posted,
  prepared,
  stateOf,
} from "./records.ts";

const numbers = (found: readonly Found[]) => found.map(([{ number }]) => number);

for (const [name, make] of disks) {
  Deno.test(`${name}: replay() gives back the records in their order, with their entries`, async () => {
    await using disk = await make();
    const { log, found } = await openLog(disk);
    assertEquals(found, []);
    assertEquals(log.head.number, 0);
    await append(log, prepared(1), prepared(2));
    const head = await append(log, posted(1));
    log.close();
    const again = await openLog(disk);
    assertEquals(again.found.map(([, record]) => record), [prepared(1), prepared(2), posted(1)]);
    const { clock, atMs, witnesses } = contentOf(2, []);
    assertEquals(again.found[2]![0], { number: 2, clock, atMs });
    assertEquals(again.log.head, head);
    assertEquals(again.log.clock, clock);
    assertEquals([...again.log.witnesses], [...witnesses]);
    again.log.close();
  });

  Deno.test(`${name}: entries() are chained by the hashes of their bytes`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    for (let i = 1; i <= 3; i++) await append(log, prepared(i));
    let previous = new Uint8Array(32);
    for await (const { entry, hash } of log.entries()) {
      assertEquals(toHex(entry.previous), toHex(previous));
      assertEquals(toHex(hash), toHex(sha256(encodeEntry(entry))));
      assertEquals(await log.hashOf(entry.number), hash);
      previous = hash.slice();
    }
    assertEquals(toHex(log.head.hash), toHex(previous));
    assertEquals(await log.hashOf(0), undefined);
    assertEquals(await log.hashOf(4), undefined);
    assertEquals((await log.entry(2)).records, [prepared(2)]);
    await assertRejects(() => log.entry(4), IntegrityError, "Entry 4");
    log.close();
  });

  Deno.test(`${name}: append() of an entry is one commit, however long it is`, async () => {
    await using disk = await make();
    const storage = new CrashingStorage(await disk.open());
    const log = await Log.open(storage);
    await log.replay(() => {});
    for (let i = 1; i <= 5; i++) await append(log, prepared(i));
    assertEquals(storage.commits, 5);
    await append(log, ...Array.from({ length: 400 }, (_, i) => prepared(i, 64)));
    assertEquals(storage.commits, 6);
    log.close();
  });

  Deno.test(`${name}: append() fails where another owner has written since`, async () => {
    await using disk = await make();
    const { log: first } = await openLog(disk);
    await append(first, prepared(1));
    const { log: second } = await openLog(disk);
    await append(second, prepared(2));
    await assertRejects(() => append(first, prepared(3)), IntegrityError, "another process");
    assertEquals(first.head.number, 1);
    await append(second, prepared(4));
    first.close();
    second.close();
    const { log, found } = await openLog(disk);
    assertEquals(found.map(([, record]) => record), [1, 2, 4].map((n) => prepared(n)));
    log.close();
  });

  Deno.test(`${name}: append() takes as much as a turn holds`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    const records: LogRecord[] = [];
    // A turn stops after the record that passes the bound.
    for (let bytes = 0; bytes < turnBytesMax;) {
      const record = prepared(records.length, 64);
      records.push(record);
      bytes += recordBytesBound(record);
    }
    await append(log, ...records);
    await append(log, posted(1));
    log.close();
    const { log: again, found } = await openLog(disk);
    assertEquals(found.length, records.length + 1);
    assertEquals((await again.entry(1)).records, records);
    const last = records.length - 1;
    assertEquals(numbers(await again.lookUp(paymentId(last))), [1]);
    again.close();
    assert((await keysOf(disk, "entry")).length > turnBytesMax / entryPartBytesMax);
  });

  Deno.test(`${name}: append() takes a full turn that ends with the biggest commit there can be`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    const out = new Output<never>();
    for (let n = 0; out.bytes + recordBytesBound(prepared(n, 64)) < turnBytesMax; n++) {
      out.add(prepared(n, 64), true);
    }
    assert(!out.isFull);
    out.add(committedBiggest, true);
    assert(out.isFull);
    const hash = new Uint8Array(32);
    const witness = { number: Number.MAX_SAFE_INTEGER, hash };
    const witnesses = new Map([...clockBiggest.keys()].map((name) => [name, witness]));
    const { records } = out;
    await append(log, prepared(1));
    const content = { atMs: 2, clock: clockBiggest, witnesses, records };
    // KvStorage on a file refuses by itself what is longer.
    const entry = { number: 2, previous: hash, ...content };
    assert(encodeEntry(entry).length + kvValueBytesMax / 8 < kvCommitBytesMax);
    await log.append(content);
    log.close();
    const { log: again } = await openLog(disk);
    assertEquals((await again.entry(2)).records.length, records.length);
    again.close();
  });

  Deno.test(`${name}: a piece of a checkpoint fits a value, whatever record it ends with`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    await append(log, prepared(1));
    const context = { number: Number.MAX_SAFE_INTEGER, atMs: 2 ** 48, clock: clockBiggest };
    const biggest: LogRecord[] = [
      { type: "committed", transaction: transactionLongest, order: orderBiggest, proofs: [] },
      {
        type: "forced",
        transaction: transactionLongest,
        order: orderBiggest,
        commit: true,
        by: "€".repeat(operatorLengthMax),
      },
    ];
    let most = 0;
    // So that the piece is nearly full at every place where the big one can begin.
    for (const big of biggest) {
      for (let small = 0; small < 200; small++) {
        const state: Found[] = Array.from({ length: small }, (_, n) => [noContext, posted(n)]);
        for (let n = 0; n < 7; n++) state.push([{ ...context, number: context.number - n }, big]);
        for (const { key, value } of log.beginCheckpoint(stateOf(state)).writes()) {
          if (key[0] === "state") most = Math.max(most, value!.length);
        }
      }
    }
    assert(most > entryPartBytesMax, `${most} is no test`);
    assert(most < kvValueBytesMax, `${most} bytes`);
    log.close();
  });

  Deno.test(`${name}: entries that fill their parts exactly, or by one byte not, are read whole`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    const forced = (length: number): LogRecord => {
      const record = prepared(1);
      assert(record.type === "prepared");
      const { transaction, order } = record;
      return { type: "forced", transaction, order, commit: true, by: "x".repeat(length) };
    };
    const sizeOf = (record: LogRecord) =>
      encodeEntry({ number: 1, previous: new Uint8Array(32), ...contentOf(1, [record]) }).length;
    const sealBytes = 40;
    const records: LogRecord[] = [];
    for (const parts of [1, 2, 3]) {
      const fits = parts * entryPartBytesMax - sealBytes;
      const length = fits - (sizeOf(forced(50_000)) - 50_000);
      for (const more of [-1, 0, 1]) records.push(forced(length + more));
    }
    for (const record of records) await append(log, record);
    log.close();
    const { log: again, found } = await openLog(disk);
    assertEquals(found.map(([, record]) => record), records);
    const sizes = records.map((record) => (sizeOf(record) + sealBytes) % entryPartBytesMax);
    assert(sizes.includes(0) && sizes.includes(1), sizes.join());
    for (let i = 0; i < records.length; i++) {
      assertEquals((await again.entry(i + 1)).records, [records[i]!]);
    }
    again.close();
  });

  Deno.test(`${name}: lookUp() finds all entries of a payment and of a key, and no others`, async () => {
    await using disk = await make();
    let { log } = await openLog(disk);
    await append(log, keyed(1), prepared(1), prepared(2));
    await append(log, posted(1), posted(2));
    await append(log, prepared(3), posted(3));
    const check = async () => {
      const found = await log.lookUp(paymentId(1));
      assertEquals(numbers(found), [1, 2]);
      assertEquals(found.map(([, record]) => record), [prepared(1), posted(1)]);
      assertEquals(numbers(await log.lookUp(paymentId(3))), [3, 3]);
      const keys = await log.lookUp(keyOf(1));
      assertEquals(keys.map(([, record]) => record), [keyed(1)]);
      assertEquals(await log.lookUp(paymentId(4)), []);
      assertEquals(await log.lookUp(keyOf(2)), []);
    };
    await check();
    log.close();
    ({ log } = await openLog(disk));
    await check();
    assertEquals(log.mark, "");
    assertEquals(log.indexHasKeys, false);
    await checkpoint(log, stateOf([]));
    await check();
    assertEquals(log.mark, paymentId(3));
    assertEquals(log.indexHasKeys, true);
    log.close();
    ({ log } = await openLog(disk));
    assertEquals(log.mark, paymentId(3));
    assertEquals(log.indexHasKeys, true);
    await check();
    log.close();
  });

  Deno.test(`${name}: lookUp() finds what several runs, memory and an open checkpoint hold`, async () => {
    await using disk = await make();
    let { log } = await openLog(disk);
    const check = async (expected: number[]) =>
      assertEquals(numbers(await log.lookUp(paymentId(5))), expected);
    await append(log, prepared(5));
    await checkpoint(log, stateOf([]));
    await append(log, posted(5));
    await checkpoint(log, stateOf([]));
    await append(log, prepared(5));
    const begun = log.beginCheckpoint(stateOf([]));
    await append(log, posted(5));
    await check([1, 3, 5, 6]);
    await log.writeCheckpoint(begun);
    await append(log, begun.record);
    await check([1, 3, 5, 6]);
    await log.finishCheckpoint(begun);
    await check([1, 3, 5, 6]);
    log.close();
    ({ log } = await openLog(disk));
    await check([1, 3, 5, 6]);
    log.close();
  });

  Deno.test(`${name}: lookUp() finds each of very many, out of order and one of them often`, async () => {
    await using disk = await make();
    let { log } = await openLog(disk);
    const count = indexPageItems * 5;
    // 7 and `count` have no common divisor, so every payment comes once, and not in order.
    const order = Array.from({ length: count }, (_, i) => (i * 7) % count * 2);
    for (let from = 0; from < count; from += 100) {
      await append(log, ...order.slice(from, from + 100).map((n) => prepared(n)), posted(600));
    }
    await checkpoint(log, stateOf([]));
    log.close();
    ({ log } = await openLog(disk));
    for (const n of [0, 2, 510, 512, 514, 1_022, 1_024, 2 * count - 2]) {
      const expected = Math.floor(order.indexOf(n) / 100) + 1;
      assertEquals(numbers(await log.lookUp(paymentId(n))), [expected]);
      assertEquals(await log.lookUp(paymentId(n + 1)), []);
    }
    const often = await log.lookUp(paymentId(600));
    assertEquals(often.length, Math.ceil(count / 100) + 1);
    log.close();
  });

  Deno.test(`${name}: replay() begins with the checkpoint and reads only later entries`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    for (let i = 1; i <= 3; i++) await append(log, prepared(i));
    const state: Found[] = [1, 2, 3].map((n) => [{ ...noContext, number: n }, prepared(n)]);
    await checkpoint(log, stateOf(state));
    const head = await append(log, posted(2));
    log.close();
    const { log: again, found } = await openLog(disk);
    const { hash } = (found.find(([, { type }]) => type === "checkpointed")?.[1] ?? {}) as {
      hash: string;
    };
    const checkpointed: LogRecord = { type: "checkpointed", number: 3, on: 0, hash };
    assertEquals(found.slice(0, 3), state);
    assertEquals(found.slice(3).map(([, record]) => record), [checkpointed, posted(2)]);
    assertEquals(again.checkpointNumber, 3);
    assertEquals(again.head, head);
    assertEquals(again.clock, contentOf(5, []).clock);
    // Entries from before are still there.
    assertEquals((await again.entry(1)).records, [prepared(1)]);
    assert(await again.hashOf(2));
    await append(again, posted(3));
    again.close();
    const last = await openLog(disk);
    assertEquals(last.found.length, 6);
    last.log.close();
  });

  Deno.test(`${name}: finishCheckpoint() deletes the state of the one before`, async () => {
    await using disk = await make();
    const { log } = await openLog(disk);
    await append(log, prepared(1));
    const large: Found[] = Array.from({ length: 200 }, (_, n) => [noContext, prepared(n, 64)]);
    await checkpoint(log, stateOf(large));
    assert((await keysOf(disk, "state")).length > 3);
    await append(log, prepared(2));
    await checkpoint(log, stateOf([[noContext, prepared(2)]]));
    log.close();
    assertEquals(await keysOf(disk, "state"), [["state", 3, 0]]);
  });

  Deno.test(`${name}: a crash between any two steps of a checkpoint loses nothing`, async () => {
    const state: Found[] = Array.from({ length: 400 }, (_, n) => [noContext, prepared(n, 64)]);
    for (let commitsMax = 0, isDone = false; !isDone; commitsMax++) {
      await using disk = await make();
      const { log: before } = await openLog(disk);
      await append(before, prepared(1_000), keyed(1));
      await checkpoint(before, stateOf([[noContext, prepared(1_000)]]));
      await append(before, ...state.map(([, record]) => record));
      before.close();
      const storage = new CrashingStorage(await disk.open(), commitsMax);
      const crashing = await Log.open(storage);
      await crashing.replay(() => {});
      isDone = await checkpoint(crashing, stateOf([[noContext, prepared(1_000)], ...state]))
        .then(() => true, () => false);
      if (isDone) assert(storage.commits >= 5, "too few steps to be a test");
      crashing.close();
      for (let round = 0; round < 2; round++) {
        const { log, found } = await openLog(disk);
        const payments = found.map(([, record]) =>
          record.type === "prepared" ? [record.order.payment] : []
        ).flat();
        assertEquals(new Set(payments).size, 401, `after ${commitsMax} commits`);
        assertEquals(payments.length, 401);
        for (const n of [0, 399]) {
          assertEquals(numbers(await log.lookUp(paymentId(n))), [3]);
        }
        assertEquals(numbers(await log.lookUp(keyOf(1))), [1]);
        // A later one works, whatever the crash left behind.
        if (round === 0) {
          await append(log, posted(1_000));
          await checkpoint(log, stateOf([[noContext, prepared(1_000)], ...state]));
          assertEquals(numbers(await log.lookUp(paymentId(1_000))).length, 2);
        }
        log.close();
      }
    }
  });
}

Deno.test("entry() reads an entry once for all who ask for it at once, and again after a failure", async () => {
  const storage = new MemoryStorage();
  const log = await Log.open(storage);
  await log.replay(() => {});
  await append(log, prepared(1));
  let isDown = true;
  const get = storage.get.bind(storage);
  storage.get = (key) => isDown ? Promise.reject(new Error("no disk")) : get(key);
  await assertRejects(() => log.entry(1), Error, "no disk");
  isDown = false;
  const [one, two] = await Promise.all([log.entry(1), log.entry(1)]);
  assert(one === two);
});
