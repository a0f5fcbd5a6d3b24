/** What nodes sign: no two statements are the same bytes, and none is taken for another's. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { toHex } from "../../src/bytes.ts";
import {
  decisionStatement,
  isSigned,
  orderStatement,
  signedBytes,
  StatementList,
  statementOf,
  states,
  voteStatement,
} from "../../src/codec/statement.ts";
import { FormatError } from "../../src/errors.ts";
import { statementBytesMax, statementListBytesMax } from "../../src/limits.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { Decision, Message } from "../../src/protocol/message.ts";
import { refusalCodes } from "../../src/protocol/order.ts";
import { order, otherLegs, otherOriginator, payment, transactions } from "../protocol/example.ts";
import { batchBiggest, batchOf } from "./proofs.ts";
import { messages, proofBiggest } from "./samples.ts";

const { T1, T2, Ttwin } = transactions;
const { hash: orderHash } = order;
const clock = new Map([["coordinator", 9]]);
const vote: Message & { type: "vote" } = {
  type: "vote",
  transaction: T1,
  payment,
  orderHash,
  yes: true,
};
const commit: Decision = {
  type: "decision",
  transaction: T1,
  payment,
  commit: true,
  orderHash,
  decided: { number: 9, atMs: 1_700_000_000_000, clock },
};
const abort: Decision = { ...commit, commit: false, orderHash: undefined };

/** Each says something else. */
const stated: readonly Message[] = [
  ...[order, otherLegs, otherOriginator].map((order): Message => ({ type: "order", order })),
  ...[true, false].flatMap((yes): Message[] => [
    { ...vote, yes },
    { ...vote, yes, transaction: T2 },
    { ...vote, yes, transaction: Ttwin },
    { ...vote, yes, orderHash: otherLegs.hash },
  ]),
  ...[commit, abort].flatMap((decision): Message[] => [
    decision,
    { ...decision, transaction: T2 },
    { ...decision, transaction: Ttwin },
    { ...decision, decided: { number: 10, atMs: 1_700_000_000_000, clock } },
    { ...decision, decided: { number: 9, atMs: 1_700_000_000_001, clock } },
    { ...decision, decided: undefined },
  ]),
  { ...commit, orderHash: otherLegs.hash },
  ...refusalCodes.map((code): Message => ({ ...abort, code })),
];

function statement(message: Message): Uint8Array {
  return statementOf({ batch: batchOf("alice", message), index: 0 });
}

Deno.test("statements of another kind, transaction, order, code or entry are other bytes", () => {
  const all = stated.map((message) => toHex(statement(message)));
  assertEquals(new Set(all).size, stated.length);
  // None is the beginning of another, whatever stands behind it.
  for (const [i, one] of all.entries()) {
    assertEquals(all.filter((other, j) => i !== j && other.startsWith(one)), []);
  }
  // The first byte alone tells an order, a yes, a no, a commit and an abort apart.
  const kinds: readonly Message[] = [
    { type: "order", order },
    vote,
    { ...vote, yes: false },
    commit,
    abort,
  ];
  assertEquals(new Set(kinds.map((message) => statement(message)[0])).size, kinds.length);
});

Deno.test("what stands in a list is what is stated of a message by itself", () => {
  for (const message of stated) {
    const alone = message.type === "order"
      ? orderStatement(message.order)
      : message.type === "vote"
      ? voteStatement(message)
      : decisionStatement(message as Decision);
    assertEquals(statement(message), alone);
  }
});

Deno.test("only orders, votes and decisions of one's own are signed", () => {
  const signed = new Set(messages.filter(isSigned).map(({ type }) => type));
  assertEquals([...signed], ["order", "vote", "decision"]);
  assert(!isSigned({ ...commit, proof: proofBiggest }));
  const ack: Message = { type: "ack", transaction: T1, payment };
  assertThrows(() => new StatementList().add(ack), TypeError, "states nothing");
});

Deno.test("a commit of no order can't be stated", () => {
  for (const orderHash of [undefined, new Uint8Array(31)]) {
    assertThrows(() => decisionStatement({ ...commit, orderHash }), TypeError, "no order");
  }
});

Deno.test("a proof states what stands at its index, and nothing else", () => {
  const batch = batchOf("alice", ...stated);
  for (const [index, message] of stated.entries()) {
    assertEquals(stated.findIndex((other) => states({ batch, index }, statement(other))), index);
    assertEquals(statementOf({ batch, index }), statement(message));
  }
});

const noStatement: readonly [string, Uint8Array, number][] = [
  ["an index past the last", batchOf("alice", ...stated).list, stated.length],
  ["an empty list", new Uint8Array(), 0],
  ["a list cut short", batchOf("alice", vote).list.slice(0, -1), 0],
];
for (const [what, list, index] of noStatement) {
  Deno.test(`statementOf() throws at ${what}`, () => {
    const batch = { signer: "alice", list, signature: new Uint8Array(64) };
    assertThrows(() => statementOf({ batch, index }), FormatError);
  });
}

Deno.test("what is signed is other bytes for another network, signer or list", () => {
  const list = batchOf("alice", vote, commit).list;
  const networks = ["ab".repeat(32), "cd".repeat(32)];
  const signed = [
    ...networks.flatMap((network) =>
      ["alice", "bob", "alic"].map((signer) => signedBytes(network, { signer, list }))
    ),
    signedBytes(networks[0]!, { signer: "alice", list: list.slice(0, -1) }),
    // A letter of the name that stands in the list instead.
    signedBytes(networks[0]!, { signer: "alic", list: new Uint8Array([101, ...list]) }),
  ];
  assertEquals(new Set(signed.map(toHex)).size, signed.length);
});

Deno.test("no list is longer than its bound", () => {
  // As large as they are read.
  const { MAX_SAFE_INTEGER: most } = Number;
  const transaction = `${most}-ffffffffffff-${most}` as TransactionId;
  const longest = {
    ...commit,
    transaction,
    decided: { number: most, atMs: 1_700_000_000_000, clock },
  };
  const { list } = batchBiggest("alice", longest);
  assertEquals(list.length, statementListBytesMax);
  assertEquals(list[0], statementBytesMax - 1);
});
