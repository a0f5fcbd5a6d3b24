/** What nodes say to each other. Transactions are named together with their payment, by which
 * logs are indexed, so that one long decided can still be found. */

import { addressLengthMax } from "../limits.ts";
import type { SealedDetails } from "./details.ts";
import type { PaymentId, TransactionId } from "./id.ts";
import type { Order, RefusalCode } from "./order.ts";
import type { Proof } from "./proof.ts";
import type { EntryContext } from "./record.ts";

/** Where a decision stands: the coordinator's entry. Its time is the payment's at all nodes. */
export type Decided = EntryContext;

/** By what a node is known to those who have never met it. */
export interface Introduction {
  /** DER, signed by the network's CA. */
  readonly certificate: Uint8Array;
  /** Of the keys by which it signs, and to which others seal, for its certificate's key. */
  readonly voucher: Uint8Array;
}

/** Where a node is found. */
export interface Address {
  readonly name: string;
  /** `HOST:PORT` as told to peers; {@linkcode isAddress}. */
  readonly address: string;
  readonly introduction?: Introduction;
}

/** Whether `text` may be where a node listens, as others are told. */
export function isAddress(text: string): boolean {
  return text.length <= addressLengthMax && /^[\x21-\x7e]+$/.test(text);
}

/** What its sender signs, in the frame that carries it. */
interface Signed {
  /** Of who stated it first. Before it leaves its sender it has none. */
  readonly proof?: Proof;
}

interface OfTransaction {
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
}

/** Originator to coordinator: please commit this. */
export interface OrderMessage extends Signed {
  readonly type: "order";
  readonly order: Order;
  /** All of them, where the order has any. */
  readonly details?: readonly SealedDetails[];
}

/** Coordinator to participants: can you? Names all participants, by the order's legs. */
export interface Prepare {
  readonly type: "prepare";
  readonly transaction: TransactionId;
  readonly order: Order;
  /** The originator's, of the order; the originator itself gets none. */
  readonly proof?: Proof;
  /** Where the order has any: those of whoever gets this, and the hashes of the others'. */
  readonly details?: readonly SealedDetails[];
}

/** Participant to coordinator. A no without a code means "not this attempt": the order itself is
 * not refused, but its originator no longer knows it and can't confirm its own debit. */
export interface Vote extends OfTransaction, Signed {
  readonly type: "vote";
  /** Of the order that is voted on. */
  readonly orderHash: Uint8Array;
  readonly yes: boolean;
  readonly code?: RefusalCode;
}

/** Coordinator, or a peer that knows, to participants. A code says that the payment, not only this
 * attempt, was aborted, and that this is recorded. */
export interface Decision extends OfTransaction, Signed {
  readonly type: "decision";
  readonly commit: boolean;
  /** Of what is committed; what is aborted may be unknown to who says so. */
  readonly orderHash?: Uint8Array;
  readonly code?: RefusalCode;
  readonly decided?: Decided;
}

export function decisionText(commit: boolean): "commit" | "abort" {
  return commit ? "commit" : "abort";
}

/** Participant to coordinator: posted, and durably so. */
export interface Ack extends OfTransaction {
  readonly type: "ack";
}

/** A participant in doubt, to the coordinator or to a peer: what became of this? */
export interface Inquiry extends OfTransaction {
  readonly type: "inquiry";
}

/** The answer to an inquiry that can't be answered: still voting, in doubt too, or forced here. */
export interface Undecided extends OfTransaction {
  readonly type: "undecided";
  readonly why: "voting" | "in_doubt" | "forced";
}

/** Coordinator to originator: what became of an order that started no transaction. */
export interface OutcomeMessage {
  readonly type: "outcome";
  readonly payment: PaymentId;
  readonly outcome: Outcome;
}

export type Outcome =
  | {
    readonly state: "committed";
    readonly transaction: TransactionId;
    readonly decided: Decided;
    /** Whether it was decided for an order sent before. */
    readonly replayed: boolean;
  }
  | {
    readonly state: "aborted";
    readonly code: RefusalCode;
    readonly decided: Decided;
    readonly replayed: boolean;
  }
  | { readonly state: "rejected"; readonly code: RejectionCode };

/** Why an order was not taken; nothing was recorded under its id. */
export const rejectionCodes = ["id_reused", "id_in_use", "id_ahead", "overloaded"] as const;
export type RejectionCode = typeof rejectionCodes[number];

/** Coordinator to all: who is where. */
export interface Directory {
  readonly type: "directory";
  readonly nodes: readonly Address[];
}

export type Message =
  | OrderMessage
  | Prepare
  | Vote
  | Decision
  | Ack
  | Inquiry
  | Undecided
  | OutcomeMessage
  | Directory;
