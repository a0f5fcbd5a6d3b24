/** A node's payments, newest first, read from its log backwards. */

import { FormatError } from "../errors.ts";
import type { PaymentPage, PaymentQuery, PaymentView } from "../http/node_api.ts";
import { listRecordsMax } from "../limits.ts";
import type { Log } from "../log/log.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { Found } from "../protocol/step.ts";
import { viewOf } from "./view.ts";

/** What it takes to read an entry, in records. */
export const entryReadRecords = 16;

/** The order that a record brings, if it is one by which a payment is listed. */
export function orderIn(record: LogRecord): Order | undefined {
  switch (record.type) {
    case "prepared":
    case "committed":
    case "aborted":
      return record.order;
    default:
      return undefined;
  }
}

/**
 * One page of what the log knows up to entry `head`. It has fewer payments than it may where many records
 * are not of the account: who asks for them must not hold up all others.
 *
 * @param told what a payment tells this node, where that is wanted
 * @throws {FormatError} for a cursor that no page gave
 */
export async function listPayments(
  log: Log,
  head: number,
  node: string,
  { limit, cursor, account }: PaymentQuery,
  told?: (id: PaymentId) => Promise<PaymentView["told"]>,
): Promise<PaymentPage> {
  const payments: PaymentView[] = [];
  const from = cursor === undefined ? undefined : parseCursor(cursor, head);
  let read = 0;
  for (let number = from?.number ?? head; number > 0; number--) {
    if (read > listRecordsMax) return { payments, next: `${number + 1}.0` };
    const { records } = await log.entry(number);
    const isFirst = number === from?.number;
    if (isFirst && from.at > records.length) throw noPageHas(cursor);
    // It was read for the page before, too, and may be all that there is room for.
    if (!isFirst) read += entryReadRecords + records.length;
    for (let at = isFirst ? from.at - 1 : records.length - 1; at >= 0; at--) {
      const order = orderIn(records[at]!);
      const isWanted = (record: LogRecord) => isOf(record, account, node);
      if (!order || !isWanted(records[at]!)) continue;
      const found = await log.lookUp(order.payment);
      // A later attempt: the payment stands where its first one does, which no page can miss.
      if (!isFirstOf(order, { number, at, records }, found, isWanted)) continue;
      const view = viewOf(found);
      // The last attempt may have been of another order, which has no part in the account.
      const last = found.findLast(([, record]) => orderIn(record));
      if (!view || !last || !isWanted(last[1])) continue;
      if (payments.length === limit) return { payments, next: `${number}.${at + 1}` };
      payments.push(told && isTold(found) ? { ...view, told: await told(view.id) } : view);
    }
  }
  return { payments };
}

/** Most payments tell nothing, and of them nothing need be looked for. */
function isTold(found: readonly Found[]): boolean {
  return found.some(([, record]) => record.type === "prepared" && record.hasDetails);
}

/** A record in its entry. */
interface Place {
  readonly number: number;
  readonly at: number;
  readonly records: readonly LogRecord[];
}

/** Whether none of the orders of a payment that are wanted stands before a place. */
function isFirstOf(
  { payment }: Order,
  { number, at, records }: Place,
  found: readonly Found[],
  isWanted: (record: LogRecord) => boolean,
): boolean {
  return found.find(([, record]) => isWanted(record))?.[0].number === number &&
    records.findIndex((one) => orderIn(one)?.payment === payment && isWanted(one)) === at;
}

/** Whether a record brings an order in which one of a node's accounts has a part, or any. */
function isOf(record: LogRecord, account: string | undefined, node: string): boolean {
  const order = orderIn(record);
  if (!order || account === undefined) return order !== undefined;
  if (record.type === "prepared" && record.card === account) return true;
  return order.legs.some((leg) => leg.participant === node && leg.account === account);
}

function parseCursor(cursor: string, head: number): { number: number; at: number } {
  const match = /^([1-9]\d{0,14})\.(\d{1,9})$/.exec(cursor);
  const number = Number(match?.[1]);
  if (!match || number > head) throw noPageHas(cursor);
  return { number, at: Number(match[2]) };
}

function noPageHas(cursor: string | undefined): FormatError {
  return new FormatError(`no page has the cursor "${cursor}"`);
}
