import { amountText } from "./amounts.ts";

export interface LegText {
  /** `account@participant` */
  readonly account: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
}

/** Legs in one line: who pays whom, and how much; several legs one by one. */
export function legsText(legs: readonly LegText[]): string {
  const [from, ...to] = legs.toSorted((a, b) => a.amount < b.amount ? -1 : 1);
  const [only, ...more] = to;
  if (from === undefined || only === undefined) return "nothing";
  if (more.length === 0 && from.amount === -only.amount && from.currency === only.currency) {
    return `${amountText(only.amount, only.currency)} from ${from.account} to ${only.account}`;
  }
  return legs.map(({ account, amount, currency }) => `${account} ${amountText(amount, currency)}`)
    .join(", ");
}
