/**
 * The bytes of records, and of what they are stored in: entries and checkpoints.
 *
 * Long for one file, as each kind of record has a case in the writer and one in the reader, to be compared.
 */

import { Reader, Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import { legsMax } from "../limits.ts";
import { isName } from "../names.ts";
import type { Expiry } from "../protocol/card.ts";
import { refusalCodes } from "../protocol/order.ts";
import type { EntryContext, LogRecord } from "../protocol/record.ts";
import type { Found } from "../protocol/step.ts";
import { readOrder } from "./order.ts";
import {
  checkVersion,
  DecidedReader,
  DecidedWriter,
  formatVersion,
  hashBytes,
  ProofReader,
  ProofWriter,
  readAddress,
  readClock,
  readCode,
  readFlag,
  readName,
  readPayment,
  readRefusal,
  TransactionReader,
  TransactionWriter,
  writeAddress,
  writeClock,
  writeCode,
  writeEpoch,
} from "./values.ts";

export interface Witness {
  readonly number: number;
  readonly hash: Uint8Array;
}

/** One unit of the log: the records of a turn, and where they stand in the network's history. */
export interface Entry extends EntryContext {
  /** SHA-256 of the entry before, zeros for the first. */
  readonly previous: Uint8Array;
  /** For each peer the latest entry of it that this node has seen. */
  readonly witnesses: ReadonlyMap<string, Witness>;
  readonly records: readonly LogRecord[];
}

export function encodeEntry(entry: Entry): Uint8Array<ArrayBuffer> {
  const w = new Writer(256 + entry.records.length * 160);
  w.u8(formatVersion);
  w.varint(entry.number);
  w.raw(entry.previous);
  w.varint(entry.atMs);
  writeClock(w, entry.clock);
  w.varint(entry.witnesses.size);
  for (const [name, witness] of entry.witnesses) {
    w.text(name);
    w.varint(witness.number);
    w.raw(witness.hash);
  }
  const encoder = new RecordWriter(w);
  for (const record of entry.records) encoder.write(record);
  return w.slice();
}

/** Reads an entry. Throws {@linkcode FormatError}. */
export function decodeEntry(bytes: Uint8Array): Entry {
  const r = new Reader(bytes);
  checkVersion(r.u8(), "entry");
  const number = r.varint();
  const previous = r.raw(hashBytes);
  const atMs = r.varint();
  const clock = readClock(r);
  const witnesses = new Map<string, Witness>();
  for (let count = r.varint(); count > 0; count--) {
    const name = readName(r);
    if (witnesses.has(name)) throw new FormatError(`"${name}" witnessed twice`);
    witnesses.set(name, { number: r.varint(), hash: r.raw(hashBytes) });
  }
  const decoder = new RecordReader(r);
  const records: LogRecord[] = [];
  while (!r.done) records.push(decoder.read());
  return { number, previous, atMs, clock, witnesses, records };
}

/** The encoded state, in pieces that can be written one by one. They are made as they are taken. */
export function* encodeState(state: Iterable<Found>, pieceBytes: number): Iterable<Uint8Array> {
  let w = new Writer(pieceBytes + 8192);
  let encoder = new RecordWriter(w);
  let last = 0;
  for (const [{ number, atMs, clock }, record] of state) {
    // Balances have all the same context, which is longer than they are.
    w.varint(number === last ? 0 : number);
    if (number !== last) {
      w.varint(atMs);
      writeClock(w, clock);
    }
    last = number;
    encoder.write(record);
    if (w.length < pieceBytes) continue;
    yield w.slice();
    w = new Writer(pieceBytes + 8192);
    encoder = new RecordWriter(w);
    last = 0;
  }
  if (w.length > 0) yield w.slice();
}

/** Reads one piece. Throws {@linkcode FormatError}. */
export function decodeState(piece: Uint8Array): Found[] {
  const r = new Reader(piece);
  const decoder = new RecordReader(r);
  const state: Found[] = [];
  let context: EntryContext | undefined;
  while (!r.done) {
    const number = r.varint();
    if (number === (context?.number ?? 0)) throw new FormatError(`entry ${number} named in vain`);
    if (number > 0) context = { number, atMs: r.varint(), clock: readClock(r) };
    state.push([context!, decoder.read()]);
  }
  return state;
}

const recordTypes = [
  "genesis",
  "started",
  "introduced",
  "readmitted",
  "checkpointed",
  "joined",
  "opened",
  "keyed",
  "prepared",
  "posted",
  "released",
  "refused",
  "forced",
  "mismatch",
  "committed",
  "aborted",
  "ended",
  "balance",
  "acknowledged",
  "unacknowledged",
  "erased",
  "carded",
  "uncarded",
] as const satisfies readonly LogRecord["type"][];
const typeIndex = Object.fromEntries(recordTypes.map((type, index) => [type, index])) as Readonly<
  Record<LogRecord["type"], number>
>;
const roles = ["coordinator", "participant"] as const;

class RecordWriter {
  #w: Writer;
  #decided = new DecidedWriter();
  #proofs = new ProofWriter();
  #transactions = new TransactionWriter();
  constructor(w: Writer) {
    this.#w = w;
  }

  write(record: LogRecord): void {
    const w = this.#w;
    w.u8(typeIndex[record.type]);
    switch (record.type) {
      case "genesis":
        w.hex(record.network);
        w.text(record.name);
        writeCode(w, roles, record.role);
        return w.varint(record.version);
      case "started":
      case "joined":
        return writeEpoch(w, record.epoch);
      case "introduced":
        return writeAddress(w, record);
      case "readmitted":
        w.text(record.name);
        return w.text(record.by);
      case "erased":
        w.hex(record.payment);
        return w.text(record.by);
      case "checkpointed":
        w.varint(record.number);
        w.varint(record.on);
        return w.hex(record.hash);
      case "opened":
        w.text(record.account);
        w.text(record.currency);
        return w.i64(record.opening);
      case "balance":
        w.text(record.account);
        w.text(record.currency);
        return w.text(record.posted.toString());
      case "keyed":
        w.hex(record.key);
        w.hex(record.request);
        return w.hex(record.payment);
      case "prepared":
        this.#transactions.write(w, record.transaction);
        w.blob(record.order.bytes);
        this.#proofs.write(w, record.proof);
        if (record.order.detailsHash) w.u8(record.hasDetails ? 1 : 0);
        return w.text(record.card ?? "");
      case "committed":
        this.#transactions.write(w, record.transaction);
        w.blob(record.order.bytes);
        w.varint(record.proofs.length);
        for (const proof of record.proofs) this.#proofs.write(w, proof);
        return;
      case "posted":
        this.#transactions.write(w, record.transaction);
        w.hex(record.payment);
        this.#decided.write(w, record.decided);
        return this.#proofs.write(w, record.proof);
      case "released":
        this.#transactions.write(w, record.transaction);
        w.hex(record.payment);
        writeCode(w, refusalCodes, record.code);
        this.#decided.write(w, record.decided);
        return this.#proofs.write(w, record.proof);
      case "refused":
      case "ended":
        this.#transactions.write(w, record.transaction);
        return w.hex(record.payment);
      case "forced":
        this.#transactions.write(w, record.transaction);
        w.blob(record.order.bytes);
        w.u8(record.commit ? 1 : 0);
        w.text(record.by);
        return w.text(record.card ?? "");
      case "mismatch":
        this.#transactions.write(w, record.transaction);
        w.hex(record.payment);
        return w.u8(record.commit ? 1 : 0);
      case "acknowledged":
        this.#transactions.write(w, record.transaction);
        w.hex(record.payment);
        return w.text(record.by);
      case "unacknowledged":
        this.#transactions.write(w, record.transaction);
        w.hex(record.payment);
        w.u8(record.commit ? 1 : 0);
        return w.text(record.by);
      case "aborted":
        w.blob(record.order.bytes);
        writeCode(w, refusalCodes, record.code);
        return this.#decided.write(w, record.decided);
      case "carded":
        w.hex(record.hash);
        w.text(record.account);
        w.text(record.masked);
        w.varint(record.expiry.year);
        return w.u8(record.expiry.month);
      case "uncarded":
        return w.hex(record.hash);
      default:
        record satisfies never;
    }
  }
}

/** Of proofs: the order's, and a vote a participant. */
function readCount(r: Reader): number {
  const count = r.varint();
  if (count > legsMax + 1) throw new FormatError(`${count} proofs`);
  return count;
}

/** Balances have no bound, so they are written as digits. */
function readDigits(r: Reader): bigint {
  const digits = r.text();
  if (!/^(0|-?[1-9][0-9]*)$/.test(digits)) throw new FormatError(`balance "${digits}"`);
  return BigInt(digits);
}

/** The account behind a card; nothing where no card pays. */
function readCard(r: Reader): { readonly card?: string } {
  const card = r.text();
  if (card !== "" && !isName(card)) throw new FormatError(`account "${card}" behind a card`);
  return card === "" ? {} : { card };
}

function readExpiry(r: Reader): Expiry {
  const year = r.varint();
  const month = r.u8();
  if (month < 1 || month > 12) throw new FormatError(`month ${month}`);
  return { year, month };
}

class RecordReader {
  #r: Reader;
  #decided = new DecidedReader();
  #proofs = new ProofReader();
  #transactions = new TransactionReader();
  constructor(r: Reader) {
    this.#r = r;
  }

  read(): LogRecord {
    const r = this.#r;
    const index = r.u8();
    const type = recordTypes[index];
    switch (type) {
      case "genesis": {
        const network = r.hex(hashBytes);
        const name = readName(r);
        const role = readCode(r, roles);
        if (!role) throw new FormatError("genesis without a role");
        return { type, network, name, role, version: r.varint() };
      }
      case "started":
      case "joined":
        return { type, epoch: { counter: r.varint(), nonce: r.hex(6) } };
      case "introduced":
        return { type, ...readAddress(r) };
      case "readmitted":
        return { type, name: readName(r), by: r.text() };
      case "checkpointed":
        return { type, number: r.varint(), on: r.varint(), hash: r.hex(hashBytes) };
      case "opened":
        return { type, account: readName(r), currency: r.text(), opening: r.i64() };
      case "balance":
        return { type, account: readName(r), currency: r.text(), posted: readDigits(r) };
      case "keyed":
        return { type, key: r.hex(16), request: r.hex(hashBytes), payment: readPayment(r) };
      case "prepared": {
        const transaction = this.#transactions.read(r);
        const order = readOrder(r);
        const proof = this.#proofs.read(r);
        const prepared = { type, transaction, order, proof };
        const hasDetails = order.detailsHash !== undefined && readFlag(r);
        return { ...prepared, ...hasDetails ? { hasDetails } : {}, ...readCard(r) };
      }
      case "erased":
        return { type, payment: readPayment(r), by: r.text() };
      case "committed":
        return {
          type,
          transaction: this.#transactions.read(r),
          order: readOrder(r),
          proofs: Array.from({ length: readCount(r) }, () => this.#proofs.need(r)),
        };
      case "posted":
        return {
          type,
          transaction: this.#transactions.read(r),
          payment: readPayment(r),
          decided: this.#decided.need(r),
          proof: this.#proofs.read(r),
        };
      case "released":
        return {
          type,
          transaction: this.#transactions.read(r),
          payment: readPayment(r),
          code: readCode(r, refusalCodes),
          decided: this.#decided.read(r),
          proof: this.#proofs.read(r),
        };
      case "refused":
      case "ended":
        return { type, transaction: this.#transactions.read(r), payment: readPayment(r) };
      case "forced":
        return {
          type,
          transaction: this.#transactions.read(r),
          order: readOrder(r),
          commit: readFlag(r),
          by: r.text(),
          ...readCard(r),
        };
      case "mismatch":
        return {
          type,
          transaction: this.#transactions.read(r),
          payment: readPayment(r),
          commit: readFlag(r),
        };
      case "acknowledged":
        return {
          type,
          transaction: this.#transactions.read(r),
          payment: readPayment(r),
          by: r.text(),
        };
      case "unacknowledged":
        return {
          type,
          transaction: this.#transactions.read(r),
          payment: readPayment(r),
          commit: readFlag(r),
          by: r.text(),
        };
      case "aborted":
        return {
          type,
          order: readOrder(r),
          code: readRefusal(r),
          decided: this.#decided.read(r),
        };
      case "carded":
        return {
          type,
          hash: r.hex(hashBytes),
          account: readName(r),
          masked: r.text(),
          expiry: readExpiry(r),
        };
      case "uncarded":
        return { type, hash: r.hex(hashBytes) };
      case undefined:
        throw new FormatError(`record of type ${index}`);
      default:
        return type satisfies never;
    }
  }
}
