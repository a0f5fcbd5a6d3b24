/** How much of an atomic commit a record takes. */

import type { Decided } from "./message.ts";
import type { LogRecord } from "./record.ts";

/** About how many bytes a record takes in an entry, never less than it does. */
export function recordBytesBound(record: LogRecord): number {
  switch (record.type) {
    case "prepared":
    case "committed":
      return record.order.bytes.length + 64;
    case "aborted":
      return record.order.bytes.length + 64 + decidedBytesBound(record.decided);
    case "posted":
    case "released":
      return 96 + decidedBytesBound(record.decided);
    case "forced":
      return record.order.bytes.length + 96 + 3 * record.by.length;
    case "acknowledged":
    case "unacknowledged":
    case "readmitted":
      return 96 + 3 * record.by.length;
    case "introduced":
      return 64 + 3 * record.address.length;
    default:
      return 192;
  }
}

function decidedBytesBound(decided: Decided | undefined): number {
  return decided ? 16 + decided.clock.size * 40 : 0;
}
