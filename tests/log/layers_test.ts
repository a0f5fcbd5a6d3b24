/** Checkpoints that write only the balances that have changed, on those before. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { decodeOrder, encodeOrder } from "../../src/codec/order.ts";
import { IntegrityError } from "../../src/errors.ts";
import { checkpointLayersMax } from "../../src/limits.ts";
import type { Checkpoint } from "../../src/log/checkpoint.ts";
import { Log } from "../../src/log/log.ts";
import type { Storage, StorageKey, Write } from "../../src/log/storage.ts";
import type { Pointer } from "../../src/log/stored.ts";
import { decodePointer, encodePointer } from "../../src/log/stored.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import { ParticipantState } from "../../src/protocol/participant_state.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import type { Disk } from "./disks.ts";
import { CrashingStorage, disks, edit, keysOf, valueOf } from "./disks.ts";
import { append, contentOf, openLog, paymentId } from "./records.ts";

/** A participant's books on a log, without the rest of a node. */
class Books {
  readonly state = new ParticipantState("alice", "coordinator");
  private constructor(readonly log: Log, readonly storage: Storage) {}

  static async open(disk: Disk, commitsMax = Infinity): Promise<Books> {
    const storage = new CrashingStorage(await disk.open(), commitsMax);
    const books = new Books(await Log.open(storage), storage);
    try {
      await books.log.replay((record, context) => books.state.apply(record, context));
    } catch (error) {
      storage.close();
      throw error;
    }
    books.state.dropIndexed();
    return books;
  }

  /** @param count of accounts, each with 100 */
  static async begin(disk: Disk, count: number): Promise<Books> {
    const books = await Books.open(disk);
    await books.add(...Array.from({ length: count }, (_, i) => openedOf(i)));
    return books;
  }

  async add(...records: LogRecord[]): Promise<void> {
    const number = this.log.head.number + 1;
    const { clock, atMs } = contentOf(number, records);
    for (const record of records) this.state.apply(record, { number, clock, atMs });
    await append(this.log, ...records);
  }

  /** One more in each of these accounts. */
  async credit(...accounts: number[]): Promise<void> {
    const number = this.log.head.number + 1;
    await this.add(...accounts.flatMap((account, i) => credited(account, number * 100 + i)));
  }

  begin(): Checkpoint {
    const { number } = this.log.head;
    const { clock, atMs } = contentOf(number, []);
    const begun = this.log.beginCheckpoint(this.state.freeze({ number, clock, atMs }));
    this.state.rotate();
    return begun;
  }

  async finish(begun: Checkpoint): Promise<void> {
    await this.log.writeCheckpoint(begun);
    await this.add(begun.record);
    await this.log.finishCheckpoint(begun);
    this.state.dropIndexed();
  }

  async checkpoint(): Promise<void> {
    await this.finish(this.begin());
  }

  get balances(): string[] {
    return [...this.state.ledger.accounts()].map(({ name, posted }) => `${name} ${posted}`);
  }

  close(): void {
    this.log.close();
  }
}

function openedOf(i: number): LogRecord {
  return { type: "opened", account: `a${i}`, currency: "USD", opening: 100n };
}

function credited(account: number, n: number): LogRecord[] {
  const { bytes } = encodeOrder({
    payment: paymentId(n),
    originator: "bob",
    legs: [
      { account: "main", participant: "bob", currency: "USD", amount: -1n },
      { account: `a${account}`, participant: "alice", currency: "USD", amount: 1n },
    ],
  });
  const transaction = `1-0123456789ab-${n}` as TransactionId;
  const decided = { number: 7, atMs: 1_700_000_000_000, clock: new Map([["coordinator", 7]]) };
  const payment = paymentId(n);
  return [
    { type: "prepared", transaction, order: decodeOrder(bytes) },
    { type: "posted", transaction, payment, decided },
  ];
}

/** Whether the checkpoint that counts and the entries after it make what all entries make. */
async function assertReplays(disk: Disk): Promise<void> {
  const books = await Books.open(disk);
  const all = new ParticipantState("alice", "coordinator");
  for await (const { entry } of books.log.entries()) {
    for (const record of entry.records) all.apply(record, entry);
  }
  const context = { number: 1, atMs: 0, clock: new Map() };
  const [replayed, folded] = [books.state, all].map((state) => {
    const { all, rest } = state.freeze(context);
    return [...all.found, ...rest];
  });
  assertEquals(replayed, folded);
  assertEquals([...books.state.ledger.books()], [...all.ledger.books()]);
  books.close();
}

async function pointerOf(disk: Disk) {
  return decodePointer(await valueOf(disk, ["checkpoint"]));
}

/** Entry 1 opens ten accounts, 3, 5 and 7 pay; the checkpoints at 1, 3 and 5 lie on each other. */
async function write(disk: Disk): Promise<void> {
  const books = await Books.begin(disk, 10);
  await books.checkpoint();
  await books.credit(3, 4);
  await books.checkpoint();
  await books.credit(4);
  await books.checkpoint();
  await books.credit(5);
  books.close();
}

/** The pieces on disk are those that the pointer names, and no others. */
async function assertNothingUnused(disk: Disk): Promise<void> {
  const { number, layers, restPieces } = await pointerOf(disk);
  const named = layers.flatMap(({ number: at, pieces }) => {
    const length = pieces + (at === number ? restPieces : 0);
    return Array.from({ length }, (_, piece): StorageKey => ["state", at, piece]);
  });
  assertEquals(await keysOf(disk, "state"), named);
}

type Change = (disk: Disk) => Promise<Write[]>;

function missing(...key: StorageKey): Change {
  return () => Promise.resolve([{ key }]);
}

function changed(...key: StorageKey): Change {
  return async (disk) => {
    const value = await valueOf(disk, key);
    // The last digit of a balance, and of the rest a state without its last byte.
    value[value.length - 1]! ^= 1;
    return [{ key, value }];
  };
}

function exchanged(one: StorageKey, other: StorageKey): Change {
  return async (disk) => [
    { key: one, value: await valueOf(disk, other) },
    { key: other, value: await valueOf(disk, one) },
  ];
}

function pointing(change: (pointer: Pointer, log: Log) => Promise<Partial<Pointer>>): Change {
  return async (disk) => {
    const pointer = await pointerOf(disk);
    const { log } = await openLog(disk);
    const value = encodePointer({ ...pointer, ...await change(pointer, log) });
    log.close();
    return [{ key: ["checkpoint"], value }];
  };
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

const refused: readonly [claim: string, change: Change, named: string][] = [
  ["a missing first layer", missing("state", 1, 0), "The checkpoint at entry 1 lacks its piece 0"],
  ["a missing layer", missing("state", 3, 0), "The checkpoint at entry 3 lacks its piece 0"],
  ["a missing top layer", missing("state", 5, 0), "The checkpoint at entry 5 lacks its piece 0"],
  ["a missing rest", missing("state", 5, 1), "The checkpoint at entry 5 lacks its piece 1"],
  ["a changed first layer", changed("state", 1, 0), "The checkpoint at entry 1 is not what was"],
  ["a changed layer", changed("state", 3, 0), "The checkpoint at entry 3 is not what was"],
  ["a changed top layer", changed("state", 5, 0), "The checkpoint at entry 5 is not what was"],
  ["a changed rest", changed("state", 5, 1), "The checkpoint at entry 5"],
  [
    "layers in another order",
    exchanged(["state", 3, 0], ["state", 5, 0]),
    "The checkpoint at entry 3 is not what was",
  ],
  [
    "a layer that is left out",
    pointing(({ layers }) => Promise.resolve({ layers: layers.filter((_, i) => i !== 1) })),
    "The checkpoint at entry 5 is not what was",
  ],
  [
    "no layers",
    pointing(() => Promise.resolve({ layers: [] })),
    "checkpoint without a layer",
  ],
  [
    "a top layer that is left out, with all hashes made anew",
    pointing(async ({ layers }, log) => ({
      layers: layers.slice(0, 2),
      restPieces: 0,
      hash: sha256(layers[1]!.hash),
      entryHash: (await log.hashOf(3))!,
    })),
    "The checkpoint at entry 3 is not confirmed by any entry",
  ],
  [
    "a pointer as it was up to version 3",
    async (disk) => {
      const value = await valueOf(disk, ["checkpoint"]);
      return [{ key: ["checkpoint"], value: new Uint8Array([5, ...value]) }];
    },
    "checkpoint of version 3; this program knows 5",
  ],
];

for (const [name, make] of disks) {
  Deno.test(`${name}: a checkpoint writes what has changed, until it is as much as all`, async () => {
    await using disk = await make();
    let books = await Books.begin(disk, 10);
    const layers: number[][] = [];
    for (const credits of [[], [3, 4], [4], [], [0, 1, 2, 4, 9], [7], [8], [6]]) {
      if (credits.length > 0) await books.credit(...credits);
      await books.checkpoint();
      const { balances } = books;
      books.close();
      layers.push((await pointerOf(disk)).layers.map(({ balances }) => balances));
      await assertNothingUnused(disk);
      await assertReplays(disk);
      // What has changed is known also after a restart.
      books = await Books.open(disk);
      assertEquals(books.balances, balances);
    }
    books.close();
    assertEquals(layers, [
      [10],
      [10, 2],
      [10, 2, 1],
      [10, 2, 1, 0],
      [10, 2, 1, 0, 5],
      [10, 2, 1, 0, 5, 1],
      [10],
      [10, 1],
    ]);
  });

  Deno.test(`${name}: a checkpoint is of the entry at which it began, whatever changes meanwhile`, async () => {
    await using disk = await make();
    // Many, so that they are read between the commits of others.
    const books = await Books.begin(disk, 6_000);
    for (const accounts of [[], [1, 5_999]]) {
      if (accounts.length > 0) await books.credit(...accounts);
      const begun = books.begin();
      const writes: Write[] = [];
      for (const write of begun.writes()) {
        writes.push(write);
        await books.credit(1, 5_999);
      }
      assert(writes.length >= 3);
      await books.add(openedOf(10_000 + books.log.head.number));
      for (const write of writes) await books.storage.commit([write]);
      await books.add(begun.record);
      await books.log.finishCheckpoint(begun);
      books.state.dropIndexed();
      await assertReplays(disk);
    }
    const { layers } = await pointerOf(disk);
    assertEquals(layers.map(({ balances }) => balances), [6_000, 3]);
    books.close();
  });

  Deno.test(`${name}: layers that hold little are still not more than a replay reads soon`, async () => {
    await using disk = await make();
    const books = await Books.begin(disk, 2 * checkpointLayersMax);
    const counts: number[] = [];
    for (let i = 0; i <= checkpointLayersMax; i++) {
      await books.credit(7);
      await books.checkpoint();
      counts.push((await pointerOf(disk)).layers.length);
    }
    books.close();
    assertEquals(counts.slice(-2), [checkpointLayersMax, 1]);
    await assertReplays(disk);
  });

  Deno.test(`${name}: after a checkpoint that was confirmed and not finished, all is written`, async () => {
    await using disk = await make();
    await write(disk);
    const crashing = await Books.open(disk);
    const begun = crashing.begin();
    await crashing.log.writeCheckpoint(begun);
    await crashing.add(begun.record);
    crashing.close();
    await assertReplays(disk);
    const books = await Books.open(disk);
    await books.credit(6);
    const next = books.begin();
    await books.finish(next);
    assertEquals([begun.record.on, next.record.on], [5, 0]);
    await books.credit(7);
    const last = books.begin();
    await books.finish(last);
    assertEquals(last.record.on, next.number);
    books.close();
    await assertReplays(disk);
  });

  for (
    const [what, credits] of [["a layer", [6]], ["a first layer", [0, 1, 2, 3, 5, 6, 7]]] as const
  ) {
    Deno.test(`${name}: a crash between any two steps of ${what} loses nothing`, async () => {
      for (let commitsMax = 1, isDone = false; !isDone; commitsMax++) {
        await using disk = await make();
        await write(disk);
        const crashing = await Books.open(disk, commitsMax);
        await crashing.credit(...credits);
        isDone = await crashing.checkpoint().then(() => true, () => false);
        if (isDone) {
          assertEquals((await pointerOf(disk)).layers.length, credits.length > 1 ? 1 : 4);
          assert(commitsMax >= 5, "too few steps to be a test");
        }
        crashing.close();
        await assertReplays(disk);
        // Later ones work, whatever the crash left behind.
        const books = await Books.open(disk);
        for (const account of [8, 9]) {
          await books.credit(account);
          await books.checkpoint();
          await assertReplays(disk);
        }
        books.close();
      }
    });
  }

  for (const [claim, change, named] of refused) {
    Deno.test(`${name}: replay() refuses ${claim}`, async () => {
      await using disk = await make();
      await write(disk);
      await edit(disk, ...await change(disk));
      await assertRejects(() => openLog(disk), IntegrityError, named);
    });
  }
}
