/** What a participant is given back, and what of it can't be: by the accounts that are there. */

import { assertEquals } from "@std/assert";
import type { Order } from "../../src/protocol/order.ts";
import { Participant } from "../../src/protocol/participant.ts";
import type { ParticipantEvent, Reply } from "../../src/protocol/participant_event.ts";
import { Output } from "../../src/protocol/step.ts";
import { proofOf } from "../codec/proofs.ts";
import { genesisOf, orderOf, payment, transactions, turnOf } from "./example.ts";
import { inWords } from "./in_words.ts";

const { T1 } = transactions;
const decided = turnOf("coordinator", 70);

function restores(order: Order): ParticipantEvent {
  const { hash: orderHash, originator } = order;
  const commit = { type: "decision", transaction: T1, payment, commit: true, decided } as const;
  const proof = proofOf("coordinator", { ...commit, orderHash });
  const ordered = proofOf(originator, { type: "order", order });
  return { type: "restore", request: 9, order, transaction: T1, decided, ordered, proof };
}

/** Alice, with two accounts. */
function alice() {
  const participant = new Participant("alice", "coordinator");
  let number = 0;
  const step = (event: ParticipantEvent) => {
    const out = new Output<Reply>();
    participant.step(event, turnOf("alice", ++number), out);
    return out;
  };
  step({ type: "start", genesis: genesisOf("alice", "participant"), nonce: "eeeeeeeeeeee" });
  step({ type: "open", request: 0, account: "main", currency: "USD", opening: 100n });
  step({ type: "open", request: 0, account: "euros", currency: "EUR", opening: 100n });
  const balance = (name: string) => participant.state.ledger.account(name)!.posted;
  return { step, balance };
}

const rows: readonly [what: string, order: Order, result: string, main: bigint][] = [
  [
    "all that it has",
    orderOf("alice", ["-100 USD main@alice", "100 USD main@bob"]),
    "restored",
    0n,
  ],
  [
    "more than it has",
    orderOf("alice", ["-101 USD main@alice", "101 USD main@bob"]),
    "insufficient_funds",
    100n,
  ],
  ["what bob paid", orderOf("bob", ["-7 USD main@bob", "7 USD main@alice"]), "restored", 107n],
  [
    "to an account that is not open",
    orderOf("bob", ["-7 USD main@bob", "7 USD savings@alice"]),
    "account_not_found",
    100n,
  ],
  [
    "to an account in another currency",
    orderOf("bob", ["-7 USD main@bob", "7 USD euros@alice"]),
    "currency_mismatch",
    100n,
  ],
  [
    "what a card of its own paid",
    orderOf("bob", ["-7 USD card@alice", "7 USD main@bob"]),
    "of_card",
    100n,
  ],
];

for (const [what, order, result, main] of rows) {
  Deno.test(`a payment of ${what} is ${result}`, () => {
    const { step, balance } = alice();
    const out = step(restores(order));
    const records = result === "restored" ? "prepared T1, posted T1 @then, sync " : "";
    assertEquals(inWords(out), `${records}= 9 restoration ${result}`);
    assertEquals([balance("main"), balance("euros")], [main, 100n]);
  });
}

Deno.test("what a card of its own paid is given back to the account that its operator names", () => {
  const order = orderOf("bob", ["-7 USD card@alice", "7 USD main@bob"]);
  for (
    const [card, result, main] of [
      ["main", "restored", 93n],
      ["euros", "currency_mismatch", 100n],
      ["none", "account_not_found", 100n],
    ] as const
  ) {
    const { step, balance } = alice();
    const out = step({ ...restores(order), card } as ParticipantEvent);
    assertEquals([inWords(out).endsWith(`restoration ${result}`), balance("main")], [true, main]);
    const [prepared] = out.records;
    if (prepared?.type === "prepared") assertEquals(prepared.card, "main");
  }
});

Deno.test("what another ordered is kept with their signature, and its own order without", () => {
  for (const originator of ["alice", "bob"]) {
    const order = orderOf(originator, ["-7 USD main@alice", "7 USD main@bob"]);
    const [prepared] = alice().step(restores(order)).records;
    const proof = prepared?.type === "prepared" ? prepared.proof : undefined;
    assertEquals(proof?.batch.signer, originator === "alice" ? undefined : "bob");
  }
});

Deno.test("a commit of what was restored is acknowledged, and changes nothing", () => {
  const { step, balance } = alice();
  const order = orderOf("alice", ["-7 USD main@alice", "7 USD main@bob"]);
  const { hash: orderHash } = order;
  step(restores(order));
  const commit = { type: "decision", transaction: T1, payment, commit: true, decided } as const;
  const message = { ...commit, orderHash };
  const proof = proofOf("coordinator", message);
  const out = step({ type: "message", from: "coordinator", message: { ...message, proof } });
  assertEquals(inWords(out), "~ coordinator ack T1");
  assertEquals(balance("main"), 93n);
});
