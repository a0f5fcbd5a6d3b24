/** What a role's `step` is given and gives back. */

import { turnBytesMax } from "../limits.ts";
import type { CardClaim } from "./card.ts";
import type { OpenedDetails, SealedDetails } from "./details.ts";
import type { PaymentId, TransactionId } from "./id.ts";
import type { Message } from "./message.ts";
import type { Batch } from "./proof.ts";
import type { EntryContext, Genesis, LogRecord, NodeRecord } from "./record.ts";
import { batchBytesBound, besideBytesBound, proofsIn, recordBytesBound } from "./record_size.ts";

/** The turn that an event is stepped in: the entry that its records, if any, will stand in. */
export interface Turn extends EntryContext {
  /** Milliseconds of a clock that never jumps; all time-outs go by it. */
  readonly nowMs: number;
  /** How long the first of this turn's events has been queued. */
  readonly waitedMs: number;
}

/** What both roles are told. */
export type CommonEvent =
  | { readonly type: "start"; readonly genesis: Genesis; readonly nonce: string }
  | { readonly type: "tick" }
  | { readonly type: "drain" }
  | MessageEvent
  | { readonly type: "linkDown"; readonly peer: string }
  | { readonly type: "lookedUp"; readonly key: LookUpKey; readonly found: readonly Found[] }
  | { readonly type: "record"; readonly record: NodeRecord };

export interface MessageEvent {
  readonly type: "message";
  readonly from: string;
  readonly message: Message;
  /** Of a prepare: what its order tells this node, opened, without a card; nothing where it tells it
   * nothing. */
  readonly details?: OpenedDetails;
  /** What is to be known of the card that it was told, if any. */
  readonly card?: CardClaim;
}

export interface Send {
  readonly to: string;
  readonly message: Message;
}

/** A record as the log gives it back, with the entry it stands in. */
export type Found = readonly [EntryContext, LogRecord];

/** What the index is asked for: a payment's id, or the hash of an idempotency key. */
export type LookUpKey = PaymentId | string;

/** What should never happen and did. */
export interface Alarm {
  readonly text: string;
  /** The transaction that an operator has forced: what settles that settles the alarm. */
  readonly forced?: TransactionId;
}

/**
 * What the steps of one turn want done. Nothing of it may leave before `records` are durable, except
 * `earlyReplies`; while `mustAppend` is false the records may wait for those of a later turn.
 */
export class Output<Reply> {
  /** In the order in which they were applied. */
  readonly records: LogRecord[] = [];
  /** What is stored beside the log, in the same commit as its record. */
  readonly details = new Map<LogRecord, readonly SealedDetails[]>();
  mustAppend = false;
  readonly sends: Send[] = [];
  /** Messages that rest on records that need not be appended for them: they leave when nothing waits for an
   * append. */
  readonly confirmations: Send[] = [];
  readonly replies: Reply[] = [];
  /** Replies that depend only on a decision already durable elsewhere. */
  readonly earlyReplies: Reply[] = [];
  readonly lookUps: LookUpKey[] = [];
  readonly alarms: Alarm[] = [];
  /** What an operator may want to know. */
  readonly notes: string[] = [];
  #bytes: number;
  /** Written once an entry, however many records refer to them. */
  readonly #batches = new Set<Batch>();

  /** @param bytes of records that wait for the same append already */
  constructor(bytes = 0) {
    this.#bytes = bytes;
  }

  add(record: LogRecord, mustAppend: boolean, details?: readonly SealedDetails[]): void {
    this.records.push(record);
    if (details) this.details.set(record, details);
    this.#bytes += besideBytesBound(record, details);
    this.mustAppend ||= mustAppend;
    this.#bytes += recordBytesBound(record);
    for (const { batch } of proofsIn(record)) {
      if (this.#batches.has(batch)) continue;
      this.#batches.add(batch);
      this.#bytes += batchBytesBound(batch);
    }
  }

  send(to: string, message: Message): void {
    this.sends.push({ to, message });
  }

  confirm(to: string, message: Message): void {
    this.confirmations.push({ to, message });
  }

  alarm(text: string, forced?: TransactionId): void {
    this.alarms.push({ text, forced });
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the records fill one atomic commit of the log. */
  get isFull(): boolean {
    return this.#bytes >= turnBytesMax;
  }
}
