/** What users see of a payment, from what a log says of it. */

import type { HeuristicView, PaymentView } from "../http/node_api.ts";
import type { Order } from "../protocol/order.ts";
import type { OutcomeAnswer } from "../protocol/participant_event.ts";
import type { EntryContext, LogRecord } from "../protocol/record.ts";
import type { Found } from "../protocol/step.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";

/** The payment as its records leave it; nothing where they leave it to come to anything. */
export function viewOf(found: readonly Found[]): PaymentView | undefined {
  let view: PaymentView | undefined;
  let order: Order | undefined;
  let card: string | undefined;
  let forced: HeuristicView | undefined;
  for (const [context, record] of found) {
    const { clock, atMs } = context;
    switch (record.type) {
      case "prepared": {
        const { transaction } = record;
        ({ order, card } = record);
        view = { ...partsOf(order, card), state: "prepared", transaction, clock, atMs };
        break;
      }
      case "committed": {
        const { transaction } = record;
        view = { ...partsOf(record.order), state: "committed", transaction, clock, atMs };
        break;
      }
      case "aborted": {
        const { code, decided } = record;
        const { clock, atMs } = decided ?? context;
        view = { ...partsOf(record.order), state: "aborted", code, clock, atMs };
        break;
      }
      case "posted": {
        const { transaction, decided } = record;
        if (!order) break;
        const { clock, atMs } = decided;
        view = { ...partsOf(order, card), state: "committed", transaction, clock, atMs };
        break;
      }
      case "released": {
        const { transaction, code, decided } = record;
        const { clock, atMs } = decided ?? context;
        // Without a code only an attempt was aborted, and nothing is known of the payment.
        view = order && code
          ? { ...partsOf(order, card), state: "aborted", transaction, code, clock, atMs }
          : undefined;
        break;
      }
      case "mismatch": {
        if (!order) break;
        const { transaction, commit } = record;
        const parts = { ...partsOf(order, card), transaction, clock, atMs };
        // Perhaps only the attempt was aborted. But this node has posted its leg, and refuses every
        // other: no attempt will ever commit, and to say nothing would have the id look free.
        view = commit
          ? { ...parts, state: "committed" }
          : { ...parts, state: "aborted", code: "forced_otherwise" };
        break;
      }
    }
    forced = forcedAfter(forced, record, context);
  }
  return view && forced ? { ...view, forced } : view;
}

/** What an operator has decided about a payment, once a further record of it is there. */
export function forcedAfter(
  forced: HeuristicView | undefined,
  record: LogRecord,
  { atMs }: EntryContext,
): HeuristicView | undefined {
  if (record.type === "forced") return { commit: record.commit, by: record.by, atMs };
  if (!forced) return undefined;
  switch (record.type) {
    case "prepared":
      // An attempt after one that was forced as it was decided.
      return undefined;
    case "posted":
      return { ...forced, decided: true };
    case "released":
      return { ...forced, decided: false };
    case "mismatch":
      return { ...forced, decided: record.commit };
    case "acknowledged":
      return { ...forced, acknowledged: { by: record.by, atMs } };
    default:
      return forced;
  }
}

/**
 * When the last attempt at a payment was aborted here. The payment itself may come to anything, unless
 * `viewOf` has something to show.
 */
export function givenUpMs(found: readonly Found[]): number | undefined {
  return found.findLast(([, { type }]) => type === "released")?.[0].atMs;
}

/** A payment that is under way, with nothing durable here. */
export function pendingView(order: Order, clock: VectorClock, atMs: number): PaymentView {
  return { ...partsOf(order), state: "pending", clock, atMs };
}

/** A payment as its originator is answered. */
export function answeredView(answer: OutcomeAnswer): PaymentView {
  const { order, atMs } = answer;
  const clock = answer.decided?.clock ?? new Map<string, number>();
  if (answer.state === "aborted") {
    return { ...partsOf(order), state: "aborted", code: answer.code, clock, atMs };
  }
  const { transaction, isLost } = answer;
  return { ...partsOf(order), state: "committed", transaction, clock, atMs, isLost };
}

function partsOf(
  order: Order,
  card?: string,
): Pick<PaymentView, "id" | "legs" | "card" | "originator"> {
  return { id: order.payment, legs: order.legs, card, originator: order.originator };
}
