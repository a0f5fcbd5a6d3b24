/**
 * A participant's side of two-phase commit with presumed abort, as a pure state machine: `step`
 * decides and emits records, `ParticipantState` is their fold.
 *
 * Long for one file, as it is one flat list of decisions: what votes and decisions do to a payment is read
 * in one place. What was asked about it, and what operators do, stands in `inquiries.ts` and
 * `administration.ts`.
 *
 * Once prepared it waits for the decision, however long. What its own users have ordered is not
 * durable: an order forgotten in a crash is simply not voted for.
 */

import { lostPaymentsMax, ordersRepeatedMax, paymentIdAheadMsMax } from "../limits.ts";
import { Administration } from "./administration.ts";
import { ClockOffset } from "./clock_offset.ts";
import type { Declines } from "./declines.ts";
import type { SealedDetails } from "./details.ts";
import type { Epoch, PaymentId, TransactionId } from "./id.ts";
import { isSameEpoch, paymentIdMs, transactionParts } from "./id.ts";
import { Inquiries } from "./inquiries.ts";
import { Issuer } from "./issuer.ts";
import { LookUps } from "./look_ups.ts";
import type { Ack, Address, Decided, Decision, OutcomeMessage, Prepare, Vote } from "./message.ts";
import type { Order, RefusalCode } from "./order.ts";
import {
  cardLegOf,
  isCardLeg,
  isParticipantOf,
  legsOf,
  refusalOfOrder,
  sameBytes,
  sameRequest,
} from "./order.ts";
import { OwnOrders } from "./own_orders.ts";
import type {
  AmnesiaEvent,
  Answer,
  ClaimEvent,
  LinkUpEvent,
  Out,
  OutcomeAnswer,
  ParticipantEvent,
  Recorder,
  RestoreEvent,
  RestoreResult,
  SubmitEvent,
  WaitingEvent,
} from "./participant_event.ts";
import type { Open, Settled, Unsettled } from "./participant_state.ts";
import { mismatchText, ParticipantState } from "./participant_state.ts";
import type { Genesis, NodeRecord, ParticipantRecord, Prepared } from "./record.ts";
import { Restoration } from "./restoration.ts";
import type { MessageEvent, Turn } from "./step.ts";

export class Participant {
  readonly state: ParticipantState;
  readonly #name: string;
  readonly #coordinator: string;
  readonly #own = new OwnOrders();
  readonly #issuer: Issuer;
  readonly #inquiries: Inquiries;
  readonly #administration: Administration;
  readonly #restoration: Restoration;
  readonly #clockOffset = new ClockOffset();
  readonly #lookUps = new LookUps<WaitingEvent>();
  /** Committed, as the coordinator tells, and not in this node's log; by which transactions. */
  readonly #lost = new Map<PaymentId, TransactionId>();
  #indexHasKeys = false;
  /** The node is about to stop: what is known is answered, nothing new is begun. */
  #isDraining = false;
  readonly #connected = new Set<string>();

  constructor(name: string, coordinator: string) {
    this.#name = name;
    this.#coordinator = coordinator;
    this.state = new ParticipantState(name, coordinator);
    this.#issuer = new Issuer(this.state);
    const record: Recorder = (...of) => this.#record(...of);
    this.#administration = new Administration(this.state, record);
    const { state } = this;
    this.#restoration = new Restoration({ name, state, lookUps: this.#lookUps, record });
    this.#inquiries = new Inquiries({
      name,
      coordinator,
      state: this.state,
      lookUps: this.#lookUps,
      record,
      isLinked: () => this.isLinked,
    });
  }

  /** Charges of this node's cards. */
  get declines(): Declines {
    return this.#issuer.declines;
  }

  /** Own clock minus the coordinator's, milliseconds; nothing before a decision has shown it. */
  get clockOffsetMs(): number | undefined {
    return this.#clockOffset.lastMs;
  }

  get isLinked(): boolean {
    return this.#connected.has(this.#coordinator);
  }

  get ownCount(): number {
    return this.#own.size;
  }

  /** How many more payments may be taken on of which nothing is known. */
  room(nowMs: number): number {
    return this.#own.room(nowMs);
  }

  /** Why a payment can't be given back, or need not be, as far as memory tells. */
  whyNotRestored(event: Omit<RestoreEvent, "type" | "request">): RestoreResult | undefined {
    return this.#restoration.whyNot(event);
  }

  /** Who could tell what becomes of the transactions in doubt, where the coordinator can't or does not. */
  peersToAsk(nowMs: number): Set<string> {
    return this.#inquiries.peersToAsk(nowMs);
  }

  /** Whether these are asked about it. */
  asksPeers(held: Unsettled, nowMs: number): boolean {
    return this.#inquiries.asksPeers(held, nowMs);
  }

  /** A user's order whose outcome is not known here. */
  orderOfOwn(payment: PaymentId): Order | undefined {
    return this.#own.get(payment);
  }

  /** By which transaction a payment was committed that this node's log has lost, as far as was heard of it
   * since the start. */
  lostIn(payment: PaymentId): TransactionId | undefined {
    return this.#lost.get(payment);
  }

  /** The index holds, durably, what was settled before the last `rotate`, up to payment `mark`. */
  indexed(mark: string, hasKeys: boolean): void {
    this.#lookUps.raiseMark(mark);
    this.#indexHasKeys ||= hasKeys;
    this.state.dropIndexed();
  }

  step(event: ParticipantEvent, turn: Turn, out: Out): void {
    switch (event.type) {
      case "start":
        return this.#start(event.genesis, event.nonce, turn, out);
      case "tick":
        return this.#tick(turn, out);
      case "message":
        return this.#message(event, turn, out);
      case "linkUp":
        return this.#linkUp(event, turn, out);
      case "linkDown":
        this.#connected.delete(event.peer);
        if (event.peer === this.#coordinator) this.#own.unlinked();
        return;
      case "lookedUp":
        this.state.recall(event.found);
        return this.#lookUps.answer(event.key, (waiting) => this.step(waiting, turn, out));
      case "record":
        return this.#record(event.record, turn, out);
      case "drain":
        this.#isDraining = true;
        return;
      case "submit":
        this.#submit(event, turn, out);
        // Who does not wait is not answered with the next tick.
        if (event.deadlineMs <= turn.nowMs) {
          this.#own.tellLate(event.order.payment, turn.nowMs, out.replies);
        }
        return;
      case "claim":
        return this.#claim(event, turn, out);
      case "inquire": {
        const count = this.#inquiries.askAll(turn, out);
        out.replies.push({ request: event.request, answer: { state: "inquired", count } });
        return;
      }
      case "amnesia":
        return this.#amnesia(event, turn, out);
      case "restore":
        return this.#restoration.step(event, turn, out);
      case "open":
      case "addCard":
      case "removeCard":
      case "resolve":
      case "acknowledge":
      case "erase":
        return this.#administration.step(event, turn, out);
      default:
        event satisfies never;
    }
  }

  #record(
    record: NodeRecord | ParticipantRecord,
    turn: Turn,
    out: Out,
    mustAppend = true,
    details?: readonly SealedDetails[],
  ): void {
    this.state.apply(record, turn);
    out.add(record, mustAppend, details);
    this.#issuer.recorded(record);
  }

  #amnesia({ peer }: AmnesiaEvent, turn: Turn, out: Out): void {
    const { lost, coordinatorEpoch } = this.state;
    // It hears so from each of them, and at each start.
    if (lost && lost.epoch?.counter === coordinatorEpoch?.counter) return;
    this.#record({ type: "readmitted", name: this.#name, by: peer }, turn, out);
  }

  #start(genesis: Genesis, nonce: string, turn: Turn, out: Out): void {
    const { membership } = this.state;
    if (!membership.genesis) this.#record(genesis, turn, out);
    const epoch: Epoch = { counter: membership.epochs.length + 1, nonce };
    this.#record({ type: "started", epoch }, turn, out);
    // Nobody may have been there to read it when it was found.
    for (const mismatch of this.state.mismatches()) {
      out.alarm(mismatchText(mismatch), mismatch.transaction);
    }
  }

  // Users

  #submit(event: SubmitEvent, turn: Turn, out: Out): void {
    const { request, order, details, deadlineMs } = event;
    const { payment } = order;
    const waiting = { request, deadlineMs };
    const reply = (answer: Answer): void => {
      out.replies.push({ request, answer });
    };
    if (this.#own.get(payment)) {
      // A second send of what is under way joins the first.
      if (!this.#own.join(order, waiting)) reply({ state: "rejected", code: "id_reused" });
      return;
    }
    const open = this.state.held(payment);
    if (open) {
      if (sameRequest(open.order, order)) {
        // Ordered before a crash: its decision is being asked for.
        this.#own.add({ order, details }, waiting, turn.nowMs);
      } else {
        const isForOther = open.order.originator !== this.#name;
        reply({ state: "rejected", code: isForOther ? "id_in_use" : "id_reused" });
      }
      return;
    }
    const settled = this.state.settled(payment);
    if (settled?.isForced && sameRequest(settled.order, order)) {
      // What an operator forced is not what became of the payment: the coordinator knows. It may be
      // committed, so nobody is told that it was not begun, however long there is no answer.
      this.#own.add({ order, details }, waiting, turn.nowMs);
      return this.#sendAgain(payment, turn, out);
    }
    if (settled && !settled.isForced && (settled.type === "posted" || settled.code)) {
      if (!sameRequest(settled.order, order)) {
        return reply({ state: "rejected", code: "id_reused" });
      }
      const { decided, atMs, number } = settled;
      const outcome: OutcomeAnswer = settled.type === "posted"
        ? { ...settled, state: "committed", replayed: true }
        : { state: "aborted", order, code: settled.code!, decided, atMs, replayed: true, number };
      return reply(outcome);
    }
    if (!settled && !this.#lookUps.isAbsent(payment, event, out)) return;
    // Only what nothing is known of is judged by the clock: one set back must not refuse a replay.
    if (paymentIdMs(payment) > turn.atMs + paymentIdAheadMsMax) {
      return reply({ state: "rejected", code: "id_ahead" });
    }
    if (this.#isDraining) return reply({ state: "rejected", code: "overloaded" });
    if (!this.isLinked) return reply({ state: "rejected", code: "coordinator_unreachable" });
    const { nowMs, waitedMs } = turn;
    if (this.#own.room(nowMs) <= 0) return reply({ state: "rejected", code: "overloaded" });
    // Whoever has no part in it is not asked to prepare.
    const askedMs = isParticipantOf(order, this.#name) ? nowMs - waitedMs : undefined;
    this.#own.add({ order, details }, waiting, nowMs, askedMs);
    out.send(this.#coordinator, { type: "order", order, details });
  }

  #claim(event: ClaimEvent, turn: Turn, out: Out): void {
    const { request, key, content, payment } = event;
    const known = this.state.key(key);
    if (!known) {
      if (this.#indexHasKeys && !this.#lookUps.isNotIndexed(key, event, out)) return;
      if (this.#isDraining || this.#own.room(turn.nowMs) <= 0) {
        out.replies.push({ request, answer: { state: "rejected", code: "overloaded" } });
        return;
      }
      // Durable before the order leaves: after a crash the key must still name this payment.
      this.#record({ type: "keyed", key, request: content, payment }, turn, out);
    }
    const answer: Answer = {
      state: "claimed",
      payment: known?.payment ?? payment,
      isSameContent: !known || known.request === content,
      number: known?.number ?? turn.number,
    };
    out.replies.push({ request, answer });
  }

  // Two-phase commit

  #message(event: MessageEvent, turn: Turn, out: Out): void {
    const { from, message } = event;
    const isFromCoordinator = from === this.#coordinator;
    switch (message.type) {
      case "prepare":
        if (isFromCoordinator) return this.#prepare(event, message, turn, out);
        break;
      case "decision":
        return this.#decision(event, message, turn, out);
      case "outcome":
        if (isFromCoordinator) return this.#outcome(event, message, turn, out);
        break;
      case "directory":
        if (!isFromCoordinator) break;
        for (const node of message.nodes) {
          const { name } = node;
          if (name === this.#name || !this.state.membership.isNews(node)) continue;
          this.#record({ type: "introduced", ...node }, turn, out, false);
        }
        return;
      case "inquiry":
        if (!isFromCoordinator) return this.#inquiries.answer(event, message, turn, out);
        break;
      case "undecided":
        if (isFromCoordinator) this.#inquiries.undecided(message, turn);
        return;
      case "order":
      case "vote":
      case "ack":
        break;
      default:
        message satisfies never;
    }
    out.alarm(`${from} sent "${message.type}", which is not its to send`);
  }

  #prepare(event: MessageEvent, prepare: Prepare, turn: Turn, out: Out): void {
    const { transaction, order, proof } = prepare;
    const { payment } = order;
    if (order.originator === this.#name) this.#own.begun(payment, turn.nowMs);
    const epoch = transactionParts(transaction);
    // It waited for the index, or to be opened, and meanwhile its coordinator has begun anew.
    const hasWaited = this.#lookUps.isAnswering(payment) || order.detailsHash !== undefined;
    if (hasWaited && this.#isPast(epoch)) return;
    if (!this.#join(epoch, turn, out)) return;
    const open = this.state.open(payment);
    if (open?.transaction === transaction) {
      if (open.type === "prepared") return this.#vote(prepare, true, out);
      return open.type === "refused" ? this.#vote(prepare, false, out) : undefined;
    }
    // Behind the newer attempt, so long given up by the coordinator.
    if (open && !this.#isNewer(transaction, open.transaction, open.type === "refused")) {
      return this.#vote(prepare, false, out);
    }
    // Its own attempt may be committed, if the coordinator has lost that, and so begins another's.
    if (open?.type === "prepared" && !sameRequest(open.order, order)) {
      return this.#vote(prepare, false, out);
    }
    // An operator's decision stands until the real one is known.
    if (open?.type === "forced") return this.#vote(prepare, false, out);
    const settled = this.state.settled(payment);
    // Its books have the payment already, or never will: no other attempt can make that right.
    if (settled?.isForced) return this.#vote(prepare, false, out, "forced_otherwise");
    if (settled?.type === "posted") {
      if (settled.transaction === transaction) return this.#ack(transaction, payment, out);
      // Of an attempt before that one it is only late.
      if (this.#isNewer(transaction, settled.transaction)) {
        out.alarm(`asked to prepare ${payment} a second time, which is paid`);
      }
      return this.#vote(prepare, false, out);
    }
    if (settled?.code) return this.#vote(prepare, false, out, settled.code);
    const last = settled?.transaction;
    if (last && !this.#isNewer(transaction, last)) return this.#vote(prepare, false, out);
    if (!open && !settled && !this.#lookUps.isAbsent(payment, event, out)) return;
    if (open?.type === "prepared") {
      // One payment has one attempt at a time: the coordinator begins another only when the last one
      // can't commit any more.
      this.#record(
        { type: "released", transaction: open.transaction, payment },
        turn,
        out,
      );
    }
    const cardLeg = cardLegOf(order, this.#name);
    const { details } = event;
    // What is wrong with a card is told to nobody, so also not that it can't be read.
    const isUnreadable = details === "unreadable" && !cardLeg;
    const refusal = this.#refusalOf(order) ?? (isUnreadable ? "details_unreadable" : undefined);
    if (refusal === "forgotten") return this.#vote(prepare, false, out);
    if (refusal) return this.#vote(prepare, false, out, refusal);
    const card = cardLeg && this.#issuer.accountOf(cardLeg, prepare, event.card, turn, out.notes);
    if (cardLeg && card === undefined) return this.#vote(prepare, false, out, "card_declined");
    // The promise must survive a crash before anyone can rely on it: the vote leaves with this entry.
    const isOurs = order.originator === this.#name;
    // Of its own order a node needs no proof, and has checked none.
    const kept = isOurs ? undefined : proof;
    const prepared: Prepared = { type: "prepared", transaction, order, proof: kept, card };
    // A card's number and CVV may not be kept, sealed or not: all that is needed of them is recorded.
    if (!details || event.card) this.#record(prepared, turn, out);
    // What it is told stands in the same commit, so that no crash can lose it after the vote.
    else this.#record({ ...prepared, hasDetails: true }, turn, out, true, prepare.details);
    const held = this.state.open(payment);
    if (held?.type === "prepared") held.askedMs = turn.nowMs;
    this.#vote(prepare, true, out);
  }

  #vote({ transaction, order }: Prepare, yes: boolean, out: Out, code?: RefusalCode): void {
    const { payment, hash: orderHash } = order;
    const message: Vote = { type: "vote", transaction, payment, orderHash, yes, code };
    out.send(this.#coordinator, message);
  }

  /** Why this node votes no. `forgotten`: the order is said to be ours, but it was lost in a crash, or is
   * a copy of one that was rejected, so it can't be confirmed. What a card pays is judged apart from this. */
  #refusalOf(order: Order): RefusalCode | "forgotten" | undefined {
    const refusal = refusalOfOrder(order);
    if (refusal) return refusal;
    if (!isParticipantOf(order, this.#name)) return "legs_invalid";
    let legs = legsOf(order, this.#name);
    if (legs.some(isCardLeg)) legs = legs.filter((leg) => !isCardLeg(leg));
    const isOurs = order.originator === this.#name;
    const code = this.state.ledger.refusalOf(legs, isOurs && this.#own.confirms(order));
    const isForgotten = isOurs && !this.#own.get(order.payment);
    const isInOrder = code === undefined || code === "debit_not_authorized";
    return isInOrder && isForgotten ? "forgotten" : code;
  }

  /** Whether `epoch` is the coordinator's present one; a higher one is, from now on. */
  #join(epoch: Epoch, turn: Turn, out: Out): boolean {
    if (this.#isPresent(epoch)) return true;
    const known = this.state.coordinatorEpoch;
    const { counter, nonce } = epoch;
    if (known && counter <= known.counter) {
      out.alarm(
        `${this.#coordinator} acts in epoch ${counter}-${nonce}, but ${known.counter}-` +
          `${known.nonce} was seen: it is out of date, or a copy`,
      );
      return false;
    }
    this.#record({ type: "joined", epoch: { counter, nonce } }, turn, out);
    return true;
  }

  /**
   * Whether a transaction of the coordinator's present epoch was begun after another. What was voted for in other
   * epochs was before it; what a peer asked about and was refused may be to come.
   */
  #isNewer(one: TransactionId, other: TransactionId, wasRefused = false): boolean {
    const [present, before] = [transactionParts(one), transactionParts(other)];
    if (isSameEpoch(present, before)) return present.sequence > before.sequence;
    if (!wasRefused || before.counter <= present.counter) return true;
    const { formerEpoch } = this.state;
    return formerEpoch !== undefined && isSameEpoch(before, formerEpoch);
  }

  /** Whether the coordinator has begun anew since. */
  #isPast({ counter }: Epoch): boolean {
    return counter < (this.state.coordinatorEpoch?.counter ?? 0);
  }

  #isPresent(epoch: Epoch): boolean {
    const known = this.state.coordinatorEpoch;
    return known !== undefined && isSameEpoch(known, epoch);
  }

  #decision(event: MessageEvent, decision: Decision, turn: Turn, out: Out): void {
    const { payment, transaction, commit, proof, decided = turn } = decision;
    const isFromCoordinator = event.from === this.#coordinator;
    // It must be possible to show that the coordinator has decided so.
    if (isFromCoordinator && proof && proof.batch.signer !== this.#coordinator) {
      out.alarm(
        `${event.from} tells ${transaction} as decided by ${proof.batch.signer}: nothing changed`,
      );
      return;
    }
    const { code } = decision;
    if ((commit || code) && !decision.decided) {
      out.alarm(`${event.from} tells ${transaction} as decided nowhere: nothing changed`);
      return;
    }
    const open = this.state.open(payment);
    if (!isFromCoordinator && !this.#mayTell(event.from, decision, open, turn, out)) return;
    if (open?.transaction === transaction && open.type !== "refused") {
      if (commit && !isOfOrder(decision, open.order)) return this.#raiseOther(event, decision, out);
      if (open.type === "forced" && open.commit !== commit) {
        this.#record({ type: "mismatch", transaction, payment, commit }, turn, out);
        out.alarm(mismatchText({ transaction, payment, commit, by: open.by }), transaction);
        if (commit) this.#ack(transaction, payment, out);
      } else if (commit) {
        if (isFromCoordinator && open.type === "prepared") {
          const said = this.#clockOffset.compare(open.context.atMs, decided.atMs, turn);
          if (said !== undefined) out.notes.push(said);
        }
        // Nobody waits for this to be durable but the coordinator, which may forget after the ack: so
        // it waits for the next append, and the ack with it.
        this.#record({ type: "posted", transaction, payment, decided, proof }, turn, out, false);
        this.#ack(transaction, payment, out);
      } else {
        // All of what was signed, and nothing else, so that it can be shown.
        const { decided } = decision;
        this.#record(
          { type: "released", transaction, payment, code, decided, proof },
          turn,
          out,
          false,
        );
      }
      return this.#tellOwn(open.order, decision, decided, out, open.type === "forced");
    }
    const settled = this.state.settled(payment);
    if (!commit) {
      if (settled?.isForced && settled.transaction === transaction) return;
      if (settled?.type === "posted" && settled.transaction === transaction) {
        out.alarm(`a late abort of ${transaction}, which is posted: nothing changed`);
      } else if (!this.state.held(payment) && !isFinal(settled)) {
        // Nothing is held: this node voted no, or was never asked.
        const order = this.#own.get(payment);
        if (!order) return;
        // An attempt at another's order under the same id: of this one its own answer says what became.
        const isOther = settled?.transaction === transaction && !sameRequest(settled.order, order);
        if (isOther) return;
        if (code) this.#record({ type: "aborted", order, code, decided }, turn, out, false);
        this.#tellOwn(order, decision, decided, out);
      }
      return;
    }
    const isKnown = settled?.type === "posted" || settled?.isForced;
    if (isKnown && settled.transaction === transaction) {
      if (!isOfOrder(decision, settled.order)) return this.#raiseOther(event, decision, out);
      return this.#ack(transaction, payment, out);
    }
    if (!open && !settled && !this.#lookUps.isAbsent(payment, event, out)) return;
    if (isFromCoordinator && !open && settled?.type !== "posted") {
      this.#keepLost(payment, transaction);
    }
    out.alarm(
      `a commit of ${transaction} of payment ${payment}, which is not prepared here: nothing changed`,
    );
  }

  #raiseOther({ from }: MessageEvent, { transaction }: Decision, out: Out): void {
    out.alarm(`${from} commits ${transaction} as of another order: nothing changed`);
  }

  /** Whether a peer may tell what became of a transaction: one that was asked, and has a part in it. */
  #mayTell(
    from: string,
    { transaction, commit, code, decided, proof }: Decision,
    open: Open | undefined,
    { nowMs }: Turn,
    out: Out,
  ): boolean {
    const signer = proof?.batch.signer ?? from;
    const isOfCoordinator = signer === this.#coordinator;
    if (!open || open.type === "refused") return false;
    // With the coordinator back, and answering, its own answer counts, and a peer's comes too late.
    if (!this.asksPeers(open, nowMs)) return false;
    // Asked before another attempt began.
    if (open.transaction !== transaction) return false;
    // "I have refused" is any participant's to say; that something is committed, or that not only this
    // attempt is aborted but the payment, only the coordinator's.
    const isRefusal = !commit && !code && !decided;
    const isTheirs = isOfCoordinator || (isRefusal && isParticipantOf(open.order, signer));
    if (isTheirs && isParticipantOf(open.order, from)) {
      // What an operator forced is compared with what was decided, and with nothing else.
      return isOfCoordinator || open.type === "prepared";
    }
    out.alarm(`${from} told the decision of ${transaction}, which is not its to tell`);
    return false;
  }

  /**
   * Tells the users who wait what became of their order.
   *
   * @param wasForced whether an operator had decided it here
   */
  #tellOwn(
    order: Order,
    decision: Decision,
    decided: Decided,
    out: Out,
    wasForced = false,
  ): void {
    const { payment, transaction, commit, code } = decision;
    const { atMs } = decided;
    // The decision is durable at the coordinator, so the user need not wait for this node's disk.
    const replies = out.earlyReplies;
    const own = this.#own.get(payment);
    if (own && !sameRequest(own, order)) {
      // Another's order took the id after an attempt of this one was lost.
      if (commit || code) {
        this.#own.reject(payment, { state: "rejected", code: "id_reused" }, replies);
      }
      return;
    }
    if (commit) {
      const state = "committed";
      const answer = { state, order, transaction, decided, atMs, replayed: false } as const;
      this.#own.settle(payment, answer, replies);
    } else if (code) {
      const answer = { state: "aborted", order, code, decided, atMs, replayed: false } as const;
      this.#own.settle(payment, answer, replies);
    } else if (wasForced) {
      // What an operator has ended does not begin again by itself. Its user may order it again.
      this.#own.reject(payment, { state: "pending" }, out.replies);
    } else {
      // Only the attempt was lost, which says nothing about the payment. The order goes again with a tick,
      // not at once: whoever lost this attempt for a reason that lasts would lose the next, too.
      this.#own.forgotten(payment);
    }
  }

  #sendAgain(payment: PaymentId, turn: Turn, out: Out): void {
    if (!this.isLinked) return;
    const own = this.#own.again(payment, turn.nowMs);
    if (!own) return;
    const { order, details } = own;
    out.send(this.#coordinator, { type: "order", order, details });
  }

  #outcome(event: MessageEvent, { payment, outcome }: OutcomeMessage, turn: Turn, out: Out): void {
    const order = this.#own.get(payment);
    if (!order) return;
    this.#own.begun(payment, turn.nowMs);
    switch (outcome.state) {
      case "committed": {
        const { transaction, decided: { atMs } } = outcome;
        let answer: OutcomeAnswer = { ...outcome, order, atMs };
        if (isParticipantOf(order, this.#name) && !this.state.held(payment)) {
          const settled = this.state.settled(payment);
          if (!settled && !this.#lookUps.isAbsent(payment, event, out)) return;
          // What it has voted for is held until it is posted, or an operator has forced it otherwise.
          if (settled?.type !== "posted" && !settled?.isForced) {
            this.#keepLost(payment, transaction);
            out.alarm(
              `payment ${payment} is committed by ${transaction}, but this log has not posted it: ` +
                "it has lost entries, and the ledger here lacks the payment",
            );
            answer = { ...answer, isLost: true };
          }
        }
        return this.#own.settle(payment, answer, out.earlyReplies);
      }
      case "aborted": {
        const { code, decided } = outcome;
        const { atMs } = decided;
        if (!this.state.held(payment) && !isFinal(this.state.settled(payment))) {
          this.#record({ type: "aborted", order, code, decided }, turn, out, false);
        }
        return this.#own.settle(payment, { ...outcome, order, atMs }, out.earlyReplies);
      }
      case "rejected":
        // Of an earlier send: this one has been voted for, and may commit.
        if (this.#holds(order)) return;
        // Another send of it may come when there is room, and be begun.
        if (outcome.code === "overloaded" && this.#own.isRepeated(payment)) {
          return this.#own.forgotten(payment);
        }
        return this.#own.reject(payment, outcome, out.replies);
      default:
        outcome satisfies never;
    }
  }

  #keepLost(payment: PaymentId, transaction: TransactionId): void {
    this.#lost.set(payment, transaction);
    const [oldest] = this.#lost.keys();
    if (this.#lost.size > lostPaymentsMax) this.#lost.delete(oldest!);
  }

  #holds(order: Order): boolean {
    const held = this.state.held(order.payment);
    return held !== undefined && sameRequest(held.order, order);
  }

  #ack(transaction: TransactionId, payment: PaymentId, out: Out): void {
    const ack: Ack = { type: "ack", transaction, payment };
    out.confirm(this.#coordinator, ack);
  }

  // Links and time

  #linkUp({ peer, address, introduction, epoch }: LinkUpEvent, turn: Turn, out: Out): void {
    const isCoordinator = peer === this.#coordinator;
    // One out of date, or a copy, is no coordinator: nothing is ordered or asked of it.
    if (isCoordinator && epoch && !this.#join(epoch, turn, out)) return;
    this.#connected.add(peer);
    const node: Address = { name: peer, address, introduction };
    if (this.state.membership.isNews(node)) {
      this.#record({ type: "introduced", ...node }, turn, out, false);
    }
    if (isCoordinator) this.#inquiries.coordinatorLinked(turn, out);
    else this.#inquiries.askOf(peer, turn, out);
    if (!isCoordinator) return;
    // Those that were being voted on the coordinator has forgotten, if it comes from a crash.
    let count = 0;
    for (const payment of this.#own.payments()) {
      if (this.state.held(payment)) continue;
      this.#own.forgotten(payment);
      // The others go with the ticks that follow: all at once they could be more than a link queues.
      if (count++ < ordersRepeatedMax) this.#sendAgain(payment, turn, out);
    }
  }

  #tick(turn: Turn, out: Out): void {
    const { nowMs } = turn;
    this.#inquiries.askAgain(turn, out);
    const isPrepared = (payment: PaymentId) => this.state.held(payment) !== undefined;
    const silent = this.#own.tick(isPrepared, nowMs, out.replies);
    for (const payment of silent.slice(0, ordersRepeatedMax)) this.#sendAgain(payment, turn, out);
  }
}

function isOfOrder({ orderHash }: Decision, { hash }: Order): boolean {
  return orderHash !== undefined && sameBytes(orderHash, hash);
}

/** Whether the payment, not only an attempt, has come to an end. */
function isFinal(settled: Settled | undefined): boolean {
  return settled?.type === "posted" || settled?.code !== undefined;
}
