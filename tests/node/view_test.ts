/** What users see of a payment that an operator decided by hand. */

import { assertEquals } from "@std/assert";
import { answeredView, givenUpMs, viewOf } from "../../src/node/view.ts";
import type { LogRecord, Prepared } from "../../src/protocol/record.ts";
import type { Found } from "../../src/protocol/step.ts";
import { prepared } from "../log/records.ts";

const asked = prepared(1) as Prepared;
const { transaction, order } = asked;
const { payment } = order;

function foundOf(records: readonly LogRecord[]): Found[] {
  return records.map((record, i) =>
    [{ number: i + 1, clock: new Map([["alice", i + 1]]), atMs: i }, record] as const
  );
}

function view(...records: LogRecord[]) {
  const seen = viewOf(foundOf(records));
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

const posted: LogRecord = {
  type: "posted",
  transaction,
  payment,
  decided: { number: 9, clock: new Map([["coordinator", 9]]), atMs: 9 },
};
const released: LogRecord = { type: "released", transaction, payment };
const acknowledged: LogRecord = { type: "acknowledged", transaction, payment, by: "ben" };
const ann = { by: "ann", atMs: 1 };
const byForce: readonly [what: string, records: LogRecord[], forced: unknown][] = [
  ["by nobody", [posted], undefined],
  ["and is undecided", [forced(true)], { ...ann, commit: true }],
  ["as it was decided", [forced(true), posted], { ...ann, commit: true, decided: true }],
  ["and decided otherwise", [forced(true), mismatch(false)], {
    ...ann,
    commit: true,
    decided: false,
  }],
  ["and acknowledged", [forced(false), mismatch(true), acknowledged], {
    ...ann,
    commit: false,
    decided: true,
    acknowledged: { by: "ben", atMs: 3 },
  }],
  ["before another attempt", [forced(false), released, asked], undefined],
];
for (const [what, records, forced] of byForce) {
  Deno.test(`a payment that was forced here, ${what}, says so`, () => {
    assertEquals(viewOf(foundOf([asked, ...records]))?.forced, forced);
  });
}

Deno.test("a payment of which only an attempt was aborted was given up then", () => {
  const found = foundOf([asked, released]);
  assertEquals([viewOf(found), givenUpMs(found)], [undefined, 1]);
  assertEquals(givenUpMs(foundOf([])), undefined);
});

Deno.test("a payment that was forced to commit here, and is not, never looks as if it were unknown", () => {
  // Its leg is posted: who took the id for free would believe that nothing was paid.
  const told = [payment, "aborted", "forced_otherwise"] as const;
  assertEquals(view(asked, forced(true), mismatch(false)), [...told]);
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

Deno.test("answeredView() tells of a commit whether this node's log has lost it", () => {
  const decided = { number: 7, atMs: 1, clock: new Map() };
  const answer = {
    state: "committed",
    order,
    transaction,
    decided,
    atMs: 1,
    replayed: false,
  } as const;
  assertEquals(answeredView({ ...answer, isLost: true }).isLost, true);
  assertEquals(answeredView(answer).isLost, undefined);
});
