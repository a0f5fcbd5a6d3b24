/** What users see of a payment that an operator decided by hand. */

import { assertEquals } from "@std/assert";
import { viewOf } from "../../src/node/view.ts";
import type { LogRecord, Prepared } from "../../src/protocol/record.ts";
import { prepared } from "../log/records.ts";

const asked = prepared(1) as Prepared;
const { transaction, order } = asked;
const { payment } = order;

function view(...records: LogRecord[]) {
  const found = records.map((record, i) =>
    [{ number: i + 1, clock: new Map([["alice", i + 1]]), atMs: i }, record] as const
  );
  const seen = viewOf(found);
  return seen && [seen.id, seen.state, seen.code];
}

const forced = (commit: boolean): LogRecord => ({
  type: "forced",
  transaction,
  order,
  commit,
  by: "ann",
});
const mismatch = (commit: boolean): LogRecord => ({
  type: "mismatch",
  transaction,
  payment,
  commit,
});

Deno.test("a payment that was forced to commit here, and is not, never looks as if it were unknown", () => {
  // Its leg is posted: who took the id for free would believe that nothing was paid.
  const told = [payment, "prepared", "forced_otherwise"] as const;
  assertEquals(view(asked, forced(true), mismatch(false)), [...told]);
  const acknowledged: LogRecord = { type: "acknowledged", transaction, payment, by: "ann" };
  assertEquals(view(asked, forced(true), mismatch(false), acknowledged), [...told]);
});

Deno.test("a payment that was forced to abort here, and is committed, is committed", () => {
  assertEquals(view(asked, forced(false), mismatch(true)), [payment, "committed", undefined]);
});

Deno.test("a payment is prepared until the real decision is known, whatever an operator has done", () => {
  for (const commit of [true, false]) {
    assertEquals(view(asked, forced(commit)), [payment, "prepared", undefined]);
  }
});
