/**
 * How a participant whose log was lost, or is an old copy, comes by the payments that it lacks: each as the
 * coordinator has signed that it is committed, and as this node had signed its own yes to it. It is recorded
 * as it was the first time, prepared and posted, so that everything which reads the log finds it as it was.
 */

import { cardLegOf, legsOf } from "./order.ts";
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
    const { request, order, transaction, decided, ordered, proof } = event;
    const { payment } = order;
    const isKnown = state.open(payment) ?? state.settled(payment);
    // What has left memory is in the index: to post it again would pay twice.
    if (!isKnown && !lookUps.isAbsent(payment, event, out)) return;
    const result = this.#whyNot(event) ?? "restored";
    if (result === "restored") {
      // Of its own order a node keeps no proof.
      const kept = order.originator === name ? undefined : ordered;
      record({ type: "prepared", transaction, order, proof: kept }, turn, out);
      record({ type: "posted", transaction, payment, decided, proof }, turn, out);
    }
    out.replies.push({ request, answer: { state: "restoration", result } });
  }

  #whyNot({ order, transaction }: RestoreEvent): Exclude<RestoreResult, "restored"> | undefined {
    const { state, name } = this.#options;
    const open = state.open(order.payment);
    const settled = state.settled(order.payment);
    const isSame = (open ?? settled)?.transaction === transaction;
    // It said that it had never voted for it.
    if (open?.type === "refused" && isSame) return "decided_otherwise";
    // The decision comes by a link, which also says what became of an attempt before this one.
    if (open && open.type !== "refused") return "in_doubt";
    if (settled?.type === "posted" && !settled.isForced && isSame) return "known";
    // What was released for an attempt only may have been committed by another.
    const isOpen = settled === undefined ||
      (settled.type === "released" && !settled.isForced && !settled.code && !isSame);
    if (!isOpen) return "decided_otherwise";
    // Only the lost log said which account is behind the card.
    if (cardLegOf(order, name)) return "of_card";
    const refusal = state.ledger.refusalOf(legsOf(order, name), true);
    if (refusal === undefined) return undefined;
    if (refusal === "account_not_found" || refusal === "currency_mismatch") return refusal;
    return "insufficient_funds";
  }
}
