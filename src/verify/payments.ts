/** What is kept of each payment of a log: enough to compare it with the other nodes' logs. */

import { toHex } from "../bytes.ts";
import type { Entry } from "../codec/record.ts";
import { hashOf } from "../log/stored.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Order, RefusalCode } from "../protocol/order.ts";
import { participantsOf } from "../protocol/order.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { Findings } from "./findings.ts";

/** An order, without its legs. */
export interface OrderSummary {
  /** SHA-256 of its bytes, hexadecimal. */
  readonly hash: string;
  readonly participants: readonly string[];
}

/** A payment at the coordinator. */
export interface Decided extends OrderSummary {
  /** Missing where the payment was aborted. */
  readonly transaction?: TransactionId;
  /** The entry of the decision. */
  readonly number: number;
  readonly code?: RefusalCode;
  hasEnded: boolean;
}

/** A payment at a participant. */
export interface Held extends OrderSummary {
  /** The latest that it was prepared for; missing where it never was. */
  readonly transaction?: TransactionId;
  readonly state: "prepared" | "forced" | "posted" | "released" | "mismatch";
  /** The coordinator's entry, where the record names one. */
  readonly decided?: number;
  /** Why the payment, not only an attempt, was aborted. */
  readonly code?: RefusalCode;
  /** Who has signed the decision that it was settled by. */
  readonly signer?: string;
  /** Of a heuristic decision: what it was, and who took it. */
  readonly commit?: boolean;
  readonly by?: string;
}

/** The records of one log, one after the other. */
export interface PaymentBook<Summary> {
  readonly payments: ReadonlyMap<PaymentId, Summary>;
  /** @param signer of the decision that the record settles a payment by, where its signature holds */
  add(record: LogRecord, entry: Entry, signer?: string): void;
  /** After the last entry. */
  finish(): void;
}

/** Says what is wrong with a payment of one node. */
export class Complaints {
  readonly #name: string;
  readonly #findings: Findings;
  constructor(name: string, findings: Findings) {
    this.#name = name;
    this.#findings = findings;
  }

  add(entry: Entry, what: string): void {
    this.#findings.violation("outcomes", `${this.#name}: entry ${entry.number} ${what}`);
  }

  /** Each of them is told, however many there are: people have to put each right. */
  addMismatch(number: number, what: string): void {
    this.#findings.violation("mismatches", `${this.#name}: entry ${number} ${what}`, Infinity);
  }
}

/** Summaries of orders; nodes' lists, which recur, are kept once. */
export class OrderSummaries {
  readonly #lists = new Map<string, readonly string[]>();

  of(order: Order): OrderSummary {
    const names = participantsOf(order);
    const key = names.join();
    const known = this.#lists.get(key);
    if (!known) this.#lists.set(key, names);
    return { hash: toHex(hashOf(order.bytes)), participants: known ?? names };
  }
}
