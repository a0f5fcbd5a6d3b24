/** What an index has must stand where it is looked for: else a payment that was made looks new. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Writer } from "../../src/bytes.ts";
import { undigested, writeDigest } from "../../src/log/digest.ts";
import { Log } from "../../src/log/log.ts";
import type { Item } from "../../src/log/run.ts";
import { keyBytes, readPage } from "../../src/log/run.ts";
import type { MemoryDisk, StoredValue } from "../../src/log/storage.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { Findings } from "../../src/verify/findings.ts";
import { LookUpCheck } from "../../src/verify/look_ups.ts";
import { append, checkpoint, noContext, paymentId, prepared, stateOf } from "../log/records.ts";

const payments = 2_000;

async function openLog(disk: MemoryDisk): Promise<{ log: Log; storage: MemoryStorage }> {
  const storage = new MemoryStorage(disk);
  const log = await Log.open(storage);
  await log.replay(() => {});
  return { log, storage };
}

async function play(): Promise<MemoryDisk> {
  const disk: MemoryDisk = { values: [], headVersion: 0 };
  const { log } = await openLog(disk);
  await append(log, ...Array.from({ length: payments }, (_, n) => prepared(n)));
  const epoch = { counter: 1, nonce: "0123456789ab" };
  await checkpoint(log, stateOf([[noContext, { type: "started", epoch }]]));
  return disk;
}

async function violationsOf(disk: MemoryDisk): Promise<readonly string[]> {
  const { log, storage } = await openLog(disk);
  const findings = new Findings();
  const check = new LookUpCheck("alice", storage, log.checkpointNumber, findings);
  for await (const { entry } of log.entries()) {
    for (const record of entry.records) check.add(record, entry.number);
    check.endEntry();
  }
  await check.finish(log);
  return findings.report().violations;
}

function pageOf(items: readonly Item[]): Uint8Array {
  const w = new Writer();
  for (const { digits, number } of items) {
    w.hex(digits);
    w.varint(number);
  }
  writeDigest(w);
  return w.slice();
}

function replace(disk: MemoryDisk, { key }: StoredValue, value: Uint8Array): void {
  disk.values = disk.values.map((stored) => stored.key === key ? { key, value } : stored);
}

/** As one would who wants a payment to be made again: digests are made anew, and nothing is lost. */
const hidings: readonly [what: string, payment: number, hide: (disk: MemoryDisk) => void][] = [
  ["behind the end of its run", payments - 1, (disk) => {
    const stored = disk.values.find(({ key }) => key[0] === "run")!;
    const w = new Writer();
    const before = undigested(stored.value, "the run");
    w.raw(before.subarray(0, before.length - keyBytes));
    w.hex(paymentId(payments - 3));
    writeDigest(w);
    replace(disk, stored, w.slice());
  }],
  ["on another page", 256 + 77, (disk) => {
    const [, from, to] = disk.values.filter(({ key }) => key[0] === "page");
    const items = [...readPage(from!.value)];
    const moved = items.splice(77, 1);
    replace(disk, from!, pageOf(items));
    replace(disk, to!, pageOf([...readPage(to!.value), ...moved]));
  }],
  ["on a page behind the last", 256 + 77, (disk) => {
    const [, from] = disk.values.filter(({ key }) => key[0] === "page");
    const items = [...readPage(from!.value)];
    const moved = items.splice(77, 1);
    replace(disk, from!, pageOf(items));
    const last = disk.values.findLast(({ key }) => key[0] === "page")!;
    const [word, ...numbers] = last.key;
    const key = [word, ...numbers.slice(0, -1), numbers.at(-1)! + 2] as StoredValue["key"];
    disk.values.splice(disk.values.indexOf(last) + 1, 0, { key, value: pageOf(moved) });
  }],
];

for (const [what, payment, hide] of hidings) {
  Deno.test(`LookUpCheck finds a payment that was hidden ${what}`, async () => {
    const disk = await play();
    assertEquals(await violationsOf(disk), []);
    hide(disk);
    const { log } = await openLog(disk);
    assertEquals(await log.lookUp(paymentId(payment)), []);
    const violations = await violationsOf(disk);
    assert(violations.length > 0);
    assertStringIncludes(violations.join("\n"), "alice: the look-up index");
  });
}
