/**
 * A participant's books, in double entry. Every currency has a `settlement` account against the
 * network and `equity` for opening balances, so the books of a currency add up to zero after every
 * operation, and the settlement accounts of all participants do so over posted payments.
 */

import { invariant } from "../errors.ts";
import type { Leg, RefusalCode } from "./order.ts";

export interface Account {
  readonly name: string;
  readonly currency: string;
  /** Settled, minor units. */
  readonly posted: bigint;
  /** Held for open transactions, both as positive amounts. */
  readonly pendingDebits: bigint;
  readonly pendingCredits: bigint;
}

/** The books of one currency; the three add up to zero. */
export interface Book {
  readonly currency: string;
  readonly accounts: bigint;
  readonly settlement: bigint;
  readonly equity: bigint;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What can still be spent. Credits count only once they are posted. */
export function availableOf(account: Account): bigint {
  return account.posted - account.pendingDebits;
}

export class Ledger {
  #accounts = new Map<string, Mutable<Account>>();
  #books = new Map<string, Mutable<Book>>();

  account(name: string): Account | undefined {
    return this.#accounts.get(name);
  }

  accounts(): Iterable<Account> {
    return this.#accounts.values();
  }

  books(): Iterable<Book> {
    return this.#books.values();
  }

  /** Opens an account with a balance against `equity`. */
  open(name: string, currency: string, opening: bigint): void {
    this.#add(name, currency, opening);
    this.#book(currency).equity -= opening;
  }

  /** Takes over a balance from a checkpoint, of a user's account or of a reserved one. */
  carry(name: string, currency: string, posted: bigint): void {
    if (name === "settlement") this.#book(currency).settlement = posted;
    else if (name === "equity") this.#book(currency).equity = posted;
    else this.#add(name, currency, posted);
  }

  /**
   * Why these legs can't be held, by precedence.
   *
   * @param mayDebit whether the owner's participant itself ordered the payment
   */
  refusalOf(legs: readonly Leg[], mayDebit: boolean): RefusalCode | undefined {
    let refusal: RefusalCode | undefined;
    for (const { account: name, currency, amount } of legs) {
      const account = this.#accounts.get(name);
      if (!account) return "account_not_found";
      if (account.currency !== currency) refusal = "currency_mismatch";
      if (refusal === "currency_mismatch" || amount > 0n) continue;
      if (!mayDebit) refusal = "debit_not_authorized";
      else if (!refusal && availableOf(account) < -amount) refusal = "insufficient_funds";
    }
    return refusal;
  }

  hold(legs: readonly Leg[]): void {
    for (const { account: name, amount } of legs) {
      const account = this.#accounts.get(name);
      invariant(account !== undefined, `hold on account ${name}, which does not exist`);
      if (amount < 0n) account.pendingDebits -= amount;
      else account.pendingCredits += amount;
      invariant(availableOf(account) >= 0n, `account ${name} has less than is held of it`);
    }
  }

  /** Gives a hold back. */
  release(legs: readonly Leg[]): void {
    for (const { account: name, amount } of legs) {
      const account = this.#accounts.get(name);
      invariant(account !== undefined, `release on account ${name}, which does not exist`);
      if (amount < 0n) account.pendingDebits += amount;
      else account.pendingCredits -= amount;
      invariant(
        account.pendingDebits >= 0n && account.pendingCredits >= 0n,
        `more released on account ${name} than was held`,
      );
    }
  }

  /** Makes held legs final. */
  post(legs: readonly Leg[]): void {
    this.release(legs);
    for (const { account: name, currency, amount } of legs) {
      const account = this.#accounts.get(name);
      invariant(account?.currency === currency, `leg in ${currency} on account ${name}`);
      account.posted += amount;
      invariant(account.posted >= 0n, `account ${name} overdrawn`);
      const book = this.#book(currency);
      book.accounts += amount;
      book.settlement -= amount;
    }
    for (const { currency } of legs) {
      const book = this.#book(currency);
      invariant(
        book.accounts + book.settlement + book.equity === 0n,
        `the books in ${currency} do not add up to zero`,
      );
    }
  }

  #add(name: string, currency: string, posted: bigint): void {
    invariant(!this.#accounts.has(name), `account ${name} opened twice`);
    invariant(posted >= 0n, `account ${name} opened with a negative balance`);
    this.#accounts.set(name, { name, currency, posted, pendingDebits: 0n, pendingCredits: 0n });
    this.#book(currency).accounts += posted;
  }

  #book(currency: string): Mutable<Book> {
    let book = this.#books.get(currency);
    if (!book) {
      book = { currency, accounts: 0n, settlement: 0n, equity: 0n };
      this.#books.set(currency, book);
    }
    return book;
  }
}
