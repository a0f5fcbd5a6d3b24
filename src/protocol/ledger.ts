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

/** An account as the ledger keeps it. */
interface Entry extends Mutable<Account> {
  readonly book: Mutable<Book>;
  /** Which freeze was the last when it last changed. */
  changedIn: number;
  /** What it had posted at that freeze. */
  before: bigint;
}

/** A leg that is held, for the ledger alone to look into: its account need not be found again. */
export interface Held {
  readonly account: Entry;
  readonly amount: bigint;
}

/** Some accounts as they were when the ledger was frozen, to be read once. */
export interface FrozenAccounts {
  readonly count: number;
  readonly accounts: Iterable<Pick<Account, "name" | "currency" | "posted">>;
}

/** What can still be spent. Credits count only once they are posted. */
export function availableOf(account: Account): bigint {
  return account.posted - account.pendingDebits;
}

export class Ledger {
  readonly #accounts = new Map<string, Entry>();
  /** The same, in the order in which they were opened. */
  readonly #list: Entry[] = [];
  #books = new Map<string, Mutable<Book>>();
  /** How often it was frozen. */
  #freezes = 0;
  /** The accounts that have changed since the last time, in the order in which they first did. */
  #changed: Entry[] = [];
  /** Those that had changed when it was frozen, as long as that is not stored. */
  #unstored: readonly Entry[] = [];

  account(name: string): Account | undefined {
    return this.#accounts.get(name);
  }

  get accountCount(): number {
    return this.#list.length;
  }

  /** In the order in which they were opened, those after the first `from`. */
  accounts(from = 0, limit = Infinity): readonly Account[] {
    return this.#list.slice(from, from + limit);
  }

  books(): Iterable<Book> {
    return this.#books.values();
  }

  /** Opens an account with a balance against `equity`. */
  open(name: string, currency: string, opening: bigint): void {
    invariant(!this.#accounts.has(name), `account ${name} opened twice`);
    this.#note(this.#add(name, currency, opening));
    this.#book(currency).equity -= opening;
  }

  /** Takes over a balance from a checkpoint, of a user's account or of a reserved one. Where checkpoints
   * lie on each other, an account's last balance counts. */
  carry(name: string, currency: string, posted: bigint): void {
    const book = this.#book(currency);
    if (name === "settlement") book.settlement = posted;
    else if (name === "equity") {
      book.equity = posted;
      // The last that a checkpoint has of a currency.
      expectZero(book);
    } else {
      const account = this.#accounts.get(name);
      if (!account) return void this.#add(name, currency, posted);
      invariant(account.currency === currency, `account ${name} carried over in ${currency}`);
      invariant(posted >= 0n, `account ${name} carried over with a negative balance`);
      book.accounts += posted - account.posted;
      account.posted = posted;
    }
  }

  /**
   * The balances as they are now, of all accounts and of those that have changed since the last time or
   * since they were carried over. Nothing is copied: what changes from now on is noted with what it was.
   */
  freeze(): { readonly all: FrozenAccounts; readonly changed: FrozenAccounts } {
    const changed = this.#unstored.length === 0
      ? this.#changed
      : [...new Set([...this.#unstored, ...this.#changed])];
    this.#unstored = changed;
    this.#changed = [];
    this.#freezes++;
    const frozen = (accounts: Iterable<Entry>, count: number): FrozenAccounts => ({
      count,
      accounts: this.#asBefore(this.#freezes, accounts, count),
    });
    return {
      all: frozen(this.#list, this.#list.length),
      changed: frozen(changed, changed.length),
    };
  }

  /** What was frozen is stored. */
  thaw(): void {
    this.#unstored = [];
  }

  *#asBefore(
    freeze: number,
    accounts: Iterable<Entry>,
    count: number,
  ): FrozenAccounts["accounts"] {
    let left = count;
    for (const account of accounts) {
      // Those that come after were opened later.
      if (left-- === 0) return;
      invariant(freeze === this.#freezes, "balances as of one checkpoint are read after the next");
      const { name, currency, changedIn, before, posted } = account;
      yield { name, currency, posted: changedIn === freeze ? before : posted };
    }
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

  /** Holds legs until they are released or posted. */
  hold(legs: readonly Leg[]): Held[] {
    return legs.map(({ account: name, currency, amount }) => {
      const account = this.#accounts.get(name);
      invariant(account !== undefined, `hold on account ${name}, which does not exist`);
      invariant(account.currency === currency, `leg in ${currency} on account ${name}`);
      if (amount < 0n) account.pendingDebits -= amount;
      else account.pendingCredits += amount;
      invariant(availableOf(account) >= 0n, `account ${name} has less than is held of it`);
      return { account, amount };
    });
  }

  /** Gives a hold back. */
  release(held: readonly Held[]): void {
    for (const { account, amount } of held) release(account, amount);
  }

  /** Makes held legs final. */
  post(held: readonly Held[]): void {
    for (const { account, amount } of held) {
      release(account, amount);
      this.#note(account);
      account.posted += amount;
      invariant(account.posted >= 0n, `account ${account.name} overdrawn`);
      const { book } = account;
      book.accounts += amount;
      book.settlement -= amount;
    }
    for (const { account } of held) expectZero(account.book);
  }

  /** The account is about to change. */
  #note(account: Entry): void {
    if (account.changedIn === this.#freezes) return;
    account.changedIn = this.#freezes;
    account.before = account.posted;
    this.#changed.push(account);
  }

  #add(name: string, currency: string, posted: bigint): Entry {
    invariant(posted >= 0n, `account ${name} opened with a negative balance`);
    const book = this.#book(currency);
    const account = {
      name,
      currency,
      posted,
      pendingDebits: 0n,
      pendingCredits: 0n,
      book,
      changedIn: -1,
      before: posted,
    };
    this.#accounts.set(name, account);
    this.#list.push(account);
    book.accounts += posted;
    return account;
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

function release(account: Entry, amount: bigint): void {
  if (amount < 0n) account.pendingDebits += amount;
  else account.pendingCredits -= amount;
  invariant(
    account.pendingDebits >= 0n && account.pendingCredits >= 0n,
    `more released on account ${account.name} than was held`,
  );
}

function expectZero({ currency, accounts, settlement, equity }: Book): void {
  invariant(
    accounts + settlement + equity === 0n,
    `the books in ${currency} do not add up to zero`,
  );
}
