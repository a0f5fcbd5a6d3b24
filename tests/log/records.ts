/** Records to log, and logs of them. */

import { decodeOrder, encodeOrder } from "../../src/codec/order.ts";
import type { EntryContent } from "../../src/log/log.ts";
import { Log } from "../../src/log/log.ts";
import type { Frozen } from "../../src/protocol/frozen.ts";
import { noBalances } from "../../src/protocol/frozen.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import type { Found } from "../../src/protocol/step.ts";
import type { Disk } from "./disks.ts";

export function paymentId(n: number): PaymentId {
  const digits = n.toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-${digits}` as PaymentId;
}

function transactionOf(n: number): TransactionId {
  return `1-0123456789ab-${n + 1}` as TransactionId;
}

/** @param legs more of them make a larger record, of about 24 bytes each */
export function prepared(n: number, legs = 2): LogRecord {
  const { bytes } = encodeOrder({
    payment: paymentId(n),
    originator: "alice",
    legs: Array.from({ length: legs }, (_, i) => (
      { account: `account-${i}`, participant: "alice", currency: "USD", amount: 1n }
    )),
  });
  const transaction = transactionOf(n);
  return { type: "prepared", transaction, order: decodeOrder(bytes), proof: undefined };
}

export function posted(n: number): LogRecord {
  const decided = { number: 7, atMs: 1_700_000_000_000, clock: new Map([["coordinator", 7]]) };
  const [transaction, payment] = [transactionOf(n), paymentId(n)];
  return { type: "posted", transaction, payment, decided, proof: undefined };
}

export function keyOf(n: number): string {
  return n.toString(16).padStart(32, "0");
}

export function keyed(n: number): LogRecord {
  return { type: "keyed", key: keyOf(n), request: "ef".repeat(32), payment: paymentId(n) };
}

export function contentOf(number: number, records: readonly LogRecord[]): EntryContent {
  const hash = new Uint8Array(32).fill(number);
  return {
    atMs: 1_000 + number,
    clock: new Map([["alice", number], ["coordinator", number * 2]]),
    witnesses: new Map([["coordinator", { number: number * 2, hash }]]),
    records,
  };
}

export function append(log: Log, ...records: LogRecord[]): ReturnType<Log["append"]> {
  return log.append(contentOf(log.head.number + 1, records));
}

/** What a replay gave. */
export interface Replayed {
  readonly log: Log;
  readonly found: readonly Found[];
}

export async function openLog(disk: Disk): Promise<Replayed> {
  const storage = await disk.open();
  try {
    const log = await Log.open(storage);
    const found: Found[] = [];
    await log.replay((record, { number, clock, atMs }) => {
      found.push([{ number, clock, atMs }, record]);
    });
    return { log, found };
  } catch (error) {
    storage.close();
    throw error;
  }
}

/** A state without accounts. */
export function stateOf(rest: readonly Found[]): Frozen {
  return { all: noBalances, changed: noBalances, rest };
}

/** All steps of a checkpoint. */
export async function checkpoint(log: Log, state: Frozen): Promise<void> {
  const begun = log.beginCheckpoint(state);
  await log.writeCheckpoint(begun);
  await append(log, begun.record);
  await log.finishCheckpoint(begun);
}

export const noContext = { number: 1, atMs: 0, clock: new Map<string, number>() };
