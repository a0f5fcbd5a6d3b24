/** An entry as JSON: numbers of entries and times are numbers, amounts digits, hashes hexadecimal. */

import { toHex } from "../bytes.ts";
import type { Entry } from "../codec/record.ts";
import type { Decided, Introduction } from "../protocol/message.ts";
import type { Order } from "../protocol/order.ts";
import { legJson } from "../protocol/order.ts";
import type { Proof } from "../protocol/proof.ts";
import type { EntryContext, LogRecord } from "../protocol/record.ts";

/**
 * What stands beside an entry is not in it: of what payments tell there is the hash alone. Of proofs there
 * is who signed, and the place in what was signed; the signatures themselves are in `handfast proof`.
 *
 * @param node whose log it is
 */
export function entryJson(node: string, entry: Entry, hash: Uint8Array) {
  const { number, previous, witnesses, records } = entry;
  return {
    node,
    number,
    hash: toHex(hash),
    previous: toHex(previous),
    ...placeJson(entry),
    witnesses: Object.fromEntries(
      [...witnesses].map(([peer, { number, hash }]) => [peer, { number, hash: toHex(hash) }]),
    ),
    records: records.map(recordJson),
  };
}

/** The fields of a record as they are, but for those that JSON does not have. */
export function recordJson(record: LogRecord) {
  return {
    ...record,
    ..."order" in record ? { order: orderJson(record.order) } : {},
    ..."proofs" in record ? { proofs: record.proofs.map(proofJson) } : {},
    ..."proof" in record && record.proof ? { proof: proofJson(record.proof) } : {},
    ..."decided" in record && record.decided ? { decided: decidedJson(record.decided) } : {},
    ..."introduction" in record && record.introduction
      ? { introduction: introductionJson(record.introduction) }
      : {},
    ..."opening" in record ? { opening: record.opening.toString() } : {},
    ..."posted" in record ? { posted: record.posted.toString() } : {},
  };
}

function placeJson({ atMs, clock }: EntryContext) {
  return { at: new Date(atMs).toISOString(), atMs, clock: Object.fromEntries(clock) };
}

function orderJson({ payment, originator, legs, hash, detailsHash }: Order) {
  return {
    payment,
    originator,
    legs: legs.map(legJson),
    hash: toHex(hash),
    detailsHash: detailsHash && toHex(detailsHash),
  };
}

/** The entry of the coordinator's in which the decision stands. */
function decidedJson(decided: Decided) {
  return { number: decided.number, ...placeJson(decided) };
}

function proofJson({ batch: { signer }, index }: Proof) {
  return { signer, index };
}

/** Both are public, and what the signatures are checked with. */
function introductionJson({ certificate, voucher }: Introduction) {
  return { certificate: certificate.toBase64(), voucher: voucher.toBase64() };
}
