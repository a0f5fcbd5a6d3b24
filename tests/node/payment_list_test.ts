/** Lists of payments, read from a log backwards. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { FormatError } from "../../src/errors.ts";
import { listRecordsMax } from "../../src/limits.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { listPayments } from "../../src/node/payment_list.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { append, paymentId, prepared } from "../log/records.ts";

const recordsOfEntry = 1_000;
const entries = 3 * listRecordsMax / recordsOfEntry;

/** Of `account-2` the first payment of each tenth entry, from the first on. */
async function longLog(): Promise<Log> {
  const log = await Log.open(new MemoryStorage());
  await log.replay(() => {});
  for (let entry = 0; entry < entries; entry++) {
    const records = Array.from(
      { length: recordsOfEntry },
      (_, i) => prepared(entry * recordsOfEntry + i, i === 0 && entry % 10 === 0 ? 3 : 2),
    );
    await append(log, ...records);
  }
  return log;
}

async function pagesOf(log: Log, limit: number, account?: string): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await listPayments(log, log.head.number, "alice", { limit, cursor, account });
    pages.push(page.payments.map(({ id }) => id));
    cursor = page.next;
    assert(pages.length <= 100, "pages without end");
  } while (cursor !== undefined);
  return pages;
}

Deno.test("listPayments() reads so many records for a page, and goes on with the next", async () => {
  const log = await longLog();
  const rare = Array.from({ length: entries / 10 }, (_, i) => paymentId(i * 10 * recordsOfEntry));
  for (const limit of [1, 2, 500]) {
    const pages = await pagesOf(log, limit, "account-2");
    assertEquals(pages.flat(), rare.toReversed());
    assert(pages.every((page) => page.length <= limit));
  }
  assertEquals((await pagesOf(log, 500, "account-2")).map(({ length }) => length), [2, 2, 2]);
  assertEquals((await pagesOf(log, 500, "account-7")).map(({ length }) => length), [0, 0, 0]);
  const first = await listPayments(log, log.head.number, "alice", { limit: 500 });
  assertEquals(first.payments.length, 500);
});

Deno.test("listPayments() gets past an entry that alone has more records than a page may read", async () => {
  const log = await Log.open(new MemoryStorage());
  await log.replay(() => {});
  await append(log, prepared(1, 3));
  const many = Array.from({ length: listRecordsMax + 2 }, () => prepared(2));
  await append(log, ...many);
  await append(log, prepared(3, 3));
  assertEquals(await pagesOf(log, 1, "account-2"), [[paymentId(3)], [paymentId(1)]]);
});

/** Another attempt of a payment, after the one before was given up. */
function again(n: number, attempt: number, legs = 2): LogRecord[] {
  const payment = paymentId(n);
  const before = `1-0123456789ab-${n + 1 + (attempt - 1) * 100}` as TransactionId;
  const transaction = `1-0123456789ab-${n + 1 + attempt * 100}` as TransactionId;
  const record = prepared(n, legs);
  if (record.type !== "prepared") throw new TypeError(`a ${record.type} is no attempt`);
  return [{ type: "released", payment, transaction: before }, { ...record, transaction }];
}

async function logOf(...entries: LogRecord[][]): Promise<Log> {
  const log = await Log.open(new MemoryStorage());
  await log.replay(() => {});
  for (const records of entries) await append(log, ...records);
  return log;
}

Deno.test("listPayments() has a payment once, however many attempts an entry has of it", async () => {
  const log = await logOf(
    [prepared(0)],
    [prepared(1), ...again(1, 1), ...again(1, 2)],
    again(1, 3),
  );
  for (const limit of [1, 50]) {
    assertEquals((await pagesOf(log, limit)).flat(), [paymentId(1), paymentId(0)]);
  }
});

Deno.test("listPayments() has a payment that is tried again while pages are read", async () => {
  const log = await logOf([prepared(1), prepared(9)], [prepared(2)], [prepared(3)]);
  const one = await listPayments(log, log.head.number, "alice", { limit: 2 });
  const { number } = log.head;
  await append(log, ...again(1, 1));
  const two = await listPayments(log, log.head.number, "alice", { limit: 9, cursor: one.next });
  const ids = [...one.payments, ...two.payments].map(({ id }) => id);
  assertEquals(ids, [3, 2, 9, 1].map(paymentId));
  // As is one that is tried again while its page is read.
  assertEquals((await listPayments(log, number, "alice", { limit: 9 })).payments.length, 4);
});

Deno.test("listPayments() refuses a cursor that no page gave", async () => {
  const log = await logOf([prepared(1)]);
  for (const cursor of ["1.2", "2.0", "0.1", "1", "x"]) {
    const list = () => listPayments(log, log.head.number, "alice", { limit: 5, cursor });
    await assertRejects(list, FormatError, `no page has the cursor "${cursor}"`);
  }
});

Deno.test("listPayments() has a payment for the accounts that its last order moves", async () => {
  const log = await logOf([prepared(1), prepared(2, 3)], [...again(1, 1, 3), ...again(2, 1)]);
  const idsOf = async (account: string) => (await pagesOf(log, 1, account)).flat();
  assertEquals(await idsOf("account-0"), [paymentId(2), paymentId(1)]);
  assertEquals(await idsOf("account-2"), [paymentId(1)]);
});
