/** Watches a node for those who look on: events, the ways of the newest payments, activity. */

import type { FrameHeader } from "../codec/frame.ts";
import type { NodeEvent, PaymentTrace, PaymentView } from "../http/node_api.ts";
import type { Log } from "../log/log.ts";
import type { Role } from "../names.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Message } from "../protocol/message.ts";
import type { Order } from "../protocol/order.ts";
import type { EntryContext, LogRecord } from "../protocol/record.ts";
import { Activity } from "./activity.ts";
import { Events, eventsAfter } from "./events.ts";
import { listPayments } from "./payment_list.ts";
import { traceFromLog, Traces } from "./traces.ts";
import { viewOf } from "./view.ts";

const recalledMax = 25;

export interface ObserverOptions {
  readonly name: string;
  readonly role: Role;
  readonly log: Log;
  /** Runs in a turn; what it saw is told when it is durable. */
  readonly look: <T>(read: () => T) => Promise<T>;
  readonly orderOf: (payment: PaymentId) => Order | undefined;
  readonly isOpen: (payment: PaymentId) => boolean;
  readonly payment: (payment: PaymentId) => Promise<PaymentView | undefined>;
  readonly decided?: (latencyMs: number) => void;
  readonly onError: (line: string) => void;
}

export class Observer {
  readonly activity: Activity;
  readonly #options: ObserverOptions;
  readonly #events: Events;
  readonly #traces: Traces;
  #recalled: Promise<void> | undefined;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.activity = new Activity(options.name);
    this.#events = new Events(options);
    this.#traces = new Traces(options);
  }

  // Told by the node

  tick(): void {
    this.#traces.tick();
  }

  ordered(order: Order): void {
    this.#traces.ordered(order);
  }

  received(peer: string, header: FrameHeader, messages: readonly Message[]): void {
    this.activity.received(peer, header, messages);
    for (const message of messages) this.#traces.received(peer, message);
  }

  recorded(records: readonly LogRecord[], context: EntryContext): void {
    this.activity.recorded(records, context);
    this.#traces.recorded(records, context);
    this.#events.tell(records, context);
  }

  // Asked by those who look on

  subscribe(listener: (event: NodeEvent) => void): () => void {
    return this.#events.subscribe(listener);
  }

  async eventsAfter(id: string | undefined, limit: number): Promise<NodeEvent[]> {
    const { log, look } = this.#options;
    await look(() => {});
    return await eventsAfter(log, log.head.number, id, limit);
  }

  async recent(): Promise<PaymentTrace[]> {
    // What could not be read this time may be next time.
    this.#recalled ??= this.#recall().catch((error) => {
      this.#recalled = undefined;
      throw error;
    });
    await this.#recalled;
    await this.#dropIdle();
    return this.#traces.all();
  }

  async trace(payment: PaymentId): Promise<PaymentTrace | undefined> {
    await this.#dropIdle();
    const followed = this.#traces.get(payment);
    if (followed && followed.steps.length > 0) return followed;
    const { log, role, look, isOpen } = this.#options;
    const isStillOpen = await look(() => isOpen(payment));
    const view = await this.#options.payment(payment);
    return view && traceFromLog(view, await log.lookUp(payment), role, isStillOpen);
  }

  /** The payments before those that were followed since the start. */
  async #recall(): Promise<void> {
    const { log, name, look, isOpen } = this.#options;
    await look(() => {});
    const { payments } = await listPayments(log, log.head.number, name, { limit: recalledMax });
    await look(() => this.#traces.recall(payments.toReversed(), isOpen));
  }

  /** What is not under way any more and came to nothing, or to something that was not followed. */
  async #dropIdle(): Promise<void> {
    const { log, look, isOpen } = this.#options;
    // What begins from now on is not under way yet when this look has its turn.
    const unfinished = this.#traces.unfinished();
    const idle = await look(() => unfinished.filter((payment) => !isOpen(payment)));
    for (const payment of idle) {
      if (!this.#traces.unfinished().includes(payment)) continue;
      this.#traces.forget(payment);
      const view = viewOf(await log.lookUp(payment));
      if (view) this.#traces.recall([view], () => false);
    }
  }
}
