/** The values that messages and records have in common, written and read. */

import { hexCodes, Reader, toHex, Writer } from "../bytes.ts";
import { FormatError, oneLine, shortened } from "../errors.ts";
import { dateMsMax, introductionBytesMax, peersMax, statementListBytesMax } from "../limits.ts";
import { isName } from "../names.ts";
import type { Epoch, PaymentId, TransactionId } from "../protocol/id.ts";
import { transactionParts } from "../protocol/id.ts";
import type { Address, Decided } from "../protocol/message.ts";
import { isAddress } from "../protocol/message.ts";
import type { RefusalCode } from "../protocol/order.ts";
import { refusalCodes } from "../protocol/order.ts";
import type { Batch, Proof } from "../protocol/proof.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { Interned, Slab, slotsDefault } from "./interned.ts";

/** Of orders, frames, entries and checkpoints alike. Changing any of them needs another one. */
export const formatVersion = 5;
/** Of SHA-256. */
export const hashBytes = 32;
/** Of Ed25519. */
export const signatureBytes = 64;

export function checkVersion(version: number, what: string): void {
  if (version === formatVersion) return;
  throw new FormatError(`${what} of version ${version}; this program knows ${formatVersion}`);
}

export function readFlag(r: Reader): boolean {
  const value = r.u8();
  if (value > 1) throw new FormatError(`flag ${value}`);
  return value === 1;
}

/** Of names of nodes and accounts. */
const names = new Interned<string>(31, 8192);

export function readName(r: Reader): string {
  const { bytes, position } = r;
  // A name's length is one byte.
  const length = bytes[position] ?? 0;
  const known = names.find(bytes, position + 1, length);
  if (known !== undefined) {
    r.skip(1 + length);
    return known;
  }
  const name = r.text();
  if (!isName(name)) throw new FormatError(`name "${name}"`);
  return names.keep(bytes, position + 1, length, name);
}

export const paymentBytes = 16;
const payments = new Interned<PaymentId>(paymentBytes);
const idCodes: number[] = new Array(36).fill(0);
const dash = 45;

export function readPayment(r: Reader): PaymentId {
  const { bytes, position } = r;
  const known = payments.find(bytes, position, Math.min(paymentBytes, bytes.length - position));
  if (known !== undefined) {
    r.skip(paymentBytes);
    return known;
  }
  r.skip(paymentBytes);
  return payments.keep(bytes, position, paymentBytes, paymentAt(bytes, position));
}

/** Apart from {@linkcode readPayment}, which seldom comes to it, and would pay for its closure each time. */
function paymentAt(bytes: Uint8Array, position: number): PaymentId {
  if (bytes[position + 6]! >> 4 !== 7 || bytes[position + 8]! >> 6 !== 2) {
    throw new FormatError(`payment id ${toHex(bytes.subarray(position, position + paymentBytes))}`);
  }
  const code = (nibble: number) =>
    hexCodes[
      nibble & 1 ? bytes[position + (nibble >> 1)]! & 15 : bytes[position + (nibble >> 1)]! >> 4
    ]!;
  for (let nibble = 0, at = 0; nibble < 2 * paymentBytes; nibble++) {
    if (nibble === 8 || nibble === 12 || nibble === 16 || nibble === 20) idCodes[at++] = dash;
    idCodes[at++] = code(nibble);
  }
  return String.fromCharCode.apply(undefined, idCodes) as PaymentId;
}

const hashes = new Interned<Uint8Array>(hashBytes);
const slab = new Slab();

/** A hash that outlives the buffer it is read from; where it was read lately, the same object. */
export function readHash(r: Reader): Uint8Array {
  const { bytes, position } = r;
  r.skip(hashBytes);
  return hashes.find(bytes, position, hashBytes) ??
    hashes.keep(bytes, position, hashBytes, slab.copy(bytes, position, hashBytes));
}

/** For {@linkcode readPayment} to find: an id, and where its bytes are. */
export function keepPayment(bytes: Uint8Array, at: number, id: PaymentId): void {
  payments.keep(bytes, at, paymentBytes, id);
}

/** For {@linkcode readHash} to find. */
export function keepHash(hash: Uint8Array): Uint8Array {
  return hashes.keep(hash, 0, hashBytes, hash);
}

export function writeEpoch(w: Writer, epoch: Epoch): void {
  w.varint(epoch.counter);
  w.hex(epoch.nonce);
}

/** Of the epoch that was last written whole: the next transaction is mostly of the same. */
let lastEpoch = { prefix: "-", bytes: new Uint8Array(0) };

export function writeTransaction(w: Writer, id: TransactionId): void {
  const sequence = sequenceOf(id);
  if (!transactions.isKnown(id, lastEpoch.prefix, sequence)) {
    if (!id.startsWith(lastEpoch.prefix)) {
      const parts = transactionParts(id);
      const epoch = new Writer(32);
      writeEpoch(epoch, parts);
      lastEpoch = { prefix: prefixOf(parts.counter, parts.nonce), bytes: epoch.slice() };
    }
    transactions.keep(id, lastEpoch.prefix, sequence);
  }
  w.raw(lastEpoch.bytes);
  w.varint(sequence);
}

/** Whole: epoch and place in it. */
export function readTransaction(r: Reader): TransactionId {
  const { bytes: epoch, prefix } = lastEpoch;
  if (epoch.length > 0 && startsWith(r, epoch)) {
    r.skip(epoch.length);
    return transactions.get(prefix, readSequence(r));
  }
  return transactions.get(prefixOf(r.varint(), r.hex(6)), readSequence(r));
}

function startsWith({ bytes, position }: Reader, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[position + i] !== start[i]) return false;
  return true;
}

function readSequence(r: Reader): number {
  const sequence = r.varint();
  if (sequence === 0) throw new FormatError("transaction 0 of an epoch");
  return sequence;
}

/** Those of a frame or an entry are mostly of one epoch, so that is written where it changes. */
export class TransactionWriter {
  #prefix = "-";

  write(w: Writer, id: TransactionId): void {
    const sequence = sequenceOf(id);
    if (!transactions.isKnown(id, this.#prefix, sequence)) {
      if (!id.startsWith(this.#prefix)) this.#begin(w, id);
      transactions.keep(id, this.#prefix, sequence);
    }
    w.varint(sequence);
  }

  #begin(w: Writer, id: TransactionId): void {
    const { counter, nonce } = transactionParts(id);
    this.#prefix = prefixOf(counter, nonce);
    // No transaction has this number.
    w.u8(0);
    writeEpoch(w, { counter, nonce });
  }
}

export class TransactionReader {
  #prefix = "";

  read(r: Reader): TransactionId {
    let sequence = r.varint();
    if (sequence === 0) {
      const prefix = prefixOf(r.varint(), r.hex(6));
      if (prefix === this.#prefix) throw new FormatError("an epoch written twice");
      this.#prefix = prefix;
      sequence = readSequence(r);
    }
    if (this.#prefix === "") throw new FormatError("a transaction without its epoch");
    return transactions.get(this.#prefix, sequence);
  }
}

/** The number that an id ends with: read from there, as its epoch need not be known. */
function sequenceOf(id: TransactionId): number {
  let sequence = 0;
  for (let i = id.length - 1, scale = 1; i >= 0; i--, scale *= 10) {
    const code = id.charCodeAt(i);
    if (code === dash) break;
    sequence += (code - 48) * scale;
  }
  return sequence;
}

function prefixOf(counter: number, nonce: string): string {
  return `${counter}-${nonce}-`;
}

/** Those read or written lately, by their places in their epochs: each stands in half a dozen messages and
 * records. */
const transactions = new class {
  readonly #ids: (TransactionId | undefined)[] = new Array(slotsDefault).fill(undefined);
  readonly #prefixes: string[] = new Array(slotsDefault).fill("");
  readonly #sequences = new Float64Array(slotsDefault);

  get(prefix: string, sequence: number): TransactionId {
    const slot = sequence & (slotsDefault - 1);
    const known = this.#ids[slot];
    if (
      known !== undefined && this.#sequences[slot] === sequence && this.#prefixes[slot] === prefix
    ) {
      return known;
    }
    return this.keep(`${prefix}${sequence}` as TransactionId, prefix, sequence);
  }

  /** Whether this very id was kept last in its place, as of an epoch. */
  isKnown(id: TransactionId, prefix: string, sequence: number): boolean {
    const slot = sequence & (slotsDefault - 1);
    return this.#ids[slot] === id && this.#prefixes[slot] === prefix;
  }

  keep(id: TransactionId, prefix: string, sequence: number): TransactionId {
    const slot = sequence & (slotsDefault - 1);
    this.#sequences[slot] = sequence;
    this.#prefixes[slot] = prefix;
    return this.#ids[slot] = id;
  }
}();

export function writeClock(w: Writer, clock: VectorClock): void {
  w.varint(clock.size);
  for (const [name, count] of clock) {
    w.text(name);
    w.varint(count);
  }
}

export function readClock(r: Reader): VectorClock {
  const clock = new Map<string, number>();
  const size = r.varint();
  if (size > peersMax + 1) throw new FormatError(`a clock of ${size} nodes`);
  for (let count = size; count > 0; count--) {
    const name = readName(r);
    if (clock.has(name)) throw new FormatError(`"${name}" twice in a clock`);
    clock.set(name, r.varint());
  }
  return clock;
}

export function writeCode<T extends string>(
  w: Writer,
  codes: readonly T[],
  code: T | undefined,
): void {
  w.u8(code === undefined ? 0 : codes.indexOf(code) + 1);
}

export function readCode<T extends string>(r: Reader, codes: readonly T[]): T | undefined {
  const index = r.u8();
  if (index > codes.length) throw new FormatError(`code ${index}`);
  return index === 0 ? undefined : codes[index - 1];
}

export function readRefusal(r: Reader): RefusalCode {
  const code = readCode(r, refusalCodes);
  if (!code) throw new FormatError("refusal without a code");
  return code;
}

/** Of another's entry: one that no date can have would fail whoever shows it. */
function readTime(r: Reader): number {
  const atMs = r.varint();
  if (atMs > dateMsMax) throw new FormatError(`a time of ${atMs} ms`);
  return atMs;
}

/** Decisions of one entry follow each other, so where a decision stands is written once. */
export class DecidedWriter {
  #last: Decided | undefined;
  write(w: Writer, decided: Decided | undefined): void {
    if (!decided) return w.u8(0);
    if (decided === this.#last) return w.u8(1);
    w.u8(2);
    w.varint(decided.number);
    w.varint(decided.atMs);
    writeClock(w, decided.clock);
    this.#last = decided;
  }
}

export class DecidedReader {
  #last: Decided | undefined;
  read(r: Reader): Decided | undefined {
    switch (r.u8()) {
      case 0:
        return undefined;
      case 1:
        if (!this.#last) throw new FormatError("decision refers to none before it");
        return this.#last;
      case 2:
        return this.#last = { number: r.varint(), atMs: readTime(r), clock: readClock(r) };
      default:
        throw new FormatError("decision");
    }
  }
  need(r: Reader): Decided {
    const decided = this.read(r);
    if (!decided) throw new FormatError("decision without its place");
    return decided;
  }
}

export function writeAddress(w: Writer, { name, address, introduction }: Address): void {
  w.text(name);
  w.text(address);
  w.u8(introduction ? 1 : 0);
  if (!introduction) return;
  w.blob(introduction.certificate);
  w.blob(introduction.voucher);
}

export function readAddress(r: Reader): Address {
  const name = readName(r);
  const address = r.text();
  if (!isAddress(address)) throw new FormatError(`address "${shortened(oneLine(address))}"`);
  if (!readFlag(r)) return { name, address, introduction: undefined };
  const certificate = r.blob().slice();
  const voucher = r.blob().slice();
  if (certificate.length + voucher.length > introductionBytesMax) {
    throw new FormatError("an introduction that is too long");
  }
  return { name, address, introduction: { certificate, voucher } };
}

/** Batches are written where they are first referred to, and by number from then on. */
export class ProofWriter {
  readonly #numbers = new Map<Batch, number>();

  write(w: Writer, proof: Proof | undefined): void {
    if (!proof) return w.u8(0);
    const { batch, index } = proof;
    let number = this.#numbers.get(batch);
    if (number) w.varint(number);
    else {
      number = this.#numbers.size + 1;
      this.#numbers.set(batch, number);
      w.varint(number);
      w.text(batch.signer);
      w.blob(batch.list);
      w.raw(batch.signature);
    }
    w.varint(index);
  }
}

export class ProofReader {
  readonly #batches: Batch[] = [];

  read(r: Reader): Proof | undefined {
    const number = r.varint();
    if (number === 0) return undefined;
    if (number > this.#batches.length + 1) throw new FormatError(`batch ${number}`);
    let batch = this.#batches[number - 1];
    if (!batch) {
      const signer = readName(r);
      const list = r.blob().slice();
      // A longer one could not be passed on in a frame.
      if (list.length > statementListBytesMax) {
        throw new FormatError("a batch too long");
      }
      batch = { signer, list, signature: r.raw(signatureBytes).slice() };
      this.#batches.push(batch);
    }
    return { batch, index: r.varint() };
  }

  need(r: Reader): Proof {
    const proof = this.read(r);
    if (!proof) throw new FormatError("a proof is missing");
    return proof;
  }
}
