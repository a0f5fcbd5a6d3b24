/** What verify makes of details: those that stand are their order's, and none is gone unrecorded. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { detailsHashOf, encodeStoredDetails, sealedFor } from "../../src/codec/details.ts";
import { encodeOrder } from "../../src/codec/order.ts";
import { orderStatement } from "../../src/codec/statement.ts";
import { formatVersion } from "../../src/codec/values.ts";
import { Log } from "../../src/log/log.ts";
import type { MemoryDisk, StorageKey, Write } from "../../src/log/storage.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { shownTo } from "../../src/protocol/details.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { LogRecord, Prepared } from "../../src/protocol/record.ts";
import { verifyOpen } from "../../src/verify/mod.ts";
import { network, paymentId, signed, trustOf } from "./scene.ts";

const details = [
  sealedFor("bob", new Uint8Array(304).fill(7)),
  sealedFor("carol", new Uint8Array(304).fill(8)),
];
const stored = shownTo("bob", details)!;

function prepared(n: number): Prepared {
  const order = encodeOrder({
    payment: paymentId(n),
    originator: "alice",
    legs: [
      { account: "main", participant: "alice", amount: -2n, currency: "USD" },
      { account: "main", participant: "bob", amount: 1n, currency: "USD" },
      { account: "main", participant: "carol", amount: 1n, currency: "USD" },
    ],
    detailsHash: detailsHashOf(details),
  });
  const transaction = `1-000000000001-${n}` as TransactionId;
  const proof = signed("alice", orderStatement(order));
  return { type: "prepared", transaction, order, proof, hasDetails: true };
}

function released(n: number): LogRecord {
  const transaction = `1-000000000001-${n}` as TransactionId;
  return { type: "released", transaction, payment: paymentId(n) };
}

/** Bob's log: payment 1 told him something, and so did payment 2, which was erased in entry 4. */
async function bobsDisk(): Promise<MemoryDisk> {
  const disk: MemoryDisk = { values: [], headVersion: 0 };
  const log = await Log.open(new MemoryStorage(disk));
  const append = async (...records: LogRecord[]) => {
    const number = log.head.number + 1;
    const told = records.filter((record) => record.type === "prepared" && record.hasDetails);
    await log.append({
      atMs: number,
      clock: new Map([["bob", number]]),
      witnesses: new Map(),
      records,
      details: new Map(told.map((record) => [record, stored])),
    });
  };
  await append(
    {
      type: "genesis",
      network,
      name: "bob",
      role: "participant",
      version: formatVersion,
    },
    { type: "started", epoch: { counter: 1, nonce: "000000000001" } },
    {
      type: "introduced",
      name: "alice",
      address: "127.0.0.1:7444",
      introduction: trustOf("alice").introduction,
    },
    { type: "opened", account: "main", currency: "USD", opening: 1_000n },
  );
  await append(prepared(1), prepared(2));
  await append(released(1), released(2));
  await append({ type: "erased", payment: paymentId(2), by: "ann" });
  return disk;
}

async function found(disk: MemoryDisk): Promise<string[]> {
  const storage = new MemoryStorage(disk);
  const opened = { storage, log: await Log.open(storage) };
  return (await verifyOpen([{ dir: "bob", opened, close: () => {} }])).violations;
}

const first: StorageKey = ["details", 2, 0];
const second: StorageKey = ["details", 2, 1];
const valueOf = (n: number, given = stored) =>
  encodeStoredDetails({ payment: paymentId(n), details: given });

Deno.test("verify is content with details that stand, and with those that were erased", async () => {
  assertEquals(await found(await bobsDisk()), []);
  const disk = await bobsDisk();
  await new MemoryStorage(disk).commit([{ key: second }]);
  assertEquals(await found(disk), []);
});

const not = "not those of its order";
const tampered: readonly [string, Write, string][] = [
  ["details that are gone", { key: first }, "are gone"],
  ["details that were wiped unrecorded", { key: first, value: new Uint8Array(9) }, "are gone"],
  ["details of another payment", { key: first, value: valueOf(2) }, not],
  ["other details", {
    key: first,
    value: valueOf(1, shownTo("bob", [sealedFor("bob", new Uint8Array(304)), details[1]!])),
  }, not],
  ["another's details in place of its own", {
    key: first,
    value: valueOf(1, shownTo("carol", details)),
  }, not],
  ["garbage", { key: first, value: new Uint8Array(40).fill(255) }, not],
  ["details that came back", { key: second, value: valueOf(2) }, "entry 4 erased them"],
  ["details of nothing", { key: ["details", 3, 0], value: valueOf(1) }, "no record speaks of"],
];

for (const [what, write, why] of tampered) {
  Deno.test(`verify finds ${what}`, async () => {
    const disk = await bobsDisk();
    await new MemoryStorage(disk).commit([write]);
    const violations = await found(disk);
    assertEquals(violations.length, 1, violations.join("\n"));
    assertStringIncludes(violations[0]!, why);
    assertStringIncludes(violations[0]!, "bob: ");
  });
}

Deno.test("verify finds an erasure of what nobody was told", async () => {
  const disk = await bobsDisk();
  const log = await Log.open(new MemoryStorage(disk));
  await log.replay(() => {});
  await log.append({
    atMs: 5,
    clock: new Map([["bob", 5]]),
    witnesses: new Map(),
    records: [{ type: "erased", payment: paymentId(3), by: "ann" }],
  });
  assertStringIncludes((await found(disk)).join(), "erases what was never there");
});
