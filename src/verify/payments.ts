/** What is kept of each payment of a log: enough to compare it with the other nodes' logs. */

import type { Entry } from "../codec/record.ts";
import type { Order, RefusalCode } from "../protocol/order.ts";
import { participantsOf } from "../protocol/order.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { Findings } from "./findings.ts";
import type { PaymentSummary, PaymentTable } from "./payment_table.ts";

/** An order, without its legs. */
export interface OrderSummary extends Pick<PaymentSummary, "hash"> {
  readonly participants: readonly string[];
}

/** A payment at the coordinator. Without a transaction it was aborted. */
export interface Decided extends OrderSummary, PaymentSummary {
  readonly number: number;
  readonly code?: RefusalCode;
  readonly hasEnded: boolean;
}

/**
 * A payment at a participant. Its transaction is the latest that it was prepared for, if it ever was; the
 * coordinator's entry is there if the record names one.
 */
export interface Held extends OrderSummary, PaymentSummary {
  readonly state: "prepared" | "forced" | "posted" | "released" | "mismatch";
  /** Why the payment, not only an attempt, was aborted. */
  readonly code?: RefusalCode;
  /** The coordinator has lost the entry with the decision since. */
  readonly isLost?: true;
  /** Who has signed the decision that it was settled by. */
  readonly signer?: string;
  /** Of a heuristic decision: what it was, and who took it. */
  readonly commit?: boolean;
  readonly by?: string;
}

/** What is known of the decision by which a record settles a payment. */
export interface DecisionOf extends Pick<Held, "isLost"> {
  /** Where its signature holds. */
  readonly signer?: string;
}

/** The records of one log, one after the other. */
export interface PaymentBook<Summary extends PaymentSummary> {
  readonly payments: PaymentTable<Summary>;
  add(record: LogRecord, entry: Entry, decision?: DecisionOf): void;
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
    return { hash: order.hash, participants: known ?? names };
  }
}
