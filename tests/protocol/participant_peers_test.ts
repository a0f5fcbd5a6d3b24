/** Cooperative termination (Bernstein, Hadzilacos and Goodman, 7.4): who is asked what became of a
 * transaction while the coordinator can't be, or does not answer. */

import { assertEquals } from "@std/assert";
import { inquiryAnswerMsMax, inquiryIntervalMs } from "../../src/limits.ts";
import type { PaymentId } from "../../src/protocol/id.ts";
import type { Order } from "../../src/protocol/order.ts";
import { atMs, epochs, orderOf, payment, paymentAt, transactions } from "./example.ts";
import { inWords, nameOf } from "./in_words.ts";
import {
  Bench,
  decides,
  from,
  links,
  peerLinks,
  prepares,
  states,
  submits,
} from "./participant_example.ts";

const { T0, T1, T2, Tbefore, Tnext } = transactions;

/** States in which something is held of alice's payment to bob, or was ended by force. */
const held = [
  "prepared",
  "restarted",
  "forced to commit",
  "forced and restarted",
  "forced to abort",
];

for (const state of Object.keys(states)) {
  const asked = held.includes(state) ? ["bob"] : [];
  const whom = asked.length > 0 ? "the other participant" : "nobody";
  Deno.test(`peersToAsk() is ${whom} when ${state} and the coordinator is away`, () => {
    const bench = Bench.in(state);
    bench.step({ type: "linkDown", peer: "coordinator" });
    assertEquals([...bench.participant.peersToAsk(0)], asked);
  });

  Deno.test(`peersToAsk() is nobody when ${state} and the coordinator is there`, () => {
    const bench = Bench.in(state);
    const { participant } = bench;
    if (!participant.isLinked) {
      const address = "coordinator:7443";
      bench.step({ type: "linkUp", peer: "coordinator", address, epoch: epochs.next });
    }
    assertEquals([...participant.peersToAsk(0)], []);
  });
}

const withBob = orderOf("alice", ["-1 USD main@alice", "1 USD main@bob"], paymentAt(atMs, 1));
const withCarol = orderOf("alice", ["-2 USD main@alice", "2 USD main@carol"], paymentAt(atMs, 2));
const withBoth = orderOf(
  "alice",
  ["-3 USD main@alice", "1 USD main@bob", "2 USD main@carol"],
  paymentAt(atMs, 3),
);

/** Alice in doubt about payments to bob, to carol and to both, and one refused that bob had asked about. */
function inDoubt(): Bench {
  const bench = new Bench();
  const attempts: readonly (readonly [typeof T0, Order])[] = [
    [T0, withBob],
    [T1, withCarol],
    [T2, withBoth],
  ];
  for (const [i, [transaction, order]] of attempts.entries()) {
    bench.step(submits(i, order));
    bench.step(prepares(transaction, order));
  }
  bench.step(from("bob", { type: "inquiry", transaction: T0, payment }));
  return bench;
}

function inquiriesAt(bench: Bench, peer: string): [string, string, PaymentId][] {
  return bench.step(peerLinks(peer)).sends.map(({ to, message }) => {
    if (message.type !== "inquiry") throw new Error(`${peer} is sent "${message.type}"`);
    return [to, nameOf(message.transaction), message.payment];
  });
}

Deno.test("peersToAsk() names every other participant of what is in doubt, once", () => {
  const bench = inDoubt();
  assertEquals([...bench.participant.peersToAsk(0)], []);
  bench.step({ type: "linkDown", peer: "coordinator" });
  assertEquals([...bench.participant.peersToAsk(0)].toSorted(), ["bob", "carol"]);
});

Deno.test("a peer that is linked is asked about all it has a leg in, and nothing else", () => {
  const bench = inDoubt();
  bench.step({ type: "linkDown", peer: "coordinator" });
  assertEquals(inquiriesAt(bench, "bob"), [
    ["bob", "T0", withBob.payment],
    ["bob", "T2", withBoth.payment],
  ]);
  assertEquals(inquiriesAt(bench, "carol"), [
    ["carol", "T1", withCarol.payment],
    ["carol", "T2", withBoth.payment],
  ]);
  assertEquals(inquiriesAt(bench, "dave"), []);
});

Deno.test("a peer that is linked is asked nothing while the coordinator can be", () => {
  assertEquals(inquiriesAt(inDoubt(), "bob"), []);
});

/** In doubt, and asked about, while the coordinator is linked and tells nothing until then. */
function unanswered(afterMs: number): Bench {
  const bench = Bench.in("prepared");
  bench.step({ type: "tick", afterMs: inquiryIntervalMs });
  bench.step({ type: "tick", afterMs });
  return bench;
}

const silentMs = inquiryIntervalMs + inquiryAnswerMsMax;

Deno.test("peers are asked, too, while the coordinator is linked and has no answer for long", () => {
  const bench = unanswered(silentMs - 1);
  assertEquals([...bench.participant.peersToAsk(silentMs - 1)], []);
  assertEquals([...bench.participant.peersToAsk(silentMs)], ["bob"]);
  const afterMs = silentMs + inquiryIntervalMs;
  assertEquals(
    inWords(bench.step({ type: "tick", afterMs })),
    "> coordinator inquiry T1 > bob inquiry T1",
  );
  assertEquals(inWords(bench.step({ ...peerLinks("bob"), afterMs })), "> bob inquiry T1");
  assertEquals(
    inWords(bench.step({ type: "inquire", request: 9, afterMs })),
    "> coordinator inquiry T1 > bob inquiry T1 = 9 inquired 1",
  );
});

for (const commit of [true, false]) {
  const what = commit ? "commit that the coordinator signed" : "refusal";
  Deno.test(`a peer's ${what} counts only once the coordinator has owed an answer for long`, () => {
    const told = decides("bob", commit, T1, { signer: commit ? "coordinator" : "bob" });
    const soon = unanswered(silentMs - 2).step({ ...told, afterMs: silentMs - 1 });
    assertEquals(inWords(soon), "");
    const [record] = unanswered(silentMs - 1).step({ ...told, afterMs: silentMs }).records;
    assertEquals(record?.type, commit ? "posted" : "released");
  });
}

Deno.test("a peer's own word for a commit never counts, however silent the coordinator is", () => {
  const told = decides("bob", true, T1, { signer: "bob" });
  const { records, alarms } = unanswered(silentMs).step({ ...told, afterMs: silentMs });
  assertEquals([records.length, alarms.length], [0, 1]);
});

for (
  const [what, step] of [
    [
      "answers that it is undecided",
      from("coordinator", {
        type: "undecided",
        transaction: T1,
        payment,
        why: "voting",
      }),
    ],
    ["links anew", links()],
  ] as const
) {
  Deno.test(`no peer is asked for a while after the coordinator ${what}`, () => {
    const bench = unanswered(silentMs);
    bench.step({ ...step, afterMs: silentMs });
    const { participant } = bench;
    assertEquals([...participant.peersToAsk(silentMs + inquiryAnswerMsMax - 1)], []);
    assertEquals([...participant.peersToAsk(silentMs + inquiryAnswerMsMax)], ["bob"]);
  });
}

Deno.test("however often a peer asks about an id while the index is asked, it is answered once", () => {
  const bench = Bench.in("indexed");
  const outs = [T0, T1, T2].map((transaction) =>
    bench.step(from("bob", { type: "inquiry", transaction, payment }))
  );
  assertEquals(outs.map(inWords), ["?", "", ""]);
  const { records, sends } = bench.step({ type: "lookedUp", key: payment, found: [] });
  assertEquals([records.length, sends.length], [1, 1]);
});

Deno.test("who has lost entries says of nothing before that it had never voted for it", () => {
  const answer = (bench: Bench, transaction: typeof T1) =>
    inWords(bench.step(from("bob", { type: "inquiry", transaction, payment })));
  const linked = new Bench();
  linked.step({ type: "amnesia", peer: "bob" });
  assertEquals([answer(linked, T1), answer(linked, Tbefore)], ["", ""]);
  linked.step(links(epochs.next));
  assertEquals(answer(linked, T1), "");
  // What a later life of the coordinator begins can't have been voted for by what was lost.
  assertEquals(answer(linked, Tnext), "refused Tnext, sync > bob abort Tnext");

  // An empty folder knows no epoch of the coordinator's before it links.
  const empty = new Bench();
  empty.restart();
  empty.participant.state.coordinatorEpoch = undefined;
  empty.step({ type: "amnesia", peer: "bob" });
  assertEquals(answer(empty, T1), "");
  empty.step(links());
  assertEquals([answer(empty, T1), answer(empty, Tnext)], [
    "",
    "refused Tnext, sync > bob abort Tnext",
  ]);
});
