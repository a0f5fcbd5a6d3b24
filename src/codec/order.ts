/** The bytes of orders: what every node hashes, stores and compares. */

import { createHash } from "node:crypto";
import { Reader, Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import type { Leg, Order } from "../protocol/order.ts";
import {
  checkVersion,
  formatVersion,
  hashBytes,
  readFlag,
  readName,
  readPayment,
} from "./values.ts";

/** The order with its bytes: the only place where they are made. */
export function encodeOrder(order: Omit<Order, "bytes" | "hash">): Order {
  const w = new Writer(256);
  w.u8(formatVersion);
  w.hex(order.payment);
  w.text(order.originator);
  w.u8(order.detailsHash ? 1 : 0);
  if (order.detailsHash) w.raw(order.detailsHash);
  w.varint(order.legs.length);
  for (const leg of order.legs) {
    w.text(leg.account);
    w.text(leg.participant);
    w.text(leg.currency);
    w.i64(leg.amount);
  }
  const bytes = w.slice();
  return { ...order, bytes, hash: hashOf(bytes) };
}

/** Reads an order from exactly its bytes. Throws {@linkcode FormatError}. */
export function decodeOrder(bytes: Uint8Array): Order {
  const r = new Reader(bytes);
  checkVersion(r.u8(), "order");
  const payment = readPayment(r);
  const originator = readName(r);
  const detailsHash = readFlag(r) ? r.raw(hashBytes) : undefined;
  const legs: Leg[] = [];
  for (let count = r.varint(); count > 0; count--) {
    const account = readName(r);
    const participant = readName(r);
    const currency = r.text();
    if (!/^[A-Z]{3}$/.test(currency)) throw new FormatError(`currency "${currency}"`);
    legs.push({ account, participant, currency, amount: r.i64() });
  }
  r.end();
  return { payment, originator, legs, detailsHash, bytes, hash: hashOf(bytes) };
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** Reads an order within other bytes; its own are copied, as they outlive the buffer. */
export function readOrder(r: Reader): Order {
  return decodeOrder(r.blob().slice());
}
