/** A log's records about payments as events: live once they are durable, and read back later. */

import { FormatError, messageOf, shortened } from "../errors.ts";
import type { NodeEvent, NodeEventType } from "../http/node_api.ts";
import type { Log } from "../log/log.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import type { EntryContext, LogRecord } from "../protocol/record.ts";

type Listener = (event: NodeEvent) => void;
type OrderOf = (payment: PaymentId) => Order | undefined;
type PaymentRecord = Extract<LogRecord, { readonly type: NodeEventType }>;

export interface EventsOptions {
  /** Of a payment whose record has just become durable. */
  readonly orderOf: OrderOf;
  readonly onError: (line: string) => void;
}

export class Events {
  readonly #listeners = new Set<Listener>();
  readonly #options: EventsOptions;

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  subscribe(listener: Listener): () => void {
    const own: Listener = (event) => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** An entry is durable. */
  tell(records: readonly LogRecord[], context: EntryContext): void {
    if (this.#listeners.size === 0) return;
    for (const [index, record] of records.entries()) {
      if (!isOfPayment(record)) continue;
      const order = orderIn(record) ?? this.#options.orderOf(paymentIn(record));
      const event = eventOf(record, index, context, order);
      for (const listener of this.#listeners) this.#tellOne(listener, event);
    }
  }

  /** A listener's bug must not end the node's loop. */
  #tellOne(listener: Listener, event: NodeEvent): void {
    try {
      listener(event);
    } catch (thrown) {
      this.#listeners.delete(listener);
      this.#options.onError(
        `a listener of events failed and is told no more: ${messageOf(thrown)}`,
      );
    }
  }
}

/**
 * The events that follow one in the log, up to entry `head`.
 *
 * @throws {FormatError} if no event can have the id
 */
export async function eventsAfter(
  log: Log,
  head: number,
  id: string | undefined,
  limit: number,
): Promise<NodeEvent[]> {
  const events: NodeEvent[] = [];
  const after = id === undefined ? { entry: 1, index: -1 } : parseEventId(id);
  if (after.entry > head) {
    throw new FormatError(`no event is behind ${id}: the log ends at ${head}`);
  }
  const orders = new Map<PaymentId, Order>();
  for (let number = Math.max(1, after.entry); number <= head; number++) {
    const entry = await log.entry(number);
    for (const [index, record] of entry.records.entries()) {
      if (!isOfPayment(record)) continue;
      const order = orderIn(record);
      if (order) orders.set(order.payment, order);
      if (number === after.entry && index <= after.index) continue;
      if (events.length === limit) return events;
      const payment = paymentIn(record);
      if (!orders.has(payment)) {
        const known = await orderInLog(log, payment);
        if (known) orders.set(payment, known);
      }
      events.push(eventOf(record, index, entry, orders.get(payment)));
    }
  }
  return events;
}

/** @throws {FormatError} if the text is no event's id */
function parseEventId(id: string): { entry: number; index: number } {
  const match = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(id);
  if (!match) throw new FormatError(`no event has the id ${JSON.stringify(shortened(id))}`);
  // An entry alone stands for all of it.
  const index = match[2] === undefined ? Infinity : Number(match[2]);
  return { entry: Number(match[1]), index };
}

async function orderInLog(log: Log, payment: PaymentId): Promise<Order | undefined> {
  for (const [, record] of await log.lookUp(payment)) {
    const order = isOfPayment(record) ? orderIn(record) : undefined;
    if (order) return order;
  }
}

export function isOfPayment(record: LogRecord): record is PaymentRecord {
  switch (record.type) {
    case "prepared":
    case "committed":
    case "aborted":
    case "posted":
    case "released":
    case "refused":
    case "forced":
    case "mismatch":
    case "acknowledged":
    case "erased":
    case "ended":
      return true;
    default:
      return false;
  }
}

function orderIn(record: PaymentRecord): Order | undefined {
  return "order" in record ? record.order : undefined;
}

export function paymentIn(record: PaymentRecord): PaymentId {
  return "order" in record ? record.order.payment : record.payment;
}

function eventOf(
  record: PaymentRecord,
  index: number,
  { number, clock, atMs }: EntryContext,
  order: Order | undefined,
): NodeEvent {
  return {
    id: `${number}.${index}`,
    type: record.type,
    payment: paymentIn(record),
    transaction: "transaction" in record ? record.transaction : undefined,
    code: "code" in record ? record.code : undefined,
    commit: "commit" in record ? record.commit : undefined,
    by: "by" in record ? record.by : undefined,
    legs: order?.legs ?? [],
    originator: order?.originator ?? "",
    entry: number,
    clock,
    atMs,
  };
}
