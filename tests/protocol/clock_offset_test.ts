/** A participant compares its clock with its coordinator's where it learns of fresh decisions. */

import { assertEquals } from "@std/assert";
import { clockOffsetMsMax, clockWarningMs, voteTimeoutMs } from "../../src/limits.ts";
import { ClockOffset } from "../../src/protocol/clock_offset.ts";
import { entryNow, order, payment, transactions, turnOf } from "./example.ts";
import { Bench, from, prepares, submits } from "./participant_example.ts";

const { T1 } = transactions;

/** When the coordinator decides, by its own clock, and when the decision comes, both after the vote. */
const fresh: readonly [decidedMs: number, comesMs: number, offsetMs: number, said?: string][] = [
  [20, 30, 10],
  [30 - clockOffsetMsMax, 30, clockOffsetMsMax],
  [29 - clockOffsetMsMax, 30, clockOffsetMsMax + 1, "60 s ahead of its"],
  [7_200_030, 30, -7_200_000, "7200 s behind its"],
];
for (const [decidedMs, comesMs, offsetMs, said] of fresh) {
  Deno.test(`a participant with a clock off by ${offsetMs} ms is told ${said ?? "nothing"}`, () => {
    const bench = new Bench();
    bench.step(submits(1, order));
    bench.step(prepares(T1));
    const decided = {
      ...turnOf("coordinator", 70),
      atMs: turnOf("alice", entryNow).atMs + decidedMs,
    };
    const { hash: orderHash } = order;
    const decision = {
      type: "decision",
      transaction: T1,
      payment,
      commit: true,
      orderHash,
      decided,
    };
    const commit = from("coordinator", decision as Parameters<typeof from>[1]);
    const { notes } = bench.step({ ...commit, afterMs: comesMs });
    assertEquals(bench.participant.clockOffsetMs, offsetMs);
    assertEquals(notes.map((note) => /clock is (.* its)/.exec(note)?.[1]), said ? [said] : []);
  });
}

const far = 2 * clockOffsetMsMax;
/** By the own clock. */
const old: readonly [what: string, votedMs: number, nowMs: number][] = [
  ["was long in doubt", 0, voteTimeoutMs + 1],
  ["was voted on before the clock was set back", 1, 0],
];
for (const [what, votedMs, atMs] of old) {
  Deno.test(`a commit of what ${what} says nothing of clocks`, () => {
    const offset = new ClockOffset();
    const turn = { ...turnOf("alice", entryNow), atMs };
    assertEquals(offset.compare(votedMs, atMs - far, turn), undefined);
    assertEquals(offset.lastMs, undefined);
  });
}

Deno.test("a clock that is off is told of once an hour, and shows when it is set right", () => {
  const offset = new ClockOffset();
  const saysAt = (nowMs: number, offMs: number) => {
    const turn = { ...turnOf("alice", entryNow), atMs: nowMs, nowMs };
    return offset.compare(nowMs, nowMs - offMs, turn) !== undefined;
  };
  assertEquals(
    [saysAt(0, far), saysAt(clockWarningMs - 1, far), saysAt(clockWarningMs, far)],
    [true, false, true],
  );
  assertEquals([saysAt(clockWarningMs + 1, 5), offset.lastMs], [false, 5]);
});
