/** What a load pays: payments between random accounts of the participants. */

import type { Leg } from "../protocol/order.ts";

export const currency = "USD";
/** Of every account, minor units: no load uses it up. */
export const opening = 10n ** 12n;

export interface Workload {
  readonly participants: readonly string[];
  /** Of each participant. */
  readonly accounts: number;
  /** Of a payment, at least two; one of them a debit. */
  readonly legs: number;
  /** Whether each payment tells its recipients something. */
  readonly memo: boolean;
  /** The share of payments that a participant refuses, from 0 to 1. */
  readonly refusals: number;
}

export interface Payment {
  /** The first is the debit. */
  readonly legs: readonly Leg[];
  /** For all that are credited. */
  readonly memo?: string;
}

const memo = "Invoice 2041, payable within 30 days";

export function accountName(index: number): string {
  return `a${index}`;
}

/** A random one. */
export function paymentBy(
  payer: string,
  { participants, accounts, legs: count, memo: hasMemo, refusals }: Workload,
): Payment {
  const own = participants.indexOf(payer);
  const others = participants.length - 1;
  const credits = count - 1;
  const amount = 1n + BigInt(below(100));
  const isRefused = refusals > 0 && Math.random() < refusals;
  const legs = new Array<Leg>(count);
  legs[0] = {
    account: accountName(below(accounts)),
    participant: payer,
    amount: -amount * BigInt(credits),
    currency,
  };
  const [first, firstAccount] = [below(others), below(accounts)];
  for (let i = 0; i < credits; i++) {
    legs[1 + i] = {
      account: isRefused ? "nobody" : accountName((firstAccount + i) % accounts),
      participant: participants[(own + 1 + (first + i) % others) % participants.length]!,
      amount,
      currency,
    };
  }
  return hasMemo ? { legs, memo } : { legs };
}

function below(count: number): number {
  return Math.floor(Math.random() * count);
}
