/** The bytes of orders: what every node hashes, stores and compares. */

import { digest } from "@chainsafe/as-sha256";
import { Reader, Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import type { Leg, Order } from "../protocol/order.ts";
import { Interned, Slab } from "./interned.ts";
import {
  checkVersion,
  formatVersion,
  hashBytes,
  keepHash,
  keepPayment,
  paymentBytes,
  readFlag,
  readName,
  readPayment,
} from "./values.ts";

const slab = new Slab();
const writer = new Writer(1024);
/** By their payments' ids: an order comes back to whoever sent it, and stands in log and messages. */
const orders = new Interned<Order>(paymentBytes, 8192);
/** Version, and then the payment's id. */
const paymentAt = 1;

/** The order with its bytes: the only place where they are made. */
export function encodeOrder(order: Omit<Order, "bytes" | "hash">): Order {
  const w = writer;
  w.truncate(0);
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
  const bytes = slab.copy(w.view());
  const { payment, originator, legs, detailsHash } = order;
  keepPayment(bytes, paymentAt, payment);
  return keep({ payment, originator, legs, detailsHash, bytes, hash: hashOf(bytes) });
}

function keep(order: Order): Order {
  keepHash(order.hash);
  return orders.keep(order.bytes, paymentAt, paymentBytes, order);
}

/** Reads an order from exactly its bytes. Throws {@linkcode FormatError}. */
export function decodeOrder(bytes: Uint8Array): Order {
  const r = new Reader(bytes);
  checkVersion(r.u8(), "order");
  const payment = readPayment(r);
  const originator = readName(r);
  const detailsHash = readFlag(r) ? r.raw(hashBytes) : undefined;
  const legs = readLegs(r);
  r.end();
  return { payment, originator, legs, detailsHash, bytes, hash: hashOf(bytes) };
}

function readLegs(r: Reader): Leg[] {
  const count = r.varint();
  // Of what most orders have, a list of just that size: one that grows has room for many more.
  if (count === 2) return [readLeg(r), readLeg(r)];
  const legs: Leg[] = [];
  for (let left = count; left > 0; left--) legs.push(readLeg(r));
  return legs;
}

function readLeg(r: Reader): Leg {
  const account = readName(r);
  const participant = readName(r);
  const currency = readCurrency(r);
  return { account, participant, currency, amount: r.i64() };
}

const currencies = new Interned<string>(3, 256);

/** Three capital letters. */
function readCurrency(r: Reader): string {
  const { bytes, position } = r;
  const known = bytes[position] === 3 ? currencies.find(bytes, position + 1, 3) : undefined;
  if (known !== undefined) {
    r.skip(4);
    return known;
  }
  const currency = r.text();
  if (!/^[A-Z]{3}$/.test(currency)) throw new FormatError(`currency "${currency}"`);
  return currencies.keep(bytes, position + 1, 3, currency);
}

function hashOf(bytes: Uint8Array): Uint8Array {
  // Of so few bytes the runtime's own takes three times as long, most of it for the call.
  return digest(bytes);
}

/** Reads an order within other bytes; its own are copied, as they outlive the buffer. */
export function readOrder(r: Reader): Order {
  const length = r.varint();
  const start = r.skip(length);
  const known = length > paymentBytes
    ? orders.find(r.bytes, start + paymentAt, paymentBytes)
    : undefined;
  // The same id may come with another order, or another encoding of it.
  if (known && isAt(known.bytes, r.bytes, start, length)) return known;
  return keep(decodeOrder(slab.copy(r.bytes, start, length)));
}

function isAt(known: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
