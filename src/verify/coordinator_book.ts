/** The coordinator's payments: each decided once, ended only when it was committed. */

import type { Entry } from "../codec/record.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import { transactionParts } from "../protocol/id.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { Complaints, Decided, PaymentBook } from "./payments.ts";
import { OrderSummaries } from "./payments.ts";

export class CoordinatorBook implements PaymentBook<Decided> {
  readonly payments = new Map<PaymentId, Decided>();
  readonly #complaints: Complaints;
  readonly #orders = new OrderSummaries();
  readonly #transactions = new Set<TransactionId>();
  readonly #epochs = new Set<string>();

  constructor(complaints: Complaints) {
    this.#complaints = complaints;
  }

  add(record: LogRecord, entry: Entry): void {
    const { number } = entry;
    switch (record.type) {
      case "started":
        this.#epochs.add(`${record.epoch.counter}-${record.epoch.nonce}`);
        return;
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
        } else decided.hasEnded = true;
      }
    }
  }

  finish(): void {}

  #checkTransaction(transaction: TransactionId, entry: Entry): void {
    const { counter, nonce } = transactionParts(transaction);
    if (this.#transactions.has(transaction)) {
      this.#complaints.add(entry, `commits transaction ${transaction} a second time`);
    } else if (!this.#epochs.has(`${counter}-${nonce}`)) {
      this.#complaints.add(entry, `commits transaction ${transaction} of an epoch never started`);
    }
    this.#transactions.add(transaction);
  }
}
