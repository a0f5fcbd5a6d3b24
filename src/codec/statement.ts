/**
 * What nodes sign: an order, a vote, a decision. All statements of a frame stand in one list under one
 * signature, so that signing costs little, and each can be shown with its list to somebody else.
 */

import { Reader, Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import { statementListBytesMax } from "../limits.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Decided, Message } from "../protocol/message.ts";
import { refusalCodes, sameBytes } from "../protocol/order.ts";
import type { Order } from "../protocol/order.ts";
import type { Decision, Vote } from "../protocol/message.ts";
import type { Batch, Proof } from "../protocol/proof.ts";
import { sha256 } from "../sha256.ts";
import {
  formatVersion,
  hashBytes,
  readCode,
  readHash,
  readPayment,
  readTransaction,
  writeClock,
  writeCode,
  writeTransaction,
} from "./values.ts";

/** Statements of different kinds are never the same bytes. */
const kinds = { order: 1, yes: 2, no: 3, commit: 4, abort: 5 } as const;

/** A message whose sender signs it: a decision only where it is not shown as another's. */
export function isSigned(message: Message): boolean {
  switch (message.type) {
    case "order":
    case "vote":
      return true;
    case "decision":
      return message.proof === undefined;
    default:
      return false;
  }
}

/** Gathers what a frame states. */
export class StatementList {
  readonly #w = new Writer(1024);
  #count = 0;
  /** Where the last one begins. */
  #last = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): Uint8Array {
    return this.#w.slice();
  }

  get length(): number {
    return this.#w.length;
  }

  /**
   * False where it does not fit any more.
   *
   * @param message one that {@linkcode isSigned}
   */
  add(message: Message): boolean {
    this.#last = this.#w.length;
    const start = this.#w.beginShort();
    writeStatement(this.#w, message);
    this.#w.endShort(start);
    if (this.#w.length > statementListBytesMax) {
      this.#w.truncate(this.#last);
      return false;
    }
    this.#count++;
    return true;
  }

  /** The one that was added last. */
  takeBack(): void {
    this.#w.truncate(this.#last);
    this.#count--;
  }
}

/** What a vote's statement says of it. */
type StatedVote = Pick<Vote, "transaction" | "orderHash" | "yes">;

/**
 * Takes the statements of a frame out of its list, one after the other: messages have only what stands in
 * no statement. Every method throws {@linkcode FormatError} where the next one states something else.
 */
export class StatementReader {
  readonly #r: Reader;
  /** Where the one that is being read ends. */
  #end = 0;
  #count = 0;

  constructor(list: Uint8Array) {
    this.#r = new Reader(list);
  }

  /** How many have been read. */
  get count(): number {
    return this.#count;
  }

  get done(): boolean {
    return this.#r.done;
  }

  order({ hash }: Order): void {
    const isOrder = this.#begin() === kinds.order;
    if (!isOrder || !this.#r.matches(hash)) {
      throw new FormatError("an order that is not the one stated");
    }
    this.#finish();
  }

  vote(): StatedVote {
    const kind = this.#begin();
    const yes = kind === kinds.yes;
    if (!yes && kind !== kinds.no) throw new FormatError("a vote that is not stated");
    const vote = { transaction: readTransaction(this.#r), orderHash: readHash(this.#r), yes };
    this.#finish();
    return vote;
  }

  /** @param decided where the message says that the decision stands */
  decision(payment: PaymentId, decided: Decided | undefined): Stated {
    const r = this.#r;
    const kind = this.#begin();
    const commit = kind === kinds.commit;
    if (!commit && kind !== kinds.abort) throw new FormatError("a decision that is not stated");
    const transaction = readTransaction(r);
    const isThere = r.varint() === (decided?.number ?? 0) &&
      (!decided || r.matches(placeOf(decided)));
    if (!isThere || (!commit && readPayment(r) !== payment)) {
      throw new FormatError("a decision that is not the one stated");
    }
    const orderHash = commit ? readHash(r) : undefined;
    const code = commit ? undefined : readCode(r, refusalCodes);
    this.#finish();
    return { transaction, payment, commit, orderHash, code, decided };
  }

  /** Returns what kind of statement is the next. */
  #begin(): number {
    if (this.#r.done) throw new FormatError("fewer statements than messages that have one");
    const length = this.#r.varint();
    this.#end = this.#r.position + length;
    return this.#r.u8();
  }

  #finish(): void {
    if (this.#r.position !== this.#end) throw new FormatError("a statement of another length");
    this.#count++;
  }
}

export function orderStatement(order: Order): Uint8Array {
  return statement((w) => writeOrder(w, order));
}

export function voteStatement(vote: StatedVote): Uint8Array {
  return statement((w) => writeVote(w, vote));
}

type Stated = Pick<
  Decision,
  "transaction" | "payment" | "commit" | "orderHash" | "code" | "decided"
>;

export function decisionStatement(decision: Stated): Uint8Array {
  return statement((w) => writeDecision(w, decision));
}

/** Of one statement. */
const writer = new Writer(128);

function statement(write: (w: Writer) => void): Uint8Array {
  writer.truncate(0);
  write(writer);
  return writer.slice();
}

function writeStatement(w: Writer, message: Message): void {
  switch (message.type) {
    case "order":
      return writeOrder(w, message.order);
    case "vote":
      return writeVote(w, message);
    case "decision":
      return writeDecision(w, message);
    default:
      throw new TypeError(`a message of type "${message.type}" states nothing`);
  }
}

function writeOrder(w: Writer, { hash }: Order): void {
  w.u8(kinds.order);
  w.raw(hash);
}

function writeVote(w: Writer, { transaction, orderHash, yes }: StatedVote): void {
  w.u8(yes ? kinds.yes : kinds.no);
  writeTransaction(w, transaction);
  w.raw(orderHash);
}

function writeDecision(w: Writer, decision: Stated): void {
  const { transaction, payment, commit, orderHash, code, decided } = decision;
  w.u8(commit ? kinds.commit : kinds.abort);
  writeTransaction(w, transaction);
  // The coordinator's entry and its clock, where the decision stands in one.
  w.varint(decided?.number ?? 0);
  if (decided) w.raw(placeOf(decided));
  if (!commit) {
    // Whoever is asked about a transaction need not know its order, so the payment is named by its id:
    // an abort told of one must not pass for that of another.
    w.hex(payment);
    return writeCode(w, refusalCodes, code);
  }
  if (orderHash?.length !== hashBytes) throw new TypeError("a commit of no order");
  w.raw(orderHash);
}

/** Of what stands for the clock and the time of an entry. */
const placeBytes = 8;

/** All decisions of an entry have the same object for where they stand, and follow each other. */
const placeOf = remembered((decided: Decided): Uint8Array => {
  const w = new Writer(256);
  w.varint(decided.atMs);
  writeClock(w, decided.clock);
  return sha256(w.view()).slice(0, placeBytes);
});

/** Where the statements of a batch begin, and where they end. */
interface Places {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

const placesIn = remembered((batch: Batch): Places => {
  const starts: number[] = [];
  const ends: number[] = [];
  const r = new Reader(batch.list);
  while (!r.done) {
    const length = r.varint();
    starts.push(r.skip(length));
    ends.push(r.position);
  }
  return { starts, ends };
});

/** The statement that a proof is of. Throws {@linkcode FormatError} if its list has none there. */
export function statementOf({ batch, index }: Proof): Uint8Array {
  const { starts, ends } = placesIn(batch);
  const start = starts[index];
  if (start === undefined) throw new FormatError(`a list without statement ${index}`);
  return batch.list.subarray(start, ends[index]);
}

/**
 * Whether a proof is of this order, as {@linkcode states} says of its statement.
 *
 * Throws {@linkcode FormatError} as that does.
 */
export function statesOrder({ batch, index }: Proof, { hash }: Order): boolean {
  const { starts, ends } = placesIn(batch);
  const start = starts[index];
  if (start === undefined) throw new FormatError(`a list without statement ${index}`);
  const { list } = batch;
  if (ends[index]! - start !== 1 + hashBytes || list[start] !== kinds.order) return false;
  for (let i = 0; i < hashBytes; i++) if (list[start + 1 + i] !== hash[i]) return false;
  return true;
}

/** A list of one statement alone. */
export function listOf(statement: Uint8Array): Uint8Array {
  const w = new Writer(statement.length + 8);
  w.blob(statement);
  return w.slice();
}

/** Whether a proof is of exactly this statement, if its batch is what its signer has signed. */
export function states(proof: Proof, statement: Uint8Array): boolean {
  return sameBytes(statementOf(proof), statement);
}

/**
 * What is signed for a batch: who signs in which network, and the list.
 *
 * @param network SHA-256 of the CA's certificate, hexadecimal
 */
export function signedBytes(
  network: string,
  { signer, list }: Omit<Batch, "signature">,
): Uint8Array {
  const w = new Writer(list.length + 128);
  w.text(`handfast statements ${formatVersion}`);
  w.hex(network);
  w.text(signer);
  w.raw(list);
  return w.slice();
}

/** Works out a value once for each object; the last one is looked for first. */
function remembered<Of extends object, T>(workOut: (of: Of) => T): (of: Of) => T {
  const known = new WeakMap<Of, T>();
  let last: { readonly of: Of; readonly value: T } | undefined;
  return (of) => {
    if (last?.of === of) return last.value;
    const value = known.get(of) ?? workOut(of);
    known.set(of, value);
    last = { of, value };
    return value;
  };
}
