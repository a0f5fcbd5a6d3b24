/** What a user asks for, and what can be said against it before anyone is asked to vote. */

import { amountMax, amountMin, legsMax } from "../limits.ts";
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

/** A leg's account, as users write it. */
export function addressOf({ account, participant }: Pick<Leg, "account" | "participant">): string {
  return `${account}@${participant}`;
}

/** A leg as the API and files have it: an amount is digits there. */
export function legJson(leg: Leg): { account: string; amount: string; currency: string } {
  return { account: addressOf(leg), amount: leg.amount.toString(), currency: leg.currency };
}

/** A payment as its originator first sent it. */
export interface Order {
  readonly payment: PaymentId;
  /** The participant whose user asked. */
  readonly originator: string;
  readonly legs: readonly Leg[];
  /** Of all that is sealed for recipients, 32 bytes, or none: see `details.ts`. */
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
  "details_unreadable",
  "card_declined",
] as const;
export type RefusalCode = typeof refusalCodes[number];

/** Refusals of an order as such: nobody is asked to prepare it. */
const unaskedCodes: ReadonlySet<RefusalCode> = new Set([
  ...(["legs_invalid", "legs_unbalanced", "currency_unknown", "amount_out_of_range"] as const),
  "participant_unknown",
]);

/** Whether participants were asked to vote on a payment that was aborted with this code. */
export function isVotedOn(code: RefusalCode | undefined): boolean {
  return code === undefined || !unaskedCodes.has(code);
}

/** Accounts that every participant has, one a currency, and that no order may name. */
const ownAccounts: readonly string[] = ["settlement", "equity"];
/** Stands in an order for the account of the card that pays, which only the card's issuer knows. */
export const cardAccount = "card";
/** Names that no user's account has. */
export const reservedAccounts: readonly string[] = [...ownAccounts, cardAccount];

export function sameOrder(a: Order, b: Order): boolean {
  return a === b || sameBytes(a.bytes, b.bytes);
}

/**
 * Whether two orders of one payment are the same to their user. A card is sealed anew each time, so that
 * nobody can try what was sealed; then the same id and the same legs are the same charge.
 */
export function sameRequest(a: Order, b: Order): boolean {
  if (sameOrder(a, b)) return true;
  const isCharge = a.legs.some(isCardLeg) && a.detailsHash && b.detailsHash;
  if (!isCharge || a.payment !== b.payment || a.originator !== b.originator) return false;
  return a.legs.length === b.legs.length &&
    a.legs.every((leg, i) => sameLeg(leg, b.legs[i]!));
}

function sameLeg(a: Leg, b: Leg): boolean {
  return a.account === b.account && a.participant === b.participant && a.amount === b.amount &&
    a.currency === b.currency;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Takes a name out of a list, whose order does not matter; false where it is not in it. */
export function removeName(names: string[], name: string): boolean {
  const at = names.indexOf(name);
  if (at === -1) return false;
  const last = names.pop()!;
  if (at < names.length) names[at] = last;
  return true;
}

/** The participants of an order, each once, in the order of its legs. */
export function participantsOf(order: Order): string[] {
  const { legs } = order;
  if (legs.length === 2) {
    const [a, b] = legs as [Leg, Leg];
    return a.participant === b.participant ? [a.participant] : [a.participant, b.participant];
  }
  const names: string[] = [];
  for (const leg of legs) if (!names.includes(leg.participant)) names.push(leg.participant);
  return names;
}

export function isParticipantOf(order: Order, name: string): boolean {
  for (const leg of order.legs) if (leg.participant === name) return true;
  return false;
}

export function legsOf(order: Order, participant: string): Leg[] {
  let count = 0;
  for (const leg of order.legs) if (leg.participant === participant) count++;
  // A list that grows has room for many more than the one or two that there are.
  const legs = new Array<Leg>(count);
  let at = 0;
  for (const leg of order.legs) if (leg.participant === participant) legs[at++] = leg;
  return legs;
}

/** A participant's legs, with the account behind the card where one of them is a card's. */
export function resolvedLegsOf(order: Order, participant: string, card?: string): Leg[] {
  const legs = legsOf(order, participant);
  if (card === undefined) return legs;
  return legs.map((leg) => isCardLeg(leg) ? { ...leg, account: card } : leg);
}

export function isCardLeg({ account }: Leg): boolean {
  return account === cardAccount;
}

/** The leg that a card of a participant's pays, if one does. */
export function cardLegOf({ legs }: Order, participant: string): Leg | undefined {
  for (const leg of legs) if (isCardLeg(leg) && leg.participant === participant) return leg;
  return undefined;
}

/** The first reason, by precedence, for which an order can be refused without asking anyone. */
export function refusalOfOrder(order: Order): RefusalCode | undefined {
  const { legs } = order;
  if (legs.length < 2 || legs.length > legsMax || namesAccountTwice(legs)) return "legs_invalid";
  let hasCard = false;
  let hasUnknownCurrency = false;
  let isOutOfRange = false;
  for (const leg of legs) {
    const { currency, amount } = leg;
    if (ownAccounts.includes(leg.account)) return "legs_invalid";
    hasCard ||= isCardLeg(leg);
    hasUnknownCurrency ||= !isCurrency(currency);
    isOutOfRange ||= amount === 0n || amount > amountMax || amount < amountMin;
  }
  if (hasCard && !isCharge(order)) return "legs_invalid";
  if (!isBalanced(legs)) return "legs_unbalanced";
  if (hasUnknownCurrency) return "currency_unknown";
  return isOutOfRange ? "amount_out_of_range" : undefined;
}

/**
 * A card pays all of a payment, and not at the node that orders it, which debits by its own word. That node is
 * among those that are paid: only who has a part in a payment is sure to hear what became of it.
 */
function isCharge({ legs, originator }: Order): boolean {
  const debits = legs.filter(({ amount }) => amount < 0n);
  const [debit] = debits;
  return debits.length === 1 && debit !== undefined && isCardLeg(debit) &&
    debit.participant !== originator && legs.filter(isCardLeg).length === 1 &&
    legs.some(({ participant }) => participant === originator);
}

function namesAccountTwice(legs: readonly Leg[]): boolean {
  // Two legs, the common case, without a set.
  if (legs.length === 2) {
    const [a, b] = legs as [Leg, Leg];
    return a.account === b.account && a.participant === b.participant;
  }
  return new Set(legs.map(addressOf)).size < legs.length;
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
