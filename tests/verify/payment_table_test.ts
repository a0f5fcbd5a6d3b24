/** The table in which an audit keeps payments, against a map. */

import { assert, assertEquals } from "@std/assert";
import type { PaymentSummary } from "../../src/verify/payment_table.ts";
import { PaymentTable } from "../../src/verify/payment_table.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";

interface Summary extends PaymentSummary {
  readonly names: readonly string[];
  readonly code?: string;
  readonly isOver: boolean;
}

const lists: readonly (readonly string[])[] = [["alice", "bob"], ["bob", "carol"], []];

function idOf(n: number): PaymentId {
  const digits = n.toString(16).padStart(12, "0");
  return `01234567-89ab-7000-8000-${digits}` as PaymentId;
}

function summaryOf(n: number): Summary {
  const epoch = n % 3 === 0 ? "1-0123456789ab" : "12-ffffffffffff";
  return {
    hash: new Uint8Array(32).fill(n),
    transaction: n % 4 === 0 ? undefined : `${epoch}-${n * 1_000_003}` as TransactionId,
    number: n % 5 === 0 ? undefined : 2 ** 40 + n,
    names: lists[n % lists.length]!,
    code: n % 2 === 0 ? undefined : "insufficient_funds",
    isOver: n % 7 === 0,
  };
}

Deno.test("PaymentTable holds what a map would, in the same order, also of what is set again", () => {
  const table = new PaymentTable<Summary>(["names", "code", "isOver"]);
  const map = new Map<PaymentId, Summary>();
  // More than fit one chunk; ids that come neither in order nor all once.
  for (let i = 0; i < 40_000; i++) {
    const n = (i * 7_919) % 30_011;
    const id = idOf(n);
    assertEquals(table.get(id) === undefined, !map.has(id));
    const summary = summaryOf(i);
    table.set(id, summary);
    map.set(id, summary);
  }
  assertEquals(table.size, map.size);
  const read = [...table];
  assertEquals(read.map(([id]) => id), [...map.keys()]);
  assertEquals([...table.values()], read.map(([, summary]) => summary));
  for (const [id, summary] of map) assertEquals(table.get(id), summary);
  assertEquals(table.get(idOf(30_011)), undefined);
});

Deno.test("PaymentTable tells ids apart that differ in any one bit", () => {
  const table = new PaymentTable<Summary>(["names", "code", "isOver"]);
  const digits = "0123456789ab7cde8f0123456789abcd";
  const ids = Array.from({ length: 128 }, (_, bit) => {
    const at = bit >> 2;
    const digit = (parseInt(digits[at]!, 16) ^ 1 << bit % 4).toString(16);
    return digits.slice(0, at) + digit + digits.slice(at + 1);
  }).map((d) =>
    [d.slice(0, 8), d.slice(8, 12), d.slice(12, 16), d.slice(16, 20), d.slice(20)].join("-")
  ) as PaymentId[];
  for (const [n, id] of ids.entries()) table.set(id, summaryOf(n));
  for (const [n, id] of ids.entries()) assertEquals(table.get(id), summaryOf(n));
  assertEquals(table.size, 128);
});

Deno.test("PaymentTable gives copies: what was taken does not change with the table", () => {
  const table = new PaymentTable<Summary>(["names", "code", "isOver"]);
  table.set(idOf(1), summaryOf(1));
  const before = table.get(idOf(1))!;
  table.set(idOf(1), summaryOf(2));
  assertEquals(before, summaryOf(1));
  before.hash.fill(9);
  assertEquals(table.get(idOf(1)), summaryOf(2));
});

Deno.test("PaymentTable takes some hundred bytes for a payment", () => {
  const before = Deno.memoryUsage();
  const table = new PaymentTable<Summary>(["names", "code", "isOver"]);
  const count = 300_000;
  for (let n = 0; n < count; n++) table.set(idOf(n), summaryOf(n % 250));
  const { external } = Deno.memoryUsage();
  const bytes = (external - before.external) / count;
  assert(table.size === count && bytes > 60 && bytes < 150, `${bytes} bytes`);
});
