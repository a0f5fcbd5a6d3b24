/** What nodes keep of what others have signed, and to whom they show it. */

import { assertEquals } from "@std/assert";
import { resendIntervalMs } from "../../src/limits.ts";
import type { Decision, Message, Vote } from "../../src/protocol/message.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { proofsIn } from "../../src/protocol/record_size.ts";
import type { Reply } from "../../src/protocol/participant_event.ts";
import type { Found, MessageEvent, Output } from "../../src/protocol/step.ts";
import { proofOf } from "../codec/proofs.ts";
import { Bench as CoordinatorBench } from "./coordinator_example.ts";
import { order, payment, snapshotOf, transactions, turnOf } from "./example.ts";
import { inWords } from "./in_words.ts";
import { asks, Bench, incoming, submits } from "./participant_example.ts";

const { T0, T1 } = transactions;
const { hash: orderHash } = order;

const ordered: Message = { type: "order", order };
const orderProof = proofOf("alice", ordered);
const yes: Vote = { type: "vote", transaction: T1, payment, orderHash, yes: true };
const commit: Decision = {
  type: "decision",
  transaction: T1,
  payment,
  commit: true,
  orderHash,
  decided: turnOf("coordinator", 70),
};
const abort: Decision = { ...commit, commit: false, orderHash: undefined, code: "vote_timeout" };

function said<T extends Message>(name: string, message: T): T & { readonly proof: Proof } {
  return { ...message, proof: proofOf(name, message) };
}

function from(name: string, message: Message): MessageEvent {
  return { type: "message", from: name, message };
}

/** The proofs of the only record of a type. */
function kept({ records }: Output<Reply>, type: LogRecord["type"]): readonly Proof[] {
  const found = records.filter((record) => record.type === type);
  assertEquals(found.length, 1, `${found.length} of "${type}"`);
  return proofsIn(found[0]!);
}

/** Whom a step shows which proof of an order. */
function shown({ sends }: Output<Reply>): [string, Proof | undefined][] {
  return sends.flatMap(({ to, message }): [string, Proof | undefined][] =>
    message.type === "prepare" ? [[to, message.proof]] : []
  );
}

function voting(): CoordinatorBench {
  const bench = new CoordinatorBench();
  // T0 is another's.
  bench.step(from("bob", said("bob", { type: "order", order: incoming(1n) })));
  bench.step(from("alice", said("alice", ordered)));
  return bench;
}

Deno.test("a coordinator shows its order to all but the originator, whenever it asks", () => {
  const bench = new CoordinatorBench();
  const toBob: [string, Proof] = ["bob", orderProof];
  const toAlice: [string, undefined] = ["alice", undefined];
  assertEquals(shown(bench.step(from("alice", said("alice", ordered)))), [toBob, toAlice]);
  assertEquals(shown(bench.step({ type: "tick", afterMs: resendIntervalMs })), [toAlice, toBob]);
  const link = { type: "linkUp", peer: "bob", address: "bob:7443" } as const;
  assertEquals(shown(bench.step(link)), [toBob]);
});

Deno.test("a commit is recorded with the order's proof and each yes's, those that voted last at the end", () => {
  for (const names of [["alice", "bob"], ["bob", "alice"]]) {
    const bench = voting();
    const [first, last] = names as [string, string];
    assertEquals(inWords(bench.step(from(first, said(first, yes)))), "");
    const out = bench.step(from(last, said(last, yes)));
    assertEquals(kept(out, "committed"), [orderProof, proofOf(first, yes), proofOf(last, yes)]);
  }
});

Deno.test("a yes that is sent again is one vote, with one proof", () => {
  const bench = voting();
  for (let i = 0; i < 3; i++) bench.step(from("bob", said("bob", yes)));
  const out = bench.step(from("alice", said("alice", yes)));
  assertEquals(kept(out, "committed").length, 3);
});

Deno.test("a yes to another order proves nothing", () => {
  const bench = voting();
  bench.step(from("bob", said("bob", { ...yes, orderHash: new Uint8Array(32) })));
  bench.step(from("alice", said("alice", yes)));
  const out = bench.step(from("bob", said("bob", yes)));
  assertEquals(kept(out, "committed").at(-1), proofOf("bob", yes));
});

Deno.test("a participant keeps the originator's proof of what it prepares, of its own order none", () => {
  const theirs = incoming(5n);
  const proof = proofOf("bob", { type: "order", order: theirs });
  const prepare: Message = { type: "prepare", transaction: T0, order: theirs, proof };
  assertEquals(kept(new Bench().step(from("coordinator", prepare)), "prepared"), [proof]);

  for (const given of [undefined, orderProof, proofOf("bob", ordered)]) {
    const bench = new Bench();
    bench.step(submits(1, order));
    const own: Message = { type: "prepare", transaction: T1, order, proof: given };
    assertEquals(kept(bench.step(from("coordinator", own)), "prepared"), []);
  }
});

/** What is kept of a decision, by whom it comes and whose it is. */
const refusal = { ...abort, code: undefined, decided: undefined };
const decisions: readonly [what: string, state: string, from: string, told: Decision][] = [
  ["a commit", "prepared", "coordinator", said("coordinator", commit)],
  ["an abort", "prepared", "coordinator", said("coordinator", abort)],
  [
    "an attempt's abort",
    "prepared",
    "coordinator",
    said("coordinator", { ...abort, code: undefined }),
  ],
  ["a commit that a peer passes on", "restarted", "bob", { ...said("coordinator", commit) }],
  ["an abort that a peer passes on", "restarted", "bob", { ...said("coordinator", abort) }],
  ["a peer's refusal", "restarted", "bob", said("bob", refusal)],
  [
    "a commit of what was forced so",
    "forced to commit",
    "coordinator",
    said("coordinator", commit),
  ],
];

for (const [what, state, name, told] of decisions) {
  Deno.test(`a participant keeps the proof of ${what}, and shows it to a peer that asks`, () => {
    const bench = Bench.in(state);
    const record = told.commit ? "posted" : "released";
    assertEquals(kept(bench.step(from(name, told)), record), [told.proof!]);
    const { commit, code, orderHash, proof } = told;
    // Also when only the log remembers it.
    for (const isRestarted of [false, true]) {
      if (isRestarted) bench.restart();
      const [send] = bench.step(asks(T1)).sends;
      assertEquals(send?.to, "bob");
      const shown = send!.message as Decision;
      assertEquals([shown.commit, shown.transaction, shown.code], [commit, T1, code]);
      assertEquals(shown.orderHash, orderHash);
      assertEquals(shown.decided?.number, told.decided?.number);
      assertEquals(shown.proof, proof);
    }
  });
}

Deno.test("a participant shows a proof that only the index remembers", () => {
  for (const told of [said("coordinator", commit), said("coordinator", abort)]) {
    const { decided, proof, code } = told;
    const found: Found[] = [
      [turnOf("alice", 3), { type: "prepared", transaction: T1, order }],
      told.commit
        ? [turnOf("alice", 4), {
          type: "posted",
          transaction: T1,
          payment,
          decided: decided!,
          proof,
        }]
        : [turnOf("alice", 4), {
          type: "released",
          transaction: T1,
          payment,
          code,
          decided,
          proof,
        }],
    ];
    const bench = Bench.in("indexed");
    assertEquals(inWords(bench.step(asks(T1))), "?");
    const { sends } = bench.step({ type: "lookedUp", key: payment, found });
    assertEquals(sends.map(({ to, message }) => [to, (message as Decision).proof]), [[
      "bob",
      proof,
    ]]);
  }
});

Deno.test("a participant whose attempt ended otherwise speaks for itself, and claims no code", () => {
  const bench = Bench.in("prepared");
  bench.step(from("coordinator", said("coordinator", abort)));
  const [send] = bench.step(asks(T0)).confirmations;
  const { code, proof } = send!.message as Decision;
  assertEquals([code, proof], [undefined, undefined]);
});

Deno.test("a snapshot has no proofs: a piece of a checkpoint has no room for their batches", () => {
  const states: Iterable<Found>[] = [];
  const coordinator = voting();
  for (const name of ["alice", "bob"]) coordinator.step(from(name, said(name, yes)));
  states.push(snapshotOf(coordinator.coordinator.state, turnOf("coordinator", 9)));
  const theirs = incoming(5n);
  const proof = proofOf("bob", { type: "order", order: theirs });
  const bench = new Bench();
  bench.step(from("coordinator", { type: "prepare", transaction: T0, order: theirs, proof }));
  states.push(snapshotOf(bench.participant.state, turnOf("alice", 9)));
  const open = states.flatMap((state) => [...state].map(([, record]) => record))
    .filter(({ type }) => type === "prepared" || type === "committed");
  assertEquals(open.map(({ type }) => type), ["committed", "prepared"]);
  assertEquals(open.flatMap(proofsIn), []);
});
