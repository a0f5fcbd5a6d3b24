import { amountText } from "./amounts.ts";
import type { InDoubtAnswer } from "./answers.ts";
import { durationText } from "./times.ts";

export type Doubt = InDoubtAnswer["inDoubt"][number];

/** Of at least one: how many, for how long, what is held of each currency, and who is not reached. */
export function doubtsText(doubts: readonly Doubt[]): string {
  const open = doubts.filter(({ forced }) => forced === undefined);
  const forcedCount = doubts.length - open.length;
  const counts = [
    ...open.length === 0 ? [] : [`${open.length} in doubt, the oldest for ${oldestText(open)}`],
    ...forcedCount === 0 ? [] : [`${forcedCount} forced`],
  ];
  const totals = totalTexts(doubts);
  return [
    counts.join("; "),
    ...totals.length === 0 ? [] : [`held: ${totals.join(", ")}`],
    `not reached: ${list([...new Set(doubts.flatMap(missing))])}`,
  ].join("; ");
}

/** Who is asked what became of it, and has no link or no answer. */
export function missing({ unreachable, unanswered = [] }: Doubt): string[] {
  return [...unreachable, ...unanswered.map((name) => `${name} (no answer)`)];
}

/** This node's share. */
export function heldText({ held }: Pick<Doubt, "held">): string {
  return list(
    held.map(({ account, amount, currency }) => `${account} ${amountText(amount, currency)}`),
  );
}

export function list(texts: readonly string[]): string {
  return texts.length === 0 ? "none" : texts.join(", ");
}

function oldestText(doubts: readonly Doubt[]): string {
  return durationText(Math.max(...doubts.map(({ age }) => age)));
}

/** Debits and credits apart, as what is held of one is not there for the other. */
function totalTexts(doubts: readonly Doubt[]): string[] {
  const byCurrency = Map.groupBy(doubts.flatMap(({ held }) => held), ({ currency }) => currency);
  return [...byCurrency].map(([currency, legs]) => {
    const total = (amounts: readonly bigint[]) => amounts.reduce((sum, one) => sum + one, 0n);
    const amounts = legs.map(({ amount }) => amount);
    const debits = -total(amounts.filter((amount) => amount < 0n));
    const credits = total(amounts.filter((amount) => amount > 0n));
    return [
      ...debits === 0n ? [] : [`${amountText(debits, currency)} of debits`],
      ...credits === 0n ? [] : [`${amountText(credits, currency)} of credits`],
    ].join(" and ");
  });
}
