/**
 * What a participant's own users have ordered and not been told the outcome of. Nothing of this is
 * durable: an order lost in a crash is found again by its payment's id, or was never voted for.
 */

import { orderMemoryMs, ownOrdersMax, resendIntervalMs } from "../limits.ts";
import type { PaymentId } from "./id.ts";
import type { OrderMessage } from "./message.ts";
import type { Order } from "./order.ts";
import { sameOrder, sameRequest } from "./order.ts";
import { OrderWindow } from "./order_window.ts";
import type { Answer, OutcomeAnswer, Reply } from "./participant_event.ts";

interface Waiting {
  readonly request: number;
  readonly deadlineMs: number;
}

/** What goes to the coordinator. */
export type Sent = Pick<OrderMessage, "order" | "details">;

interface Own extends Sent {
  waiting: Waiting[];
  sentMs: number;
  /** Sent more than once. */
  isRepeated: boolean;
  /** On its way to the coordinator, which has not begun it yet. */
  isOut: boolean;
  /** The coordinator may know of it no more: until it is begun anew it goes again, for a while also where
   * nobody waits. */
  isForgotten: boolean;
  /** Until when somebody waits, or has waited. */
  untilMs: number;
}

export class OwnOrders {
  readonly #own = new Map<PaymentId, Own>();
  readonly #window = new OrderWindow();

  get size(): number {
    return this.#own.size;
  }

  /** How many more may be taken on. */
  room(nowMs: number): number {
    return Math.min(this.#window.room(nowMs), ownOrdersMax - this.#own.size);
  }

  get(payment: PaymentId): Order | undefined {
    return this.#own.get(payment)?.order;
  }

  payments(): Iterable<PaymentId> {
    return this.#own.keys();
  }

  /** Whether this node's user ordered exactly this, as far as is remembered. */
  confirms(order: Order): boolean {
    const own = this.#own.get(order.payment);
    return own !== undefined && sameOrder(own.order, order);
  }

  /** @param askedMs when its user asked, of one that leaves now, and will be heard of once begun */
  add({ order, details }: Sent, waiting: Waiting, sentMs: number, askedMs?: number): void {
    const isOut = askedMs !== undefined;
    this.#own.set(order.payment, {
      order,
      details,
      waiting: [waiting],
      sentMs,
      isRepeated: false,
      isOut,
      isForgotten: false,
      untilMs: waiting.deadlineMs,
    });
    if (isOut) this.#window.left(order.payment, askedMs);
  }

  /** Whether it was sent more than once, so that one answer need not be the last. */
  isRepeated(payment: PaymentId): boolean {
    return this.#own.get(payment)?.isRepeated ?? false;
  }

  /** The coordinator has begun one. */
  begun(payment: PaymentId, nowMs: number): void {
    const own = this.#own.get(payment);
    if (own) own.isForgotten = false;
    if (!own?.isOut) return;
    own.isOut = false;
    this.#window.begun(payment, nowMs);
  }

  /** The link to the coordinator is down. */
  unlinked(): void {
    this.#window.unlinked();
  }

  /** One more request for an order that is under way; false if it is another order. */
  join(order: Order, waiting: Waiting): boolean {
    const own = this.#own.get(order.payment);
    if (!own || !sameRequest(own.order, order)) return false;
    own.waiting.push(waiting);
    own.untilMs = Math.max(own.untilMs, waiting.deadlineMs);
    return true;
  }

  /** Answers users of a payment whose time is up. */
  tellLate(payment: PaymentId, nowMs: number, replies: Reply[]): void {
    const own = this.#own.get(payment);
    if (own) tellLate(own, nowMs, replies);
  }

  /** Tells everyone who waits. All but the first hear what was decided for another's request. */
  settle(payment: PaymentId, answer: OutcomeAnswer, replies: Reply[]): void {
    let { replayed } = answer;
    for (const { request } of this.#take(payment)) {
      const own = replayed === answer.replayed ? answer : { ...answer, replayed };
      replies.push({ request, answer: own });
      replayed = true;
    }
  }

  reject(payment: PaymentId, answer: Answer, replies: Reply[]): void {
    for (const { request } of this.#take(payment)) replies.push({ request, answer });
  }

  #take(payment: PaymentId): readonly Waiting[] {
    const own = this.#own.get(payment);
    this.#own.delete(payment);
    if (own?.isOut) this.#window.lost(payment);
    return own?.waiting ?? [];
  }

  /** An attempt was aborted with nothing said of the payment, or the coordinator has come back. */
  forgotten(payment: PaymentId): void {
    const own = this.#own.get(payment);
    if (own) own.isForgotten = true;
  }

  /** The order to be sent again, if it still is. */
  again(payment: PaymentId, nowMs: number): Sent | undefined {
    const own = this.#own.get(payment);
    if (!own || !isWanted(own, nowMs)) return undefined;
    own.sentMs = nowMs;
    own.isRepeated = true;
    return own;
  }

  /**
   * Answers users whose time is up and forgets orders for which nobody waits.
   *
   * @returns payments that nobody has spoken of for too long
   */
  tick(isPrepared: (payment: PaymentId) => boolean, nowMs: number, replies: Reply[]): PaymentId[] {
    this.#window.tick(nowMs);
    const silent: PaymentId[] = [];
    for (const [payment, own] of this.#own) {
      tellLate(own, nowMs, replies);
      if (isPrepared(payment)) continue;
      if (isWanted(own, nowMs)) {
        if (own.sentMs + resendIntervalMs <= nowMs) silent.push(payment);
      } else if (own.sentMs + orderMemoryMs <= nowMs) {
        // It is not sent again, and this node's debit can't be confirmed any more.
        this.#own.delete(payment);
        if (own.isOut) this.#window.lost(payment);
      }
    }
    return silent;
  }
}

function tellLate(own: Own, nowMs: number, replies: Reply[]): void {
  if (!isAnyUp(own.waiting, nowMs)) return;
  const isUp = ({ deadlineMs }: Waiting) => deadlineMs <= nowMs;
  for (const { request } of own.waiting.filter(isUp)) {
    replies.push({ request, answer: { state: "pending" } });
  }
  own.waiting = own.waiting.filter((waiting) => !isUp(waiting));
}

function isAnyUp(waiting: readonly Waiting[], nowMs: number): boolean {
  for (const { deadlineMs } of waiting) if (deadlineMs <= nowMs) return true;
  return false;
}

/** Whoever was answered that a payment is pending looks for what becomes of it, for a while. */
function isWanted({ waiting, isForgotten, untilMs }: Own, nowMs: number): boolean {
  return waiting.length > 0 || (isForgotten && nowMs < untilMs + orderMemoryMs);
}
