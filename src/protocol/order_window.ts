/**
 * How many orders a participant lets be on their way to the coordinator at a time: as many as are begun
 * within `orderDelayMsMax`, so that what it takes on is not kept waiting by what it has taken on before.
 *
 * It goes by delay and not by what is under way: a participant that does not vote holds up its own
 * payments, and an order that has been begun waits for nobody but its participants. One order at a time
 * is watched from its user to the coordinator and back, so that queues are seen wherever they are.
 */

import {
  orderDelayMsMax,
  ordersOutAtFirst,
  ordersOutMin,
  ownOrdersMax,
  resendIntervalMs,
} from "../limits.ts";
import type { PaymentId } from "./id.ts";

interface Watched {
  readonly payment: PaymentId;
  /** When its user asked. */
  readonly askedMs: number;
  /** Most orders that were on their way at a time since it left, itself among them. */
  most: number;
}

/** What it grows by with each order begun in time, while it is needed, and what is left of it, at least,
 * with each that is late: as with TCP, those who share a coordinator come to have equal parts. */
const step = 128;
const leftAtLeast = 0.5;

export class OrderWindow {
  #size = ordersOutAtFirst;
  #out = 0;
  #watched: Watched | undefined;
  /** What an order takes where none is before it, as far as is known. */
  #wayMs = 0;
  #wasLate = false;

  /** How many more orders may leave. */
  room(nowMs: number): number {
    const waitedMs = this.#watched ? nowMs - this.#watched.askedMs : 0;
    // Nothing comes back: what would leave now would wait at least as long.
    if (waitedMs > this.#wayMs + 2 * orderDelayMsMax) return 0;
    return Math.floor(this.#size) - this.#out;
  }

  left(payment: PaymentId, askedMs: number): void {
    const out = ++this.#out;
    if (!this.#watched) this.#watched = { payment, askedMs, most: out };
    else if (out > this.#watched.most) this.#watched.most = out;
  }

  /** The coordinator has begun it, or has answered it. */
  begun(payment: PaymentId, nowMs: number): void {
    this.#out--;
    if (this.#watched?.payment !== payment) return;
    this.#judge(this.#watched, nowMs);
    this.#watched = undefined;
  }

  /** It will not be begun: its time says nothing. */
  lost(payment: PaymentId): void {
    this.#out--;
    if (this.#watched?.payment === payment) this.#watched = undefined;
  }

  /** What is watched may have been lost, and need not be sent again: it counts as late, and no longer. */
  tick(nowMs: number): void {
    const watched = this.#watched;
    if (!watched || nowMs - watched.askedMs <= this.#wayMs + resendIntervalMs) return;
    this.#judge(watched, nowMs);
    this.#watched = undefined;
  }

  /** The link is down: all that was on its way is sent again over the next. */
  unlinked(): void {
    this.#watched = undefined;
  }

  #judge({ askedMs, most }: Watched, nowMs: number): void {
    const tookMs = nowMs - askedMs;
    const inTimeMs = this.#wayMs + orderDelayMsMax;
    const isLate = tookMs > inTimeMs;
    if (!isLate) {
      this.#wayMs = Math.min(this.#wayMs, tookMs);
      // Where fewer left than might have, nothing is known of more.
      if (most > this.#size / 2) this.#size = Math.min(this.#size + step, ownOrdersMax);
    } else if (this.#wasLate && this.#size === ordersOutMin) {
      // It is not for those before it that it takes so long: the coordinator is far away.
      this.#wayMs = tookMs;
    } else if (this.#wasLate) {
      // The first may have met a pause. So many took so long: this many take as long as they may.
      const fitting = Math.min(this.#size, most * inTimeMs / tookMs);
      this.#size = Math.max(fitting, this.#size * leftAtLeast, ordersOutMin);
    }
    this.#wasLate = isLate;
  }
}
