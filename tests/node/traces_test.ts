/** What is shown of the payments that are followed. */

import { assertEquals } from "@std/assert";
import { Traces } from "../../src/node/traces.ts";
import { viewOf } from "../../src/node/view.ts";
import type { EntryContext, LogRecord, Prepared } from "../../src/protocol/record.ts";
import { prepared } from "../log/records.ts";

const asked = prepared(1) as Prepared;
const { transaction, order } = asked;
const { payment } = order;
const released: LogRecord = { type: "released", transaction, payment };

function at(number: number): EntryContext {
  return { number, clock: new Map([["alice", number]]), atMs: number };
}

function follow(...records: LogRecord[]): Traces {
  const traces = new Traces({ role: "participant" });
  traces.ordered(order);
  records.forEach((record, i) => traces.recorded([record], at(i + 1)));
  return traces;
}

function shown(traces: Traces) {
  const trace = traces.get(payment);
  return [trace?.stage, trace?.payment.state, trace?.payment.code];
}

const ends: readonly [what: string, record: LogRecord, shown: unknown[]][] = [
  ["only whose attempt was aborted is lost", released, ["lost", "pending", undefined]],
  ["that was aborted is done", { ...released, code: "vote_timeout" }, [
    "done",
    "aborted",
    "vote_timeout",
  ]],
];
for (const [what, record, expected] of ends) {
  Deno.test(`a payment ${what}`, () => assertEquals(shown(follow(asked, record)), expected));
}

Deno.test("a payment whose attempt was lost stays in the list, and is asked about no more", () => {
  const traces = follow(asked, released);
  assertEquals(traces.unfinished(), []);
  // Another node may tell of the same attempt again.
  traces.received("bob", { type: "decision", payment, transaction, commit: false });
  assertEquals(shown(traces), ["lost", "pending", undefined]);
  assertEquals(traces.all().length, 1);
});

Deno.test("a payment whose attempt was lost is followed on when it comes again, and may commit", () => {
  const traces = follow(asked, released);
  traces.ordered(order);
  assertEquals(shown(traces), ["ordered", "pending", undefined]);
  const again = prepared(1) as Prepared;
  traces.recorded([again], at(3));
  const decided = { number: 9, clock: new Map([["coordinator", 9]]), atMs: 9 };
  traces.recorded([{ type: "posted", transaction, payment, decided }], at(4));
  assertEquals(shown(traces), ["done", "committed", undefined]);
});

Deno.test("that something was held for a payment is known, also when its records are read back", () => {
  const whole: LogRecord = { ...released, code: "vote_timeout" };
  const unheld: LogRecord = { type: "aborted", order, code: "vote_timeout" };
  for (const [records, isPrepared] of [[[asked, whole], true], [[unheld], false]] as const) {
    assertEquals(follow(...records).get(payment)?.isPrepared, isPrepared);
    const recalled = new Traces({ role: "participant" });
    const found = records.map((record, i) => [at(i + 1), record] as const);
    recalled.recall([viewOf(found)!], () => false);
    assertEquals(recalled.get(payment)?.isPrepared, isPrepared);
  }
});

Deno.test("what an operator forced is shown of a payment that is followed, and what was decided", () => {
  const forced: LogRecord = { type: "forced", transaction, order, commit: true, by: "ann" };
  const mismatch: LogRecord = { type: "mismatch", transaction, payment, commit: false };
  const acknowledged: LogRecord = { type: "acknowledged", transaction, payment, by: "ben" };
  const records = [asked, forced, mismatch, acknowledged];
  for (let count = 2; count <= records.length; count++) {
    const some = records.slice(0, count);
    const read = viewOf(some.map((record, i) => [at(i + 1), record] as const));
    const { payment: followed } = follow(...some).get(payment)!;
    assertEquals([followed.forced, followed.code], [read?.forced, read?.code]);
    assertEquals(followed.forced?.decided, count > 2 ? false : undefined);
  }
});

Deno.test("payments are listed by the time that is shown of them, newest first", () => {
  const traces = new Traces({ role: "participant" });
  const orders = [1, 2, 3].map((n) => prepared(n) as Prepared);
  for (const { order } of orders) traces.ordered(order);
  // The first to be made is the last to be prepared.
  orders.toReversed().forEach((record, i) => traces.recorded([record], at(i + 1)));
  assertEquals(traces.all().map(({ payment }) => payment.atMs), [3, 2, 1]);
  assertEquals(traces.all()[0]?.payment.id, payment);
});
