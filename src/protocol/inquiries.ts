/**
 * Transactions in doubt: a participant asks what became of them, the coordinator and, while that is away
 * or has no answer, the others who have a part in them (cooperative termination); and it answers when it
 * is asked itself.
 */

import {
  inquiryAnswerMsMax,
  inquiryIntervalMs,
  openTransactionsMax,
  paymentIdAheadMsMax,
} from "../limits.ts";
import type { PaymentId, TransactionId } from "./id.ts";
import { isSameEpoch, paymentIdMs, transactionParts } from "./id.ts";
import type { LookUps } from "./look_ups.ts";
import type { Decided, Decision, Inquiry, Undecided } from "./message.ts";
import type { RefusalCode } from "./order.ts";
import { isParticipantOf, participantsOf } from "./order.ts";
import type { Out, Recorder, WaitingEvent } from "./participant_event.ts";
import type { ParticipantState, Unsettled } from "./participant_state.ts";
import { isOver } from "./participant_state.ts";
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
   * Who could tell what becomes of the transactions in doubt about which the coordinator can't be asked,
   * or has no answer: their other participants.
   */
  peersToAsk(nowMs: number): Set<string> {
    const peers = new Set<string>();
    for (const [, held] of this.#state.allHeld()) {
      if (!this.asksPeers(held, nowMs)) continue;
      for (const name of participantsOf(held.order)) if (name !== this.#name) peers.add(name);
    }
    return peers;
  }

  /**
   * Whether peers are asked about it. What they say of it is as true while the coordinator is linked: they
   * show what that has signed, or have refused, durably, so that it can't commit. But as long as the
   * coordinator answers, it knows better, and a peer that would still vote yes should not refuse.
   */
  asksPeers({ owedSinceMs }: Unsettled, nowMs: number): boolean {
    if (!this.#isLinked()) return true;
    return owedSinceMs !== undefined && owedSinceMs + inquiryAnswerMsMax <= nowMs;
  }

  /** The coordinator knows of it, and will decide: it owes the next answer from now on. */
  undecided({ payment, transaction }: Undecided, { nowMs }: Turn): void {
    const held = this.#state.held(payment);
    if (held?.transaction === transaction) held.owedSinceMs = nowMs;
  }

  /** Once more about those of which nothing has come for a while. */
  askAgain(turn: Turn, out: Out): void {
    const { nowMs } = turn;
    for (const [payment, held] of this.#state.allHeld()) {
      if (held.askedMs + inquiryIntervalMs > nowMs) continue;
      held.askedMs = nowMs;
      this.#inquire(payment, held, nowMs, out);
    }
  }

  /** Cooperative termination: another participant is in doubt, and asks this one. */
  answer(event: MessageEvent, { payment, transaction }: Inquiry, turn: Turn, out: Out): void {
    const { from } = event;
    const abortOf = (code?: RefusalCode, decided?: Decided, proof?: Proof): Decision => {
      const commit = false;
      return { type: "decision", transaction, payment, commit, code, decided, proof };
    };
    const abort = (...of: Parameters<typeof abortOf>) => out.send(from, abortOf(...of));
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
    // The payment has come to its end by another attempt. Durably so, as the coordinator's log may be lost.
    if (settled?.type === "released" && settled.code) return out.confirm(from, abortOf());
    // A payment has one attempt at a time, so one that is older than what is known here was not voted for, or
    // was given up.
    if (open && this.#isOver(transaction, open.transaction)) return abort();
    if (settled?.type === "posted") return out.confirm(from, abortOf());
    // A refusal that was told stands, unless it is surely over.
    if (open && (open.type !== "refused" || !this.#isOver(open.transaction, transaction))) return;
    if (this.#mayHaveVoted(transaction) || !this.#mayRefuse(payment, transaction, turn)) return;
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
      this.#inquire(payment, held, turn.nowMs, out);
      count++;
    }
    return count;
  }

  /** The coordinator is back, and owes an answer about each of them from now on. */
  coordinatorLinked(turn: Turn, out: Out): void {
    for (const [, held] of this.#state.allHeld()) held.owedSinceMs = turn.nowMs;
    this.askAll(turn, out);
  }

  /** A peer that was not there before, of what peers are asked about. */
  askOf(peer: string, turn: Turn, out: Out): void {
    for (const [payment, held] of this.#state.allHeld()) {
      if (!isParticipantOf(held.order, peer) || !this.asksPeers(held, turn.nowMs)) continue;
      held.askedMs = turn.nowMs;
      const { transaction } = held;
      out.send(peer, { type: "inquiry", transaction, payment });
    }
  }

  /** Whether a peer may make this node keep one more refusal. */
  #mayRefuse(payment: PaymentId, transaction: TransactionId, turn: Turn): boolean {
    // A refusal is forgotten when its epoch is over: one of an epoch that never comes would stay.
    const { coordinatorEpoch, formerEpoch } = this.#state;
    const known = Math.max(coordinatorEpoch?.counter ?? 0, formerEpoch?.counter ?? 0);
    if (transactionParts(transaction).counter > known + 1) return false;
    // An id far ahead can't have been prepared anywhere, and would make all others be looked up.
    return paymentIdMs(payment) <= turn.atMs + paymentIdAheadMsMax &&
      this.#state.openCount < openTransactionsMax;
  }

  /** Whether nothing can come of one any more beside another: it is of an epoch that is past, or was begun before
   * in the same. The numbers of two epochs alone do not tell: a coordinator without its folder counts anew. */
  #isOver(one: TransactionId, other: TransactionId): boolean {
    const { coordinatorEpoch } = this.#state;
    if (coordinatorEpoch && isOver(one, coordinatorEpoch)) return true;
    const [first, second] = [transactionParts(one), transactionParts(other)];
    return isSameEpoch(first, second) && first.sequence < second.sequence;
  }

  /** Whether it may have voted yes for a transaction, and lost that. */
  #mayHaveVoted(transaction: TransactionId): boolean {
    const { lost } = this.#state;
    return lost !== undefined &&
      transactionParts(transaction).counter <= (lost.epoch?.counter ?? Infinity);
  }

  /** A prepared participant never times out; it asks. */
  #inquire(payment: PaymentId, held: Unsettled, nowMs: number, out: Out): void {
    const { transaction, order } = held;
    const inquiry: Inquiry = { type: "inquiry", transaction, payment };
    if (this.#isLinked()) {
      held.owedSinceMs ??= nowMs;
      out.send(this.#coordinator, inquiry);
    }
    if (!this.asksPeers(held, nowMs)) return;
    for (const to of participantsOf(order)) if (to !== this.#name) out.send(to, inquiry);
  }
}
