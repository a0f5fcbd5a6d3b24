/** The values that messages and records have in common, written and read. */

import type { Reader, Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import { introductionBytesMax, peersMax, statementBytesMax, statementsMax } from "../limits.ts";
import type { Epoch, PaymentId, TransactionId } from "../protocol/id.ts";
import { isName, transactionParts } from "../protocol/id.ts";
import type { Address, Decided } from "../protocol/message.ts";
import type { RefusalCode } from "../protocol/order.ts";
import { refusalCodes } from "../protocol/order.ts";
import type { Batch, Proof } from "../protocol/proof.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";

/** Of orders, frames, entries and checkpoints alike. Changing any of them needs another one. */
export const formatVersion = 3;
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

export function readName(r: Reader): string {
  const name = r.text();
  if (!isName(name)) throw new FormatError(`name "${name}"`);
  return name;
}

export function readPayment(r: Reader): PaymentId {
  const hex = r.hex(16);
  if (hex[12] !== "7" || !"89ab".includes(hex[16]!)) throw new FormatError(`payment id ${hex}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${
    hex.slice(20)
  }` as PaymentId;
}

export function writeEpoch(w: Writer, epoch: Epoch): void {
  w.varint(epoch.counter);
  w.hex(epoch.nonce);
}

export function writeTransaction(w: Writer, id: TransactionId): void {
  const parts = transactionParts(id);
  writeEpoch(w, parts);
  w.varint(parts.sequence);
}

export function readTransaction(r: Reader): TransactionId {
  return `${r.varint()}-${r.hex(6)}-${r.varint()}` as TransactionId;
}

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

/** Decisions of one entry follow each other, so where a decision stands is written once. */
export class DecidedWriter {
  #last: Decided | undefined;
  write(w: Writer, decided: Decided | undefined): void {
    if (!decided) return w.u8(0);
    if (decided === this.#last) return w.u8(1);
    w.u8(2);
    w.varint(decided.number);
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
        return this.#last = { number: r.varint(), clock: readClock(r) };
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
      if (list.length > statementsMax * statementBytesMax) {
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
