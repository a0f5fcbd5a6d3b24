/** What stands on the nodes' disks, read from the bytes that were synced, and held to the rules at once. */

import type { Entry } from "../codec/record.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import { isCardLeg, participantsOf, resolvedLegsOf, sameOrder } from "../protocol/order.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { cardedAccount } from "./cards.ts";
import type { Rule } from "./violation.ts";
import { Violation } from "./violation.ts";

export interface Prepared {
  readonly transaction: TransactionId;
  readonly order: Order;
}

export const detailsRule: Rule = "details reach their recipient alone";

interface Balance {
  readonly posted: bigint;
  /** Debits that are held, as a positive amount. */
  readonly held: bigint;
}

/** An account from its opening on, as each record left it. */
export class AccountHistory {
  readonly balances: Balance[];

  constructor(opening: bigint) {
    this.balances = [{ posted: opening, held: 0n }];
  }

  get last(): Balance {
    return this.balances.at(-1)!;
  }

  move(posted: bigint, held: bigint): void {
    const { last } = this;
    this.balances.push({ posted: last.posted + posted, held: last.held + held });
  }
}

/** A leg's transaction as an entry made it stand. */
export interface Posting {
  readonly payment: PaymentId;
  readonly entry: number;
  readonly amount: bigint;
}

/** Any node's log. */
export class LogView {
  /** Of each entry, from the first: hexadecimal. */
  readonly hashes: string[] = [];
  readonly clocks: VectorClock[] = [];
}

export class CoordinatorView extends LogView {
  readonly committed = new Map<PaymentId, Prepared & { readonly entry: number }>();
  readonly aborted = new Map<PaymentId, string>();
  readonly ended = new Set<TransactionId>();
  /** Participants that have joined. */
  readonly introduced = new Set<string>();
}

/** Prepared, or decided by an operator since. */
interface Open extends Prepared {
  /** The account behind the card that pays. */
  readonly card?: string;
  /** What an operator has decided. */
  readonly forced?: boolean;
}

export class ParticipantView extends LogView {
  readonly open = new Map<PaymentId, Open>();
  readonly posted = new Map<PaymentId, TransactionId>();
  readonly released = new Set<TransactionId>();
  readonly refused = new Set<TransactionId>();
  /** Payments of which an operator decided otherwise than the coordinator. */
  readonly mismatches = new Map<TransactionId, PaymentId>();
  /** Of these, those that no operator has answered for. */
  readonly unacknowledged = new Set<TransactionId>();
  readonly postings: Posting[] = [];
  /** The entry in which each payment was prepared last. */
  readonly preparedIn = new Map<PaymentId, number>();
  /** Payments whose details were stored here last, and not erased since. */
  readonly details = new Set<PaymentId>();
  readonly erased = new Set<PaymentId>();
  readonly accounts = new Map<string, AccountHistory>();
  /** Payments that users' keys stand for. */
  readonly keyed = new Set<PaymentId>();
}

export class Views {
  readonly coordinator = new CoordinatorView();
  readonly participants = new Map<string, ParticipantView>();
  /** Transactions of which somebody said that they never commit. */
  readonly #dead = new Map<TransactionId, string>();

  constructor(participants: readonly string[]) {
    for (const name of participants) this.participants.set(name, new ParticipantView());
  }

  participant(name: string): ParticipantView {
    return this.participants.get(name)!;
  }

  of(name: string): LogView {
    return this.participants.get(name) ?? this.coordinator;
  }

  /** @throws {Violation} */
  add(name: string, entry: Entry, hash: string): void {
    const view = this.of(name);
    view.hashes.push(hash);
    view.clocks.push(entry.clock);
    for (const record of entry.records) {
      if (view instanceof ParticipantView) this.#atParticipant(name, view, record, entry.number);
      else this.#atCoordinator(record, entry.number);
    }
  }

  /** Somebody says that a transaction has not committed and never will. */
  bury(transaction: TransactionId, payment: PaymentId, says: string): void {
    if (this.coordinator.committed.get(payment)?.transaction === transaction) {
      broken("AC1 agreement", `${says} that ${transaction} aborted, which is committed`, payment);
    }
    if (!this.#dead.has(transaction)) this.#dead.set(transaction, says);
  }

  isBuried(transaction: TransactionId): boolean {
    return this.#dead.has(transaction);
  }

  #atCoordinator(record: LogRecord, entry: number): void {
    const view = this.coordinator;
    switch (record.type) {
      case "introduced":
        view.introduced.add(record.name);
        return;
      case "committed": {
        const { transaction, order } = record;
        const { payment } = order;
        this.#expectUndecided(payment, "committed");
        const buried = this.#dead.get(transaction);
        if (buried) broken("AC1 agreement", `${transaction} commits, but ${buried}`, payment);
        for (const name of participantsOf(order)) {
          const prepared = this.participants.get(name)?.open.get(payment);
          if (prepared?.transaction === transaction && sameOrder(prepared.order, order)) continue;
          broken(
            "AC3 commit only on all yes",
            `${transaction} commits, but ${name} has not prepared it`,
            payment,
          );
        }
        view.committed.set(payment, { transaction, order, entry });
        return;
      }
      case "aborted": {
        const { payment } = record.order;
        this.#expectUndecided(payment, "aborted");
        if (record.code === "details_unreadable") {
          broken(detailsRule, "a recipient could not read it, and nobody has changed it", payment);
        }
        view.aborted.set(payment, record.code);
        return;
      }
      case "ended": {
        const { payment, transaction } = record;
        const order = view.committed.get(payment)?.order;
        for (const name of order ? participantsOf(order) : []) {
          const { posted, mismatches } = this.participant(name);
          if (posted.get(payment) === transaction || mismatches.has(transaction)) continue;
          broken("AC5 termination", `${transaction} ends, but ${name} has not posted it`, payment);
        }
        view.ended.add(transaction);
      }
    }
  }

  #expectUndecided(payment: PaymentId, now: string): void {
    const { committed, aborted } = this.coordinator;
    const before = committed.has(payment) ? "committed" : aborted.has(payment) ? "aborted" : "";
    if (before) broken("AC2 no reversal", `${payment} is ${now} after it was ${before}`, payment);
  }

  #atParticipant(name: string, view: ParticipantView, record: LogRecord, entry: number): void {
    switch (record.type) {
      case "opened":
        view.accounts.set(record.account, new AccountHistory(record.opening));
        return;
      case "keyed":
        view.keyed.add(record.payment);
        return;
      case "prepared": {
        const { transaction, order, card } = record;
        const { payment } = order;
        if (view.posted.has(payment) || view.open.has(payment)) {
          const state = view.posted.has(payment) ? "posted" : "open";
          broken("exactly once", `${name} prepares ${payment}, which is ${state}`, payment);
        }
        view.open.set(payment, { transaction, order, card });
        view.preparedIn.set(payment, entry);
        if (record.hasDetails) {
          view.details.add(payment);
          view.erased.delete(payment);
        }
        const isCharge = order.legs.some((leg) => isCardLeg(leg) && leg.participant === name);
        if (isCharge ? card !== cardedAccount : card !== undefined) {
          broken("only the owner debits", `${name} has ${card} pay by card`, payment);
        }
        for (const { account, amount } of resolvedLegsOf(order, name, card)) {
          if (amount > 0n) continue;
          if (order.originator !== name && !isCharge) {
            broken("only the owner debits", `${name} prepares ${order.originator}'s`, payment);
          }
          const history = view.accounts.get(account)!;
          history.move(0n, -amount);
          const { posted, held } = history.last;
          if (posted < held) {
            const what = `${name} holds ${held} of ${account}, which has ${posted}`;
            broken("no more is held than there is", what, payment);
          }
        }
        return;
      }
      case "posted": {
        const { payment, transaction } = record;
        const committed = this.coordinator.committed.get(payment);
        if (committed?.transaction !== transaction) {
          broken("AC1 agreement", `${name} posts ${transaction}, which is not committed`, payment);
        }
        if (view.posted.has(payment)) broken("exactly once", `${name} posts it twice`, payment);
        const open = this.#take(name, view, record);
        if (open.forced === undefined) settle(name, view, open, true);
        view.posted.set(payment, transaction);
        for (const { amount } of resolvedLegsOf(open.order, name)) {
          view.postings.push({ payment, entry, amount });
        }
        return;
      }
      case "released": {
        const { payment, transaction, code } = record;
        const open = this.#take(name, view, record);
        if (open.forced === undefined) settle(name, view, open, false);
        view.released.add(transaction);
        this.bury(transaction, payment, `${name} has released it, knowing`);
        if (code && !this.coordinator.aborted.has(payment)) {
          broken("AC1 agreement", `${name} has it as ${code}, the coordinator has not`, payment);
        }
        return;
      }
      case "forced": {
        const { order, transaction, commit, card } = record;
        const { payment } = order;
        if (view.open.get(payment)?.transaction !== transaction) {
          broken("exactly once", `${name} forces ${transaction}, which is not prepared`, payment);
        }
        view.open.set(payment, { transaction, order, card, forced: commit });
        return settle(name, view, { order, card }, commit);
      }
      case "mismatch": {
        const { payment, transaction, commit } = record;
        const isCommitted = this.coordinator.committed.get(payment)?.transaction === transaction;
        if (commit !== isCommitted) {
          broken("AC1 agreement", `${name} has a mismatch of ${transaction} that is none`, payment);
        }
        if (this.#take(name, view, record).forced !== !commit) {
          broken("AC1 agreement", `${name} has a mismatch where it was not forced`, payment);
        }
        if (!commit) this.bury(transaction, payment, `${name} has it as aborted, saying`);
        view.mismatches.set(transaction, payment);
        view.unacknowledged.add(transaction);
        return;
      }
      case "erased":
        if (view.open.has(record.payment)) {
          broken(detailsRule, `${name} erases what is under way`, record.payment);
        }
        view.details.delete(record.payment);
        view.erased.add(record.payment);
        return;
      case "acknowledged":
        view.unacknowledged.delete(record.transaction);
        return;
      case "refused": {
        const { payment, transaction } = record;
        const isHeld = view.open.get(payment)?.transaction === transaction;
        if (isHeld || view.posted.get(payment) === transaction) {
          broken("AC2 no reversal", `${name} refuses ${transaction} after its yes`, payment);
        }
        view.refused.add(transaction);
        return this.bury(transaction, payment, `${name} has refused it, saying`);
      }
      case "aborted":
        if (this.coordinator.aborted.has(record.order.payment)) return;
        return broken(
          "AC1 agreement",
          `${name} has it as ${record.code}, the coordinator has not`,
          record.order.payment,
        );
    }
  }

  #take(
    name: string,
    view: ParticipantView,
    { type, payment, transaction }: Extract<
      LogRecord,
      { type: "posted" | "released" | "mismatch" }
    >,
  ): Open {
    const open = view.open.get(payment);
    if (open?.transaction !== transaction) {
      broken("exactly once", `${name} has ${type} ${transaction}, which is not prepared`, payment);
    }
    const isContrary = open.forced !== undefined && open.forced !== (type === "posted");
    if (type !== "mismatch" && isContrary) {
      broken("AC1 agreement", `${name} has ${type} what was forced otherwise`, payment);
    }
    view.open.delete(payment);
    return open;
  }
}

/** Makes a participant's legs final, or gives their holds back. */
function settle(
  name: string,
  view: ParticipantView,
  { order, card }: Pick<Open, "order" | "card">,
  isCommit: boolean,
): void {
  for (const { account, amount } of resolvedLegsOf(order, name, card)) {
    const held = amount < 0n ? amount : 0n;
    view.accounts.get(account)!.move(isCommit ? amount : 0n, held);
  }
}

/** @throws {Violation} always */
export function broken(rule: Rule, message: string, payment?: PaymentId): never {
  throw new Violation(rule, message, payment);
}
