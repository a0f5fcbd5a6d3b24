/** What a participant holds and refuses, and what it keeps of a refusal. */

import { assertEquals } from "@std/assert";
import type { PaymentId } from "../../src/protocol/id.ts";
import { transactionId } from "../../src/protocol/id.ts";
import { ParticipantState } from "../../src/protocol/participant_state.ts";
import {
  entryNow,
  epochs,
  order,
  orderOf,
  otherPayment,
  payment,
  snapshotOf,
  transactions,
  turnOf,
} from "./example.ts";
import { inWords } from "./in_words.ts";
import {
  asks,
  balanceOf,
  Bench,
  from,
  incoming,
  links,
  prepares,
  submits,
} from "./participant_example.ts";

const { T0, T1, T2, Tnext } = transactions;

// Bob's account is not alice's to judge, so the payer here is always alice, on her own order.
const legsRefused: readonly [string, readonly string[], string][] = [
  ["a reserved account", ["-1 USD equity@alice", "1 USD main@bob"], "legs_invalid"],
  ["an account twice", ["-1 USD main@alice", "1 USD main@alice"], "legs_invalid"],
  ["no leg of its own", ["-1 USD main@bob", "1 USD main@carol"], "legs_invalid"],
  ["what does not add up", ["-2 USD main@alice", "1 USD main@bob"], "legs_unbalanced"],
  ["an unknown currency", ["-1 XXX main@alice", "1 XXX main@bob"], "currency_unknown"],
  ["nothing", ["0 USD main@alice", "0 USD main@bob"], "amount_out_of_range"],
  ["a missing account", ["-1 USD savings@alice", "1 USD main@bob"], "account_not_found"],
  ["another currency", ["-1 EUR main@alice", "1 EUR main@bob"], "currency_mismatch"],
  ["too much", ["-1001 USD main@alice", "1001 USD main@bob"], "insufficient_funds"],
];

for (const [what, legs, code] of legsRefused) {
  Deno.test(`stepParticipant() votes no to ${what} with ${code}, and holds nothing`, () => {
    const bench = new Bench();
    const asked = orderOf("alice", legs);
    bench.step(submits(1, asked));
    assertEquals(inWords(bench.step(prepares(T1, asked))), `> coordinator no T1 ${code}`);
    assertEquals(balanceOf(bench), "1000 -0 +0");
  });
}

Deno.test("only the owner's participant debits: bob's order of alice's account is refused", () => {
  const foreign = orderOf("bob", ["-1 USD main@alice", "1 USD main@bob"]);
  const out = new Bench().step(prepares(T1, foreign));
  assertEquals(inWords(out), "> coordinator no T1 debit_not_authorized");
});

Deno.test("an own order forgotten in a crash is no refusal of the payment", () => {
  assertEquals(inWords(new Bench().step(prepares(T1))), "> coordinator no T1");
});

Deno.test("what is held can't be spent again, and what comes in not before it is posted", () => {
  const bench = new Bench();
  const all = orderOf("alice", ["-1000 USD main@alice", "1000 USD main@bob"]);
  const more = (last: number) => {
    const id = `${payment.slice(0, -1)}${last}` as PaymentId;
    return orderOf("alice", ["-1 USD main@alice", "1 USD main@bob"], id);
  };
  bench.step(submits(1, all));
  for (const last of [3, 4, 5]) bench.step(submits(last, more(last)));
  bench.step(prepares(T0, all));
  assertEquals(balanceOf(bench), "1000 -1000 +0");
  assertEquals(
    inWords(bench.step(prepares(T1, more(3)))),
    "> coordinator no T1 insufficient_funds",
  );
  bench.step(prepares(T2, incoming(50n)));
  assertEquals(balanceOf(bench), "1000 -1000 +50");
  assertEquals(
    inWords(bench.step(prepares(T1, more(4)))),
    "> coordinator no T1 insufficient_funds",
  );
  const decided = { number: 70, atMs: 1_700_000_000_000, clock: new Map() };
  const commit = {
    type: "decision",
    transaction: T2,
    payment: otherPayment,
    commit: true,
    orderHash: incoming(50n).hash,
  } as const;
  bench.step(from("coordinator", { ...commit, decided }));
  assertEquals(balanceOf(bench), "1050 -1000 +0");
  assertEquals(
    inWords(bench.step(prepares(T1, more(5)), entryNow)).split(" >")[0],
    "prepared T1, sync",
  );
});

const balances: readonly [string, string][] = [
  ["prepared", "1000 -100 +0"],
  ["forced to commit", "900 -0 +0"],
  ["forced to abort", "1000 -0 +0"],
  ["posted", "900 -0 +0"],
  ["released", "1000 -0 +0"],
  ["attempt lost", "1000 -0 +0"],
  ["posted against the decision", "900 -0 +0"],
  ["released against the decision", "1000 -0 +0"],
];

for (const [state, balance] of balances) {
  Deno.test(`alice's account has ${balance} when ${state}`, () => {
    assertEquals(balanceOf(Bench.in(state)), balance);
  });
}

const { present, next } = epochs;
const kept = "> coordinator no";

/** "I never voted yes, and never will": until no coordinator can prepare the transaction any more. */
const refusals: readonly [string, Parameters<typeof asks>[0], typeof present | typeof next][] = [
  ["of the present epoch, after its link is up again", T1, present],
  ["of the next epoch, asked about before it was joined", Tnext, next],
];

for (const [what, transaction, epoch] of refusals) {
  Deno.test(`a refusal ${what}, is kept`, () => {
    const bench = Bench.in("own");
    bench.step(asks(transaction));
    bench.step({ type: "linkUp", peer: "coordinator", address: "coordinator:7443", epoch });
    const vote = inWords(bench.step(prepares(transaction)));
    assertEquals(vote.slice(0, kept.length), kept);
  });
}

Deno.test("a refusal is forgotten once a higher epoch is durably known", () => {
  const bench = Bench.in("refused");
  bench.step({
    type: "linkUp",
    peer: "coordinator",
    address: "coordinator:7443",
    epoch: epochs.next,
  });
  assertEquals(bench.participant.state.openCount, 0);
});

Deno.test("a readmitted coordinator's epochs begin again", () => {
  const bench = Bench.in("own");
  bench.step({ type: "record", record: { type: "readmitted", name: "coordinator", by: "ann" } });
  const link = { type: "linkUp", peer: "coordinator", address: "coordinator:7443" } as const;
  const out = bench.step({ ...link, epoch: epochs.before });
  assertEquals(inWords(out), "joined 1, sync > coordinator order");
});

Deno.test("a peer without a part in the payment can't decide it", () => {
  const bench = Bench.in("restarted");
  const abort = { type: "decision", transaction: T1, payment, commit: false } as const;
  assertEquals(inWords(bench.step(from("carol", abort))), "!");
  assertEquals(balanceOf(bench), "1000 -100 +0");
});

for (const type of ["prepare", "outcome", "directory", "order", "vote", "ack"] as const) {
  Deno.test(`stepParticipant() alarms at "${type}" from a peer, and does nothing`, () => {
    const of = { transaction: T1, payment };
    const out = Bench.in("own").step(from(
      "bob",
      {
        prepare: { type: "prepare", transaction: T1, order },
        outcome: { type: "outcome", payment, outcome: { state: "rejected", code: "overloaded" } },
        directory: { type: "directory", nodes: [] },
        order: { type: "order", order },
        vote: { type: "vote", ...of, orderHash: order.hash, yes: true },
        ack: { type: "ack", ...of },
      }[type] as Parameters<typeof from>[1],
    ));
    assertEquals(inWords(out), "!");
  });
}

Deno.test("the directory is kept but for the node itself, and told addresses are not stored twice", () => {
  const bench = new Bench();
  const nodes = ["alice", "bob", "carol"].map((name) => ({ name, address: `${name}:7443` }));
  const message = { type: "directory", nodes } as const;
  assertEquals(inWords(bench.step(from("coordinator", message))), "introduced carol");
  assertEquals(inWords(bench.step(from("coordinator", message))), "");
});

for (const epoch of [epochs.before, epochs.twin]) {
  Deno.test(`a coordinator of epoch ${epoch.counter}-${epoch.nonce} is not linked to: no order leaves`, () => {
    const bench = Bench.in("restarted");
    bench.step({ type: "linkUp", peer: "coordinator", address: "coordinator:7443", epoch });
    assertEquals(bench.participant.isLinked, false);
    const other = orderOf("alice", ["-1 USD main@alice", "1 USD main@bob"], otherPayment);
    assertEquals(inWords(bench.step(submits(3, other))), "= 3 rejected coordinator_unreachable");
  });
}

/** Of the same numbers as one of those before, or lower. */
const anew = { counter: 1, nonce: "ffffffffffff" };
const Tanew = transactionId(anew, 1);

function readmitting(bench: Bench): void {
  bench.step({ type: "linkDown", peer: "coordinator" });
  const record = { type: "readmitted", name: "coordinator", by: "ann" } as const;
  bench.step({ type: "record", record });
  bench.step(links(anew));
}

Deno.test("where the coordinator counts its epochs anew, an attempt follows those before", () => {
  const bench = Bench.in("attempt lost");
  readmitting(bench);
  assertEquals(
    inWords(bench.step(prepares(Tanew))),
    `prepared ${Tanew}, sync > coordinator yes ${Tanew}`,
  );
});

Deno.test("where the coordinator counts its epochs anew, what was before can be refused, also after a restart", () => {
  const bench = new Bench();
  readmitting(bench);
  const { state } = bench.participant;
  assertEquals(state.formerEpoch, epochs.present);
  const again = new ParticipantState("alice", "coordinator");
  for (const [context, record] of snapshotOf(state, turnOf("alice", 9))) {
    again.apply(record, context);
  }
  assertEquals([again.formerEpoch, again.coordinatorEpoch], [epochs.present, anew]);
  assertEquals(inWords(bench.step(asks(Tnext))), "refused Tnext, sync > bob abort Tnext");
  // Of the next its numbers are higher than all before.
  for (const counter of [2, 3]) bench.step(links({ counter, nonce: anew.nonce }));
  assertEquals(state.formerEpoch, undefined);
});

Deno.test("for another's order of the same id nothing is released that may be committed", () => {
  const theirs = orderOf("bob", ["-50 USD main@bob", "50 USD main@alice"], payment);
  const bench = Bench.in("prepared");
  assertEquals(inWords(bench.step(prepares(T2, theirs))), "> coordinator no T2");
});
