/** How much of an atomic commit a record takes. */

import { introductionBytesMax } from "../limits.ts";
import type { Decided } from "./message.ts";
import type { Batch, Proof } from "./proof.ts";
import type { LogRecord } from "./record.ts";

const none: readonly Proof[] = [];

export function proofsIn(record: LogRecord): readonly Proof[] {
  switch (record.type) {
    case "committed":
      return record.proofs;
    case "prepared":
    case "posted":
    case "released":
      return record.proof ? [record.proof] : none;
    default:
      return none;
  }
}

export function batchBytesBound({ list, signer, signature }: Batch): number {
  return list.length + signer.length + signature.length + 16;
}

/** About how many bytes a record takes in an entry, batches aside; never less than it does. */
export function recordBytesBound(record: LogRecord): number {
  switch (record.type) {
    case "prepared":
      return record.order.bytes.length + 80;
    case "committed":
      return record.order.bytes.length + 80 + record.proofs.length * 16;
    case "aborted":
      return record.order.bytes.length + 64 + decidedBytesBound(record.decided);
    case "posted":
    case "released":
      return 112 + decidedBytesBound(record.decided);
    case "forced":
      return record.order.bytes.length + 96 + 3 * record.by.length;
    case "acknowledged":
    case "unacknowledged":
    case "readmitted":
      return 96 + 3 * record.by.length;
    case "introduced":
      return 64 + 3 * record.address.length + introductionBytesMax;
    default:
      return 192;
  }
}

function decidedBytesBound(decided: Decided | undefined): number {
  return decided ? 16 + decided.clock.size * 40 : 0;
}
