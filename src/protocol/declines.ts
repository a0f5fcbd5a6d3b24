/**
 * What an issuer has declined lately, and why: told here and to nobody else. Who fails too often is
 * not looked at for a while, so that numbers can't be guessed one after the other. Nothing of this is
 * durable.
 */

import { cardFailuresMax, cardFailuresMs, declinesKept } from "../limits.ts";
import type { PaymentId, TransactionId } from "./id.ts";
import type { RefusalCode } from "./order.ts";

export type DeclineReason =
  | "card_unreadable"
  | "too_many_failures"
  | "number_malformed"
  | "card_unknown"
  | "expiry_wrong"
  | "card_expired"
  | "cvv_wrong"
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
  readonly #merchants = new Failures();
  readonly #cards = new Failures();
  /** Of transactions that were voted yes for and are not settled. */
  readonly #charged = new Map<TransactionId, { merchant: string; hash: string }>();

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

  add(decline: Decline, hash: string | undefined, nowMs: number): void {
    this.#kept.push(decline);
    if (this.#kept.length > declinesKept) this.#kept.shift();
    // Else whoever goes on trying would never be looked at again.
    if (decline.reason === "too_many_failures") return;
    this.#merchants.add(decline.merchant, nowMs);
    if (hash !== undefined) this.#cards.add(hash, nowMs);
  }

  charged(transaction: TransactionId, merchant: string, hash: string): void {
    this.#charged.set(transaction, { merchant, hash });
  }

  /** Only what was paid is a success: a merchant can have any payment aborted after the vote. */
  settled(transaction: TransactionId, isPaid: boolean): void {
    const charged = this.#charged.get(transaction);
    if (!charged) return;
    this.#charged.delete(transaction);
    if (!isPaid) return;
    this.#merchants.clear(charged.merchant);
    this.#cards.clear(charged.hash);
  }
}

/** When each of some names failed lately, by a clock that never jumps. */
class Failures {
  /** Who failed last stands last. */
  readonly #times = new Map<string, number[]>();

  areTooMany(name: string, nowMs: number): boolean {
    const times = this.#times.get(name) ?? [];
    return times.filter((ms) => isRecent(ms, nowMs)).length >= cardFailuresMax;
  }

  add(name: string, nowMs: number): void {
    const times = [...this.#times.get(name) ?? [], nowMs].slice(-cardFailuresMax);
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
