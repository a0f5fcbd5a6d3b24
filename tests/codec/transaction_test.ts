/** Transactions in frames and entries: their epoch is written where it changes. */

import { assertEquals, assertThrows } from "@std/assert";
import { Reader, Writer } from "../../src/bytes.ts";
import {
  readTransaction,
  TransactionReader,
  TransactionWriter,
  writeTransaction,
} from "../../src/codec/values.ts";
import { FormatError } from "../../src/errors.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import { transactionId } from "../../src/protocol/id.ts";
import { epochs, transactions } from "../protocol/example.ts";

const { T0, T1, T2, Tbefore, Ttwin } = transactions;
const last = transactionId(epochs.present, 999_999_999_999_999);

function written(ids: readonly TransactionId[]): Uint8Array {
  const w = new Writer();
  const writer = new TransactionWriter();
  for (const id of ids) writer.write(w, id);
  return w.slice();
}

function read(bytes: Uint8Array): TransactionId[] {
  const r = new Reader(bytes);
  const reader = new TransactionReader();
  const ids: TransactionId[] = [];
  while (!r.done) ids.push(reader.read(r));
  return ids;
}

Deno.test("transactions are read as they were written, of whatever epochs", () => {
  const ids = [T1, T0, T1, Tbefore, Ttwin, T1, last, T2];
  assertEquals(read(written(ids)), ids);
  assertEquals(read(written([])), []);
});

Deno.test("a transaction of the epoch of the one before takes no more than its number", () => {
  assertEquals(written([T1, T2]).length, written([T1]).length + 1);
  assertEquals(written([T1, T2, Tbefore]).length, 2 * written([T1]).length + 1);
});

Deno.test("those of two epochs with the same number are told apart, also once both are known", () => {
  for (let i = 0; i < 2; i++) assertEquals(read(written([T1, Ttwin])), [T1, Ttwin]);
});

Deno.test("TransactionReader refuses what no writer writes", () => {
  const one = written([T1]);
  const of = (...bytes: number[]) => new Uint8Array(bytes);
  const refused: readonly [string, Uint8Array][] = [
    ["without its epoch", of(2)],
    ["an epoch written twice", of(...one, ...one)],
    ["transaction 0", of(...one.slice(0, -1), 0)],
    ["end too early", one.slice(0, -1)],
  ];
  for (const [why, bytes] of refused) assertThrows(() => read(bytes), FormatError, why);
});

Deno.test("a transaction by itself is whole, whatever was written or read before", () => {
  for (const id of [T1, T0, Tbefore, T1, Ttwin, last]) {
    const w = new Writer();
    writeTransaction(w, id);
    assertEquals(readTransaction(new Reader(w.slice())), id);
  }
  const w = new Writer();
  writeTransaction(w, T1);
  const none = w.slice().with(-1, 0);
  assertThrows(() => readTransaction(new Reader(none)), FormatError, "transaction 0");
});
