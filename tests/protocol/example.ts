/** One payment and the network it is made in, as most tests of the protocol see them. */

import { encodeOrder } from "../../src/codec/order.ts";
import type { Role } from "../../src/names.ts";
import type { Frozen } from "../../src/protocol/frozen.ts";
import type { Epoch, PaymentId, TransactionId } from "../../src/protocol/id.ts";
import { transactionId } from "../../src/protocol/id.ts";
import type { Leg, Order } from "../../src/protocol/order.ts";
import type { EntryContext, Genesis } from "../../src/protocol/record.ts";
import type { Found, Turn } from "../../src/protocol/step.ts";

/** Of every example's entries, long after the payment's id was made. */
export const atMs = Date.UTC(2026, 0, 1);

export function paymentAt(ms: number, sequence = 1): PaymentId {
  const time = ms.toString(16).padStart(12, "0");
  const tail = sequence.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}` as PaymentId;
}

export const payment = paymentAt(atMs - 60_000);
export const otherPayment = paymentAt(atMs - 60_000, 2);

/** The coordinator's lives: the one before, its present one, a copy of its folder, the next. */
export const epochs = {
  before: { counter: 1, nonce: "aaaaaaaaaaaa" },
  present: { counter: 2, nonce: "bbbbbbbbbbbb" },
  twin: { counter: 2, nonce: "cccccccccccc" },
  next: { counter: 3, nonce: "dddddddddddd" },
} as const satisfies Record<string, Epoch>;

/** T1 is what most tests are about; T0 is older, T2 newer, the others of other epochs. */
export const transactions = {
  T0: transactionId(epochs.present, 1),
  T1: transactionId(epochs.present, 2),
  T2: transactionId(epochs.present, 3),
  Tbefore: transactionId(epochs.before, 9),
  Ttwin: transactionId(epochs.twin, 2),
  Tnext: transactionId(epochs.next, 1),
} as const satisfies Record<string, TransactionId>;

/** `-100 USD main@alice` */
export function leg(text: string): Leg {
  const [amount, currency, where] = text.split(" ") as [string, string, string];
  const [account, participant] = where.split("@") as [string, string];
  return { account, participant, currency, amount: BigInt(amount) };
}

export function orderOf(originator: string, legs: readonly string[], id = payment): Order {
  return encodeOrder({ payment: id, originator, legs: legs.map(leg) });
}

/** Alice pays bob a dollar. */
export const order = orderOf("alice", ["-100 USD main@alice", "100 USD main@bob"]);
/** The same payment with another amount, and in bob's name. */
export const otherLegs = orderOf("alice", ["-101 USD main@alice", "101 USD main@bob"]);
export const otherOriginator = orderOf("bob", ["100 USD main@alice", "-100 USD main@bob"]);

export function genesisOf(name: string, role: Role): Genesis {
  return { type: "genesis", network: "00".repeat(32), name, role, version: 1 };
}

/** The records that make a state. */
export function snapshotOf(
  state: { freeze(context: EntryContext): Frozen },
  context: EntryContext,
): Found[] {
  const { all, rest } = state.freeze(context);
  return [...all.found, ...rest];
}

/** The entry of the step that a row is about; all before it have lower numbers. */
export const entryNow = 50;

export function turnOf(name: string, number: number, nowMs = 0, waitedMs = 0): Turn {
  return { number, clock: new Map([[name, number]]), atMs: atMs + nowMs, nowMs, waitedMs };
}
