/**
 * How a participant whose log was lost, or is an old copy, comes by the payments that it lacks: each as the
 * coordinator has signed that it is committed, and as this node had signed its own yes to it. It is recorded
 * as it was the first time, prepared and posted, so that everything which reads the log finds it as it was.
 */

import { isLaterTransaction } from "./id.ts";
import type { Order } from "./order.ts";
import { cardLegOf, resolvedLegsOf, sameBytes } from "./order.ts";
import type {
  Out,
  Recorder,
  RestoreEvent,
  RestoreResult,
  WaitingEvent,
} from "./participant_event.ts";
import type { LookUps } from "./look_ups.ts";
import type { ParticipantState } from "./participant_state.ts";
import type { Turn } from "./step.ts";

/** What is restored, less what shows it. */
type Restored = Pick<RestoreEvent, "order" | "transaction" | "card">;

export interface RestorationOptions {
  readonly name: string;
  readonly state: ParticipantState;
  readonly lookUps: LookUps<WaitingEvent>;
  readonly record: Recorder;
}

export class Restoration {
  readonly #options: RestorationOptions;

  constructor(options: RestorationOptions) {
    this.#options = options;
  }

  step(event: RestoreEvent, turn: Turn, out: Out): void {
    const { state, lookUps, record, name } = this.#options;
    const { request, order, transaction, decided, ordered, proof, card } = event;
    const { payment } = order;
    const isKnown = state.held(payment) ?? state.settled(payment);
    // What has left memory is in the index: to post it again would pay twice.
    if (!isKnown && !lookUps.isAbsent(payment, event, out)) return;
    const result = this.whyNot(event) ?? "restored";
    if (result === "restored") {
      const held = state.held(payment);
      if (held?.transaction !== transaction) {
        // One payment has one attempt at a time: what came before the one that was committed is given up.
        if (held) record({ type: "released", transaction: held.transaction, payment }, turn, out);
        // Of its own order a node keeps no proof.
        const kept = order.originator === name ? undefined : ordered;
        const by = held?.card ?? card;
        record({ type: "prepared", transaction, order, proof: kept, card: by }, turn, out);
      }
      record({ type: "posted", transaction, payment, decided, proof }, turn, out);
    }
    out.replies.push({ request, answer: { state: "restoration", result } });
  }

  /** Why a payment can't be restored, or need not be, as far as memory tells. */
  whyNot({ order, transaction, card }: Restored): Exclude<RestoreResult, "restored"> | undefined {
    const { state } = this.#options;
    const open = state.open(order.payment);
    const settled = state.settled(order.payment);
    const isSame = (open ?? settled)?.transaction === transaction;
    // What an operator decided is compared with the real decision once a link brings that.
    if (open?.type === "forced") return "forced";
    if (open?.type === "prepared") {
      const isLater = isSame || isLaterTransaction(transaction, open.transaction);
      // The same legs are held already.
      return isLater && sameBytes(open.order.hash, order.hash) ? undefined : "in_doubt";
    }
    // It said that it had never voted for it.
    if (open && isSame) return "decided_otherwise";
    if (settled?.type === "posted" && !settled.isForced && isSame) return "known";
    // What was released for an attempt only may have been committed by another.
    const isOpen = settled === undefined ||
      (settled.type === "released" && !settled.isForced && !settled.code && !isSame);
    return isOpen ? this.#refusalOf(order, card) : "decided_otherwise";
  }

  #refusalOf(order: Order, card: string | undefined) {
    const { state: { ledger }, name } = this.#options;
    // Only the lost log said which account is behind the card.
    if (cardLegOf(order, name) && card === undefined) return "of_card";
    const refusal = ledger.refusalOf(resolvedLegsOf(order, name, card), true);
    if (refusal === undefined || refusal === "account_not_found") return refusal;
    return refusal === "currency_mismatch" ? refusal : "insufficient_funds";
  }
}
