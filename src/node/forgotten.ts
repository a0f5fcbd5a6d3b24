/** What a peer may have forgotten that has come back with an older log than was seen of it. */

import type { LostPayments } from "../http/node_api.ts";
import { listRecordsMax } from "../limits.ts";
import type { Log } from "../log/log.ts";
import type { LogRecord } from "../protocol/record.ts";
import { entryReadRecords, orderIn } from "./payment_list.ts";

/**
 * Counts the records of this node's log after entry `known`, the last that the peer's log knows of, by which
 * payments were made that the peer may lack. The log is read from its end, and no further than for a list of
 * payments.
 */
export async function lostPayments(
  log: Log,
  known: number,
  isLacked: (record: LogRecord) => boolean,
): Promise<LostPayments> {
  let [count, among, read] = [0, 0, 0];
  let sinceMs: number | undefined;
  let number = log.head.number;
  for (; number > known && read <= listRecordsMax; number--) {
    const { records, atMs } = await log.entry(number);
    read += entryReadRecords + records.length;
    sinceMs = atMs;
    for (const record of records) {
      if (orderIn(record)) among++;
      if (isLacked(record)) count++;
    }
  }
  return { count, among, sinceMs, isAll: number <= known };
}
