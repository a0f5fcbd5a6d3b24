/** The bytes of frames: messages on their way, and where their sender stands. */

import { Reader, Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import { framePayloadBytesMax } from "../limits.ts";
import type { Address, Message, OrderMessage, Outcome, Prepare } from "../protocol/message.ts";
import { rejectionCodes } from "../protocol/message.ts";
import { refusalCodes } from "../protocol/order.ts";
import type { Batch, Proof } from "../protocol/proof.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { readDetails, writeDetails } from "./details.ts";
import { readOrder } from "./order.ts";
import { isSigned, StatementList } from "./statement.ts";
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
  readHash,
  readPayment,
  readRefusal,
  readTransaction,
  signatureBytes,
  writeAddress,
  writeClock,
  writeCode,
  writeTransaction,
} from "./values.ts";

/** What every frame says of its sender. */
export interface FrameHeader {
  /** The sender's latest durable entry. */
  readonly number: number;
  readonly hash: Uint8Array;
  readonly clock: VectorClock;
}

export interface Frame extends FrameHeader {
  readonly messages: Message[];
  /** What the sender states in it, if anything. */
  readonly batch?: Batch;
}

/** Signs what a frame states; returns 64 bytes. */
export type Sign = (list: Uint8Array) => Uint8Array;

/**
 * The messages in as few frames as their limits allow; at least one, so that an empty list tells the
 * header alone. What the sender states in a frame is signed together.
 */
export function encodeFrames(
  header: FrameHeader,
  messages: readonly Message[],
  sign: Sign,
): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const head = new Writer(256);
  head.u8(formatVersion);
  head.varint(header.number);
  head.raw(header.hash);
  writeClock(head, header.clock);
  const bodyBytesMax = framePayloadBytesMax - head.length - 1 - signatureBytes;
  let frame = new FrameBody(messages.length);
  const flush = () => {
    const w = new Writer(head.length + frame.length + 1 + signatureBytes);
    w.raw(head.view());
    frame.finish(w, sign);
    frames.push(w.slice());
  };
  for (const message of messages) {
    if (frame.add(message, bodyBytesMax)) continue;
    flush();
    frame = new FrameBody(messages.length);
    if (!frame.add(message, bodyBytesMax)) throw new RangeError("a message is longer than a frame");
  }
  flush();
  return frames;
}

/** The messages of one frame. */
class FrameBody {
  readonly #w: Writer;
  readonly #messages: MessageWriter;
  readonly #stated = new StatementList();

  constructor(messages: number) {
    this.#w = new Writer(Math.min(framePayloadBytesMax, 256 + messages * 160));
    this.#messages = new MessageWriter(this.#w);
  }

  get length(): number {
    return this.#w.length;
  }

  /** False where the message does not fit any more; then this body is to be finished. */
  add(message: Message, bytesMax: number): boolean {
    const before = this.#w.length;
    if (isSigned(message) && !this.#stated.add(message)) return false;
    this.#messages.write(message);
    if (this.#w.length > bytesMax) {
      this.#w.truncate(before);
      if (isSigned(message)) this.#stated.takeBack();
      return false;
    }
    return true;
  }

  finish(w: Writer, sign: Sign): void {
    w.u8(this.#stated.count > 0 ? 1 : 0);
    if (this.#stated.count > 0) w.raw(sign(this.#stated.bytes));
    w.raw(this.#w.view());
  }
}

/**
 * Reads a frame. What its sender states has a proof by it, whose signature is still to be checked, as
 * are those of others that come with it.
 *
 * Throws {@linkcode FormatError}.
 */
export function decodeFrame(payload: Uint8Array, from: string): Frame {
  const r = new Reader(payload);
  checkVersion(r.u8(), "frame");
  const number = r.varint();
  const hash = r.raw(hashBytes).slice();
  const clock = readClock(r);
  const signature = readFlag(r) ? r.raw(signatureBytes).slice() : undefined;
  // Its list is there when all of it has been read.
  const batch = signature && { signer: from, list: noList, signature };
  const decoder = new MessageReader(r);
  const messages: Message[] = [];
  readList.truncate(0);
  const list = new StatementList(readList);
  while (!r.done) {
    const message = decoder.read();
    if (isSigned(message)) {
      if (!batch) throw new FormatError("statements without a signature");
      (message as { proof?: Proof }).proof = { batch, index: list.count };
      if (!list.add(message)) throw new FormatError("too many statements");
    }
    messages.push(message);
  }
  if (!batch) return { number, hash, clock, messages };
  if (list.count === 0) throw new FormatError("a signature of nothing");
  batch.list = list.bytes;
  return { number, hash, clock, messages, batch };
}

const noList: Uint8Array = new Uint8Array(0);
/** One frame is read at a time. */
const readList = new Writer(4096);

const messageTypes = [
  "order",
  "prepare",
  "vote",
  "decision",
  "ack",
  "inquiry",
  "undecided",
  "outcome",
  "directory",
] as const satisfies readonly Message["type"][];
const typeIndex = Object.fromEntries(messageTypes.map((type, index) => [type, index])) as Readonly<
  Record<Message["type"], number>
>;
const undecidedReasons = ["voting", "in_doubt", "forced"] as const;
const outcomeStates = ["committed", "aborted", "rejected"] as const;

/** A commit of no order can be stated by nobody. */
const noHash = new Uint8Array(0);

class MessageWriter {
  #w: Writer;
  #decided = new DecidedWriter();
  #proofs = new ProofWriter();
  constructor(w: Writer) {
    this.#w = w;
  }

  write(message: Message): void {
    const w = this.#w;
    w.u8(typeIndex[message.type]);
    switch (message.type) {
      case "order":
        w.blob(message.order.bytes);
        return writeDetailsOf(w, message);
      case "prepare":
        writeTransaction(w, message.transaction);
        w.blob(message.order.bytes);
        this.#proofs.write(w, message.proof);
        return writeDetailsOf(w, message);
      case "vote":
        writeTransaction(w, message.transaction);
        w.hex(message.payment);
        w.raw(message.orderHash);
        w.u8(message.yes ? 1 : 0);
        return writeCode(w, refusalCodes, message.code);
      case "decision":
        writeTransaction(w, message.transaction);
        w.hex(message.payment);
        w.u8(message.commit ? 1 : 0);
        if (message.commit) w.raw(message.orderHash ?? noHash);
        writeCode(w, refusalCodes, message.code);
        this.#decided.write(w, message.decided);
        return this.#proofs.write(w, message.proof);
      case "ack":
      case "inquiry":
        writeTransaction(w, message.transaction);
        return w.hex(message.payment);
      case "undecided":
        writeTransaction(w, message.transaction);
        w.hex(message.payment);
        return writeCode(w, undecidedReasons, message.why);
      case "outcome":
        w.hex(message.payment);
        return this.#outcome(message.outcome);
      case "directory":
        w.varint(message.nodes.length);
        for (const node of message.nodes) writeAddress(w, node);
        return;
      default:
        message satisfies never;
    }
  }

  #outcome(outcome: Outcome): void {
    const w = this.#w;
    writeCode(w, outcomeStates, outcome.state);
    switch (outcome.state) {
      case "committed":
        writeTransaction(w, outcome.transaction);
        w.u8(outcome.replayed ? 1 : 0);
        return this.#decided.write(w, outcome.decided);
      case "aborted":
        writeCode(w, refusalCodes, outcome.code);
        w.u8(outcome.replayed ? 1 : 0);
        return this.#decided.write(w, outcome.decided);
      case "rejected":
        return writeCode(w, rejectionCodes, outcome.code);
      default:
        outcome satisfies never;
    }
  }
}

/** Nothing tells of details but the order. */
function writeDetailsOf(w: Writer, { order, details }: OrderMessage | Prepare): void {
  if (order.detailsHash) writeDetails(w, details ?? []);
}

class MessageReader {
  #r: Reader;
  #decided = new DecidedReader();
  #proofs = new ProofReader();
  constructor(r: Reader) {
    this.#r = r;
  }

  read(): Message {
    const r = this.#r;
    const index = r.u8();
    const type = messageTypes[index];
    switch (type) {
      case "order": {
        const order = readOrder(r);
        if (!order.detailsHash) return { type, order, proof: undefined };
        return { type, order, proof: undefined, details: readDetails(r) };
      }
      case "prepare": {
        const transaction = readTransaction(r);
        const order = readOrder(r);
        const proof = this.#proofs.read(r);
        if (!order.detailsHash) return { type, transaction, order, proof };
        return { type, transaction, order, proof, details: readDetails(r) };
      }
      case "vote":
        return {
          type,
          transaction: readTransaction(r),
          payment: readPayment(r),
          orderHash: readHash(r),
          yes: readFlag(r),
          code: readCode(r, refusalCodes),
          proof: undefined,
        };
      case "decision": {
        const transaction = readTransaction(r);
        const payment = readPayment(r);
        const commit = readFlag(r);
        return {
          type,
          transaction,
          payment,
          commit,
          orderHash: commit ? readHash(r) : undefined,
          code: readCode(r, refusalCodes),
          decided: commit ? this.#decided.need(r) : this.#decided.read(r),
          proof: this.#proofs.read(r),
        };
      }
      case "ack":
      case "inquiry":
        return { type, transaction: readTransaction(r), payment: readPayment(r) };
      case "undecided": {
        const transaction = readTransaction(r);
        const payment = readPayment(r);
        const why = readCode(r, undecidedReasons);
        if (!why) throw new FormatError("undecided without a reason");
        return { type, transaction, payment, why };
      }
      case "outcome":
        return { type, payment: readPayment(r), outcome: this.#outcome() };
      case "directory": {
        const nodes: Address[] = [];
        for (let count = r.varint(); count > 0; count--) {
          nodes.push(readAddress(r));
        }
        return { type, nodes };
      }
      case undefined:
        throw new FormatError(`message of type ${index}`);
      default:
        return type satisfies never;
    }
  }

  #outcome(): Outcome {
    const r = this.#r;
    const state = readCode(r, outcomeStates);
    switch (state) {
      case "committed":
        return {
          state,
          transaction: readTransaction(r),
          replayed: readFlag(r),
          decided: this.#decided.need(r),
        };
      case "aborted":
        return {
          state,
          code: readRefusal(r),
          replayed: readFlag(r),
          decided: this.#decided.need(r),
        };
      case "rejected": {
        const code = readCode(r, rejectionCodes);
        if (!code) throw new FormatError("rejection without a code");
        return { state, code };
      }
      case undefined:
        throw new FormatError("outcome without a state");
      default:
        return state satisfies never;
    }
  }
}
