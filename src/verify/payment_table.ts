/**
 * What an audit keeps of each payment, in some hundred bytes: of all that were ever made, objects in a map
 * would take ten times as much, and fill the memory after a few millions.
 */

import { Reader, Writer } from "../bytes.ts";
import { hashBytes, paymentBytes, readPayment } from "../codec/values.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import { transactionId, transactionParts } from "../protocol/id.ts";

/** What is kept of every payment, whatever else is. */
export interface PaymentSummary {
  /** SHA-256 of the order's bytes. */
  readonly hash: Uint8Array;
  readonly transaction?: TransactionId;
  /** The coordinator's entry that holds the decision. */
  readonly number?: number;
}

/** Values of which there are few, each by a number. */
class Distinct<T> {
  readonly #numbers = new Map<T, number>();
  readonly #values: T[] = [];

  numberOf(value: T): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.#values.push(value) - 1;
      this.#numbers.set(value, number);
    }
    return number;
  }

  at(number: number): T {
    return this.#values[number]!;
  }
}

// A row: the payment's id, the order's hash, its transaction's place in the epoch and the coordinator's
// entry (0 for none), then the numbers of the epoch and of the other fields' values.

const hashAt = paymentBytes;
const sequenceAt = hashAt + hashBytes;
const entryAt = sequenceAt + 8;
const epochAt = entryAt + 8;
const fieldsAt = epochAt + 4;
const rowsInChunk = 16_384;

interface Row {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Where it begins. */
  readonly at: number;
}

/** A map of payments, in the order in which they came. What is taken from it is a copy. */
export class PaymentTable<Summary extends PaymentSummary>
  implements Iterable<[PaymentId, Summary]> {
  readonly #fields: readonly Exclude<keyof Summary, keyof PaymentSummary>[];
  readonly #values: readonly Distinct<unknown>[];
  readonly #epochs = new Distinct<string>();
  readonly #rowBytes: number;
  readonly #chunks: { readonly bytes: Uint8Array; readonly view: DataView }[] = [];
  /** By the hashes of their ids, open addressing: one more than the number of a row, or 0. */
  #slots = new Uint32Array(1_024);
  #size = 0;
  readonly #id = new IdBytes();

  /** @param fields of a summary besides those of every payment; their values are few, and kept once */
  constructor(fields: readonly Exclude<keyof Summary, keyof PaymentSummary>[]) {
    this.#fields = fields;
    this.#values = fields.map(() => new Distinct<unknown>());
    this.#rowBytes = fieldsAt + 4 * fields.length;
  }

  get size(): number {
    return this.#size;
  }

  get(payment: PaymentId): Summary | undefined {
    const found = this.#slots[this.#slotOf(this.#id.of(payment))]!;
    return found === 0 ? undefined : this.#read(this.#row(found - 1));
  }

  set(payment: PaymentId, summary: Summary): void {
    const id = this.#id.of(payment);
    const slot = this.#slotOf(id);
    const found = this.#slots[slot]!;
    if (found > 0) return this.#write(this.#row(found - 1), summary);
    const row = this.#add();
    row.bytes.set(id, row.at);
    this.#write(row, summary);
    this.#slots[slot] = this.#size;
    if (this.#size * 2 > this.#slots.length) this.#grow();
  }

  *[Symbol.iterator](): Iterator<[PaymentId, Summary]> {
    for (let number = 0; number < this.#size; number++) {
      const row = this.#row(number);
      const id = row.bytes.subarray(row.at, row.at + paymentBytes);
      yield [readPayment(new Reader(id)), this.#read(row)];
    }
  }

  *values(): Iterable<Summary> {
    for (let number = 0; number < this.#size; number++) yield this.#read(this.#row(number));
  }

  #row(number: number): Row {
    const { bytes, view } = this.#chunks[Math.floor(number / rowsInChunk)]!;
    return { bytes, view, at: number % rowsInChunk * this.#rowBytes };
  }

  #add(): Row {
    if (this.#size === this.#chunks.length * rowsInChunk) {
      const bytes = new Uint8Array(rowsInChunk * this.#rowBytes);
      this.#chunks.push({ bytes, view: new DataView(bytes.buffer) });
    }
    return this.#row(this.#size++);
  }

  #write({ bytes, view, at }: Row, summary: Summary): void {
    const { hash, transaction, number = 0 } = summary;
    bytes.set(hash, at + hashAt);
    const parts = transaction && transactionParts(transaction);
    view.setFloat64(at + sequenceAt, parts?.sequence ?? 0);
    view.setFloat64(at + entryAt, number);
    const epoch = parts ? this.#epochs.numberOf(`${parts.counter}-${parts.nonce}`) : 0;
    view.setUint32(at + epochAt, epoch);
    for (let i = 0; i < this.#fields.length; i++) {
      const value = this.#values[i]!.numberOf(summary[this.#fields[i]!]);
      view.setUint32(at + fieldsAt + 4 * i, value);
    }
  }

  #read({ bytes, view, at }: Row): Summary {
    const sequence = view.getFloat64(at + sequenceAt);
    const number = view.getFloat64(at + entryAt);
    const [counter, nonce = ""] = sequence > 0
      ? this.#epochs.at(view.getUint32(at + epochAt)).split("-")
      : [];
    const summary: Record<PropertyKey, unknown> = {
      hash: bytes.slice(at + hashAt, at + sequenceAt),
      transaction: sequence > 0
        ? transactionId({ counter: Number(counter), nonce }, sequence)
        : undefined,
      number: number > 0 ? number : undefined,
    };
    for (let i = 0; i < this.#fields.length; i++) {
      summary[this.#fields[i]!] = this.#values[i]!.at(view.getUint32(at + fieldsAt + 4 * i));
    }
    return summary as unknown as Summary;
  }

  /** The slot of a payment, or where it belongs. */
  #slotOf(id: Uint8Array): number {
    const last = this.#slots.length - 1;
    let slot = hashOf(id, 0) & last;
    for (;;) {
      const found = this.#slots[slot]!;
      if (found === 0 || this.#isOf(this.#row(found - 1), id)) return slot;
      slot = (slot + 1) & last;
    }
  }

  #isOf({ bytes, at }: Row, id: Uint8Array): boolean {
    for (let i = 0; i < paymentBytes; i++) if (bytes[at + i] !== id[i]) return false;
    return true;
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const last = this.#slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      const { bytes, at } = this.#row(number);
      let slot = hashOf(bytes, at) & last;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & last;
      this.#slots[slot] = number + 1;
    }
  }
}

/** Users choose ids: none may know which of them share a slot. */
const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;

/** Of an id's sixteen bytes. */
function hashOf(bytes: Uint8Array, at: number): number {
  let hash = seed;
  for (let i = 0; i < paymentBytes; i++) hash = Math.imul(hash ^ bytes[at + i]!, 0x01000193);
  // Slots are told by the low bits, which the high ones have to reach.
  return hash ^ hash >>> 15;
}

/** The bytes of one id after another, in one place. */
class IdBytes {
  readonly #w = new Writer(paymentBytes);

  of(payment: PaymentId): Uint8Array {
    this.#w.truncate(0);
    this.#w.hex(payment);
    return this.#w.view();
  }
}
