/**
 * Transactions in doubt: a participant asks what became of them, the coordinator or, while that is away,
 * the others who have a part in them (cooperative termination); and it answers when it is asked itself.
 */

import { inquiryIntervalMs, openTransactionsMax, paymentIdAheadMsMax } from "../limits.ts";
import type { PaymentId, TransactionId } from "./id.ts";
import { isLaterTransaction, paymentIdMs, transactionParts } from "./id.ts";
import type { LookUps } from "./look_ups.ts";
import type { Decided, Decision, Inquiry } from "./message.ts";
import type { RefusalCode } from "./order.ts";
import { isParticipantOf, participantsOf } from "./order.ts";
import type { Out, Recorder, WaitingEvent } from "./participant_event.ts";
import type { Forced, ParticipantState, Prepared } from "./participant_state.ts";
import type { Proof } from "./proof.ts";
import type { MessageEvent, Turn } from "./step.ts";

export interface InquiriesOptions {
  /** Of this node. */
  readonly name: string;
  readonly coordinator: string;
  readonly state: ParticipantState;
  readonly lookUps: LookUps<WaitingEvent>;
  readonly record: Recorder;
  /** With the coordinator. */
  readonly isLinked: () => boolean;
}

export class Inquiries {
  readonly #name: string;
  readonly #coordinator: string;
  readonly #state: ParticipantState;
  readonly #lookUps: LookUps<WaitingEvent>;
  readonly #record: Recorder;
  readonly #isLinked: () => boolean;

  constructor({ name, coordinator, state, lookUps, record, isLinked }: InquiriesOptions) {
    this.#name = name;
    this.#coordinator = coordinator;
    this.#state = state;
    this.#lookUps = lookUps;
    this.#record = record;
    this.#isLinked = isLinked;
  }

  /**
   * Who could tell what becomes of the transactions in doubt, while the coordinator can't be asked:
   * their other participants.
   */
  peersToAsk(): Set<string> {
    const peers = new Set<string>();
    if (this.#isLinked()) return peers;
    for (const [, { order }] of this.#state.allHeld()) {
      for (const name of participantsOf(order)) if (name !== this.#name) peers.add(name);
    }
    return peers;
  }

  /** Once more about those of which nothing has come for a while. */
  askAgain(turn: Turn, out: Out): void {
    const { nowMs } = turn;
    for (const [payment, held] of this.#state.allHeld()) {
      if (held.askedMs + inquiryIntervalMs > nowMs) continue;
      held.askedMs = nowMs;
      this.#inquire(payment, held, out);
    }
  }

  /** Cooperative termination: another participant is in doubt, and asks this one. */
  answer(event: MessageEvent, { payment, transaction }: Inquiry, turn: Turn, out: Out): void {
    const { from } = event;
    const abort = (code?: RefusalCode, decided?: Decided, proof?: Proof) => {
      const commit = false;
      out.send(from, { type: "decision", transaction, payment, commit, code, decided, proof });
    };
    const open = this.#state.open(payment);
    const settled = this.#state.settled(payment);
    const attempt = open?.transaction === transaction ? open : settled;
    const isAttempt = attempt?.transaction === transaction && attempt.type !== "refused";
    // Another attempt may have been of another's order under the same id.
    if (isAttempt && !isParticipantOf(attempt.order, from)) {
      out.alarm(`${from} asked about ${transaction}, in which it has no leg`);
      return;
    }
    if (open?.transaction === transaction) {
      if (open.type === "refused") return abort();
      // A heuristic decision is never told as a decision.
      const why = open.type === "prepared" ? "in_doubt" : "forced";
      return out.send(from, { type: "undecided", transaction, payment, why });
    }
    if (settled?.isForced && settled.transaction === transaction) {
      return out.send(from, { type: "undecided", transaction, payment, why: "forced" });
    }
    if (settled?.type === "posted" && settled.transaction === transaction) {
      const { decided, proof, order: { hash: orderHash } } = settled;
      const commit = true;
      const told: Decision = {
        type: "decision",
        transaction,
        payment,
        commit,
        orderHash,
        decided,
        proof,
      };
      return out.send(from, told);
    }
    if (settled?.type === "released" && settled.transaction === transaction) {
      return abort(settled.code, settled.decided, settled.proof);
    }
    // The payment has come to its end by another attempt.
    if (settled?.type === "released" && settled.code) return abort();
    // A payment has one attempt at a time, so one that is older or newer than what is known here was
    // not voted for, or was given up.
    if (open && isLaterTransaction(open.transaction, transaction)) return abort();
    if (settled?.type === "posted") return abort();
    if (open && open.type !== "refused") return;
    if (!this.#mayRefuse(payment, transaction, turn)) return;
    // "I never voted yes" may be said only when the index has been asked: what was posted, acked and
    // forgotten looks the same as what was never seen.
    if (!open && !settled) {
      // It asks again within a second. All that wait for one id are stepped at once, whatever comes of it.
      if (this.#lookUps.isBusy(payment) || !this.#lookUps.isAbsent(payment, event, out)) return;
    }
    this.#record({ type: "refused", transaction, payment }, turn, out);
    abort();
  }

  /** Asks about all whose decision is unknown, and returns how many they are. */
  askAll(turn: Turn, out: Out): number {
    let count = 0;
    for (const [payment, held] of this.#state.allHeld()) {
      held.askedMs = turn.nowMs;
      this.#inquire(payment, held, out);
      count++;
    }
    return count;
  }

  /** A peer that was not there before, while the coordinator is away. */
  askOf(peer: string, turn: Turn, out: Out): void {
    for (const [payment, held] of this.#state.allHeld()) {
      if (!isParticipantOf(held.order, peer)) continue;
      held.askedMs = turn.nowMs;
      const { transaction } = held;
      out.send(peer, { type: "inquiry", transaction, payment });
    }
  }

  /** Whether a peer may make this node keep one more refusal. */
  #mayRefuse(payment: PaymentId, transaction: TransactionId, turn: Turn): boolean {
    // A refusal is forgotten when its epoch is over: one of an epoch that never comes would stay.
    const known = this.#state.coordinatorEpoch?.counter ?? 0;
    if (transactionParts(transaction).counter > known + 1) return false;
    // An id far ahead can't have been prepared anywhere, and would make all others be looked up.
    return paymentIdMs(payment) <= turn.atMs + paymentIdAheadMsMax &&
      this.#state.openCount < openTransactionsMax;
  }

  /** A prepared participant never times out; it asks. */
  #inquire(payment: PaymentId, { transaction, order }: Prepared | Forced, out: Out): void {
    const inquiry: Inquiry = { type: "inquiry", transaction, payment };
    if (this.#isLinked()) return out.send(this.#coordinator, inquiry);
    for (const to of participantsOf(order)) if (to !== this.#name) out.send(to, inquiry);
  }
}
