/** What a user asks for, and what can be said against it before anyone is asked to vote. */

import { amountMax, legsMax } from "../limits.ts";
import type { PaymentId } from "./id.ts";
import { isCurrency } from "./money.ts";

/** One account's share of a payment. */
export interface Leg {
  readonly account: string;
  readonly participant: string;
  /** Minor units, negative for a debit. */
  readonly amount: bigint;
  /** ISO 4217 alphabetic code. */
  readonly currency: string;
}

/** A payment as its originator first sent it. */
export interface Order {
  readonly payment: PaymentId;
  /** The participant whose user asked. */
  readonly originator: string;
  readonly legs: readonly Leg[];
  /** SHA-256 of details sealed for their recipients, 32 bytes, or none. */
  readonly detailsHash?: Uint8Array;
  /** The order's exact bytes: what every node hashes, stores and compares. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, 32 bytes. */
  readonly hash: Uint8Array;
}

/** Why a payment was aborted, in order of precedence within a node. */
export const refusalCodes = [
  "legs_invalid",
  "legs_unbalanced",
  "currency_unknown",
  "amount_out_of_range",
  "participant_unknown",
  "participant_unreachable",
  "account_not_found",
  "currency_mismatch",
  "debit_not_authorized",
  "insufficient_funds",
  "vote_timeout",
  "forced_otherwise",
] as const;
export type RefusalCode = typeof refusalCodes[number];

/** Accounts that every participant has, one a currency, and that no order may name. */
export const reservedAccounts: readonly string[] = ["settlement", "equity"];

export function sameOrder(a: Order, b: Order): boolean {
  return a === b || sameBytes(a.bytes, b.bytes);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The participants of an order, each once, in the order of its legs. */
export function participantsOf(order: Order): string[] {
  const names: string[] = [];
  for (const leg of order.legs) if (!names.includes(leg.participant)) names.push(leg.participant);
  return names;
}

export function isParticipantOf(order: Order, name: string): boolean {
  for (const leg of order.legs) if (leg.participant === name) return true;
  return false;
}

export function legsOf(order: Order, participant: string): Leg[] {
  return order.legs.filter((leg) => leg.participant === participant);
}

/** The first reason, by precedence, for which an order can be refused without asking anyone. */
export function refusalOfOrder(order: Order): RefusalCode | undefined {
  const { legs } = order;
  if (legs.length < 2 || legs.length > legsMax || namesAccountTwice(legs)) return "legs_invalid";
  if (legs.some((leg) => reservedAccounts.includes(leg.account))) return "legs_invalid";
  if (!isBalanced(legs)) return "legs_unbalanced";
  if (!legs.every((leg) => isCurrency(leg.currency))) return "currency_unknown";
  if (!legs.every(({ amount }) => amount !== 0n && amount <= amountMax && -amount <= amountMax)) {
    return "amount_out_of_range";
  }
  return undefined;
}

function namesAccountTwice(legs: readonly Leg[]): boolean {
  // Two legs, the common case, without a set.
  if (legs.length === 2) {
    const [a, b] = legs as [Leg, Leg];
    return a.account === b.account && a.participant === b.participant;
  }
  return new Set(legs.map((leg) => `${leg.account}@${leg.participant}`)).size < legs.length;
}

function isBalanced(legs: readonly Leg[]): boolean {
  if (legs.length === 2) {
    const [a, b] = legs as [Leg, Leg];
    return a.currency === b.currency && a.amount + b.amount === 0n;
  }
  const sums = new Map<string, bigint>();
  for (const leg of legs) sums.set(leg.currency, (sums.get(leg.currency) ?? 0n) + leg.amount);
  return [...sums.values()].every((sum) => sum === 0n);
}
