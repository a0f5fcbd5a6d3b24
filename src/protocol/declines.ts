/**
 * What an issuer has declined lately, and why: told here and to nobody else. Who fails too often is
 * not looked at for a while, so that numbers can't be guessed one after the other. Nothing of this is
 * durable.
 */

import { cardFailuresMax, cardFailuresMs, declinesKept, merchantFailuresMax } from "../limits.ts";
import type { PaymentId, TransactionId } from "./id.ts";
import type { RefusalCode } from "./order.ts";

/** What somebody who tries cards would meet. */
const failures = [
  "card_unreadable",
  "number_malformed",
  "card_unknown",
  "expiry_wrong",
  "cvv_wrong",
] as const;

/** Other than those: a card that is right, and does not pay. */
export type DeclineReason =
  | typeof failures[number]
  | "card_expired"
  | "too_many_failures"
  | RefusalCode;

export interface Decline {
  readonly transaction: TransactionId;
  readonly payment: PaymentId;
  /** Whose user charged the card. */
  readonly merchant: string;
  /** Nothing where no card could be read. */
  readonly masked?: string;
  /** Minor units, above zero. */
  readonly amount: bigint;
  readonly currency: string;
  readonly reason: DeclineReason;
  readonly atMs: number;
}

export class Declines {
  readonly #kept: Decline[] = [];
  readonly #merchants = new Failures(merchantFailuresMax);
  readonly #cards = new Failures(cardFailuresMax);
  /** Cards by the transactions that were voted yes for and are not settled. */
  readonly #charged = new Map<TransactionId, string>();

  /** Newest last. */
  get kept(): readonly Decline[] {
    return this.#kept;
  }

  /** Whether it was declined before: a prepare may come twice, and is one failure all the same. */
  has(transaction: TransactionId): boolean {
    return this.#kept.some((known) => known.transaction === transaction);
  }

  /** Whether the next charge is declined without a look at it. */
  isSlowed(merchant: string, hash: string | undefined, nowMs: number): boolean {
    return this.#merchants.areTooMany(merchant, nowMs) ||
      (hash !== undefined && this.#cards.areTooMany(hash, nowMs));
  }

  /** Returns whether it is worth telling: of one who goes on trying only the first is. */
  add(decline: Decline, hash: string | undefined, nowMs: number): boolean {
    const { merchant, reason } = decline;
    const isSlowed = reason === "too_many_failures";
    const last = this.#kept.findLast((known) => known.merchant === merchant);
    if (isSlowed && last?.reason === reason && last.masked === decline.masked) return false;
    this.#kept.push(decline);
    if (this.#kept.length > declinesKept) this.#kept.shift();
    // Slowed ones don't count: else whoever goes on trying would never be looked at again.
    if (!(failures as readonly string[]).includes(reason)) return true;
    this.#merchants.add(merchant, nowMs);
    if (hash !== undefined) this.#cards.add(hash, nowMs);
    return true;
  }

  /**
   * Who charged a card before there was one has guessed nothing of it; only the issuer's operator adds
   * it, so nobody can have the failures of a card cleared who does not issue it.
   */
  issued(hash: string): void {
    this.#cards.clear(hash);
  }

  charged(transaction: TransactionId, hash: string): void {
    this.#charged.set(transaction, hash);
  }

  /**
   * Only what was paid is a success: a merchant can have any payment aborted after the vote. And it is
   * one of the card alone: else a card of the merchant's own would have all that it tried forgotten.
   */
  settled(transaction: TransactionId, isPaid: boolean): void {
    const hash = this.#charged.size > 0 ? this.#charged.get(transaction) : undefined;
    if (hash === undefined) return;
    this.#charged.delete(transaction);
    if (isPaid) this.#cards.clear(hash);
  }
}

/** When each of some names failed lately, by a clock that never jumps. */
class Failures {
  /** Who failed last stands last. */
  readonly #times = new Map<string, number[]>();

  constructor(readonly max: number) {}

  areTooMany(name: string, nowMs: number): boolean {
    const times = this.#times.get(name) ?? [];
    return times.filter((ms) => isRecent(ms, nowMs)).length >= this.max;
  }

  add(name: string, nowMs: number): void {
    const times = [...this.#times.get(name) ?? [], nowMs].slice(-this.max);
    this.#times.delete(name);
    this.#times.set(name, times);
    for (const [known, times] of this.#times) {
      if (isRecent(times.at(-1)!, nowMs)) break;
      this.#times.delete(known);
    }
  }

  clear(name: string): void {
    this.#times.delete(name);
  }
}

function isRecent(ms: number, nowMs: number): boolean {
  return ms + cardFailuresMs > nowMs;
}
