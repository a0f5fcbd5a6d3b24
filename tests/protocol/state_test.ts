/** The folds: every record in every state, and what can't be (a bug, or a log that is not its own). */

import { assertEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../../src/errors.ts";
import { CoordinatorState } from "../../src/protocol/coordinator_state.ts";
import type { Mismatched } from "../../src/protocol/participant_state.ts";
import { ParticipantState } from "../../src/protocol/participant_state.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import {
  epochs,
  genesisOf,
  order,
  otherPayment,
  payment,
  snapshotOf,
  transactions,
  turnOf,
} from "./example.ts";
import type { Row } from "./in_words.ts";
import { expectedIn } from "./in_words.ts";

const { T1, T2 } = transactions;
const decided = { number: 9, atMs: 1_700_000_000_000, clock: new Map([["coordinator", 9]]) };
const of1 = { transaction: T1, payment };

const records: Readonly<Record<string, LogRecord>> = {
  prepared: { type: "prepared", transaction: T1, order },
  "prepared T2": { type: "prepared", transaction: T2, order },
  posted: { type: "posted", ...of1, decided },
  "posted T2": { type: "posted", transaction: T2, payment, decided },
  released: { type: "released", ...of1 },
  "released with code": { type: "released", ...of1, code: "vote_timeout", decided },
  refused: { type: "refused", ...of1 },
  "forced commit": { type: "forced", transaction: T1, order, commit: true, by: "operator" },
  "forced abort": { type: "forced", transaction: T1, order, commit: false, by: "operator" },
  "mismatch commit": { type: "mismatch", ...of1, commit: true },
  "mismatch abort": { type: "mismatch", ...of1, commit: false },
  acknowledged: { type: "acknowledged", ...of1, by: "ann" },
  "acknowledged T2": { type: "acknowledged", transaction: T2, payment, by: "ann" },
  "acknowledged of another": {
    type: "acknowledged",
    transaction: T1,
    payment: otherPayment,
    by: "ann",
  },
  unacknowledged: { type: "unacknowledged", ...of1, commit: false, by: "operator" },
  aborted: { type: "aborted", order, code: "vote_timeout", decided },
  committed: { type: "committed", transaction: T1, order, proofs: [] },
  ended: { type: "ended", ...of1 },
};

const always: Readonly<Record<string, LogRecord>> = {
  genesis: genesisOf("alice", "participant"),
  started: { type: "started", epoch: epochs.present },
  introduced: { type: "introduced", name: "bob", address: "bob:7443" },
  readmitted: { type: "readmitted", name: "bob", by: "ann" },
  checkpointed: { type: "checkpointed", number: 3, on: 0, hash: "00".repeat(32) },
};

const participantStates: Readonly<Record<string, readonly string[]>> = {
  none: [],
  prepared: ["prepared"],
  "forced to commit": ["prepared", "forced commit"],
  "forced to abort": ["prepared", "forced abort"],
  refused: ["refused"],
  posted: ["prepared", "posted"],
  released: ["prepared", "released"],
  aborted: ["aborted"],
};

const throws = "throws";

/** The state after: what is open, what is settled, and the balance with what is held. */
const participantTable: readonly Row[] = [
  {
    event: "prepared",
    rule: "one attempt at a time, and none once paid",
    does: {
      "none, refused": "prepared, 1000 -100",
      "released, aborted": "prepared released, 1000 -100",
      otherwise: throws,
    },
  },
  {
    event: "prepared T2",
    rule: "one attempt at a time, and none once paid",
    does: {
      "none, refused": "prepared, 1000 -100",
      "released, aborted": "prepared released, 1000 -100",
      otherwise: throws,
    },
  },
  {
    event: "posted",
    rule: "only what is prepared is posted, once",
    does: {
      prepared: "posted, 900 -0",
      "forced to commit": "posted, 900 -0",
      otherwise: throws,
    },
  },
  {
    event: "posted T2",
    rule: "only the transaction that is prepared is posted",
    does: { otherwise: throws },
  },
  ...["released", "released with code"].map((event) => ({
    event,
    rule: "only what is prepared is released, once",
    does: {
      prepared: "released, 1000 -0",
      "forced to abort": "released, 1000 -0",
      otherwise: throws,
    },
  })),
  {
    event: "refused",
    rule: "never voted yes, and never will",
    does: {
      "none, refused": "refused, 1000 -0",
      posted: "refused posted, 900 -0",
      "released, aborted": "refused released, 1000 -0",
      otherwise: throws,
    },
  },
  {
    event: "forced commit",
    rule: "of what is prepared; alone from a checkpoint, whose balances include it",
    does: {
      prepared: "forced, 900 -0",
      none: "forced, 1000 -0",
      posted: "forced posted, 900 -0",
      "released, aborted": "forced released, 1000 -0",
      otherwise: throws,
    },
  },
  {
    event: "forced abort",
    rule: "of what is prepared; alone from a checkpoint, whose balances include it",
    does: {
      prepared: "forced, 1000 -0",
      none: "forced, 1000 -0",
      posted: "forced posted, 900 -0",
      "released, aborted": "forced released, 1000 -0",
      otherwise: throws,
    },
  },
  {
    event: "mismatch commit",
    rule: "the real decision, which a forced one contradicts; the books stay",
    does: { "forced to abort": "released, 1000 -0", otherwise: throws },
  },
  {
    event: "mismatch abort",
    rule: "the real decision, which a forced one contradicts; the books stay",
    does: { "forced to commit": "posted, 900 -0", otherwise: throws },
  },
  {
    event: "aborted",
    rule: "only of what is neither held nor paid",
    does: {
      "none, released, aborted": "released, 1000 -0",
      refused: "refused released, 1000 -0",
      otherwise: throws,
    },
  },
  { event: "acknowledged", rule: "only of a mismatch", does: { otherwise: throws } },
  { event: "committed", rule: "a coordinator's", does: { otherwise: throws } },
  { event: "ended", rule: "a coordinator's", does: { otherwise: throws } },
];

function participantIn(state: string): ParticipantState {
  const fold = new ParticipantState("alice", "coordinator");
  const opened = { type: "opened", account: "main", currency: "USD", opening: 1_000n } as const;
  const past = participantStates[state]!.map((name) => records[name]!);
  for (const [i, record] of [opened, ...past].entries()) fold.apply(record, turnOf("alice", i));
  return fold;
}

for (const row of participantTable) {
  Deno.test(`ParticipantState.apply() of ${row.event}: ${row.rule}`, () => {
    for (const state of Object.keys(participantStates)) {
      const fold = participantIn(state);
      const apply = () => fold.apply(records[row.event]!, turnOf("alice", 9));
      const expected = expectedIn(state, row);
      if (expected === throws) {
        assertThrows(apply, InvariantError, "", state);
        continue;
      }
      apply();
      const kinds = [fold.open(payment)?.type, fold.settled(payment)?.type];
      const { posted, pendingDebits } = fold.ledger.account("main")!;
      const words = kinds.filter((kind) => kind).join(" ");
      assertEquals(`${words}, ${posted} -${pendingDebits}`, expected!, state);
    }
  });
}

/** Mismatches that wait for an operator after these records, by their real decisions. */
const mismatchTable: readonly [past: readonly string[], waiting: readonly string[] | "throws"][] = [
  [["prepared", "forced commit"], []],
  [["prepared", "forced commit", "posted"], []],
  [["prepared", "forced commit", "mismatch abort"], ["abort by operator"]],
  [["prepared", "forced abort", "mismatch commit"], ["commit by operator"]],
  [["prepared", "forced commit", "mismatch abort", "acknowledged"], []],
  [["prepared", "forced commit", "mismatch abort", "acknowledged T2"], throws],
  [["prepared", "forced commit", "mismatch abort", "acknowledged of another"], throws],
  [["prepared", "forced commit", "mismatch abort", "acknowledged", "acknowledged"], throws],
  [["unacknowledged"], ["abort by operator"]],
  [["unacknowledged", "acknowledged"], []],
  [["unacknowledged", "prepared", "released"], ["abort by operator"]],
];

for (const [past, waiting] of mismatchTable) {
  Deno.test(`ParticipantState has after ${past.join(", ")} as mismatches: ${waiting}`, () => {
    const fold = participantIn("none");
    const apply = () =>
      past.forEach((name, i) => fold.apply(records[name]!, turnOf("alice", i + 1)));
    if (waiting === throws) return void assertThrows(apply, InvariantError, "no mismatch");
    apply();
    assertEquals(mismatchesOf(fold), waiting);
  });
}

function mismatchesOf(fold: ParticipantState): string[] {
  return [...fold.mismatches()].map(({ commit, by }) => `${commit ? "commit" : "abort"} by ${by}`);
}

Deno.test("a mismatch outlives what is settled, and checkpoints carry it until it is acknowledged", () => {
  const fold = participantIn("prepared");
  fold.apply(records["forced commit"]!, turnOf("alice", 3));
  fold.apply(records["mismatch abort"]!, turnOf("alice", 4));
  let last = fold;
  for (let i = 0; i < 3; i++) {
    const snapshot = snapshotOf(last, turnOf("alice", 9));
    last.rotate();
    last.dropIndexed();
    const again = new ParticipantState("alice", "coordinator");
    for (const [context, record] of snapshot) again.apply(record, context);
    for (const state of [last, again]) {
      assertEquals(snapshotOf(state, turnOf("alice", 9)), snapshot);
      const [{ context, ...mismatch }] = [...state.mismatches()] as [Mismatched];
      assertEquals(mismatch, { ...of1, commit: false, by: "operator" });
      assertEquals(context.number, 4);
      assertEquals(state.settled(payment), undefined);
    }
    last = again;
  }
  last.apply(records.acknowledged!, turnOf("alice", 10));
  assertEquals([...last.mismatches()], []);
  assertEquals(snapshotOf(last, turnOf("alice", 11)).map(([, { type }]) => type), [
    ...["balance", "balance", "balance"],
  ]);
});

const coordinatorStates: Readonly<Record<string, readonly string[]>> = {
  none: [],
  committing: ["committed"],
  committed: ["committed", "ended"],
  aborted: ["aborted"],
};

/** No reversal (AC2): the first outcome of a payment is its outcome for ever. */
const coordinatorTable: readonly Row[] = [
  { event: "committed", rule: "once", does: { none: "committing", otherwise: throws } },
  { event: "ended", rule: "once", does: { committing: "committed", otherwise: throws } },
  { event: "aborted", rule: "once", does: { none: "aborted", otherwise: throws } },
  ...Object.keys(records).filter((name) => !["committed", "ended", "aborted"].includes(name)).map((
    event,
  ) => ({ event, rule: "a participant's", does: { otherwise: throws } })),
];

for (const row of coordinatorTable) {
  Deno.test(`CoordinatorState.apply() of ${row.event}: ${row.rule}`, () => {
    for (const [state, past] of Object.entries(coordinatorStates)) {
      const fold = new CoordinatorState();
      for (const name of past) fold.apply(records[name]!, turnOf("coordinator", 1));
      const apply = () => fold.apply(records[row.event]!, turnOf("coordinator", 2));
      const expected = expectedIn(state, row);
      if (expected === throws) assertThrows(apply, InvariantError, "", state);
      else {
        apply();
        assertEquals<string | undefined>(fold.get(payment)?.type, expected, state);
      }
    }
  });
}

Deno.test("records of every node leave payments as they are, in both roles", () => {
  for (const record of Object.values(always)) {
    for (const state of Object.keys(participantStates)) {
      const fold = participantIn(state);
      const before = [fold.open(payment), fold.settled(payment)];
      fold.apply(record, turnOf("alice", 9));
      assertEquals([fold.open(payment), fold.settled(payment)], before);
    }
    new CoordinatorState().apply(record, turnOf("coordinator", 1));
  }
});

Deno.test("opened, balance and keyed: an account opens once and has its last balance, a coordinator has none", () => {
  const opened = { type: "opened", account: "main", currency: "USD", opening: 5n } as const;
  const balance = { type: "balance", account: "main", currency: "USD", posted: 5n } as const;
  const keyed = { type: "keyed", key: "00".repeat(16), request: "11".repeat(32), payment } as const;
  for (const record of [opened, balance, keyed]) {
    assertThrows(
      () => new CoordinatorState().apply(record, turnOf("coordinator", 1)),
      InvariantError,
    );
  }
  const fold = participantIn("none");
  assertThrows(() => fold.apply(opened, turnOf("alice", 2)), InvariantError);
  for (const wrong of [{ currency: "EUR" }, { posted: -1n }]) {
    assertThrows(() => fold.apply({ ...balance, ...wrong }, turnOf("alice", 2)), InvariantError);
  }
  fold.apply(balance, turnOf("alice", 2));
  assertEquals(fold.ledger.account("main")?.posted, 5n);
  fold.apply(keyed, turnOf("alice", 2));
  assertEquals(fold.key(keyed.key), { request: keyed.request, payment, number: 2 });
});

Deno.test("joined and readmitted: the coordinator's epoch, and none after it was readmitted", () => {
  const fold = participantIn("refused");
  fold.apply({ type: "joined", epoch: epochs.present }, turnOf("alice", 2));
  assertEquals([fold.coordinatorEpoch, fold.open(payment)?.type], [epochs.present, "refused"]);
  fold.apply({ type: "joined", epoch: epochs.next }, turnOf("alice", 3));
  assertEquals([fold.coordinatorEpoch, fold.open(payment)], [epochs.next, undefined]);
  fold.apply({ type: "readmitted", name: "coordinator", by: "ann" }, turnOf("alice", 4));
  assertEquals(fold.coordinatorEpoch, undefined);
});

Deno.test("recall() gives what was settled as it was before it left memory", () => {
  const histories = [
    ["prepared", "posted"],
    ["prepared", "released"],
    ["prepared", "released", "prepared T2", "posted T2"],
    ["prepared", "released with code"],
    ["prepared", "forced commit", "mismatch abort"],
    ["prepared", "forced abort", "mismatch commit"],
    ["prepared", "forced commit", "posted"],
    ["prepared", "forced commit", "mismatch abort", "acknowledged"],
    ["aborted"],
  ];
  for (const names of histories) {
    const fold = participantIn("none");
    const found = names.map((name, i) => [turnOf("alice", i + 1), records[name]!] as const);
    for (const [context, record] of found) fold.apply(record, context);
    const recalled = participantIn("none");
    recalled.recall(found);
    assertEquals(recalled.settled(payment), fold.settled(payment), names.join(", "));
  }
});

/** A look-up takes a while: what the log had of a payment then, what memory has of it by now. */
Deno.test("recall() leaves what has come into memory since the index was asked", () => {
  const lost = ["prepared", "released"];
  const known = ["aborted"];
  const overtaken: readonly (readonly [found: readonly string[], since: readonly string[]])[] = [
    [lost, known],
    [lost, ["prepared T2", "posted T2"]],
    [["prepared", "forced abort", "mismatch commit"], known],
    [["aborted"], ["prepared T2", "posted T2"]],
  ];
  for (const [found, since] of overtaken) {
    const fold = participantIn("none");
    for (const name of since) fold.apply(records[name]!, turnOf("alice", 8));
    const before = fold.settled(payment);
    fold.recall(found.map((name, i) => [turnOf("alice", i + 1), records[name]!]));
    assertEquals(fold.settled(payment), before, `${found} found, ${since} since`);
  }
});

Deno.test("recall() leaves a key that was taken since the index was asked", () => {
  const fold = participantIn("none");
  const keyed = { type: "keyed", key: "00".repeat(16), payment } as const;
  fold.apply({ ...keyed, request: "11".repeat(32) }, turnOf("alice", 8));
  fold.recall([[turnOf("alice", 1), { ...keyed, request: "22".repeat(32) }]]);
  assertEquals(fold.key(keyed.key), { request: "11".repeat(32), payment, number: 8 });
});

Deno.test("recall() of a coordinator leaves a payment's outcome as it is in memory", () => {
  for (const [state, past] of Object.entries(coordinatorStates)) {
    for (const name of ["committed", "aborted"]) {
      const fold = new CoordinatorState();
      for (const record of past) fold.apply(records[record]!, turnOf("coordinator", 8));
      const before = fold.get(payment);
      fold.recall([[turnOf("coordinator", 1), records[name]!]]);
      if (before) assertEquals(fold.get(payment), before, `${name} found, ${state} in memory`);
      else assertEquals<string | undefined>(fold.get(payment)?.type, name);
    }
  }
});
