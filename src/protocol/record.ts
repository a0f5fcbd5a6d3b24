/** What nodes store. A log is a list of entries of these, and a node's state is their fold. */

import type { Expiry } from "./card.ts";
import type { Epoch, PaymentId, TransactionId } from "./id.ts";
import type { Role } from "../names.ts";
import type { Address, Decided } from "./message.ts";
import type { Order, RefusalCode } from "./order.ts";
import type { Proof } from "./proof.ts";
import type { VectorClock } from "./vector_clock.ts";

/** The entry that a record stands in. */
export interface EntryContext {
  readonly number: number;
  readonly clock: VectorClock;
  /** Milliseconds since 1970 by the node's own clock. Rules ask it only for what is dated: whether a
   * payment's id is from the future, and whether a card has expired. */
  readonly atMs: number;
}

/** First record of every log; checked at every start. */
export interface Genesis {
  readonly type: "genesis";
  /** SHA-256 of the CA certificate of the node's network, hexadecimal. */
  readonly network: string;
  readonly name: string;
  readonly role: Role;
  readonly version: number;
}

/** At each start, before anything else. */
export interface Started {
  readonly type: "started";
  readonly epoch: Epoch;
}

/** A node's name and where it was last heard of. */
export interface Introduced extends Address {
  readonly type: "introduced";
}

/** Participant: the coordinator's epoch from now on; lower ones and twins are refused. */
export interface Joined {
  readonly type: "joined";
  readonly epoch: Epoch;
}

/** Participant: a new account, its opening balance against `equity`. */
export interface Opened {
  readonly type: "opened";
  readonly account: string;
  readonly currency: string;
  readonly opening: bigint;
}

/** Participant: what an `Idempotency-Key` stands for, before its order leaves. */
export interface Keyed {
  readonly type: "keyed";
  /** First 16 bytes of SHA-256 of the key, hexadecimal. */
  readonly key: string;
  /** SHA-256 of the request, hexadecimal. */
  readonly request: string;
  readonly payment: PaymentId;
}

/** Participant, before its yes vote leaves: its legs are held. */
export interface Prepared {
  readonly type: "prepared";
  readonly transaction: TransactionId;
  readonly order: Order;
  /** The originator's; none where it is this node, and none in checkpoints. */
  readonly proof?: Proof;
  /** Details for this node stand beside the entry; not kept in checkpoints. */
  readonly hasDetails?: true;
  /** The account behind the card that pays, where this node has issued it. */
  readonly card?: string;
}

/** Coordinator, before any commit leaves: the commit point. */
export interface Committed {
  readonly type: "committed";
  readonly transaction: TransactionId;
  readonly order: Order;
  /** The originator's, of the order, and each participant's of its yes; none in checkpoints. */
  readonly proofs: readonly Proof[];
}

/** Participant, before its ack leaves: its legs are final. */
export interface Posted {
  readonly type: "posted";
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  readonly decided: Decided;
  /** The coordinator's. */
  readonly proof?: Proof;
}

/** Participant, lazily: its holds are given back. A code: the payment was aborted, not only this
 * attempt. */
export interface Released {
  readonly type: "released";
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  readonly code?: RefusalCode;
  readonly decided?: Decided;
  /** Of who said so: the coordinator, or a peer that had refused. */
  readonly proof?: Proof;
}

/** Coordinator, lazily, when all acks are in: nobody will ask about it any more. */
export interface Ended {
  readonly type: "ended";
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
}

/** Coordinator, before "aborted" is told under the payment's id. Originator, lazily: what the
 * coordinator told of an order that this node holds nothing for. */
export interface Aborted {
  readonly type: "aborted";
  readonly order: Order;
  readonly code: RefusalCode;
  /** At the originator, where the coordinator's record stands. */
  readonly decided?: Decided;
}

/** Participant, before it says "I never voted yes, and never will". */
export interface Refused {
  readonly type: "refused";
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
}

/** Participant: an operator's heuristic decision. */
export interface Forced {
  readonly type: "forced";
  readonly transaction: TransactionId;
  readonly order: Order;
  readonly commit: boolean;
  /** Who decided, as they named themselves. */
  readonly by: string;
  /** As of `Prepared`. */
  readonly card?: string;
}

/** Participant: the real decision, which a forced one contradicts. */
export interface Mismatch {
  readonly type: "mismatch";
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  /** The real decision. */
  readonly commit: boolean;
}

/** Participant: an operator has seen a mismatch, and answers for it from now on. */
export interface Acknowledged {
  readonly type: "acknowledged";
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  /** As of `Forced`. */
  readonly by: string;
}

/** Participant, in checkpoints only: a mismatch that no operator has acknowledged. What the payment
 * came to is in the index. */
export interface Unacknowledged {
  readonly type: "unacknowledged";
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  /** The real decision; the forced one was the other. */
  readonly commit: boolean;
  /** Who forced it. */
  readonly by: string;
}

/** Participant: an operator had the details erased that stood beside earlier entries; so they are, with
 * this entry. */
export interface Erased {
  readonly type: "erased";
  readonly payment: PaymentId;
  /** As of `Forced`. */
  readonly by: string;
}

/** An operator took back a peer that had been refused for amnesia. Participant, of itself, by the name of who has
 * shown it: peers have taken it back, and have seen entries that its log lacks. Coordinator, of itself and by its
 * own name: the same, of the epochs before the one in which it stands; recorded when it is refused, or hears it
 * from a peer that has taken it back. */
export interface Readmitted {
  readonly type: "readmitted";
  readonly name: string;
  /** As of `Forced`. */
  readonly by: string;
}

/** State and index up to an entry, written beside the log, have this hash. */
export interface Checkpointed {
  readonly type: "checkpointed";
  readonly number: number;
  /** The checkpoint before, where of balances only those are written that have changed since; 0 where
   * all are. */
  readonly on: number;
  /** SHA-256 of the state, hexadecimal: of the checkpoint before, as far as it counts, and of what is
   * written. */
  readonly hash: string;
}

/** Participant, in checkpoints only: an account as its records up to there left it. */
export interface Balance {
  readonly type: "balance";
  readonly account: string;
  readonly currency: string;
  readonly posted: bigint;
}

/** Participant: from now on a card pays from an account. */
export interface Carded {
  readonly type: "carded";
  /** Of its number, under the node's card key, 32 bytes, hexadecimal. */
  readonly hash: string;
  readonly account: string;
  /** The number as people may see it. */
  readonly masked: string;
  readonly expiry: Expiry;
}

/** Participant: a card pays no more. */
export interface Uncarded {
  readonly type: "uncarded";
  readonly hash: string;
}

/** Records that both roles keep. */
export type NodeRecord = Genesis | Started | Introduced | Readmitted | Checkpointed;
export type CoordinatorRecord = Committed | Aborted | Ended;
export type ParticipantRecord =
  | Joined
  | Opened
  | Keyed
  | Prepared
  | Posted
  | Released
  | Aborted
  | Refused
  | Forced
  | Mismatch
  | Acknowledged
  | Unacknowledged
  | Erased
  | Balance
  | Carded
  | Uncarded;
export type LogRecord = NodeRecord | CoordinatorRecord | ParticipantRecord;
