/** How much of an atomic commit a record takes. */

import { detailsValueBytes, introductionBytesMax, sealedDetailsBytesMax } from "../limits.ts";
import type { SealedDetails } from "./details.ts";
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
    case "erased":
    case "readmitted":
      return 96 + 3 * record.by.length;
    case "carded":
      return 128 + record.account.length + record.masked.length;
    case "introduced":
      return 64 + 3 * record.address.length + introductionBytesMax;
    default:
      return 192;
  }
}

/** Beside the entry: what is stored with a record, and what it wipes, which is as long. */
export function besideBytesBound(
  record: LogRecord,
  details: readonly SealedDetails[] | undefined,
): number {
  if (record.type === "erased") return detailsValueBytes + sealedDetailsBytesMax;
  if (!details) return 0;
  const sealed = details.reduce((sum, one) => sum + (one.sealed?.length ?? 0), 0);
  return 2 * (detailsValueBytes + sealed);
}

function decidedBytesBound(decided: Decided | undefined): number {
  return decided ? 24 + decided.clock.size * 40 : 0;
}
