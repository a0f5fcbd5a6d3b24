/** One thing changed at a time, each of which has to be found by its own check. */

import { assertEquals } from "@std/assert";
import { encodeOrder } from "../../src/codec/order.ts";
import { formatVersion } from "../../src/codec/values.ts";
import type { EntryContent } from "../../src/log/log.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { verifyLogs } from "../../src/verify/mod.ts";
import type { NodeName, Tamper } from "./scene.ts";
import { assertFound, orderOf, paymentId, replaced, Scene } from "./scene.ts";

type RecordOf<T extends LogRecord["type"]> = Extract<LogRecord, { type: T }>;

const late = paymentId(4);
const p4 = `payment ${late}`;

/** Changes a node's record of payment 4, which comes after the checkpoints. */
function changing<T extends LogRecord["type"]>(
  node: NodeName,
  type: T,
  change: (record: RecordOf<T>) => LogRecord[],
): Tamper {
  return (name, content) => {
    if (name !== node) return content;
    const isIt = (record: LogRecord) => {
      if (record.type !== type) return false;
      if ("order" in record) return record.order.payment === late;
      return !("payment" in record) || record.payment === late;
    };
    return replaced(content, isIt, (record) => change(record as RecordOf<T>));
  };
}

/** Changes what else is in one entry of a node. */
function entryOf(
  node: NodeName,
  at: number,
  change: (content: EntryContent) => Partial<EntryContent>,
): Tamper {
  return (name, content, number) =>
    name === node && number === at ? { ...content, ...change(content) } : content;
}

const other = "1-000000000001-99" as TransactionId;
const zeros = new Uint8Array(32);

const tampered: [claim: string, tamper: Tamper, named: RegExp][] = [
  [
    "a posted leg changed",
    changing("bob", "prepared", (record) => {
      const legs = record.order.legs.map((leg) => ({ ...leg, amount: leg.amount * 2n }));
      return [{ ...record, order: encodeOrder({ ...record.order, legs }) }];
    }),
    /USD is not conserved: settlement accounts -300,/,
  ],
  [
    "an order changed at one node",
    changing("bob", "prepared", (record) => [
      { ...record, order: encodeOrder({ ...record.order, detailsHash: zeros }) },
    ]),
    RegExp(`${p4}: the order at bob is another than where coordinator committed`),
  ],
  [
    "an order changed at its originator",
    changing("alice", "prepared", (record) => [
      { ...record, order: encodeOrder({ ...record.order, detailsHash: zeros }) },
    ]),
    RegExp(`${p4}: the order at alice is another`),
  ],
  [
    "a committed record missing while it is posted",
    changing("coordinator", "committed", () => []),
    RegExp(`${p4}: bob has posted it, but coordinator has not committed it`),
  ],
  [
    "a payment ended that was not committed",
    changing("coordinator", "committed", () => []),
    RegExp(`coordinator: entry \\d+ ends transaction .* of ${late}, which is not committed`),
  ],
  [
    "a payment aborted at the coordinator and posted",
    changing("coordinator", "committed", ({ order }) => [
      { type: "aborted", order, code: "vote_timeout" },
    ]),
    RegExp(`${p4}: alice has posted it, but coordinator has aborted it \\(vote_timeout\\)`),
  ],
  [
    "a payment committed twice",
    changing("coordinator", "committed", (record) => [record, { ...record, transaction: other }]),
    RegExp(`holds ${p4} as committed, which entry \\d+ holds as committed`),
  ],
  [
    "a payment committed and aborted",
    changing("coordinator", "committed", (record) => [
      record,
      { type: "aborted", order: record.order, code: "vote_timeout" },
    ]),
    RegExp(`holds ${p4} as aborted, which entry \\d+ holds as committed`),
  ],
  [
    "a transaction committed for two payments",
    changing("coordinator", "committed", (record) => [
      record,
      { ...record, order: encodeOrder({ ...record.order, payment: paymentId(77) }) },
    ]),
    /commits transaction \S+ a second time/,
  ],
  [
    "a transaction of an epoch never started",
    changing("coordinator", "committed", (record) => [
      { ...record, transaction: "7-000000000007-1" as TransactionId },
    ]),
    /commits transaction 7-000000000007-1 of an epoch never started/,
  ],
  [
    "a payment committed in another transaction than it was prepared for",
    changing("coordinator", "committed", (record) => [{ ...record, transaction: other }]),
    RegExp(`${p4}: .* transaction ${other}, but bob has only transaction`),
  ],
  [
    "a payment committed that was never prepared",
    changing("bob", "prepared", () => []),
    RegExp(`${p4}: .* but bob has never prepared it`),
  ],
  [
    "a payment posted that was never prepared",
    changing("bob", "prepared", () => []),
    RegExp(`bob: entry \\d+ posts transaction .* of ${late}, which is not prepared`),
  ],
  [
    "a payment posted twice",
    changing("bob", "posted", (record) => [record, record]),
    RegExp(`bob: entry \\d+ posts transaction .* of ${late}, which is posted already`),
  ],
  [
    "a payment posted and released",
    changing("bob", "posted", (record) => [record, { ...record, type: "released" }]),
    RegExp(`bob: entry \\d+ releases transaction .* of ${late}, which is posted already`),
  ],
  [
    "a payment prepared after it was posted",
    changing("bob", "posted", (record) => [
      record,
      { type: "prepared", transaction: other, order: orderOf(4, "alice", "bob", 300n) },
    ]),
    RegExp(`bob: entry \\d+ prepares transaction ${other} of ${late}, which follows .* posted`),
  ],
  [
    "a transaction prepared again after it was posted",
    changing("bob", "posted", (record) => [
      record,
      { ...record, type: "prepared", order: orderOf(4, "alice", "bob", 300n) },
    ]),
    RegExp(`bob: entry \\d+ prepares transaction \\S+ of ${late}, which is posted$`),
  ],
  [
    "a transaction refused that was voted for",
    changing(
      "bob",
      "prepared",
      (record) => [record, { ...record, type: "refused", payment: late }],
    ),
    RegExp(`bob: entry \\d+ refuses transaction \\S+ of ${late}, which is prepared$`),
  ],
  [
    "a transaction forced after it was posted",
    changing("bob", "posted", (record) => [
      record,
      { ...record, type: "forced", order: orderOf(4, "alice", "bob", 300n), commit: true, by: "x" },
    ]),
    RegExp(`bob: entry \\d+ forces transaction \\S+ of ${late}, which is not prepared$`),
  ],
  [
    "a transaction forced with another order",
    changing("bob", "prepared", (record) => [
      record,
      { ...record, type: "forced", order: orderOf(4, "alice", "bob", 1n), commit: true, by: "x" },
    ]),
    RegExp(`bob: entry \\d+ forces transaction \\S+ of ${late}, which was of another order$`),
  ],
  [
    "a comparison with no forced decision",
    changing("bob", "posted", (record) => [{ ...record, type: "mismatch", commit: true }]),
    RegExp(`bob: entry \\d+ compares transaction \\S+ of ${late}, which is not forced$`),
  ],
  [
    "a payment aborted that was posted there",
    changing("bob", "posted", (record) => [
      record,
      { type: "aborted", order: orderOf(4, "alice", "bob", 300n), code: "vote_timeout" },
    ]),
    RegExp(`bob: entry \\d+ holds ${p4} as aborted, which is posted$`),
  ],
  [
    "a payment posted that a peer has released",
    changing("bob", "posted", (record) => [{ ...record, type: "released" }]),
    RegExp(`${p4}: .* but bob has released transaction`),
  ],
  [
    "a payment ended that a participant has not posted",
    changing("bob", "posted", () => []),
    RegExp(`${p4}: .* and ended it, but bob has not posted it`),
  ],
  [
    "an abort that the coordinator never decided",
    entryOf("alice", 9, ({ records }) => ({
      records: [
        ...records,
        { type: "aborted", order: orderOf(50, "alice", "bob", 1n), code: "vote_timeout" },
      ],
    })),
    /alice has it as aborted \(vote_timeout\), but at coordinator it is not decided/,
  ],
  [
    "an abort told with another code than was decided",
    (node, content) =>
      node !== "coordinator" ? content : replaced(
        content,
        ({ type }) => type === "aborted",
        (record) => [{ ...record as RecordOf<"aborted">, code: "vote_timeout" }],
      ),
    RegExp(`${paymentId(3)}: alice has it as aborted \\(insufficient_funds\\), but at coord`),
  ],
  [
    "a payment posted where it has no leg",
    changing("coordinator", "committed", (record) => {
      const legs = record.order.legs.map((leg) =>
        leg.participant === "bob" ? { ...leg, participant: "carol" } : leg
      );
      return [{ ...record, order: encodeOrder({ ...record.order, legs }) }];
    }),
    RegExp(`${p4}: bob has posted it, but has no leg in what coordinator committed`),
  ],
  [
    "a decision named in another entry",
    changing("bob", "posted", (record) => [
      { ...record, decided: { ...record.decided, number: 1 } },
    ]),
    RegExp(`${p4}: bob has it decided in entry 1 of coordinator, which committed it in entry`),
  ],
  [
    "a decision with another clock",
    changing("bob", "posted", (record) => [
      { ...record, decided: { ...record.decided, clock: new Map([["coordinator", 3]]) } },
    ]),
    /bob: entry \d+ has .* with another clock than coordinator has there/,
  ],
  [
    "a balance in an entry",
    entryOf("bob", 5, ({ records }) => ({
      records: [...records, { type: "balance", account: "more", currency: "USD", posted: 5n }],
    })),
    /bob: entry 5 holds "balance", which only checkpoints do/,
  ],
  [
    "a mismatch without a decision in an entry",
    changing("bob", "posted", (record) => [
      record,
      { ...record, type: "unacknowledged", commit: true, by: "ann" },
    ]),
    /bob: entry \d+ holds "unacknowledged", which only checkpoints do/,
  ],
  [
    "an acknowledgement of what is no mismatch",
    changing("bob", "posted", (record) => [record, { ...record, type: "acknowledged", by: "ann" }]),
    RegExp(`bob: entry \\d+ acknowledges transaction .* of ${late}, which is no mismatch`),
  ],
  [
    "books that do not add up",
    entryOf("bob", 15, ({ records }) => ({
      records: [...records, { type: "balance", account: "equity", currency: "USD", posted: 5n }],
    })),
    /bob: the books in USD do not add up to zero/,
  ],
  [
    "more spent than there is",
    entryOf("alice", 2, ({ records }) => ({
      records: records.map((record) => ({ ...record, opening: 1n } as LogRecord)),
    })),
    /alice: entry \d+: account main has less than is held of it/,
  ],
  [
    "a checkpoint of another state",
    (_, content) =>
      replaced(
        content,
        ({ type }) => type === "checkpointed",
        (record) => [{ ...record as RecordOf<"checkpointed">, hash: "cd".repeat(32) }],
      ),
    /bob: the checkpoint at entry \d+ is not what the entries up to there make/,
  ],
  [
    "a checkpoint ahead of its entry",
    entryOf("bob", 4, ({ records }) => ({
      records: [...records, { type: "checkpointed", number: 4, hash: "cd".repeat(32) }],
    })),
    /bob: entry 4 confirms a checkpoint at entry 4/,
  ],
  [
    "a clock that skips an entry",
    entryOf("bob", 6, ({ clock }) => ({ clock: new Map(clock).set("bob", 7) })),
    /bob: entry 6 has 7 as its own component of the clock/,
  ],
  [
    "a clock that goes back",
    entryOf("bob", 8, ({ clock }) => ({ clock: new Map(clock).set("alice", 1) })),
    /bob: entry 8 knows 1 entries of alice, but the entry before knew/,
  ],
  [
    "a clock behind what was seen",
    entryOf("bob", 8, ({ clock }) => ({ clock: new Map(clock).set("coordinator", 1) })),
    /bob: entry 8 has seen entry \d+ of coordinator, but its clock knows 1/,
  ],
  [
    "a clock that knows entries that there are not",
    entryOf("bob", 15, ({ clock }) => ({ clock: new Map(clock).set("alice", 99) })),
    /bob: its clock knows 99 entries of alice, whose log ends at entry/,
  ],
  [
    "an entry seen whose past is not known",
    entryOf("coordinator", 8, ({ clock }) => ({ clock: new Map(clock).set("bob", 50) })),
    /bob: entry \d+ has seen entry 8 of coordinator, whose clock is not in its past/,
  ],
  [
    "an entry seen with another hash",
    entryOf("alice", 9, ({ witnesses }) => {
      const { number } = witnesses.get("coordinator")!;
      return { witnesses: new Map([["coordinator", { number, hash: zeros }]]) };
    }),
    /alice: entry 9 has seen entry \d+ of coordinator, of another hash: amnesia or tampering/,
  ],
  [
    "what was seen going back",
    entryOf("alice", 9, () => ({ witnesses: new Map() })),
    /alice: entry 9 has seen nothing of coordinator, after entry \d+ before/,
  ],
  [
    "what was seen changing",
    (node, content) => {
      if (node !== "alice") return content;
      const witnesses = new Map(content.witnesses);
      const seen = witnesses.get("coordinator");
      if (seen) witnesses.set("coordinator", { number: 1, hash: seen.hash });
      return { ...content, witnesses };
    },
    /alice: entry \d+ has seen entry 1 of coordinator, after entry 1 of another hash before/,
  ],
  [
    "a genesis of another network",
    (node, content) =>
      node !== "bob" ? content : replaced(
        content,
        ({ type }) => type === "genesis",
        (record) => [{ ...record as RecordOf<"genesis">, network: "cd".repeat(32) }],
      ),
    /bob is of another network than coordinator/,
  ],
  [
    "a second coordinator",
    (node, content) =>
      node !== "bob" ? content : replaced(
        content,
        ({ type }) => type === "genesis",
        (record) => [{ ...record as RecordOf<"genesis">, role: "coordinator" }],
      ),
    /coordinator and bob are both coordinators/,
  ],
  [
    "a genesis of another format",
    (node, content) =>
      node !== "bob" ? content : replaced(
        content,
        ({ type }) => type === "genesis",
        (record) => [{ ...record as RecordOf<"genesis">, version: 9 }],
      ),
    RegExp(`bob: entry 1 is of format 9, not ${formatVersion}$`),
  ],
  [
    "a log that does not begin with its genesis",
    entryOf("bob", 1, ({ records }) => ({ records: records.toReversed() })),
    /bob" does not begin with its genesis/,
  ],
  [
    "a second genesis",
    entryOf("bob", 5, ({ records }) => ({
      records: [
        ...records,
        { type: "genesis", network: "ab".repeat(32), name: "bob", role: "participant", version: 1 },
      ],
    })),
    /bob: entry 5 holds a second genesis/,
  ],
  [
    "a start left out",
    entryOf("bob", 5, ({ records }) => ({
      records: [...records, { type: "started", epoch: { counter: 3, nonce: "000000000003" } }],
    })),
    /bob: entry 5 is start 3, but the one before was start 1/,
  ],
  [
    "a log without a start",
    entryOf("bob", 1, ({ records }) => ({ records: records.slice(0, 1) })),
    /bob: entry 1 does not begin with a start/,
  ],
];

for (const [claim, tamper, named] of tampered) {
  Deno.test(`verifyLogs() finds ${claim}`, async () => {
    await using scene = await Scene.play(tamper);
    scene.stop();
    assertFound((await verifyLogs(scene.dirs)).violations, named);
  });
}

/** Changes to a stopped node's file. */
const damaged: [claim: string, damage: (kv: Deno.Kv) => Promise<unknown>, named: RegExp][] = [
  [
    "an entry removed in the middle",
    (kv) => kv.delete(["entry", 6, 0]),
    /bob: Entry 6 of the log is missing/,
  ],
  [
    "an entry's bytes changed",
    async (kv) => {
      const { value } = await kv.get<Uint8Array>(["entry", 6, 0]);
      value![100]! ^= 1;
      await kv.set(["entry", 6, 0], value);
    },
    /bob: Entry 6 of the log is not what was written/,
  ],
  [
    "two entries exchanged",
    async (kv) => {
      const five = await kv.get(["entry", 5, 0]);
      const six = await kv.get(["entry", 6, 0]);
      await kv.set(["entry", 5, 0], six.value);
      await kv.set(["entry", 6, 0], five.value);
    },
    /bob: Entry 5 of the log does not follow the one before/,
  ],
  [
    "the last entry removed",
    (kv) => kv.delete(["entry", 15, 0]),
    /bob: the log ends at entry 14, but its head is entry 15/,
  ],
  [
    "the head changed",
    async (kv) => {
      const { value } = await kv.get<Uint8Array>(["head"]);
      value![20]! ^= 1;
      await kv.set(["head"], value);
    },
    /bob: entry 15 is another than the log's head names/,
  ],
  [
    "the head damaged",
    (kv) => kv.set(["head"], new Uint8Array(3)),
    /bob": The log's head or checkpoint is damaged/,
  ],
  [
    "a piece of the checkpoint changed",
    async (kv) => {
      for await (const { key, value } of kv.list<Uint8Array>({ prefix: ["state"] })) {
        value[value.length - 1]! ^= 1;
        await kv.set(key, value);
      }
    },
    /bob: The checkpoint at entry \d+ is not what was written/,
  ],
  [
    "a piece of the checkpoint missing",
    async (kv) => {
      for await (const { key } of kv.list({ prefix: ["state"] })) await kv.delete(key);
    },
    /bob: The checkpoint at entry \d+ lacks its piece 0/,
  ],
  [
    "a page of the index missing",
    async (kv) => {
      for await (const { key } of kv.list({ prefix: ["page"] })) await kv.delete(key);
    },
    /bob: the look-up index up to entry \d+ does not agree with the entries/,
  ],
  [
    "a page of the index damaged",
    async (kv) => {
      for await (const { key, value } of kv.list<Uint8Array>({ prefix: ["page"] })) {
        value[0]! ^= 1;
        await kv.set(key, value);
      }
    },
    /bob: the look-up index can't be read: a page of the look-up index is damaged/,
  ],
  [
    "a page of the index where it is not looked for",
    async (kv) => {
      for await (const { key, value } of kv.list({ prefix: ["page"] })) {
        await kv.delete(key);
        await kv.set([...key.slice(0, 3), 1], value);
      }
    },
    /bob: the look-up index has a page where it is not looked for/,
  ],
  [
    "a run of the index missing",
    async (kv) => {
      for await (const { key } of kv.list({ prefix: ["run"] })) await kv.delete(key);
    },
    /bob: run \d+ of the look-up index is missing/,
  ],
];

for (const [claim, damage, named] of damaged) {
  Deno.test(`verifyLogs() finds ${claim}`, async () => {
    await using scene = await Scene.play();
    scene.stop();
    const kv = await Deno.openKv(`${scene.dir("bob")}/log.kv`);
    await damage(kv);
    kv.close();
    const { violations, notChecked } = await verifyLogs(scene.dirs);
    assertFound(violations, named);
    // The others' logs are not blamed for it.
    assertEquals(violations.filter((line) => !line.includes("bob")), [], notChecked.join("\n"));
  });
}

Deno.test("verifyLogs() finds a log that is shorter than what its peers have seen", async () => {
  await using scene = await Scene.play();
  scene.stop();
  // As an old copy of the folder would be: it holds together by itself.
  const dir = `${scene.path}/older`;
  await Deno.mkdir(dir);
  const whole = await Log.open(await KvStorage.open(`${scene.dir("bob")}/log.kv`));
  const older = await Log.open(await KvStorage.open(`${dir}/log.kv`));
  await older.replay(() => {});
  for await (const { entry } of whole.entries()) if (entry.number <= 7) await older.append(entry);
  whole.close();
  older.close();
  assertEquals((await verifyLogs([dir])).violations, []);
  const { violations } = await verifyLogs([scene.dir("coordinator"), scene.dir("alice"), dir]);
  const named =
    /coordinator: entry \d+ has seen entry 8 of bob, whose log ends at entry 7: amnesia/;
  assertFound(violations, named);
});

Deno.test("verifyLogs() finds a file that is no database, and leaves it as it is", async () => {
  await using scene = await Scene.play();
  scene.stop();
  const path = `${scene.dir("bob")}/log.kv`;
  const garbage = crypto.getRandomValues(new Uint8Array(20_000));
  await Deno.writeFile(path, garbage);
  const { violations } = await verifyLogs(scene.dirs);
  assertFound(violations, /bob\/log\.kv" is damaged/);
  assertEquals(await Deno.readFile(path), garbage);
});
