/** The coordinator's payments: each decided once, ended only when it was committed. */

import type { Entry } from "../codec/record.ts";
import type { Epoch, TransactionId } from "../protocol/id.ts";
import { transactionParts } from "../protocol/id.ts";
import type { LogRecord } from "../protocol/record.ts";
import { PaymentTable } from "./payment_table.ts";
import type { Complaints, Decided, PaymentBook } from "./payments.ts";
import { OrderSummaries } from "./payments.ts";
import { Sequences } from "./sequences.ts";

export class CoordinatorBook implements PaymentBook<Decided> {
  readonly payments = new PaymentTable<Decided>(["participants", "code", "hasEnded"]);
  readonly #complaints: Complaints;
  readonly #orders = new OrderSummaries();
  /** Of each epoch, those that were committed. */
  readonly #transactions = new Map<string, Sequences>();

  constructor(complaints: Complaints) {
    this.#complaints = complaints;
  }

  add(record: LogRecord, entry: Entry): void {
    const { number } = entry;
    switch (record.type) {
      case "started": {
        const name = nameOf(record.epoch);
        if (!this.#transactions.has(name)) {
          return void this.#transactions.set(name, new Sequences());
        }
        return this.#complaints.add(entry, `starts epoch ${name} a second time`);
      }
      case "committed":
      case "aborted": {
        const { payment } = record.order;
        const before = this.payments.get(payment);
        if (before) {
          const first = before.transaction ? "committed" : "aborted";
          this.#complaints.add(
            entry,
            `holds payment ${payment} as ${record.type}, which entry ${before.number} holds as ` +
              first,
          );
          return;
        }
        const order = this.#orders.of(record.order);
        if (record.type === "aborted") {
          const { code } = record;
          this.payments.set(payment, { ...order, number, code, hasEnded: false });
          return;
        }
        const { transaction } = record;
        this.#checkTransaction(transaction, entry);
        this.payments.set(payment, { ...order, number, transaction, hasEnded: false });
        return;
      }
      case "ended": {
        const { payment, transaction } = record;
        const decided = this.payments.get(payment);
        if (decided?.transaction !== transaction || decided.hasEnded) {
          const why = decided?.hasEnded ? "ended before" : "is not committed";
          this.#complaints.add(
            entry,
            `ends transaction ${transaction} of ${payment}, which ${why}`,
          );
        } else this.payments.set(payment, { ...decided, hasEnded: true });
      }
    }
  }

  finish(): void {}

  #checkTransaction(transaction: TransactionId, entry: Entry): void {
    const parts = transactionParts(transaction);
    const committed = this.#transactions.get(nameOf(parts));
    if (!committed) {
      this.#complaints.add(entry, `commits transaction ${transaction} of an epoch never started`);
    } else if (!committed.add(parts.sequence)) {
      this.#complaints.add(entry, `commits transaction ${transaction} a second time`);
    }
  }
}

function nameOf({ counter, nonce }: Epoch): string {
  return `${counter}-${nonce}`;
}
