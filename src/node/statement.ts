/**
 * What moved an account in a period, from one look at the books: the balance, and up to where the log had
 * made it. All else is read from the log, in which nothing before that place ever changes, so that the
 * statement adds up whatever is paid meanwhile.
 *
 * A payment moves its accounts where the log says `posted`, or where an operator has forced its commit. It
 * belongs to the period in which that was written, by this node's own clock: a decision may come here long
 * after its time, when the period of that time has been told already.
 */

import { invariant } from "../errors.ts";
import type { PaymentView, StatementLine, StatementPart } from "../http/node_api.ts";
import { statementReadingMs, statementTurnRecords } from "../limits.ts";
import type { Log } from "../log/log.ts";
import type { Head } from "../log/stored.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import { addressOf, isCardLeg, resolvedLegsOf } from "../protocol/order.ts";
import type { EntryContext, Forced, LogRecord, Posted, Prepared } from "../protocol/record.ts";
import type { Place } from "./loop.ts";
import type { Time } from "./surroundings.ts";

export interface StatementOptions {
  readonly log: Log;
  readonly node: string;
  readonly account: string;
  readonly currency: string;
  /** What a payment tells this node. */
  readonly told: (payment: PaymentId) => Promise<PaymentView["told"]>;
  readonly time: Pick<Time, "monotonicMs" | "nextPoll">;
}

/** What the log up to a place leaves on the account. */
interface Mark extends Place {
  readonly balance: bigint;
}

type Attempt = Prepared | Forced;

/** To be read once. */
export class Statement {
  readonly #options: StatementOptions;
  #entries = 0;
  #recordsInTurn = 0;
  #toldMs: number;

  constructor(options: StatementOptions) {
    this.#options = options;
    this.#toldMs = options.time.monotonicMs();
  }

  /** @param now of the look at the books */
  async *parts(
    now: Mark,
    fromMs: number | undefined,
    toMs: number | undefined,
  ): AsyncGenerator<StatementPart, void> {
    const end = toMs === undefined ? now : yield* this.#markBefore(toMs, now);
    const beginning = { number: 1, at: 0, balance: 0n };
    const start = fromMs === undefined ? beginning : yield* this.#markBefore(fromMs, end);
    yield { type: "opening", balance: start.balance };
    let { balance } = start;
    let debits = 0n;
    let credits = 0n;
    let lines = 0;
    for await (const part of this.#movements(start, end)) {
      if (part.type !== "reading") {
        lines++;
        if (part.amount < 0n) debits -= part.amount;
        else credits += part.amount;
        ({ balance } = part);
      }
      yield part;
    }
    // What is told next was found on another way: back from the books, not forth from the opening.
    invariant(
      balance === end.balance,
      `the statement of ${this.#options.account} comes to ${balance}, but the books to ${end.balance}`,
    );
    yield { type: "closing", balance, debits, credits, lines };
  }

  /**
   * The place after the last entry, of those before `from`, that was written before a time, and the balance
   * there. A clock that was set back between two starts may have left entries of later times before it; so
   * taken, periods that follow on each other still have all entries between them, and each of them once.
   */
  async *#markBefore(ms: number, from: Mark): AsyncGenerator<StatementPart, Mark> {
    const { log, account } = this.#options;
    let moved = 0n;
    /** Those posted after the place whose attempts were not met yet. */
    const posted = new Map<TransactionId, PaymentId>();
    let place: Place = from;
    for (let number = from.number; number > 0; number--) {
      const at = number === from.number ? from.at : Infinity;
      // Of this one nothing counts, and it may not be there yet.
      if (at === 0) continue;
      const { atMs, records } = await log.entry(number);
      if (atMs < ms) break;
      for (let index = Math.min(at, records.length) - 1; index >= 0; index--) {
        const record = records[index]!;
        switch (record.type) {
          case "posted":
            posted.set(record.transaction, record.payment);
            break;
          case "forced":
            posted.delete(record.transaction);
            if (record.commit) moved += this.#amountOf(record);
            break;
          case "prepared":
            if (posted.delete(record.transaction)) moved += this.#amountOf(record);
            break;
          case "opened":
            if (record.account === account) moved += record.opening;
            break;
        }
      }
      place = { number, at: 0 };
      yield* this.#pause(records.length);
    }
    for (const [transaction, payment] of posted) {
      const attempt = await this.#attempt(transaction, payment);
      if (attempt.type === "prepared") moved += this.#amountOf(attempt);
    }
    return { number: place.number, at: place.at, balance: from.balance - moved };
  }

  /** What moved the account between two places. */
  async *#movements(
    { number, at, balance: before }: Mark,
    end: Mark,
  ): AsyncGenerator<StatementLine | Extract<StatementPart, { type: "reading" }>, void> {
    const { account } = this.#options;
    let balance = before;
    /** Attempts that were met and not settled; nothing of those that do not move the account any more. */
    const open = new Map<TransactionId, Prepared | undefined>();
    for await (const entry of this.#entriesFrom(number, end)) {
      const { records, atMs: postedMs } = entry;
      const last = entry.number === end.number ? end.at : records.length;
      for (let index = entry.number === number ? at : 0; index < last; index++) {
        const record = records[index]!;
        switch (record.type) {
          case "opened": {
            if (record.account !== account) break;
            balance += record.opening;
            yield { type: "opened", postedMs, amount: record.opening, balance };
            break;
          }
          case "prepared":
            open.set(record.transaction, this.#amountOf(record) === 0n ? undefined : record);
            break;
          case "forced": {
            open.set(record.transaction, undefined);
            const amount = record.commit ? this.#amountOf(record) : 0n;
            if (amount === 0n) break;
            balance += amount;
            yield await this.#line(record, entry, postedMs, amount, balance);
            break;
          }
          case "posted": {
            const { transaction, decided } = record;
            const attempt = await this.#settledBy(record, open);
            open.delete(transaction);
            const amount = attempt ? this.#amountOf(attempt) : 0n;
            if (!attempt || amount === 0n) break;
            balance += amount;
            yield await this.#line(attempt, entry, decided.atMs, amount, balance);
            break;
          }
          case "released":
          case "mismatch":
            open.delete(record.transaction);
            break;
        }
      }
      yield* this.#pause(records.length);
    }
  }

  /** The attempt that is posted, unless it had been forced and so had moved the account before. */
  async #settledBy(
    { transaction, payment }: Posted,
    open: ReadonlyMap<TransactionId, Prepared | undefined>,
  ): Promise<Prepared | undefined> {
    if (open.has(transaction)) return open.get(transaction);
    // It was prepared, or forced, before the period.
    const attempt = await this.#attempt(transaction, payment);
    return attempt.type === "prepared" ? attempt : undefined;
  }

  /** Of an attempt that was forced, that. */
  async #attempt(transaction: TransactionId, payment: PaymentId): Promise<Attempt> {
    const found = await this.#options.log.lookUp(payment);
    let attempt: Attempt | undefined;
    for (const [, record] of found) {
      if (isAttempt(record) && record.transaction === transaction) attempt = record;
    }
    invariant(attempt !== undefined, `the log lost the attempt ${transaction} of ${payment}`);
    return attempt;
  }

  async *#entriesFrom(
    number: number,
    end: Place,
  ): AsyncIterable<EntryContext & { readonly records: readonly LogRecord[] }> {
    const { log } = this.#options;
    const last = end.at === 0 ? end.number - 1 : end.number;
    if (number > last) return;
    const hash = await log.hashOf(number - 1);
    const before: Head | undefined = hash && { number: number - 1, hash };
    for await (const { entry } of log.entries(before)) {
      yield entry;
      if (entry.number === last) return;
    }
  }

  async #line(
    attempt: Attempt,
    { atMs: postedMs }: EntryContext,
    decidedMs: number,
    amount: bigint,
    balance: bigint,
  ): Promise<StatementLine> {
    const { order, card } = attempt;
    const { payment } = order;
    const isForced = attempt.type === "forced";
    const others = this.#others(order, card, amount);
    // Of one that was forced the record does not say whether it told anything.
    const told = isForced || attempt.hasDetails ? await this.#options.told(payment) : undefined;
    return {
      type: "payment",
      postedMs,
      decidedMs,
      payment,
      others,
      amount,
      balance,
      isForced,
      told,
    };
  }

  /** Of several legs where a card of the account pays the account itself, among others. */
  #amountOf({ order, card }: Attempt): bigint {
    const { node, account } = this.#options;
    let sum = 0n;
    for (const leg of order.legs) {
      if (leg.participant !== node) continue;
      if ((isCardLeg(leg) ? card : leg.account) === account) sum += leg.amount;
    }
    return sum;
  }

  /** The other side, in the account's currency: what it is in another balances by itself. */
  #others(order: Order, card: string | undefined, amount: bigint): string[] {
    const { node, account, currency } = this.#options;
    const here = resolvedLegsOf(order, node, card);
    const away = order.legs.filter(({ participant }) => participant !== node);
    return [...here, ...away]
      .filter((leg) => leg.currency === currency && (leg.amount < 0n) !== (amount < 0n))
      .filter((leg) => leg.participant !== node || leg.account !== account)
      .map(addressOf);
  }

  /** Payments come first. Now and then it is told how far the log was read. */
  async *#pause(
    records: number,
  ): AsyncGenerator<Extract<StatementPart, { type: "reading" }>, void> {
    const { time } = this.#options;
    this.#entries++;
    this.#recordsInTurn += records + 1;
    if (this.#recordsInTurn >= statementTurnRecords) {
      this.#recordsInTurn = 0;
      await time.nextPoll();
    }
    const nowMs = time.monotonicMs();
    if (nowMs - this.#toldMs < statementReadingMs) return;
    this.#toldMs = nowMs;
    yield { type: "reading", entries: this.#entries };
  }
}

function isAttempt(record: LogRecord): record is Attempt {
  return record.type === "prepared" || record.type === "forced";
}
