/** Every message and record, plain and at the limits of what it can hold. */

import { detailsHashOf, sealedFor } from "../../src/codec/details.ts";
import { encodeOrder } from "../../src/codec/order.ts";
import {
  addressLengthMax,
  dateMsMax,
  detailsRecipientsMax,
  introductionBytesMax,
  legsMax,
  operatorLengthMax,
  peersMax,
  sealedDetailsBytesMax,
  statementBytesMax,
  statementListBytesMax,
} from "../../src/limits.ts";
import type { SealedDetails } from "../../src/protocol/details.ts";
import { shownTo } from "../../src/protocol/details.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Leg, Order } from "../../src/protocol/order.ts";
import { refusalCodes } from "../../src/protocol/order.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import type { VectorClock } from "../../src/protocol/vector_clock.ts";
import { order as dollar, payment, transactions } from "../protocol/example.ts";
import { batchBiggest, batchOf, proofOf } from "./proofs.ts";

export const nameLongest = "a".repeat(31);
export const most = 2n ** 63n - 1n;
/** As it is read: with a place for what it does not have. */
const order: Order = { ...dollar, detailsHash: undefined };
const orderHash = new Uint8Array(order.hash);
export const transactionLongest = `9999999999-ffffffffffff-${999_999_999_999_999}` as TransactionId;

/** Names as long as can be, each another one. */
function nameOf(i: number): string {
  return nameLongest.slice(0, -3) + String(i).padStart(3, "0");
}

export const clockBiggest: VectorClock = new Map(
  Array.from({ length: peersMax }, (_, i) => [nameOf(i), Number.MAX_SAFE_INTEGER]),
);

export const orderBiggest: Order = encodeOrder({
  payment,
  originator: nameLongest,
  detailsHash: new Uint8Array(32).fill(255),
  legs: Array.from({ length: legsMax }, (_, i): Leg => ({
    account: nameOf(i),
    participant: nameOf(i),
    currency: "USD",
    amount: i % 2 ? most : -most - 1n,
  })),
});

/** As an order has them: all sealed. */
export const detailsBiggest: readonly SealedDetails[] = Array.from(
  { length: detailsRecipientsMax },
  (_, i) => sealedFor(nameOf(i), new Uint8Array(sealedDetailsBytesMax).fill(i)),
);
/** As a prepare has them: one sealed, of the others the hashes. */
const detailsShown = shownTo(detailsBiggest[1]!.recipient, detailsBiggest)!;
const orderTelling: Order = encodeOrder({
  ...dollar,
  detailsHash: detailsHashOf(detailsBiggest.slice(0, 1)),
});

const decided = {
  number: 9,
  atMs: 1_700_000_000_000,
  clock: new Map([["alice", 3], ["coordinator", 9]]),
};
const decidedBiggest = {
  number: Number.MAX_SAFE_INTEGER,
  atMs: dateMsMax,
  clock: clockBiggest,
};
const of1 = { transaction: transactions.T1, payment };
const ofLongest = { transaction: transactionLongest, payment };

const commit: Message & { type: "decision" } = {
  type: "decision",
  ...of1,
  commit: true,
  orderHash,
  code: undefined,
  decided,
};
const abort = { ...commit, commit: false, orderHash: undefined };

const shared = batchOf("alice", { type: "order", order }, { type: "order", order: orderBiggest });
/** Two of one batch, and one of another. */
export const proofs: readonly Proof[] = [
  { batch: shared, index: 0 },
  { batch: shared, index: 1 },
  proofOf("coordinator", commit),
];
/** The longest list that a frame can have stated, by the longest name. */
export const proofBiggest: Proof = {
  batch: batchBiggest(nameLongest, {
    ...commit,
    transaction: transactionLongest,
    decided: decidedBiggest,
  }),
  index: statementListBytesMax / statementBytesMax - 1,
};
const introduction = {
  certificate: new Uint8Array(introductionBytesMax - 200).fill(1),
  voucher: new Uint8Array(200).fill(2),
};

export const messages: readonly Message[] = [
  { type: "order", order },
  { type: "order", order: orderBiggest, details: detailsBiggest },
  { type: "order", order: orderTelling, details: [sealedFor("bob", new Uint8Array(9))] },
  { type: "prepare", transaction: transactions.T1, order, proof: undefined },
  {
    type: "prepare",
    transaction: transactionLongest,
    order: orderBiggest,
    proof: undefined,
    details: [],
  },
  ...proofs.map((proof): Message => ({
    type: "prepare",
    transaction: transactions.T1,
    order,
    proof,
  })),
  {
    type: "prepare",
    transaction: transactionLongest,
    order: orderBiggest,
    proof: proofBiggest,
    details: detailsShown,
  },
  { type: "vote", ...of1, orderHash, yes: true, code: undefined },
  { type: "vote", ...of1, orderHash, yes: false, code: undefined },
  ...refusalCodes.map((code): Message => (
    { type: "vote", ...ofLongest, orderHash, yes: false, code }
  )),
  commit,
  // The same place: written once.
  { ...abort, ...ofLongest, code: "vote_timeout", decided },
  { ...abort, code: undefined, decided: undefined },
  { ...commit, decided: decidedBiggest },
  ...proofs.map((proof): Message => ({ ...commit, proof })),
  { ...abort, code: "vote_timeout", decided, proof: proofs[0] },
  { ...commit, decided: decidedBiggest, proof: proofBiggest },
  { type: "ack", ...of1 },
  { type: "inquiry", ...ofLongest },
  { type: "undecided", ...of1, why: "voting" },
  { type: "undecided", ...of1, why: "in_doubt" },
  { type: "undecided", ...of1, why: "forced" },
  {
    type: "outcome",
    payment,
    outcome: { state: "committed", transaction: transactions.T1, replayed: true, decided },
  },
  {
    type: "outcome",
    payment,
    outcome: { state: "aborted", code: "legs_invalid", replayed: false, decided },
  },
  { type: "outcome", payment, outcome: { state: "rejected", code: "overloaded" } },
  { type: "directory", nodes: [] },
  {
    type: "directory",
    nodes: [
      { name: "bob", address: "[::1]:7443", introduction },
      { name: "c", address: "c:1", introduction: undefined },
    ],
  },
];

const hash = "0123456789abcdef".repeat(4);

/** A proof of the order and one a leg, each of a batch of its own. */
export const committedBiggest: LogRecord = {
  type: "committed",
  transaction: transactionLongest,
  order: orderBiggest,
  proofs: Array.from({ length: legsMax + 1 }, () => (
    { batch: { ...proofBiggest.batch }, index: proofBiggest.index }
  )),
};

export const records: readonly LogRecord[] = [
  { type: "genesis", network: hash, name: nameLongest, role: "coordinator", version: 1 },
  { type: "genesis", network: hash, name: "a", role: "participant", version: 2 ** 53 - 1 },
  { type: "started", epoch: { counter: 9_999_999_999, nonce: "ffffffffffff" } },
  { type: "introduced", name: nameLongest, address: "h".repeat(addressLengthMax), introduction },
  { type: "introduced", name: "bob", address: "bob:1", introduction: undefined },
  { type: "readmitted", name: nameLongest, by: "€".repeat(operatorLengthMax) },
  { type: "checkpointed", number: Number.MAX_SAFE_INTEGER, on: 300, hash },
  { type: "joined", epoch: { counter: 1, nonce: "000000000000" } },
  { type: "opened", account: nameLongest, currency: "USD", opening: most },
  { type: "opened", account: "a", currency: "USD", opening: 0n },
  { type: "balance", account: "main", currency: "USD", posted: 10n ** 40n },
  { type: "balance", account: "equity", currency: "USD", posted: -most - 1n },
  { type: "balance", account: "main", currency: "USD", posted: 0n },
  { type: "keyed", key: hash.slice(0, 32), request: hash, payment },
  { type: "prepared", transaction: transactions.T1, order, proof: undefined },
  { type: "prepared", transaction: transactionLongest, order: orderBiggest, proof: proofBiggest },
  {
    type: "prepared",
    transaction: transactionLongest,
    order: orderBiggest,
    proof: proofBiggest,
    hasDetails: true,
  },
  { type: "erased", payment, by: "€".repeat(operatorLengthMax) },
  { type: "committed", transaction: transactionLongest, order: orderBiggest, proofs: [] },
  { type: "posted", ...ofLongest, decided: decidedBiggest, proof: proofBiggest },
  { type: "posted", ...of1, decided, proof: undefined },
  { type: "released", ...of1, code: undefined, decided: undefined, proof: undefined },
  {
    type: "released",
    ...ofLongest,
    code: "vote_timeout",
    decided: { ...decidedBiggest },
    proof: proofBiggest,
  },
  { type: "refused", ...ofLongest },
  {
    type: "forced",
    transaction: transactionLongest,
    order: orderBiggest,
    commit: true,
    by: "€".repeat(100),
  },
  { type: "forced", transaction: transactions.T1, order, commit: false, by: "" },
  ...["a", "a".repeat(31)].flatMap((card): LogRecord[] => [
    {
      type: "prepared",
      transaction: transactionLongest,
      order: orderBiggest,
      proof: proofBiggest,
      card,
    },
    {
      type: "forced",
      transaction: transactionLongest,
      order: orderBiggest,
      commit: true,
      by: "€".repeat(operatorLengthMax),
      card,
    },
  ]),
  {
    type: "carded",
    hash: "ab".repeat(32),
    account: "a".repeat(31),
    masked: "679999*********0019",
    expiry: { year: 2099, month: 12 },
  },
  {
    type: "carded",
    hash: "00".repeat(32),
    account: "m",
    masked: "",
    expiry: { year: 0, month: 1 },
  },
  { type: "uncarded", hash: "cd".repeat(32) },
  { type: "mismatch", ...ofLongest, commit: true },
  { type: "aborted", order: orderBiggest, code: "legs_invalid", decided: { ...decidedBiggest } },
  { type: "aborted", order, code: "legs_unbalanced", decided: undefined },
  { type: "ended", ...ofLongest },
  { type: "acknowledged", ...ofLongest, by: "€".repeat(operatorLengthMax) },
  { type: "unacknowledged", ...ofLongest, commit: false, by: "€".repeat(operatorLengthMax) },
  { type: "unacknowledged", ...of1, commit: true, by: "ann" },
  ...proofs.map((proof): LogRecord => ({
    type: "prepared",
    transaction: transactionLongest,
    order,
    proof,
  })),
  { type: "posted", ...of1, decided, proof: proofs[2] },
  { type: "released", ...of1, code: undefined, decided: undefined, proof: proofs[2] },
  { type: "committed", transaction: transactionLongest, order, proofs },
  committedBiggest,
  { type: "committed", transaction: transactions.T1, order, proofs: [] },
  { type: "readmitted", name: "bob", by: "ann" },
  { type: "acknowledged", ...of1, by: "ann" },
  { type: "erased", payment, by: "ann" },
];
