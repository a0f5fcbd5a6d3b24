/**
 * What a participant knows durably: the fold of its log. Only `apply` changes it.
 *
 * Long for one file, as all that changes this state is to be read in one place.
 */

import { invariant } from "../errors.ts";
import type { Expiry } from "./card.ts";
import { cardIdOf } from "./card.ts";
import type { Balances, Frozen } from "./frozen.ts";
import { Generations } from "./generations.ts";
import type { Epoch, PaymentId, TransactionId } from "./id.ts";
import { transactionParts } from "./id.ts";
import type { FrozenAccounts, Held } from "./ledger.ts";
import { Ledger } from "./ledger.ts";
import { Membership } from "./membership.ts";
import type { Decided } from "./message.ts";
import { decisionText } from "./message.ts";
import type { Order, RefusalCode } from "./order.ts";
import type { Proof } from "./proof.ts";
import { resolvedLegsOf } from "./order.ts";
import type { Aborted, EntryContext, LogRecord, Posted, Released } from "./record.ts";
import type { Found } from "./step.ts";

/** Voted yes, decision unknown: in doubt. */
export interface Prepared {
  readonly type: "prepared";
  readonly transaction: TransactionId;
  readonly order: Order;
  readonly held: readonly Held[];
  /** The account behind the card that pays. */
  readonly card?: string;
  readonly context: EntryContext;
  /** When the decision was last asked for. Volatile. */
  askedMs: number;
  /** Since when the coordinator owes an answer about it, while it is linked. Volatile. */
  owedSinceMs?: number;
}

/** An operator has decided; the real decision is still unknown. */
export interface Forced {
  readonly type: "forced";
  readonly transaction: TransactionId;
  readonly order: Order;
  readonly commit: boolean;
  readonly by: string;
  /** As of `Prepared`. */
  readonly card?: string;
  readonly context: EntryContext;
  /** As of `Prepared`. */
  askedMs: number;
  owedSinceMs?: number;
}

/** Never voted yes, and never will. Kept until a higher epoch of the coordinator is known. */
export interface Refused {
  readonly type: "refused";
  readonly transaction: TransactionId;
  readonly context: EntryContext;
}

/** Voted yes for, and the real decision is unknown. */
export type Unsettled = Prepared | Forced;

export type Open = Unsettled | Refused;

/** The real decision was not the forced one, and no operator has acknowledged it. */
export interface Mismatched {
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  /** The real decision. */
  readonly commit: boolean;
  /** Who forced the other. */
  readonly by: string;
  /** Where the mismatch is recorded. */
  readonly context: EntryContext;
}

export function mismatchText(
  { transaction, payment, commit, by }: Omit<Mismatched, "context">,
): string {
  return `${transaction} was forced to ${decisionText(!commit)} by ${by}, but it was decided to ` +
    `${decisionText(commit)}: payment ${payment} is not atomic`;
}

/** A card that this node has issued. */
export interface Card {
  readonly hash: string;
  readonly account: string;
  readonly masked: string;
  readonly expiry: Expiry;
  /** Where it was added. */
  readonly context: EntryContext;
}

export type Settled =
  | {
    readonly type: "posted";
    readonly transaction: TransactionId;
    readonly order: Order;
    readonly decided: Decided;
    /** The coordinator's, to be shown to peers. */
    readonly proof?: Proof;
    readonly atMs: number;
    /** Of the entry of this node that says so. */
    readonly number: number;
    /** By an operator, against the real decision. */
    readonly isForced?: true;
  }
  | {
    readonly type: "released";
    /** Missing where this node held nothing for the payment. */
    readonly transaction?: TransactionId;
    readonly order: Order;
    /** Missing where only an attempt was aborted: the payment may still come to anything. */
    readonly code?: RefusalCode;
    readonly decided?: Decided;
    /** As of the posted. */
    readonly proof?: Proof;
    readonly atMs: number;
    /** As of the posted. */
    readonly number: number;
    /** As of the posted. */
    readonly isForced?: true;
  };

/** What an `Idempotency-Key` stands for. */
export interface Key {
  readonly request: string;
  readonly payment: PaymentId;
  /** Of the entry that names it first. */
  readonly number: number;
}

export class ParticipantState {
  readonly membership = new Membership();
  readonly ledger = new Ledger();
  readonly #name: string;
  readonly #coordinator: string;
  readonly #open = new Map<PaymentId, Open>();
  readonly #settled = new Generations<PaymentId, Settled>();
  /** Outlives what is settled: only an operator ends it. */
  readonly #mismatches = new Set<Mismatched>();
  readonly #keys = new Generations<string, Key>();
  /** By their ids. */
  readonly #cards = new Map<string, Card>();
  /** This log lacks entries that peers have seen, of up to the coordinator's epoch then; nothing where none was
   * known yet. */
  lost: { readonly by: string; readonly epoch?: Epoch } | undefined;
  /** The coordinator's highest epoch so far; nothing at first, and after it was readmitted. */
  coordinatorEpoch: Epoch | undefined;
  /** The highest before it was readmitted, until its present one is higher. */
  formerEpoch: Epoch | undefined;

  constructor(name: string, coordinator: string) {
    this.#name = name;
    this.#coordinator = coordinator;
  }

  open(payment: PaymentId): Open | undefined {
    return this.#open.get(payment);
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** What was voted yes for and not settled. */
  held(payment: PaymentId): Unsettled | undefined {
    const open = this.open(payment);
    return open?.type === "refused" ? undefined : open;
  }

  /** The same by its attempt; all that is open is looked through. */
  heldIn(transaction: TransactionId): Unsettled | undefined {
    for (const [, held] of this.allHeld()) if (held.transaction === transaction) return held;
    return undefined;
  }

  /** The same of every payment. */
  *allHeld(): Iterable<[PaymentId, Unsettled]> {
    for (const [payment, open] of this.#open) if (open.type !== "refused") yield [payment, open];
  }

  settled(payment: PaymentId): Settled | undefined {
    return this.#settled.get(payment);
  }

  /** Those that no operator has acknowledged, in the order in which they were found. */
  mismatches(): Iterable<Mismatched> {
    return this.#mismatches;
  }

  key(key: string): Key | undefined {
    return this.#keys.get(key);
  }

  /** In the order in which they were added. */
  cards(): Iterable<Card> {
    return this.#cards.values();
  }

  card(id: string): Card | undefined {
    return this.#cards.get(id);
  }

  apply(record: LogRecord, context: EntryContext): void {
    switch (record.type) {
      case "prepared": {
        const { transaction, order, card } = record;
        invariant(!this.held(order.payment), `payment ${order.payment} prepared twice`);
        this.#expectUnpaid(order.payment);
        const held = this.ledger.hold(resolvedLegsOf(order, this.#name, card));
        this.#open.set(order.payment, {
          type: "prepared",
          transaction,
          order,
          held,
          card,
          context,
          askedMs: 0,
        });
        return;
      }
      case "posted":
      case "released":
        return this.#applyDecision(record, context);
      case "forced": {
        const { transaction, order, commit, by, card } = record;
        // From a checkpoint it comes alone: the balances there include it.
        if (this.#open.has(order.payment)) {
          const { held } = this.#takePrepared(order.payment, transaction);
          if (commit) this.ledger.post(held);
          else this.ledger.release(held);
        }
        this.#open.set(order.payment, {
          type: "forced",
          transaction,
          order,
          commit,
          by,
          card,
          context,
          askedMs: 0,
        });
        return;
      }
      case "mismatch": {
        const { payment, transaction } = record;
        const { order, commit, by } = this.#takeForced(payment, transaction);
        invariant(commit !== record.commit, `agreement on ${payment} recorded as a mismatch`);
        this.#settled.set(payment, settledByForce(transaction, order, commit, context));
        this.#mismatches.add({ transaction, payment, commit: record.commit, by, context });
        return;
      }
      case "unacknowledged": {
        const { transaction, payment, commit, by } = record;
        this.#mismatches.add({ transaction, payment, commit, by, context });
        return;
      }
      case "acknowledged": {
        const { transaction, payment } = record;
        const known = [...this.#mismatches].find((mismatch) =>
          mismatch.transaction === transaction && mismatch.payment === payment
        );
        invariant(known !== undefined, `${transaction} acknowledged, but it was no mismatch`);
        this.#mismatches.delete(known);
        return;
      }
      case "erased":
        invariant(!this.held(record.payment), `details of ${record.payment} erased too early`);
        return;
      case "refused": {
        const { payment, transaction } = record;
        invariant(!this.held(payment), `open payment ${payment} refused`);
        this.#open.set(payment, { type: "refused", transaction, context });
        return;
      }
      case "aborted": {
        const { order } = record;
        invariant(!this.held(order.payment), `payment ${order.payment} aborted while held`);
        this.#expectUnpaid(order.payment);
        this.#settled.set(order.payment, abortedUnheld(record, context));
        return;
      }
      case "joined":
        this.coordinatorEpoch = record.epoch;
        if (this.formerEpoch && this.formerEpoch.counter < record.epoch.counter) {
          this.formerEpoch = undefined;
        }
        if (this.lost && !this.lost.epoch) this.lost = { ...this.lost, epoch: record.epoch };
        for (const [payment, open] of this.#open) {
          if (open.type === "refused" && isOver(open.transaction, record.epoch)) {
            this.#open.delete(payment);
          }
        }
        return;
      case "opened":
        return this.ledger.open(record.account, record.currency, record.opening);
      case "balance":
        return this.ledger.carry(record.account, record.currency, record.posted);
      case "carded": {
        const { hash, account, masked, expiry } = record;
        const id = cardIdOf(hash);
        invariant(!this.#cards.has(id), `card ${id} added twice`);
        invariant(
          this.ledger.account(account) !== undefined,
          `card ${id} of account ${account}, which is none`,
        );
        this.#cards.set(id, { hash, account, masked, expiry, context });
        return;
      }
      case "uncarded": {
        const id = cardIdOf(record.hash);
        const isThere = this.#cards.get(id)?.hash === record.hash;
        invariant(isThere, `card ${id} removed, which was not there`);
        this.#cards.delete(id);
        return;
      }
      case "keyed":
        this.#keys.set(record.key, {
          request: record.request,
          payment: record.payment,
          number: context.number,
        });
        return;
      case "readmitted":
        if (record.name === this.#name) {
          this.lost = { by: record.by, epoch: this.coordinatorEpoch ?? this.formerEpoch };
        }
        // Its counter may begin again lower; the nonces still tell its transactions apart.
        if (record.name === this.#coordinator) {
          this.formerEpoch ??= this.coordinatorEpoch;
          this.coordinatorEpoch = undefined;
        }
        return this.membership.apply(record);
      case "genesis":
      case "started":
      case "introduced":
      case "checkpointed":
        return this.membership.apply(record);
      default:
        invariant(false, `a participant has no record "${record.type}"`);
    }
  }

  /** No reversal (AC2), and no second time. */
  #expectUnpaid(payment: PaymentId): void {
    invariant(this.#settled.get(payment)?.type !== "posted", `payment ${payment} was paid before`);
  }

  #applyDecision(record: Posted | Released, context: EntryContext): void {
    const { payment, transaction, decided } = record;
    const isCommit = record.type === "posted";
    let order;
    if (this.#open.get(payment)?.type === "forced") {
      const forced = this.#takeForced(payment, transaction);
      invariant(forced.commit === isCommit, `mismatch on ${payment} recorded as agreement`);
      order = forced.order;
    } else {
      const prepared = this.#takePrepared(payment, transaction);
      if (isCommit) this.ledger.post(prepared.held);
      else this.ledger.release(prepared.held);
      order = prepared.order;
    }
    this.#settled.set(payment, settledBy(record, order, decided, context));
  }

  #takePrepared(payment: PaymentId, transaction: TransactionId): Prepared {
    const open = this.#open.get(payment);
    invariant(
      open?.type === "prepared" && open.transaction === transaction,
      `transaction ${transaction} decided, but it was not prepared`,
    );
    this.#open.delete(payment);
    return open;
  }

  #takeForced(payment: PaymentId, transaction: TransactionId): Forced {
    const open = this.#open.get(payment);
    invariant(
      open?.type === "forced" && open.transaction === transaction,
      `transaction ${transaction} compared, but it was not forced`,
    );
    this.#open.delete(payment);
    return open;
  }

  /**
   * Takes back into memory what the index found of a payment or key that had left it. What has come into
   * memory since the index was asked is newer, and stays.
   */
  recall(found: readonly Found[]): void {
    const orders = new Map<PaymentId, Order>();
    const forced = new Map<PaymentId, boolean>();
    const recalled = new Map<PaymentId, Settled>();
    const orderOf = (payment: PaymentId): Order => {
      const order = orders.get(payment);
      invariant(order !== undefined, `the index lost the order of ${payment}`);
      return order;
    };
    for (const [context, record] of found) {
      switch (record.type) {
        case "prepared":
          orders.set(record.order.payment, record.order);
          break;
        case "posted":
        case "released": {
          const { payment, decided } = record;
          recalled.set(payment, settledBy(record, orderOf(payment), decided, context));
          break;
        }
        case "forced":
          forced.set(record.order.payment, record.commit);
          break;
        case "aborted":
          recalled.set(record.order.payment, abortedUnheld(record, context));
          break;
        case "keyed":
          if (!this.#keys.get(record.key)) this.apply(record, context);
          break;
        case "mismatch": {
          const { payment, transaction } = record;
          const commit = forced.get(payment) === true;
          recalled.set(payment, settledByForce(transaction, orderOf(payment), commit, context));
          break;
        }
      }
    }
    for (const [payment, settled] of recalled) {
      if (!this.#settled.get(payment)) this.#settled.set(payment, settled);
    }
  }

  /** The records that make this state, less what is settled: the index has that. */
  freeze(context: EntryContext): Frozen {
    const { all, changed } = this.ledger.freeze();
    return {
      all: balancesOf(all, context),
      changed: balancesOf(changed, context),
      rest: [...this.#rest(context)],
    };
  }

  /** What `freeze` gives besides the balances of accounts, which come before it. */
  *#rest(context: EntryContext): Iterable<Found> {
    for (const record of this.membership.snapshot()) yield [context, record];
    if (this.lost) {
      const { by, epoch } = this.lost;
      if (epoch) yield [context, { type: "joined", epoch }];
      yield [context, { type: "readmitted", name: this.#name, by }];
    }
    if (this.formerEpoch) {
      const name = this.#coordinator;
      yield [context, { type: "joined", epoch: this.formerEpoch }];
      yield [context, { type: "readmitted", name, by: name }];
    }
    if (this.coordinatorEpoch) yield [context, { type: "joined", epoch: this.coordinatorEpoch }];
    for (const { currency, settlement, equity } of this.ledger.books()) {
      yield [context, { type: "balance", account: "settlement", currency, posted: settlement }];
      yield [context, { type: "balance", account: "equity", currency, posted: equity }];
    }
    for (const { transaction, payment, commit, by, context } of this.#mismatches) {
      yield [context, { type: "unacknowledged", transaction, payment, commit, by }];
    }
    for (const { hash, account, masked, expiry, context } of this.#cards.values()) {
      yield [context, { type: "carded", hash, account, masked, expiry }];
    }
    for (const [payment, open] of this.#open) {
      const { transaction } = open;
      if (open.type === "refused") {
        yield [open.context, { type: "refused", transaction, payment }];
      } else if (open.type === "prepared") {
        const { order, card } = open;
        yield [open.context, { type: "prepared", transaction, order, card }];
      } else {
        const { order, commit, by, card } = open;
        yield [open.context, { type: "forced", transaction, order, commit, by, card }];
      }
    }
  }

  /** A checkpoint begins: what is settled up to here goes into the index. */
  rotate(): void {
    this.#settled.rotate();
    this.#keys.rotate();
  }

  /** The index holds, durably, what was settled before the last `rotate`; the checkpoint what was frozen. */
  dropIndexed(): void {
    this.#settled.dropOlder();
    this.#keys.dropOlder();
    this.ledger.thaw();
  }
}

function balancesOf({ count, accounts }: FrozenAccounts, context: EntryContext): Balances {
  return { count, found: foundOf(accounts, context) };
}

function* foundOf(
  accounts: FrozenAccounts["accounts"],
  context: EntryContext,
): Iterable<Found> {
  for (const { name: account, currency, posted } of accounts) {
    yield [context, { type: "balance", account, currency, posted }];
  }
}

/** Whether a transaction can't be prepared any more once `epoch` is joined. One of that epoch, or of
 * a higher one, can: a peer may have asked about it before this node had joined. */
export function isOver(transaction: TransactionId, { counter, nonce }: Epoch): boolean {
  const begun = transactionParts(transaction);
  return begun.counter < counter || (begun.counter === counter && begun.nonce !== nonce);
}

function settledBy(
  record: Posted | Released,
  order: Order,
  decided: Decided | undefined,
  context: EntryContext,
): Settled {
  const { transaction, proof } = record;
  const { number } = context;
  const { atMs } = decided ?? context;
  if (record.type === "posted") {
    return { type: "posted", transaction, order, decided: record.decided, proof, atMs, number };
  }
  return { type: "released", transaction, order, code: record.code, decided, proof, atMs, number };
}

function abortedUnheld({ order, code, decided }: Aborted, context: EntryContext): Settled {
  const { number } = context;
  const { atMs } = decided ?? context;
  return { type: "released", order, code, decided, atMs, number };
}

/** As these books have it: what was forced is not undone by the real decision. */
function settledByForce(
  transaction: TransactionId,
  order: Order,
  commit: boolean,
  context: EntryContext,
): Settled {
  const { atMs, number } = context;
  return commit
    ? { type: "posted", transaction, order, decided: context, atMs, number, isForced: true }
    : { type: "released", transaction, order, atMs, number, isForced: true };
}
