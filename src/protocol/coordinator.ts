/**
 * The coordinator's side of two-phase commit with presumed abort (Mohan, Lindsay and Obermarck 1986),
 * as a pure state machine: `step` decides and emits records, `CoordinatorState` is their fold.
 *
 * A payment is being voted on, or decided in the state, or in the log's index, or new; so it commits
 * at most once. What is told of a decision leaves with, or after, the entry that holds it.
 *
 * Long for one file, as it is one flat list of decisions: what an event does is read in one place.
 */

import { invariant } from "../errors.ts";
import {
  directoryNodesMax,
  openTransactionsMax,
  orderWaitMsMax,
  orderWaitStandsMs,
  paymentIdAheadMsMax,
  presumptionMs,
  resendIntervalMs,
  unvotedMax,
  voteTimeoutMs,
} from "../limits.ts";
import type { Committing } from "./coordinator_state.ts";
import { CoordinatorState } from "./coordinator_state.ts";
import type { SealedDetails } from "./details.ts";
import { shownTo } from "./details.ts";
import type { Epoch, PaymentId, TransactionId } from "./id.ts";
import { paymentIdMs, transactionId, transactionParts } from "./id.ts";
import { LookUps } from "./look_ups.ts";
import type {
  Ack,
  Address,
  Inquiry,
  Introduction,
  OrderMessage,
  Outcome,
  Prepare,
  Vote,
} from "./message.ts";
import type { Order, RefusalCode } from "./order.ts";
import {
  isParticipantOf,
  participantsOf,
  refusalOfOrder,
  removeName,
  sameBytes,
  sameRequest,
} from "./order.ts";
import type { Proof } from "./proof.ts";
import type { CoordinatorRecord, EntryContext, Genesis, NodeRecord } from "./record.ts";
import type { CommonEvent, MessageEvent, Output, Turn } from "./step.ts";

export type CoordinatorEvent =
  | CommonEvent
  /** A peer has seen entries that this log does not have. */
  | { readonly type: "amnesia" }
  | {
    readonly type: "linkUp";
    readonly peer: string;
    readonly address: string;
    readonly introduction?: Introduction;
  };

/** A payment that is being voted on, or committed and not acknowledged by all. */
export interface OpenPayment {
  readonly order: Order;
  readonly transaction: TransactionId;
  /** Who has not voted, or not acknowledged. */
  readonly waitingFor: readonly string[];
  /** Where it was committed. */
  readonly decided?: EntryContext;
  /** Since when it is voted on, by a clock that never jumps. */
  readonly begunMs?: number;
}

/** Votes are being gathered: nothing of this is durable, and after a crash it is presumed aborted. */
interface Voting {
  readonly type: "voting";
  readonly transaction: TransactionId;
  readonly order: Order;
  /** The originator's. */
  readonly proof?: Proof;
  /** On their way to those who can read them; no record has them. */
  readonly details?: readonly SealedDetails[];
  /** Of each yes. */
  votes: readonly Proof[];
  /** Participants that have not voted yet. */
  readonly waitingFor: string[];
  readonly deadlineMs: number;
  sentMs: number;
}

type Out = Output<never>;

export class Coordinator {
  readonly state = new CoordinatorState();
  readonly #voting = new Map<PaymentId, Voting>();
  /** How many of them wait for each participant. */
  readonly #unvoted = new Map<string, number>();
  /** Since when each new order has waited too long to be stepped. */
  #lateSinceMs: number | undefined;
  readonly #lookUps = new LookUps<MessageEvent>();
  readonly #connected = new Set<string>();
  /** Since when this epoch runs. */
  #startedMs = 0;
  /** The node is about to stop: what is under way ends, nothing new is begun. */
  #isDraining = false;
  /** Of the last transaction of this epoch. */
  #sequence = 0;

  get openCount(): number {
    return this.#voting.size + this.state.committingCount;
  }

  /** At most so many of each kind, the oldest first. */
  *open(limit: number): Iterable<OpenPayment> {
    for (const { order, transaction, unacked, context } of this.state.committing().take(limit)) {
      yield { order, transaction, waitingFor: [...unacked], decided: context };
    }
    for (
      const { order, transaction, waitingFor, deadlineMs } of this.#voting.values().take(limit)
    ) {
      const begunMs = deadlineMs - voteTimeoutMs;
      yield { order, transaction, waitingFor: [...waitingFor], begunMs };
    }
  }

  /** The order of a payment that is being voted on. */
  orderOfVoting(payment: PaymentId): Order | undefined {
    return this.#voting.get(payment)?.order;
  }

  /** The index holds, durably, what was settled before the last `rotate`, up to payment `mark`. */
  indexed(mark: string): void {
    this.#lookUps.raiseMark(mark);
    this.state.dropIndexed();
  }

  step(event: CoordinatorEvent, turn: Turn, out: Out): void {
    switch (event.type) {
      case "start":
        return this.#start(event.genesis, event.nonce, turn, out);
      case "tick":
        return this.#tick(turn, out);
      case "message":
        return this.#message(event, turn, out);
      case "linkUp":
        return this.#linkUp({ ...event, name: event.peer }, turn, out);
      case "linkDown":
        this.#connected.delete(event.peer);
        return;
      case "lookedUp":
        this.state.recall(event.found);
        return this.#lookUps.answer(event.key, (waiting) => this.step(waiting, turn, out));
      case "record":
        this.#record(event.record, turn, out);
        if (event.record.type === "readmitted") this.#forgetVotes(event.record.name, out);
        return;
      case "amnesia":
        return this.#amnesia(turn, out);
      case "drain":
        this.#isDraining = true;
        return;
      default:
        event satisfies never;
    }
  }

  #record(record: NodeRecord | CoordinatorRecord, turn: Turn, out: Out, mustAppend = true): void {
    this.state.apply(record, turn);
    out.add(record, mustAppend);
  }

  #start(genesis: Genesis, nonce: string, turn: Turn, out: Out): void {
    const { membership } = this.state;
    if (!membership.genesis) this.#record(genesis, turn, out);
    const epoch: Epoch = { counter: membership.epochs.length + 1, nonce };
    this.#record({ type: "started", epoch }, turn, out);
    this.#startedMs = turn.nowMs;
  }

  /** From now on no abort is presumed of what was begun before this start. */
  #amnesia(turn: Turn, out: Out): void {
    const { lostEpochs, membership: { genesis, epochs } } = this.state;
    if (!genesis || lostEpochs === epochs.length - 1) return;
    const { name } = genesis;
    this.#record({ type: "readmitted", name, by: name }, turn, out);
  }

  #message(event: MessageEvent, turn: Turn, out: Out): void {
    const { from, message } = event;
    switch (message.type) {
      case "order":
        return this.#order(event, message, turn, out);
      case "vote":
        return this.#vote(event, message, turn, out);
      case "inquiry":
        return this.#inquiry(event, message, turn, out);
      case "ack":
        return this.#ack(from, message, turn, out);
      case "prepare":
      case "decision":
      case "undecided":
      case "outcome":
      case "directory":
        out.alarm(`${from} sent "${message.type}", which is not its to send`);
        return;
      default:
        message satisfies never;
    }
  }

  #order(event: MessageEvent, message: OrderMessage, turn: Turn, out: Out): void {
    const { from } = event;
    const { order } = message;
    const { payment } = order;
    const answer = (outcome: Outcome) => out.send(from, { type: "outcome", payment, outcome });
    if (order.originator !== from) {
      out.alarm(`${from} sent payment ${payment} in the name of ${order.originator}`);
      return;
    }
    const known = this.#voting.get(payment) ?? this.state.get(payment);
    if (known) {
      if (!sameRequest(known.order, order)) {
        const isForOther = known.type === "voting" && known.order.originator !== from;
        return answer({ state: "rejected", code: isForOther ? "id_in_use" : "id_reused" });
      }
      // A second send joins the first, whose decision its originator will hear.
      if (known.type === "voting") return;
      const decided = known.context;
      if (known.type === "aborted") {
        return answer({ state: "aborted", code: known.code, decided, replayed: true });
      }
      const { transaction } = known;
      return answer({ state: "committed", transaction, decided, replayed: true });
    }
    if (this.openCount + this.#lookUps.size >= openTransactionsMax) {
      return answer({ state: "rejected", code: "overloaded" });
    }
    if (!this.#lookUps.isAbsent(payment, event, out)) return;
    // Only what nothing is known of is judged by the clock: one set back must not refuse a replay.
    if (paymentIdMs(payment) > turn.atMs + paymentIdAheadMsMax) {
      return answer({ state: "rejected", code: "id_ahead" });
    }
    if (this.#isDraining || this.#isBehind(turn)) {
      return answer({ state: "rejected", code: "overloaded" });
    }
    const participants = originatorFirst(order);
    const isKnown = (name: string) => this.state.membership.knows(name);
    const refusal = refusalOfOrder(order) ??
      (participants.every(isKnown) ? undefined : "participant_unknown");
    if (refusal) this.#abort(order, undefined, refusal, turn, out);
    else if (participants.some((name) => this.#unvotedOf(name) >= unvotedMax)) {
      // Else one participant that does not vote would leave no room to those that do.
      answer({ state: "rejected", code: "overloaded" });
    } else this.#begin(message, participants, turn, out);
  }

  /** Whether more is asked of this node than it does, which is more than a pause. */
  #isBehind({ waitedMs, nowMs }: Turn): boolean {
    if (waitedMs <= orderWaitMsMax) this.#lateSinceMs = undefined;
    else this.#lateSinceMs ??= nowMs;
    return this.#lateSinceMs !== undefined && nowMs - this.#lateSinceMs >= orderWaitStandsMs;
  }

  #unvotedOf(name: string): number {
    return this.#unvoted.get(name) ?? 0;
  }

  /** A payment is no longer voted on. */
  #endVoting(payment: PaymentId): void {
    const voting = this.#voting.get(payment);
    if (!voting) return;
    this.#voting.delete(payment);
    for (const name of voting.waitingFor) this.#unvoted.set(name, this.#unvotedOf(name) - 1);
  }

  #begin(
    { order, proof, details }: OrderMessage,
    participants: readonly string[],
    turn: Turn,
    out: Out,
  ): void {
    const { epoch } = this.state.membership;
    invariant(epoch !== undefined, "a transaction before the first start");
    // Nothing is forced for starting a transaction: without a record it is presumed aborted. Its id
    // can't come back, as the next start has another epoch.
    const transaction = transactionId(epoch, ++this.#sequence);
    const voting: Voting = {
      type: "voting",
      transaction,
      order,
      proof,
      details,
      votes: [],
      waitingFor: participants.slice(),
      deadlineMs: turn.nowMs + voteTimeoutMs,
      sentMs: turn.nowMs,
    };
    this.#voting.set(order.payment, voting);
    // The originator last: the others have its signature to check, and need longer for their votes.
    for (let i = participants.length - 1; i >= 0; i--) {
      const to = participants[i]!;
      this.#unvoted.set(to, this.#unvotedOf(to) + 1);
      out.send(to, prepareFor(to, voting));
    }
  }

  #vote(event: MessageEvent, vote: Vote, turn: Turn, out: Out): void {
    const { from } = event;
    const { payment, transaction } = vote;
    const voting = this.#voting.get(payment);
    if (voting?.transaction !== transaction) {
      // Late, or a second time. Whoever voted yes is in doubt and is told what became of it; whoever
      // voted no holds nothing.
      if (vote.yes) this.#inquiry(event, vote, turn, out);
      return;
    }
    const { order, waitingFor } = voting;
    if (!isParticipantOf(order, from)) {
      out.alarm(`${from} voted on ${transaction}, in which it has no leg`);
      return;
    }
    if (!sameBytes(vote.orderHash, order.hash)) {
      out.alarm(`${from} votes on ${transaction} as of another order`);
      return;
    }
    if (vote.yes) {
      // Who votes a second time has voted.
      if (!removeName(waitingFor, from)) return;
      this.#unvoted.set(from, this.#unvotedOf(from) - 1);
      // No longer than it has to be: a list that grows has room for many more.
      if (vote.proof) voting.votes = voting.votes.concat(vote.proof);
      if (waitingFor.length === 0) this.#commit(voting, turn, out);
      return;
    }
    if (vote.code) return this.#abort(order, transaction, vote.code, turn, out);
    this.#lose(voting, out);
  }

  /** Only this attempt is lost: no outcome is recorded, and the order may come again. */
  #lose({ transaction, order }: Voting, out: Out): void {
    const { payment } = order;
    this.#endVoting(payment);
    for (const to of originatorFirst(order)) {
      out.send(to, { type: "decision", transaction, payment, commit: false });
    }
  }

  /** A peer comes back without its log: what it had promised is lost, and what it had refused to others. */
  #forgetVotes(peer: string, out: Out): void {
    const open = [...this.#voting.values()].filter(({ order }) => isParticipantOf(order, peer));
    for (const voting of open) this.#lose(voting, out);
  }

  #commit({ transaction, order, proof, votes }: Voting, turn: Turn, out: Out): void {
    const { payment, hash: orderHash } = order;
    const proofs = proof ? [proof].concat(votes) : votes;
    this.#voting.delete(payment);
    // The commit point. The decisions below leave when this is durable, never before.
    this.#record({ type: "committed", transaction, order, proofs }, turn, out);
    const committing = this.state.get(payment);
    if (committing?.type === "committing") committing.sentMs = turn.nowMs;
    for (const to of originatorFirst(order)) {
      const decided = turn;
      out.send(to, { type: "decision", transaction, payment, commit: true, orderHash, decided });
    }
  }

  #abort(
    order: Order,
    transaction: TransactionId | undefined,
    code: RefusalCode,
    turn: Turn,
    out: Out,
  ): void {
    const { payment, originator } = order;
    this.#endVoting(payment);
    // "Aborted" is told under the payment's id only once it is recorded there.
    this.#record({ type: "aborted", order, code }, turn, out);
    const decided = turn;
    if (transaction) {
      for (const to of originatorFirst(order)) {
        out.send(to, { type: "decision", transaction, payment, commit: false, code, decided });
      }
      if (isParticipantOf(order, originator)) return;
    }
    const outcome: Outcome = { state: "aborted", code, decided, replayed: false };
    out.send(originator, { type: "outcome", payment, outcome });
  }

  #inquiry(
    event: MessageEvent,
    { payment, transaction }: Inquiry | Vote,
    turn: Turn,
    out: Out,
  ): void {
    const { from } = event;
    const begun = transactionParts(transaction);
    const known = this.#voting.get(payment) ?? this.state.get(payment);
    if (known && known.type !== "aborted" && known.transaction === transaction) {
      if (!isParticipantOf(known.order, from)) {
        out.alarm(`${from} asked about ${transaction}, in which it has no leg`);
      } else if (known.type === "voting") {
        out.send(from, { type: "undecided", transaction, payment, why: "voting" });
      } else {
        const { context: decided, order: { hash: orderHash } } = known;
        const commit = true;
        out.send(from, { type: "decision", transaction, payment, commit, orderHash, decided });
      }
    } else if (this.state.mayLack(begun)) {
      const isFound = known !== undefined || !this.state.membership.hasEpoch(begun);
      if (!isFound && !this.#isAbsent(payment, event, out)) return;
      // "Abort" could undo a commit that this log has lost. One alarm, however many are in doubt.
      out.alarm(
        `${from} asks about transactions of before this log lost entries, which may have been ` +
          "committed: there is no answer here",
      );
    } else if (known?.type === "aborted" && isParticipantOf(known.order, from)) {
      const { code, context: decided } = known;
      out.send(from, { type: "decision", transaction, payment, commit: false, code, decided });
    } else if ((known || this.#isAbsent(payment, event, out)) && this.#mayPresume(begun, turn)) {
      // Neither open nor logged: presumed aborted. The payment may have come to something by another
      // attempt, or by another's order under the same id, in which whoever asks may have no leg.
      out.send(from, { type: "decision", transaction, payment, commit: false });
    }
  }

  /**
   * Whether what has no record was never decided. This log may be an old copy, and whoever asks may have seen
   * nothing of what it lacks: those who have refuse it when they dial.
   */
  #mayPresume({ counter }: Epoch, { nowMs }: Turn): boolean {
    const { membership } = this.state;
    return counter === membership.epoch?.counter || nowMs >= this.#startedMs + presumptionMs ||
      membership.names().every((name) => this.#connected.has(name));
  }

  /** Whether the index was asked, and has nothing. What is being looked up is asked about again. */
  #isAbsent(payment: PaymentId, event: MessageEvent, out: Out): boolean {
    return !this.#lookUps.isBusy(payment) && this.#lookUps.isAbsent(payment, event, out);
  }

  #ack(from: string, { payment, transaction }: Ack, turn: Turn, out: Out): void {
    const open = this.state.get(payment);
    if (open?.type !== "committing" || open.transaction !== transaction) return;
    removeName(open.unacked, from);
    if (open.unacked.length === 0) {
      this.#record({ type: "ended", transaction, payment }, turn, out, false);
    }
  }

  #linkUp({ name: peer, address, introduction }: Address, turn: Turn, out: Out): void {
    const { membership } = this.state;
    this.#connected.add(peer);
    const node: Address = { name: peer, address, introduction };
    if (membership.isNews(node)) {
      // Durable before others hear of it: their clocks count its entries, and after a crash this node
      // could take them over only in part.
      this.#record({ type: "introduced", ...node }, turn, out);
      for (const to of this.#connected) {
        if (to !== peer) out.send(to, { type: "directory", nodes: [node] });
      }
    }
    const nodes = membership.directory();
    for (let at = 0; at < nodes.length; at += directoryNodesMax) {
      out.send(peer, { type: "directory", nodes: nodes.slice(at, at + directoryNodesMax) });
    }
    for (const voting of this.#voting.values()) remind(voting, peer, out);
    for (const committing of this.state.committing()) remind(committing, peer, out);
  }

  #tick(turn: Turn, out: Out): void {
    // Where no order comes, a tick shows that nothing waits.
    this.#isBehind(turn);
    for (const voting of this.#voting.values()) {
      // What does not fit this turn is found again by the next tick.
      if (out.isFull) return;
      if (voting.deadlineMs > turn.nowMs) this.#remindAll(voting, turn, out);
      else {
        const isReachable = voting.waitingFor.every((name) => this.#connected.has(name));
        const code = isReachable ? "vote_timeout" : "participant_unreachable";
        this.#abort(voting.order, voting.transaction, code, turn, out);
      }
    }
    for (const committing of this.state.committing()) this.#remindAll(committing, turn, out);
  }

  #remindAll(open: Voting | Committing, turn: Turn, out: Out): void {
    if (open.sentMs + resendIntervalMs > turn.nowMs) return;
    open.sentMs = turn.nowMs;
    for (const peer of this.#connected) remind(open, peer, out);
  }
}

/** The participants of an order, first the one whose user waits for what becomes of it. */
function originatorFirst(order: Order): string[] {
  const { originator } = order;
  const names = participantsOf(order);
  const at = names.indexOf(originator);
  if (at > 0) [names[0], names[at]] = [originator, names[0]!];
  return names;
}

/** Sends `peer` again what it has not answered. */
function remind(open: Voting | Committing, peer: string, out: Out): void {
  const { transaction, order } = open;
  if (open.type === "voting") {
    if (open.waitingFor.includes(peer)) out.send(peer, prepareFor(peer, open));
  } else if (open.unacked.includes(peer)) {
    const { payment, hash: orderHash } = order;
    const decided = open.context;
    out.send(peer, { type: "decision", transaction, payment, commit: true, orderHash, decided });
  }
}

/** An originator needs no proof of its own order. */
function prepareFor(to: string, { transaction, order, proof, details }: Voting): Prepare {
  const isOwn = to === order.originator;
  return {
    type: "prepare",
    transaction,
    order,
    proof: isOwn ? undefined : proof,
    details: shownTo(to, details),
  };
}
