/** A participant's payments: prepared before they are posted, and nothing settled twice. */

import type { Entry } from "../codec/record.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import { decisionText } from "../protocol/message.ts";
import { sameBytes } from "../protocol/order.ts";
import type { Acknowledged, LogRecord, Posted, Prepared, Released } from "../protocol/record.ts";
import { PaymentTable } from "./payment_table.ts";
import type { Complaints, DecisionOf, Held, PaymentBook } from "./payments.ts";
import { OrderSummaries } from "./payments.ts";

/** Of a transaction that is over. */
type Outcome = "posted" | "released" | "refused" | "mismatch";

interface Mismatch {
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  readonly forced: boolean;
  /** The real decision. */
  readonly commit: boolean;
  /** Who forced it. */
  readonly by?: string;
  /** The entry that finds it. */
  readonly number: number;
  /** By whom and when, if it was. */
  acknowledged?: string;
}

export class ParticipantBook implements PaymentBook<Held> {
  readonly payments = new PaymentTable<Held>([
    "participants",
    "state",
    "code",
    "isLost",
    "signer",
    "commit",
    "by",
  ]);
  readonly #complaints: Complaints;
  readonly #orders = new OrderSummaries();
  /** Earlier attempts; most payments have none. */
  readonly #over = new Map<PaymentId, Map<TransactionId, Outcome>>();
  readonly #mismatches: Mismatch[] = [];

  constructor(complaints: Complaints) {
    this.#complaints = complaints;
  }

  add(record: LogRecord, entry: Entry, decision: DecisionOf = {}): void {
    switch (record.type) {
      case "prepared":
        return this.#prepare(record, entry);
      case "posted":
      case "released":
        return this.#settle(record, entry, decision);
      case "refused": {
        const { payment, transaction } = record;
        const held = this.payments.get(payment);
        const isHeld = held?.transaction === transaction && held.state !== "released";
        if (isHeld) this.#complain(entry, "refuses", transaction, payment, `is ${held.state}`);
        else this.#end(payment, transaction, "refused");
        return;
      }
      case "forced": {
        const { transaction, commit, by, order } = record;
        const held = this.payments.get(order.payment);
        if (held?.state !== "prepared" || held.transaction !== transaction) {
          this.#complain(entry, "forces", transaction, order.payment, "is not prepared");
        }
        const summary = this.#orders.of(order);
        if (held && !sameBytes(summary.hash, held.hash)) {
          this.#complain(entry, "forces", transaction, order.payment, "was of another order");
        }
        this.payments.set(order.payment, { ...summary, transaction, state: "forced", commit, by });
        return;
      }
      case "mismatch": {
        const { payment, transaction, commit } = record;
        const held = this.payments.get(payment);
        if (held?.state !== "forced" || held.transaction !== transaction) {
          this.#complain(entry, "compares", transaction, payment, "is not forced");
          return;
        }
        this.#mismatches.push({
          transaction,
          payment,
          forced: held.commit === true,
          commit,
          by: held.by,
          number: entry.number,
        });
        this.payments.set(payment, { ...held, state: "mismatch" });
        return;
      }
      case "acknowledged":
        return this.#acknowledge(record, entry);
      case "aborted": {
        const { order, code, decided } = record;
        const held = this.payments.get(order.payment);
        if (held && (held.state !== "released" || held.code)) {
          const { payment } = order;
          this.#complaints.add(
            entry,
            `holds payment ${payment} as aborted, which is ${held.state}`,
          );
          return;
        }
        const summary = this.#orders.of(order);
        this.payments.set(order.payment, {
          ...summary,
          transaction: held?.transaction,
          state: "released",
          code,
          isLost: decision.isLost,
          number: decided?.number,
        });
      }
    }
  }

  /** Only now it is known whether a mismatch was acknowledged. */
  finish(): void {
    for (const mismatch of this.#mismatches) {
      const { transaction, payment, forced, commit, by, number, acknowledged } = mismatch;
      this.#complaints.addMismatch(
        number,
        `finds transaction ${transaction} of ${payment}, which was forced to ` +
          `${decisionText(forced)} and decided to ${decisionText(commit)}: the ` +
          `payment is not atomic; forced by ${by}, ${acknowledged ?? "not acknowledged"}`,
      );
    }
  }

  #acknowledge({ transaction, payment, by }: Acknowledged, entry: Entry): void {
    const of = this.#mismatches.filter((mismatch) =>
      mismatch.transaction === transaction && mismatch.payment === payment
    );
    const open = of.find(({ acknowledged }) => acknowledged === undefined);
    if (!open) {
      const why = of.length > 0 ? "was acknowledged before" : "is no mismatch";
      return this.#complain(entry, "acknowledges", transaction, payment, why);
    }
    const at = new Date(entry.atMs).toISOString();
    open.acknowledged = `acknowledged by ${by} in entry ${entry.number}, ${at}`;
  }

  #prepare({ transaction, order }: Prepared, entry: Entry): void {
    const { payment } = order;
    const held = this.payments.get(payment);
    const outcome = held?.transaction === transaction
      ? held.state
      : this.#over.get(payment)?.get(transaction);
    if (outcome) {
      return this.#complain(entry, "prepares", transaction, payment, `is ${outcome}`);
    }
    if (held && (held.state !== "released" || held.code)) {
      const why = `follows ${held.transaction ?? "an outcome"}, which is ${held.state}`;
      return this.#complain(entry, "prepares", transaction, payment, why);
    }
    if (held?.transaction) this.#end(payment, held.transaction, "released");
    this.payments.set(payment, { ...this.#orders.of(order), transaction, state: "prepared" });
  }

  #settle(record: Posted | Released, entry: Entry, { isLost, signer }: DecisionOf): void {
    const { type, payment, transaction } = record;
    const verb = type === "posted" ? "posts" : "releases";
    const held = this.payments.get(payment);
    if (held?.transaction !== transaction || !isOpen(held)) {
      const isSame = held?.transaction === transaction;
      const known = isSame ? held.state : this.#over.get(payment)?.get(transaction);
      const why = known ? `is ${known} already` : "is not prepared";
      return this.#complain(entry, verb, transaction, payment, why);
    }
    const { hash, participants } = held;
    this.payments.set(payment, {
      hash,
      participants,
      transaction,
      state: type,
      number: record.decided?.number,
      code: record.type === "released" ? record.code : undefined,
      isLost,
      signer,
    });
  }

  #end(payment: PaymentId, transaction: TransactionId, outcome: Outcome): void {
    const over = this.#over.get(payment) ?? new Map<TransactionId, Outcome>();
    this.#over.set(payment, over.set(transaction, outcome));
  }

  #complain(
    entry: Entry,
    verb: string,
    transaction: TransactionId,
    payment: PaymentId,
    why: string,
  ): void {
    this.#complaints.add(entry, `${verb} transaction ${transaction} of ${payment}, which ${why}`);
  }
}

export function isOpen({ state }: Held): boolean {
  return state === "prepared" || state === "forced";
}
