/**
 * What the HTTP server needs of a node: the only way in which it sees one.
 *
 * Long for one file, as all that a node is asked stands here beside the shape of its answer.
 */

import type { Role } from "../names.ts";
import type { Expiry } from "../protocol/card.ts";
import type { Decline } from "../protocol/declines.ts";
import type { Details, DetailsFor } from "../protocol/details.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Introduction } from "../protocol/message.ts";
import type { Leg, RefusalCode } from "../protocol/order.ts";
import type { ResolveAnswer, RestoreResult } from "../protocol/participant_event.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";

/** What both roles have. */
export interface NodeApi {
  readonly name: string;
  readonly role: Role;
  /** Whether the node can take payments: a participant linked to its coordinator, a coordinator. */
  isReady(): boolean;
  /** Why the node can't take payments, in a few words; nothing when it can. */
  whyNotReady(): string | undefined;
  /** What the node knows, and has on disk, at the moment of asking. */
  status(): Promise<NodeStatus>;
  /** With what it tells this node. */
  payment(id: PaymentId): Promise<PaymentView | undefined>;
  /** When the last attempt was aborted, of a payment that is not known here and had one. */
  givenUpMs(id: PaymentId): Promise<number | undefined>;
  /** Whether this node's log is known to lack entries that it had, as far as was heard since its start. */
  hasLostEntries(): boolean;
  /** By what a payment was committed that this node's log has lost, as far as was heard since its start. */
  lostIn(id: PaymentId): Promise<TransactionId | undefined>;
  /**
   * Its certificate, for somebody else; nothing where no outcome is known that was signed.
   *
   * @param hasEntry with the log's entry, and so all else that was stored in the same moment
   */
  proof(id: PaymentId, hasEntry: boolean): Promise<Uint8Array | undefined>;
  /**
   * Newest first. `cursor` is `next` of the page before.
   *
   * @throws {FormatError} if the cursor never was such a `next`
   */
  payments(query: PaymentQuery): Promise<PaymentPage>;
  /** By what a node is known, this one or a peer; nothing where no such peer is. */
  introduction(name: string): Promise<Introduction | undefined>;
  /** What was seen of a peer's log, and what that lacks; nothing where nothing was seen. */
  memoryOf(name: string): Promise<PeerMemory | undefined>;
  /** Takes back a peer refused for amnesia. */
  readmit(name: string, by: string): Promise<ReadmitAnswer>;
  /**
   * Tells of every payment's events as they become durable, in the order of the log, until the
   * returned function is called. The listener must not throw and should return soon.
   */
  subscribe(listener: (event: NodeEvent) => void): () => void;
  /**
   * From the log, oldest first: what follows the event with this id; from the beginning without.
   *
   * @throws {FormatError} if no event can have the id
   */
  eventsAfter(id: string | undefined, limit: number): Promise<NodeEvent[]>;
  /** The newest payments with the stage that each has reached, newest first; a sample under load. */
  recent(): Promise<PaymentTrace[]>;
  /** How one payment went, as far as this node knows. */
  trace(id: PaymentId): Promise<PaymentTrace | undefined>;
  /** The latest log entries known of each node, those noticed after `sequence`, oldest first. */
  activity(sequence: number): ActivityEntry[];
  /** What was measured in each of the last seconds, those after `sequence`, oldest first. */
  samples(sequence: number): Sample[];
}

export type AnyNodeApi = CoordinatorApi | ParticipantApi;

/** It keeps no accounts and originates no payments, and as it decides, it never doubts. */
export interface CoordinatorApi extends NodeApi {
  readonly role: "coordinator";
  /** Being voted on, or committed and not acknowledged by all; those open for longest, first. */
  openPayments(limit: number): Promise<OpenPaymentView[]>;
}

export interface ParticipantApi extends NodeApi {
  readonly role: "participant";
  /**
   * Orders a payment and waits for its outcome.
   *
   * @throws {OutcomeUnknownError} if the node fails, or has failed
   */
  submit(request: PaymentRequest): Promise<PaymentAnswer>;
  /** Accounts of users in the order in which they were opened: `limit`, after the first `from`. */
  accountPage(from: number, limit: number): Promise<AccountPage>;
  account(name: string): Promise<AccountView | undefined>;
  /** All that moved an account in a period, as of now; nothing where there is no such account. */
  statement(query: StatementQuery): Promise<StatementView | undefined>;
  /** Opens an account. An account of that name, currency and opening balance is left as it is. */
  openAccount(account: NewAccount): Promise<"opened" | "existed" | "differs">;
  /** The cards that this node has issued, and charges of them declined lately. */
  cards(): Promise<CardsView>;
  /** Lets a card pay from an account; a card that is there already, the same, is left as it is. */
  addCard(card: NewCard): Promise<AddCardAnswer>;
  /** Ends a card; resolves to its id, or to nothing where there is no such card. */
  removeCard(card: { readonly id: string } | { readonly number: string }): Promise<
    string | undefined
  >;
  /** The decision is unknown: first what is prepared here, then what was forced; longest first. */
  inDoubt(): Promise<InDoubtView[]>;
  /** An operator decides for a transaction in doubt; recorded. */
  resolve(choice: HeuristicChoice): Promise<ResolveAnswer>;
  /** Asks everyone who could tell about all that is in doubt; returns how many transactions. */
  inquire(): Promise<number>;
  /** An operator has seen a mismatch; recorded. Nothing where none of the transaction waits for it. */
  acknowledge(transaction: TransactionId, by: string): Promise<PaymentId | undefined>;
  /** An operator has what a payment told this node erased; recorded. */
  erase(payment: PaymentId, by: string): Promise<EraseAnswer>;
  /**
   * Payments that the log has lost, by their certificates, in that order; each has an answer.
   *
   * @param card the account from which cards of this node have paid them, where any did
   */
  restore(proofs: readonly Uint8Array[], card?: string): Promise<RestoreAnswer[]>;
}

/** What became of one payment that was to be restored. */
export type RestoreAnswer =
  | { readonly id: PaymentId; readonly result: RestoreResult }
  /** The certificate does not show that this node has to have it. */
  | { readonly id?: PaymentId; readonly result: "no_proof"; readonly why: string };

/** A record about a payment, durable in this node's log. */
export interface NodeEvent {
  /** `ENTRY.INDEX` in this node's log: the event's place, after which a stream resumes. */
  readonly id: string;
  readonly type: NodeEventType;
  readonly payment: PaymentId;
  readonly transaction?: TransactionId;
  readonly code?: RefusalCode;
  /** Of a forced decision and of a mismatch: what was decided. */
  readonly commit?: boolean;
  /** The operator who forced or acknowledged it, or had its details erased. */
  readonly by?: string;
  /** Of the order; none where this node never saw it. */
  readonly legs: readonly Leg[];
  /** Empty where this node never saw the order. */
  readonly originator: string;
  readonly entry: number;
  /** Of the entry. */
  readonly clock: VectorClock;
  readonly atMs: number;
}

export type NodeEventType =
  | "prepared"
  | "committed"
  | "aborted"
  | "posted"
  | "released"
  | "refused"
  | "forced"
  | "mismatch"
  | "acknowledged"
  | "erased"
  | "ended";

export interface InDoubtView {
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  /** Since it was prepared, or forced. */
  readonly ageMs: number;
  readonly participants: readonly string[];
  /** Who could tell the decision and has no link to this node: peers once they are asked, too. */
  readonly unreachable: readonly string[];
  /** The coordinator, where it is linked and does not tell. */
  readonly unanswered?: readonly string[];
  /** This node's legs; none once they are forced. */
  readonly held: readonly Leg[];
  /** An operator has decided meanwhile. */
  readonly forced?: ForcedView;
}

export interface ForcedView {
  readonly commit: boolean;
  readonly by: string;
  readonly atMs: number;
  /** This node's, posted or released by it. */
  readonly legs: readonly Leg[];
}

export interface HeuristicChoice {
  readonly transaction: TransactionId;
  readonly commit: boolean;
  readonly by: string;
}

/** `linked`: with a peer that is linked nothing is wrong, and nothing is recorded. */
export type ReadmitAnswer = "readmitted" | "unknown" | "linked";

/** What a node has seen of a peer's log, and so what to readmit it gives up. */
export interface PeerMemory {
  /** The number of the latest entry that was seen. */
  readonly seen: number;
  /** Where the peer has come back with another log since this node started, and was refused. */
  readonly forgotten?: {
    /** The last entry of that log, as the peer says. */
    readonly ends: number;
    /** At a coordinator, and of a coordinator. */
    readonly payments?: LostPayments;
  };
}

/** Committed at this node since what a peer's log knows of it: the peer may lack them. */
export interface LostPayments {
  readonly count: number;
  /** False where the log goes on further back than was looked, or one of the two was lost before. */
  readonly isAll: boolean;
  /** When the first of what was looked at was recorded; nothing where there is nothing. */
  readonly sinceMs?: number;
  /** How many payments a list has to have to hold all of these. */
  readonly among: number;
}

export type EraseAnswer =
  | { readonly result: "erased"; readonly by: string; readonly atMs: number }
  /** Before, and so they stay. */
  | { readonly result: "was_erased"; readonly by: string; readonly atMs: number }
  /** The payment is not over. */
  | { readonly result: "under_way" }
  /** The payment told this node nothing, or is not known here. */
  | { readonly result: "none" };

/** A forced decision that the real one contradicts, not acknowledged by any operator. */
export interface MismatchView {
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  /** The real decision; the forced one was the other. */
  readonly commit: boolean;
  /** Who forced it. */
  readonly by: string;
  /** When the real decision came. */
  readonly atMs: number;
}

/**
 * How far a payment has come. At the coordinator: prepare is out, votes come in, the decision is
 * durable, acks come in. At a participant: ordered, prepared, the decision has come; lost: the attempt
 * was aborted, and the payment may come again.
 */
export type Stage =
  | "prepare"
  | "votes"
  | "decision"
  | "acks"
  | "ordered"
  | "prepared"
  | "lost"
  | "done";

export interface PaymentTrace {
  readonly payment: PaymentView;
  readonly stage: Stage;
  /** At a participant: whether its legs were held for the last attempt. */
  readonly isPrepared: boolean;
  /** At the coordinator, while it remembers them: they are messages, no log keeps them. */
  readonly votes: readonly VoteView[];
  readonly steps: readonly TraceStep[];
}

export interface VoteView {
  readonly participant: string;
  readonly vote: "yes" | "no" | "none";
  readonly code?: RefusalCode;
  readonly isAcked: boolean;
}

/** Something that happened to a payment, in the order in which this node noticed it. */
export interface TraceStep {
  readonly what: string;
  readonly atMs: number;
  /** Of a record: where it stands. */
  readonly entry?: number;
  readonly clock?: VectorClock;
}

export interface ActivityEntry {
  /** Counts what this node noticed since it started. */
  readonly sequence: number;
  readonly node: string;
  /** The entry's number in that node's log. */
  readonly number: number;
  /** Of the entry; of a peer's, as its messages told it. */
  readonly clock: VectorClock;
  /** What the entry holds, in short; empty where only its peer knows. */
  readonly what: string;
}

/** What a node did in about a second, up to `atMs`. */
export interface Sample {
  /** Counts the samples since the node started. */
  readonly sequence: number;
  readonly atMs: number;
  /** Payments decided a second. */
  readonly throughput: number;
  /** Of the latest answers; null where there was none in this time. */
  readonly latencyMs: NodeStatus["latencyMs"];
}

/** The node can't tell any more what became of a payment: it may have been made. */
export class OutcomeUnknownError extends Error {
  override name = "OutcomeUnknownError";
  /** @param id nothing where it has a key by which it may be known under an id that was not found out */
  constructor(readonly id: PaymentId | undefined, reason: string) {
    super(reason);
  }
}

export interface PaymentRequest {
  /** Chosen by the user, or by the node where missing. */
  readonly id?: PaymentId;
  readonly legs: readonly Leg[];
  /** At most one a participant that has a leg, and is not this node. */
  readonly details?: readonly DetailsFor[];
  /** Until when to wait for the outcome; the payment goes on after that. */
  readonly waitMs: number;
  /** `Idempotency-Key` and what it was sent with. */
  readonly key?: IdempotencyKey;
}

export interface NewCard {
  readonly account: string;
  /** Digits. */
  readonly number: string;
  readonly expiry: Expiry;
}

/** `differs`: the card is there with another account or expiry. `expired`: its month is over. */
export type AddCardAnswer =
  | { readonly result: "key_lost" }
  | { readonly result: "added" | "existed"; readonly card: CardView; readonly cvv: string }
  | { readonly result: "differs" | "account_not_found" | "expired" };

export interface CardView {
  readonly id: string;
  readonly account: string;
  /** At most the first six and the last four digits. */
  readonly masked: string;
  readonly expiry: Expiry;
  /** When it was added. */
  readonly atMs: number;
}

export interface CardsView {
  /** In the order in which they were added. */
  readonly cards: readonly CardView[];
  /** Newest last; since the node started. */
  readonly declined: readonly Decline[];
}

export interface IdempotencyKey {
  readonly key: string;
  /** The request's body in one canonical form, to tell another request under the same key. */
  readonly request: string;
}

/** `replayed`: it was decided before this request or, where this has a key, before that was first sent. */
export type PaymentAnswer =
  | { readonly state: "committed"; readonly replayed: boolean; readonly payment: PaymentView }
  | { readonly state: "aborted"; readonly replayed: boolean; readonly payment: PaymentView }
  | { readonly state: "pending"; readonly id: PaymentId }
  /** Of a key that was used before, the id is that of the payment for which it stands. */
  | { readonly state: "rejected"; readonly id: PaymentId; readonly code: SubmitRejectionCode };

/** Why a payment was not taken on; nothing was recorded under its id by this request. */
export type SubmitRejectionCode =
  | "id_reused"
  | "id_in_use"
  | "id_ahead"
  | "key_reused"
  | "overloaded"
  | "coordinator_unreachable"
  /** Of one who was to be told something: nothing could be sealed to it. */
  | "participant_unknown";

export interface PaymentView {
  readonly id: PaymentId;
  readonly state: "pending" | "prepared" | "committed" | "aborted";
  readonly code?: RefusalCode;
  readonly legs: readonly Leg[];
  /** The account behind the card in the legs, where this node has issued it. */
  readonly card?: string;
  readonly originator: string;
  readonly transaction?: string;
  /** The decision entry's; until then that of this node's `prepared`. */
  readonly clock: VectorClock;
  /** When it was decided, by the coordinator's clock; until then, and where an operator has forced it
   * otherwise, when this node recorded it. Milliseconds since 1970. */
  readonly atMs: number;
  /** Where an operator of this node has decided about it. */
  readonly forced?: HeuristicView;
  /** Committed, as the coordinator tells, and lost by this node's log: its ledger lacks it. */
  readonly isLost?: true;
  /** What it tells this node; unreadable where the node's key is not the one it had then. */
  readonly told?: Pick<Details, "memo" | "reference"> | "erased" | "unreadable";
}

export interface OpenPaymentView extends PaymentView {
  /** Who has not voted yet where it is pending, who has not acknowledged where it is committed. */
  readonly waitingFor: readonly string[];
  /** When it was begun, or committed, milliseconds since 1970. */
  readonly sinceMs: number;
}

/** An operator's decision, which stands in this node's books whatever the real one is. */
export interface HeuristicView {
  readonly commit: boolean;
  readonly by: string;
  readonly atMs: number;
  /** The real decision: commit or not. Nothing until it is known here. */
  readonly decided?: boolean;
  /** Of one that the real decision contradicts. */
  readonly acknowledged?: { readonly by: string; readonly atMs: number };
}

export interface PaymentQuery {
  readonly limit: number;
  readonly cursor?: string;
  /** Only payments with a leg on this account of this node. */
  readonly account?: string;
  /** With what they tell this node, which takes its time. */
  readonly hasDetails?: boolean;
}

/** Fewer than were asked for may be there, and older ones all the same. */
export interface PaymentPage {
  readonly payments: readonly PaymentView[];
  /** The cursor of the page after it; nothing where there is none. */
  readonly next?: string;
}

/** By the times at which this node posted, milliseconds since 1970. */
export interface StatementQuery {
  readonly account: string;
  /** The first of the period; without it, it begins with the log. */
  readonly fromMs?: number;
  /** The first after the period; without it, it ends now. */
  readonly toMs?: number;
}

export interface StatementView {
  readonly currency: string;
  /** Of the look at the books; nothing that was posted after it is told of. */
  readonly atMs: number;
  /** The opening balance, what moved the account, oldest first, and the closing balance; once. */
  readonly parts: AsyncIterable<StatementPart>;
}

export type StatementPart =
  /** The log is long: so many of its entries have been read by now. */
  | { readonly type: "reading"; readonly entries: number }
  | { readonly type: "opening"; readonly balance: bigint }
  | StatementLine
  | {
    readonly type: "closing";
    readonly balance: bigint;
    /** Sums over the period, both as positive amounts; what the account was opened with is a credit. */
    readonly debits: bigint;
    readonly credits: bigint;
    readonly lines: number;
  };

export type StatementLine = OpenedLine | PaymentLine;

/** The account was opened, with an amount that may be zero. */
interface OpenedLine extends Movement {
  readonly type: "opened";
}

interface PaymentLine extends Movement {
  readonly type: "payment";
  readonly payment: PaymentId;
  /** By the coordinator's clock; where it was forced, when it was, by this node's. */
  readonly decidedMs: number;
  /** Who was paid by a debit, and who paid a credit: `account@participant`. */
  readonly others: readonly string[];
  readonly isForced: boolean;
  readonly told?: PaymentView["told"];
}

interface Movement {
  /** When this node posted it, by its own clock. */
  readonly postedMs: number;
  readonly amount: bigint;
  /** After it. */
  readonly balance: bigint;
}

export interface AccountPage {
  readonly accounts: readonly AccountView[];
  /** Of all accounts. */
  readonly count: number;
  /** As of the same moment. */
  readonly books: readonly BookView[];
}

export interface AccountView {
  readonly account: string;
  readonly currency: string;
  /** Minor units, as are all amounts here. */
  readonly posted: bigint;
  readonly pendingDebits: bigint;
  readonly pendingCredits: bigint;
  readonly available: bigint;
}

export interface NewAccount {
  readonly account: string;
  readonly currency: string;
  readonly opening: bigint;
}

/** Sums of the node's books in one currency; they add up to zero. */
export interface BookView {
  readonly currency: string;
  readonly accounts: bigint;
  readonly settlement: bigint;
  readonly equity: bigint;
}

/** Participants need no link with each other while the coordinator can be asked. */
export const linkStates = ["up", "down", "not_needed"] as const;
export type LinkState = typeof linkStates[number];

export interface PeerView {
  readonly name: string;
  readonly address: string;
  readonly link: LinkState;
  /** When the link was lost; nothing where there is one, or was none since the node started. */
  readonly downSinceMs?: number;
}

export interface NodeStatus {
  readonly name: string;
  readonly role: Role;
  /** Why it takes no payments; nothing where it does. */
  readonly whyNotReady?: string;
  /** Hash of the network's CA certificate, hexadecimal. */
  readonly network: string;
  readonly epoch: string;
  readonly clock: VectorClock;
  readonly peers: readonly PeerView[];
  /** Payments under way. */
  readonly open: number;
  /** Of these, prepared here with the decision unknown. */
  readonly inDoubt: number;
  /** For how long the first of those has been so. */
  readonly longestDoubtMs: number;
  /** Beside them: forced by an operator, with the real decision unknown. */
  readonly forced: number;
  /** Of a participant: its clock minus the coordinator's; nothing before a decision has shown it. */
  readonly clockOffsetMs?: number;
  /** At a coordinator: who has not acknowledged what has been committed for a while. */
  readonly unacknowledged: readonly UnacknowledgedView[];
  readonly committed: number;
  readonly aborted: number;
  /** Payments decided a second, over the last ten seconds. */
  readonly throughput: number;
  /** Milliseconds from a user's request to its answer; null until one was measured. */
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null };
  /** All of them since the node started. */
  readonly latencies: LatencyHistogram;
  /** Since the node started. */
  readonly written: {
    readonly records: number;
    /** Of entries, and of frames to peers; what disk and TLS add is not in them. */
    readonly logBytes: number;
    readonly linkBytes: number;
  };
  /** Milliseconds since 1970; nothing where the node has no certificate. */
  readonly certificateEndsMs?: number;
  /** Number of the CA's list of revoked certificates that the node goes by; nothing where it has none. */
  readonly revocationList?: number;
  /** Of the disk of its data folder, as measured some seconds ago at most; missing where it can't be. */
  readonly dataFreeBytes?: number;
  /** In the order in which they were found. */
  readonly mismatches: readonly MismatchView[];
  /** Things that should never happen and did, newest last, less what is settled. */
  readonly alarms: readonly string[];
}

export interface UnacknowledgedView {
  readonly participant: string;
  readonly payments: number;
  /** Since the first of them was committed. */
  readonly longestMs: number;
}

export interface LatencyHistogram {
  /** Upper bounds of the buckets, milliseconds; a last one without a bound follows. */
  readonly boundsMs: readonly number[];
  /** Of each bucket. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}
