import { cardAccount } from "../protocol/order.ts";
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

/** A payment's legs with the account behind the card that pays, where the node asked has issued it. */
export function withCard(
  { legs, card }: { readonly legs: readonly LegText[]; readonly card?: string },
): readonly LegText[] {
  if (card === undefined) return legs;
  return legs.map((leg) =>
    leg.account.startsWith(`${cardAccount}@`)
      ? { ...leg, account: `${leg.account} (${card})` }
      : leg
  );
}
