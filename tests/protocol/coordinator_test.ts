/** Rules: AC1 to AC5 of Bernstein, Hadzilacos and Goodman (ch. 7), presumed abort of Mohan, Lindsay and
 * Obermarck (1986), or the design's own, as the rows of the table cite them. */

import { assert, assertEquals } from "@std/assert";
import {
  openTransactionsMax,
  paymentIdAheadMsMax,
  presumptionMs,
  voteTimeoutMs,
} from "../../src/limits.ts";
import { CoordinatorState } from "../../src/protocol/coordinator_state.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { Bench, events, links, orders, states } from "./coordinator_example.ts";
import { coordinatorTable } from "./coordinator_table.ts";
import {
  atMs,
  entryNow,
  epochs,
  genesisOf,
  orderOf,
  payment,
  paymentAt,
  snapshotOf,
  transactions,
  turnOf,
} from "./example.ts";
import { expectedIn, inWords } from "./in_words.ts";

for (const row of coordinatorTable) {
  Deno.test(`stepCoordinator() at "${row.event}": ${row.rule}`, () => {
    for (const state of Object.keys(states)) {
      const out = Bench.in(state).step(events[row.event]!, entryNow);
      assertEquals(inWords(out), expectedIn(state, row), state);
    }
  });
}

Deno.test("the table has every event, and names only states that there are", () => {
  assertEquals(coordinatorTable.map(({ event }) => event), Object.keys(events));
  for (const { does } of coordinatorTable) {
    const named = Object.keys(does).flatMap((names) => names.split(", "));
    assertEquals(named.filter((name) => name !== "otherwise" && !(name in states)), []);
    assertEquals(new Set(named).size, named.length);
  }
});

const snapshot = (state: CoordinatorState) => snapshotOf(state, turnOf("coordinator", 0));

Deno.test("apply() of the snapshot gives the state of every step again, and so do its records", () => {
  for (const state of Object.keys(states)) {
    for (const event of Object.values(events)) {
      const bench = Bench.in(state);
      const before = bench.coordinator.state;
      const folded = new CoordinatorState();
      for (const [context, record] of snapshot(before)) {
        folded.apply(record, context);
      }
      assertEquals(snapshot(folded), snapshot(before));
      for (const record of bench.step(event, entryNow).records) {
        folded.apply(record, turnOf("coordinator", entryNow, event.afterMs));
      }
      assertEquals(snapshot(folded), snapshot(bench.coordinator.state));
    }
  }
});

const dollar = ["-100 USD main@alice", "100 USD main@bob"];

/** Orders refused without asking anyone: recorded before they are told, as the first is for ever. */
const refusals: readonly [string, readonly string[], string][] = [
  ["one leg", ["-100 USD main@alice"], "legs_invalid"],
  ["what does not add up", ["-100 USD main@alice", "99 USD main@bob"], "legs_unbalanced"],
  ["an unknown currency", ["-1 XXX main@alice", "1 XXX main@bob"], "currency_unknown"],
  [
    "too much",
    [`-${10n ** 16n} USD main@alice`, `${10n ** 16n} USD main@bob`],
    "amount_out_of_range",
  ],
  ["a stranger's leg", ["-100 USD main@alice", "100 USD main@dave"], "participant_unknown"],
];

for (const [what, legs, code] of refusals) {
  Deno.test(`stepCoordinator() records ${code} for ${what} before it tells it`, () => {
    const order = orderOf("alice", legs);
    const event = { type: "message", from: "alice", message: { type: "order", order } } as const;
    const bench = new Bench();
    assertEquals(
      inWords(bench.step(event, entryNow)),
      `aborted ${code}, sync > alice outcome aborted ${code} @now`,
    );
    const again = `> alice outcome aborted ${code} @now replayed`;
    assertEquals(inWords(bench.step(event)), again);
  });
}

for (const [ms, expected] of [[0, "prepare"], [1, "outcome"]] as const) {
  Deno.test(`stepCoordinator() meets an id ${ms} ms past the most it may be ahead: ${expected}`, () => {
    const order = orderOf("alice", dollar, paymentAt(atMs + paymentIdAheadMsMax + ms));
    const message = { type: "order", order } as const;
    const out = new Bench().step({ type: "message", from: "alice", message });
    assertEquals(out.sends[0]!.message.type, expected);
    assertEquals(out.records, []);
  });
}

Deno.test("stepCoordinator() rejects orders past what may be open, and records nothing", () => {
  const bench = new Bench();
  const place = (sequence: number) => {
    const order = orderOf("alice", dollar, paymentAt(atMs, sequence));
    const out = bench.step(orders("alice", order));
    // All vote, and nobody acks.
    for (const { to, message } of out.sends) {
      if (message.type !== "prepare") continue;
      const { transaction, order: { payment, hash: orderHash } } = message;
      const vote = { type: "vote", transaction, payment, orderHash, yes: true } as const;
      bench.step({ type: "message", from: to, message: vote });
    }
    return out;
  };
  for (let i = 1; i <= openTransactionsMax; i++) place(i);
  assertEquals(bench.coordinator.openCount, openTransactionsMax);
  assertEquals(inWords(place(openTransactionsMax + 1)), "> alice outcome rejected overloaded");
});

Deno.test("stepCoordinator() aborts with participant_unreachable when a vote's link is down", () => {
  const bench = Bench.in("voting");
  bench.step({ type: "linkDown", peer: "bob" });
  const out = bench.step({ type: "tick", afterMs: voteTimeoutMs });
  assertEquals(out.records.map((record) => record.type === "aborted" && record.code), [
    "participant_unreachable",
  ]);
});

Deno.test("a transaction's id is never used again, also after a restart", () => {
  const bench = Bench.in("new");
  const begun = bench.step(events["order"]!).sends[0]!.message;
  const genesis = genesisOf("coordinator", "coordinator");
  const restarted = new Bench();
  restarted.step({ type: "start", genesis, nonce: epochs.next.nonce });
  const again = restarted.step(events["order"]!).sends[0]!.message;
  const ids = [begun, again].map((message) =>
    String("transaction" in message && message.transaction)
  );
  assertEquals(ids, ["2-bbbbbbbbbbbb-2", "3-dddddddddddd-1"]);
});

Deno.test("start records genesis once, and a higher epoch at every start", () => {
  const { state } = new Bench().coordinator;
  const records: LogRecord[] = [...state.membership.snapshot()];
  assertEquals(records.map(({ type }) => type), [
    "genesis",
    "started",
    "started",
    "introduced",
    "introduced",
  ]);
  assertEquals(state.membership.epochs, [epochs.before, epochs.present]);
});

Deno.test("after a start it presumes aborts once all have dialled who could refuse it", () => {
  const bench = Bench.in("new");
  const asked = (transaction: TransactionId, afterMs: number) => {
    const message = { type: "inquiry", transaction, payment } as const;
    const { sends } = bench.step({ type: "message", from: "bob", message, afterMs });
    return sends.map(({ message }) => message.type);
  };
  bench.step({ type: "linkDown", peer: "alice" });
  assertEquals(asked(transactions.Tbefore, presumptionMs - 1), []);
  assertEquals(asked(transactions.Tbefore, presumptionMs), ["decision"]);
  // What was begun in this epoch needs nobody's word.
  assertEquals(asked(transactions.T0, 0), ["decision"]);
  bench.step(links("alice"));
  assertEquals(asked(transactions.Tbefore, 0), ["decision"]);
});

Deno.test("refused for amnesia, it presumes no abort of what was begun before, also from a checkpoint", () => {
  const bench = Bench.in("new");
  const message = { type: "inquiry", transaction: transactions.Tbefore, payment } as const;
  const answer = (asked: Bench) =>
    asked.step({ type: "message", from: "bob", message }).sends.map(({ message }) => message.type);
  assertEquals(answer(bench), ["decision"]);

  const [record] = bench.step({ type: "amnesia" }).records;
  assertEquals(record, { type: "readmitted", name: "coordinator", by: "coordinator" });
  assertEquals(bench.step({ type: "amnesia" }).records, []);
  assertEquals(answer(bench), []);

  const genesis = genesisOf("coordinator", "coordinator");
  bench.step({ type: "start", genesis, nonce: epochs.next.nonce });
  const state = new CoordinatorState();
  for (const [context, record] of bench.coordinator.state.freeze(turnOf("coordinator", 1)).rest) {
    state.apply(record, context);
  }
  for (const known of [bench.coordinator.state, state]) {
    assertEquals(known.lostEpochs, 1);
    assert(known.mayLack(epochs.before));
    // What was begun since it came back is all in the log.
    assert(!known.mayLack(epochs.present));
    assert(!known.mayLack(epochs.next));
  }
});
