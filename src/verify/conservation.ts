/** Money neither made nor lost: the settlement accounts of all participants add up to zero. */

import type { PaymentId } from "../protocol/id.ts";
import { formatAmount } from "../protocol/money.ts";
import type { Leg } from "../protocol/order.ts";
import { legsOf } from "../protocol/order.ts";
import type { Forced, Prepared } from "../protocol/participant_state.ts";
import { coordinatorOf } from "./agreement.ts";
import type { Findings } from "./findings.ts";
import type { CoordinatorHistory, History, ParticipantHistory } from "./history.ts";
import type { PaymentSummary } from "./payment_table.ts";
import type { Held } from "./payments.ts";

/** Counts with the settlement accounts what is committed and not yet posted. */
export function checkConservation(histories: readonly History[], findings: Findings): void {
  const coordinator = coordinatorOf(histories);
  const participants = histories.filter((history) => history.role === "participant");
  if (participants.length === 0) return;
  const missing = whyNotChecked(coordinator, participants);
  if (missing) return findings.notChecked(`conservation: ${missing}`);
  const sums = new Map<string, { settled: bigint; underWay: bigint }>();
  const sumOf = (currency: string) => {
    const sum = sums.get(currency) ?? { settled: 0n, underWay: 0n };
    sums.set(currency, sum);
    return sum;
  };
  for (const { chain: { name }, fold } of participants) {
    const state = fold.participant!;
    for (const { currency, settlement } of state.ledger.books()) {
      sumOf(currency).settled += settlement;
    }
    for (const [payment, held] of state.allHeld()) {
      const decided = coordinator?.payments.get(payment) ?? lostPosted(participants, payment);
      for (const { currency, amount } of legsToCount(held, decided, name)) {
        sumOf(currency).underWay += amount;
      }
    }
  }
  for (const [currency, { settled, underWay }] of sums) {
    const sum = settled + underWay;
    const text = (units: bigint) => `${formatAmount(units, currency)} ${currency}`;
    const open = text(underWay);
    const parts = `settlement accounts ${text(settled)}, committed but not posted ${open}`;
    const verdict = sum === 0n ? "conserved" : "not conserved";
    findings.summary.push(`${currency}: ${verdict}: ${parts}`);
    if (sum === 0n) continue;
    findings.violation(
      "conservation",
      `${currency} is not conserved: ${parts}, in all ${text(sum)}`,
    );
  }
}

/** Where the coordinator has lost its decision, who has posted it will tell the others. */
function lostPosted(
  participants: readonly ParticipantHistory[],
  payment: PaymentId,
): Held | undefined {
  for (const { payments } of participants) {
    const held = payments.get(payment);
    if (held?.isLost && held.state === "posted") return held;
  }
  return undefined;
}

/** As the settlement account will have them, which has the opposite sign. */
function legsToCount(
  held: Prepared | Forced,
  decided: PaymentSummary | undefined,
  name: string,
): Leg[] {
  const legs = legsOf(held.order, name);
  if (held.type === "prepared") {
    return decided?.transaction === held.transaction ? legs.map(opposite) : [];
  }
  // An operator's guess does not count until it is known whether it was right.
  return held.commit && !decided ? legs : [];
}

function opposite(leg: Leg): Leg {
  return { ...leg, amount: -leg.amount };
}

function whyNotChecked(
  coordinator: CoordinatorHistory | undefined,
  participants: readonly ParticipantHistory[],
): string | undefined {
  if (coordinator && !coordinator.chain.isWhole) {
    return `the log of ${coordinator.chain.name} can't be read to its end`;
  }
  const names = new Set<string>();
  for (const { transaction, participants } of coordinator?.payments.values() ?? []) {
    if (transaction) { for (const name of participants) names.add(name); }
  }
  for (const { chain, fold, payments } of participants) {
    if (!chain.isWhole || !fold.isWhole) return `the books of ${chain.name} are not known`;
    for (const { state, participants } of payments.values()) {
      if (state === "released") continue;
      if (!coordinator && state !== "posted") return "no log of the coordinator, and open payments";
      for (const name of participants) names.add(name);
    }
  }
  for (const { chain } of participants) names.delete(chain.name);
  const [missing] = names;
  return missing && `no log of ${[...names].sort().join(", ")}`;
}
