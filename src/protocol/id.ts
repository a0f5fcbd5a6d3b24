/** Identifiers: payments are named by their users, transactions by the coordinator. */

import { operatorLengthMax } from "../limits.ts";

/** A UUIDv7 in lower case. Ids sort by the time at which they were made. */
export type PaymentId = string & { readonly __brand: "PaymentId" };

/**
 * One attempt to commit a payment: `COUNTER-NONCE-SEQUENCE`, the first two of them the epoch of the
 * coordinator that made it. A restart or a copied folder has another epoch, so no id comes back.
 */
export type TransactionId = string & { readonly __brand: "TransactionId" };

/** One life of a coordinator, from start to start. */
export interface Epoch {
  /** Starts of this coordinator's log so far, from 1. */
  readonly counter: number;
  /** Twelve hexadecimal digits, random at each start: tells a copied folder from its original. */
  readonly nonce: string;
}

const paymentPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const transactionPattern = /^([1-9][0-9]{0,9})-([0-9a-f]{12})-([1-9][0-9]{0,14})$/;
/** No character that could hide or fake what stands beside it on a terminal. */
const linePattern = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]+$/u;

/** The payment id in `text`, in any case, or nothing if it is no UUIDv7 (RFC 9562, 5.7). */
export function parsePaymentId(text: string): PaymentId | undefined {
  const lower = text.toLowerCase();
  return paymentPattern.test(lower) ? lower as PaymentId : undefined;
}

/** Milliseconds since 1970 at which a payment id was made, by the clock of whoever made it. */
export function paymentIdMs(id: PaymentId): number {
  let ms = 0;
  for (let i = 0; i < 13; i++) {
    const code = id.charCodeAt(i);
    // Of a digit, of a letter; between them stands a dash.
    if (i !== 8) ms = ms * 16 + (code < 58 ? code - 48 : code - 87);
  }
  return ms;
}

/** With what the ids begin that are made at a time. */
export function paymentIdStart(atMs: number): string {
  const digits = atMs.toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

export function parseTransactionId(text: string): TransactionId | undefined {
  return transactionPattern.test(text) ? text as TransactionId : undefined;
}

export function transactionId(epoch: Epoch, sequence: number): TransactionId {
  return `${epoch.counter}-${epoch.nonce}-${sequence}` as TransactionId;
}

/** The epoch of the transaction that was last taken apart: the next is mostly of the same. */
let lastEpoch = { prefix: "-", counter: 0, nonce: "" };

/** The epoch and place in it of a transaction. */
export function transactionParts(id: TransactionId): Epoch & { readonly sequence: number } {
  if (!id.startsWith(lastEpoch.prefix)) {
    const first = id.indexOf("-");
    const counter = Number(id.slice(0, first));
    const nonce = id.slice(first + 1, first + 13);
    lastEpoch = { prefix: id.slice(0, first + 14), counter, nonce };
  }
  const { prefix, counter, nonce } = lastEpoch;
  return { counter, nonce, sequence: numberAt(id, prefix.length) };
}

/** The number whose digits are a text's last, from `at` on. */
function numberAt(text: string, at: number): number {
  let number = 0;
  for (; at < text.length; at++) number = number * 10 + text.charCodeAt(at) - 48;
  return number;
}

/** Whether `a` was begun after `b`, both by the same coordinator. */
export function isLaterTransaction(a: TransactionId, b: TransactionId): boolean {
  const left = transactionParts(a);
  const right = transactionParts(b);
  if (left.counter !== right.counter) return left.counter > right.counter;
  return left.sequence > right.sequence;
}

export function isSameEpoch(a: Epoch, b: Epoch): boolean {
  return a.counter === b.counter && a.nonce === b.nonce;
}

/** Whether `text` can stand for an operator: one line, as people write their names. */
export function isOperator(text: string): boolean {
  return isLine(text, operatorLengthMax) && text.trim() !== "";
}

/** Whether `text` can be shown in one line, in which it hides and fakes nothing. */
export function isLine(text: string, lengthMax: number): boolean {
  return text.length <= lengthMax && linePattern.test(text);
}
