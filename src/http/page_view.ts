/** What the status page shows, as JSON. Amounts come with decimals too: the page need not know the
 * currencies' exponents. */

import { formatAmount } from "../protocol/money.ts";
import type { Leg, RefusalCode } from "../protocol/order.ts";
import { isVotedOn } from "../protocol/order.ts";
import { accountJson } from "./accounts.ts";
import { inDoubtJson } from "./in_doubt.ts";
import type {
  AccountView,
  ActivityEntry,
  InDoubtView,
  PaymentTrace,
  PeerView,
  Sample,
  TraceStep,
} from "./node_api.ts";
import { outcomeReason } from "./outcome_reason.ts";
import { paymentJson } from "./payment_view.ts";

export function traceJson({ payment, stage, isPrepared, votes }: PaymentTrace) {
  const { legs, ...json } = paymentJson(payment);
  return {
    ...json,
    reason: reasonOf(payment.code),
    stage,
    /** Whether anyone was asked to prepare it. */
    asked: isVotedOn(payment.code),
    prepared: isPrepared,
    votes: votes.map(({ participant, vote, code, isAcked }) => ({
      participant,
      vote,
      code,
      reason: reasonOf(code),
      acked: isAcked,
    })),
    legs: withDecimals(legs, payment.legs),
  };
}

function reasonOf(code: RefusalCode | undefined): string | undefined {
  return code && outcomeReason(code);
}

export function detailJson(trace: PaymentTrace) {
  return { ...traceJson(trace), steps: trace.steps.map(stepJson) };
}

function stepJson({ what, atMs, entry, clock }: TraceStep) {
  const at = new Date(atMs).toISOString();
  return { what, at, entry, clock: clock && Object.fromEntries(clock) };
}

export function pagePeerJson({ name, address, link, downSinceMs }: PeerView) {
  const downSince = downSinceMs === undefined ? undefined : new Date(downSinceMs).toISOString();
  return { name, address, link, downSince };
}

export function pageAccountJson(account: AccountView) {
  const { posted, available, pendingDebits, pendingCredits, currency } = account;
  return {
    ...accountJson(account),
    decimal: {
      posted: formatAmount(posted, currency),
      available: formatAmount(available, currency),
      pendingDebits: formatAmount(pendingDebits, currency),
      pendingCredits: formatAmount(pendingCredits, currency),
    },
  };
}

export function pageInDoubtJson(view: InDoubtView) {
  const { held, forced, ...json } = inDoubtJson(view);
  return {
    ...json,
    held: withDecimals(held, view.held),
    forced: forced && { ...forced, legs: withDecimals(forced.legs, view.forced?.legs ?? []) },
  };
}

function withDecimals<T>(shown: readonly T[], legs: readonly Leg[]) {
  return shown.map((leg, at) => ({ ...leg, decimal: decimal(legs[at]) }));
}

export function activityJson({ sequence, node, number, clock, what }: ActivityEntry) {
  return { sequence, node, number, clock: Object.fromEntries(clock), what };
}

export function sampleJson({ atMs, throughput, latencyMs }: Sample) {
  return { at: atMs, throughput, ...latencyMs };
}

function decimal(leg: Leg | undefined): string {
  return leg ? formatAmount(leg.amount, leg.currency) : "";
}
