/** What a participant is told, what it answers its users, and by what its parts record. */

import type { Expiry } from "./card.ts";
import type { SealedDetails } from "./details.ts";
import type { Epoch, PaymentId, TransactionId } from "./id.ts";
import type { Decided, Introduction, RejectionCode } from "./message.ts";
import type { Order, RefusalCode } from "./order.ts";
import type { Proof } from "./proof.ts";
import type { NodeRecord, ParticipantRecord } from "./record.ts";
import type { CommonEvent, MessageEvent, Output, Turn } from "./step.ts";

export type ParticipantEvent =
  | CommonEvent
  | LinkUpEvent
  | SubmitEvent
  | ClaimEvent
  | InquireEvent
  | AmnesiaEvent
  | RestoreEvent
  | AdministrativeEvent;

/** What its owners and operators ask of it besides payments and inquiries. */
export type AdministrativeEvent =
  | OpenEvent
  | AddCardEvent
  | RemoveCardEvent
  | ResolveEvent
  | AcknowledgeEvent
  | EraseEvent;

/** What may have to wait for the index. */
export type WaitingEvent = MessageEvent | SubmitEvent | ClaimEvent | RestoreEvent;

/** What stepping an event gives back. */
export type Out = Output<Reply>;

/** Applies a record, and gives it to the turn's entry: the only way for one to come there. */
export type Recorder = (
  record: NodeRecord | ParticipantRecord,
  turn: Turn,
  out: Out,
  mustAppend?: boolean,
  details?: readonly SealedDetails[],
) => void;

export interface LinkUpEvent {
  readonly type: "linkUp";
  readonly peer: string;
  readonly address: string;
  readonly introduction?: Introduction;
  /** The coordinator's, where the peer is one. */
  readonly epoch?: Epoch;
}

/** A user orders a payment. */
export interface SubmitEvent {
  readonly type: "submit";
  readonly request: number;
  readonly order: Order;
  /** Where the order has any. */
  readonly details?: readonly SealedDetails[];
  /** When the user stops waiting. */
  readonly deadlineMs: number;
}

/** A user sends an idempotency key: which payment does it stand for? */
export interface ClaimEvent {
  readonly type: "claim";
  readonly request: number;
  /** Hashes of the key and of what was sent with it, hexadecimal. */
  readonly key: string;
  readonly content: string;
  /** The payment, if the key is new. */
  readonly payment: PaymentId;
}

/** A peer has seen entries of this node's log that it lacks. */
export interface AmnesiaEvent {
  readonly type: "amnesia";
  readonly peer: string;
}

/** An operator gives back a payment that the log has lost; what shows it has been checked. */
export interface RestoreEvent {
  readonly type: "restore";
  readonly request: number;
  readonly order: Order;
  readonly transaction: TransactionId;
  readonly decided: Decided;
  /** The originator's, of the order. */
  readonly ordered: Proof;
  /** The coordinator's, of the commit. */
  readonly proof: Proof;
  /** Of a payment by a card of this node: from which account, as its operator knows. */
  readonly card?: string;
}

/** A user opens an account. */
export interface OpenEvent {
  readonly type: "open";
  readonly request: number;
  readonly account: string;
  readonly currency: string;
  readonly opening: bigint;
}

/** An issuer's operator lets a card pay from an account. */
export interface AddCardEvent {
  readonly type: "addCard";
  readonly request: number;
  /** As of the record `carded`. */
  readonly hash: string;
  readonly account: string;
  readonly masked: string;
  readonly expiry: Expiry;
}

/** An issuer's operator ends a card. */
export interface RemoveCardEvent {
  readonly type: "removeCard";
  readonly request: number;
  readonly id: string;
}

/** An operator decides for a transaction in doubt. */
export interface ResolveEvent {
  readonly type: "resolve";
  readonly request: number;
  readonly transaction: TransactionId;
  readonly commit: boolean;
  readonly by: string;
}

/** An operator has seen that a forced decision was not the real one. */
export interface AcknowledgeEvent {
  readonly type: "acknowledge";
  readonly request: number;
  readonly transaction: TransactionId;
  readonly by: string;
}

/** An operator wants the details erased that were stored with a payment. */
export interface EraseEvent {
  readonly type: "erase";
  readonly request: number;
  readonly payment: PaymentId;
  readonly by: string;
}

/** An operator wants everything in doubt asked about now. */
export interface InquireEvent {
  readonly type: "inquire";
  readonly request: number;
}

/** A heuristic decision, as it is recorded. */
export interface Resolution {
  readonly payment: PaymentId;
  readonly commit: boolean;
  readonly by: string;
  readonly atMs: number;
}

export type OutcomeAnswer =
  | {
    readonly state: "committed";
    readonly order: Order;
    readonly transaction: TransactionId;
    readonly decided: Decided;
    readonly atMs: number;
    /** Whether the payment was decided for a request before this one. */
    readonly replayed: boolean;
    /** Of the entry by which this node knew it, where it did before the request. */
    readonly number?: number;
    /** This node's log has lost it, so that its ledger lacks it. */
    readonly isLost?: true;
  }
  | {
    readonly state: "aborted";
    readonly order: Order;
    readonly code: RefusalCode;
    readonly decided?: Decided;
    readonly atMs: number;
    readonly replayed: boolean;
    /** As of the committed. */
    readonly number?: number;
  };

export interface ClaimAnswer {
  readonly state: "claimed";
  readonly payment: PaymentId;
  readonly isSameContent: boolean;
  /** Of the entry that names the key first. */
  readonly number: number;
}

/** What a user's request is answered. */
export type Answer =
  | OutcomeAnswer
  | { readonly state: "pending" }
  | { readonly state: "rejected"; readonly code: RejectionCode | "coordinator_unreachable" }
  | ClaimAnswer
  | { readonly state: "account"; readonly result: "opened" | "existed" | "differs" }
  | { readonly state: "card"; readonly result: CardResult }
  | ResolveAnswer
  /** Nothing where no mismatch of the transaction waits for it. */
  | { readonly state: "acknowledged"; readonly payment?: PaymentId }
  /** Nothing where the payment is still under way. */
  | { readonly state: "erased"; readonly atMs?: number }
  | { readonly state: "inquired"; readonly count: number }
  | { readonly state: "restoration"; readonly result: RestoreResult };

/**
 * `known`: it is in the log. `in_doubt`: another order of that id was voted for. `forced`: an operator has
 * decided it. Of these two a link brings the real decision. `decided_otherwise`: the log says what can't be so as
 * well. The others: what it would move is not here, or not known.
 */
export type RestoreResult =
  | "restored"
  | "known"
  | "in_doubt"
  | "forced"
  | "decided_otherwise"
  | "of_card"
  | "account_not_found"
  | "currency_mismatch"
  | "insufficient_funds";

/** `differs`: the card is there with another account or expiry. */
export type CardResult =
  | "added"
  | "existed"
  | "differs"
  | "account_not_found"
  | "removed"
  | "card_not_found";

export type ResolveAnswer =
  | { readonly state: "resolved"; readonly result: "forced"; readonly resolution: Resolution }
  /** By an earlier decision, which stands. */
  | { readonly state: "resolved"; readonly result: "was_forced"; readonly resolution: Resolution }
  | { readonly state: "resolved"; readonly result: "not_in_doubt" };

export interface Reply {
  readonly request: number;
  readonly answer: Answer;
}
