/** Cooperative termination (Bernstein, Hadzilacos and Goodman, 7.4): who is asked what became of a
 * transaction while the coordinator can't be. */

import { assertEquals } from "@std/assert";
import type { PaymentId } from "../../src/protocol/id.ts";
import type { Order } from "../../src/protocol/order.ts";
import { atMs, epochs, orderOf, payment, paymentAt, transactions } from "./example.ts";
import { inWords, nameOf } from "./in_words.ts";
import { Bench, from, peerLinks, prepares, states, submits } from "./participant_example.ts";

const { T0, T1, T2 } = transactions;

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
    assertEquals([...bench.participant.peersToAsk()], asked);
  });

  Deno.test(`peersToAsk() is nobody when ${state} and the coordinator is there`, () => {
    const bench = Bench.in(state);
    const { participant } = bench;
    if (!participant.isLinked) {
      const address = "coordinator:7443";
      bench.step({ type: "linkUp", peer: "coordinator", address, epoch: epochs.next });
    }
    assertEquals([...participant.peersToAsk()], []);
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
  assertEquals([...bench.participant.peersToAsk()], []);
  bench.step({ type: "linkDown", peer: "coordinator" });
  assertEquals([...bench.participant.peersToAsk()].toSorted(), ["bob", "carol"]);
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

Deno.test("however often a peer asks about an id while the index is asked, it is answered once", () => {
  const bench = Bench.in("indexed");
  const outs = [T0, T1, T2].map((transaction) =>
    bench.step(from("bob", { type: "inquiry", transaction, payment }))
  );
  assertEquals(outs.map(inWords), ["?", "", ""]);
  const { records, sends } = bench.step({ type: "lookedUp", key: payment, found: [] });
  assertEquals([records.length, sends.length], [1, 1]);
});
