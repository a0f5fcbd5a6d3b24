/** What a coordinator knows durably: the fold of its log. Only `apply` changes it. */

import { invariant } from "../errors.ts";
import type { Frozen } from "./frozen.ts";
import { noBalances } from "./frozen.ts";
import { Generations } from "./generations.ts";
import type { Epoch, PaymentId, TransactionId } from "./id.ts";
import { Membership } from "./membership.ts";
import type { Order, RefusalCode } from "./order.ts";
import { participantsOf } from "./order.ts";
import type { EntryContext, LogRecord } from "./record.ts";
import type { Found } from "./step.ts";

/** Committed; participants are told until all have acked. */
export interface Committing {
  readonly type: "committing";
  readonly transaction: TransactionId;
  readonly order: Order;
  readonly context: EntryContext;
  /** Volatile: acks are gathered anew after a restart. */
  readonly unacked: string[];
  /** Volatile. */
  sentMs: number;
}

export interface Committed {
  readonly type: "committed";
  readonly transaction: TransactionId;
  readonly order: Order;
  readonly context: EntryContext;
}

export interface Aborted {
  readonly type: "aborted";
  readonly order: Order;
  readonly code: RefusalCode;
  readonly context: EntryContext;
}

export class CoordinatorState {
  readonly membership = new Membership();
  readonly #committing = new Map<PaymentId, Committing>();
  readonly #settled = new Generations<PaymentId, Committed | Aborted>();
  /** This log lacks entries that peers have seen, of so many epochs, the first ones: what they decided may be
   * among those. Of what was begun since it has all. Nothing where none are known to lack. */
  lostEpochs: number | undefined;

  /** What is known of a payment without asking the index. */
  get(payment: PaymentId): Committing | Committed | Aborted | undefined {
    return this.#committing.get(payment) ?? this.#settled.get(payment);
  }

  /** Whether a decision of that epoch may have been in entries that this log lacks. */
  mayLack(epoch: Epoch): boolean {
    return !this.membership.hasEpoch(epoch) || epoch.counter <= (this.lostEpochs ?? 0);
  }

  get committingCount(): number {
    return this.#committing.size;
  }

  /** In the order in which they were committed. */
  committing(): IteratorObject<Committing> {
    return this.#committing.values();
  }

  apply(record: LogRecord, context: EntryContext): void {
    switch (record.type) {
      case "committed": {
        const { transaction, order } = record;
        this.#expectUndecided(order.payment);
        const unacked = participantsOf(order);
        this.#committing.set(order.payment, {
          type: "committing",
          transaction,
          order,
          context,
          unacked,
          sentMs: 0,
        });
        return;
      }
      case "ended": {
        const { payment } = record;
        const open = this.#committing.get(payment);
        invariant(open !== undefined, `payment ${payment} ended, but was not committed`);
        const { transaction, order } = open;
        this.#committing.delete(payment);
        const committed = { type: "committed", transaction, order, context: open.context } as const;
        this.#settled.set(payment, committed);
        return;
      }
      case "aborted": {
        const { order, code } = record;
        this.#expectUndecided(order.payment);
        this.#settled.set(order.payment, { type: "aborted", order, code, context });
        return;
      }
      case "readmitted":
        if (record.name === this.membership.genesis?.name) {
          this.lostEpochs = this.membership.epochs.length - 1;
        }
        return this.membership.apply(record);
      case "genesis":
      case "started":
      case "introduced":
      case "checkpointed":
        return this.membership.apply(record);
      default:
        invariant(false, `a coordinator has no record "${record.type}"`);
    }
  }

  /** No reversal (AC2): the first outcome of a payment is its outcome for ever. */
  #expectUndecided(payment: PaymentId): void {
    invariant(!this.get(payment), `payment ${payment} decided twice`);
  }

  /** Takes back into memory what the index found of a payment that had left it, and not come back. */
  recall(found: readonly Found[]): void {
    for (const [context, record] of found) {
      if ("order" in record && this.get(record.order.payment)) continue;
      if (record.type === "committed") {
        const { transaction, order } = record;
        this.#settled.set(order.payment, { type: "committed", transaction, order, context });
      } else if (record.type === "aborted") {
        const { order, code } = record;
        this.#settled.set(order.payment, { type: "aborted", order, code, context });
      }
    }
  }

  /** The records that make this state, less what is settled: the index has that. */
  freeze(context: EntryContext): Frozen {
    return { all: noBalances, changed: noBalances, rest: [...this.#rest(context)] };
  }

  *#rest(context: EntryContext): Iterable<Found> {
    const name = this.membership.genesis?.name;
    for (const record of this.membership.snapshot()) {
      yield [context, record];
      // What it says of the epochs before it goes by where it stands.
      const epochs = record.type === "started" ? record.epoch.counter - 1 : undefined;
      if (name === undefined || epochs === undefined || epochs !== this.lostEpochs) continue;
      yield [context, { type: "readmitted", name, by: name }];
    }
    for (const open of this.#committing.values()) {
      const { transaction, order } = open;
      yield [open.context, { type: "committed", transaction, order, proofs: [] }];
    }
  }

  /** A checkpoint begins: what is settled up to here goes into the index. */
  rotate(): void {
    this.#settled.rotate();
  }

  /** The index holds, durably, what was settled before the last `rotate`. */
  dropIndexed(): void {
    this.#settled.dropOlder();
  }
}
