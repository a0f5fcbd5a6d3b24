/** The bytes of details: in the clear before they are sealed, and sealed on their way and at rest. */

import { Reader, Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import {
  detailsBytesMax,
  detailsPadBytes,
  detailsRecipientsMax,
  sealedDetailsBytesMax,
} from "../limits.ts";
import type { Details, SealedDetails } from "../protocol/details.ts";
import { isDetails } from "../protocol/details.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Order } from "../protocol/order.ts";
import { sameBytes } from "../protocol/order.ts";
import { sha256 } from "../sha256.ts";
import { encodeOrder } from "./order.ts";
import { hashBytes, readFlag, readName, readPayment } from "./values.ts";

const space = 0x20;

/** Canonical JSON in UTF-8, and as many spaces as hide its length. */
export function encodeDetails({ memo, reference, card }: Details): Uint8Array {
  const ordered = card && { number: card.number, expiry: card.expiry, cvv: card.cvv };
  const json = new TextEncoder().encode(JSON.stringify({ memo, reference, card: ordered }));
  const bytes = new Uint8Array(Math.ceil(json.length / detailsPadBytes) * detailsPadBytes);
  if (bytes.length > detailsBytesMax) throw new RangeError("details of too many bytes");
  bytes.fill(space);
  bytes.set(json);
  return bytes;
}

/** Reads details from exactly their bytes. Throws {@linkcode FormatError}. */
export function decodeDetails(bytes: Uint8Array): Details {
  try {
    const details: Details = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytes),
      onlyText,
    );
    // Whatever else it holds, or holds otherwise, is not written again.
    if (isDetails(details) && sameBytes(encodeDetails(details), bytes)) return details;
  } catch {
    // What of it there is may be secret, so no message quotes it.
  }
  throw new FormatError("details that are none");
}

/** What the details of `recipient` are bound to: they open with nothing else. */
export function detailsBinding(
  { payment, originator, legs }: Pick<Order, "payment" | "originator" | "legs">,
  recipient: string,
): Uint8Array {
  const w = new Writer(256);
  w.blob(encodeOrder({ payment, originator, legs }).bytes);
  w.text(recipient);
  return w.slice();
}

export function sealedFor(recipient: string, sealed: Uint8Array): SealedDetails {
  return { recipient, hash: sha256(sealed), sealed };
}

/** What an order holds of its details, in order of their recipients' names, each once. */
export function detailsHashOf(details: readonly SealedDetails[]): Uint8Array {
  const w = new Writer(256);
  w.text("handfast details");
  for (const { recipient, hash } of details) {
    w.text(recipient);
    w.raw(hash);
  }
  return sha256(w.view());
}

/** Whether these are all the details of an order. */
export function areDetailsOf(
  { detailsHash }: Pick<Order, "detailsHash">,
  details: readonly SealedDetails[] | undefined,
): boolean {
  if (!detailsHash) return details === undefined;
  return details !== undefined && sameBytes(detailsHashOf(details), detailsHash);
}

/** Written only for an order that has some. */
export function writeDetails(w: Writer, details: readonly SealedDetails[]): void {
  w.varint(details.length);
  for (const { recipient, hash, sealed } of details) {
    w.text(recipient);
    w.u8(sealed ? 1 : 0);
    if (sealed) w.blob(sealed);
    else w.raw(hash);
  }
}

/** The hash of what is there is its own, whatever was told. */
export function readDetails(r: Reader): SealedDetails[] {
  const count = r.varint();
  if (count > detailsRecipientsMax) throw new FormatError(`details for ${count} recipients`);
  const details: SealedDetails[] = [];
  for (let i = 0; i < count; i++) {
    const recipient = readName(r);
    if (recipient <= (details.at(-1)?.recipient ?? "")) {
      throw new FormatError(`details for "${recipient}" twice, or not in order`);
    }
    if (!readFlag(r)) {
      details.push({ recipient, hash: r.raw(hashBytes).slice() });
      continue;
    }
    const sealed = r.blob().slice();
    if (sealed.length > sealedDetailsBytesMax) {
      throw new FormatError(`details of ${sealed.length} bytes for "${recipient}"`);
    }
    details.push(sealedFor(recipient, sealed));
  }
  return details;
}

/** Details of a payment as they stand beside the log of a recipient. */
export interface StoredDetails {
  readonly payment: PaymentId;
  readonly details: readonly SealedDetails[];
}

export function encodeStoredDetails({ payment, details }: StoredDetails): Uint8Array {
  const w = new Writer(1024);
  w.hex(payment);
  writeDetails(w, details);
  return w.slice();
}

/** Throws {@linkcode FormatError}. */
export function decodeStoredDetails(value: Uint8Array): StoredDetails {
  const r = new Reader(value);
  const stored = { payment: readPayment(r), details: readDetails(r) };
  r.end();
  return stored;
}

/** What is no text could pass for one, and be written again as what it is. */
function onlyText(_key: string, value: unknown): unknown {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (typeof value === "string" || isObject) return value;
  throw new FormatError("details hold something else than text");
}
