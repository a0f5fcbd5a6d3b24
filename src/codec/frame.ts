/**
 * The bytes of frames: messages on their way, and where their sender stands.
 *
 * Long for one file, as each kind of message has a case in the writer and one in the reader, to be compared.
 */

import { Reader, Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import { framePayloadBytesMax, statementListBytesMax } from "../limits.ts";
import type {
  Address,
  Decision,
  Message,
  OrderMessage,
  Outcome,
  Prepare,
} from "../protocol/message.ts";
import { rejectionCodes } from "../protocol/message.ts";
import { refusalCodes } from "../protocol/order.ts";
import type { Batch, Proof } from "../protocol/proof.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { readDetails, writeDetails } from "./details.ts";
import { readOrder } from "./order.ts";
import { isSigned, StatementList, StatementReader } from "./statement.ts";
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
  signatureBytes,
  TransactionReader,
  TransactionWriter,
  writeAddress,
  writeClock,
  writeCode,
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
  const bodyBytesMax = framePayloadBytesMax - head.length - signedBytesMax;
  let frame = new FrameBody(messages.length);
  const flush = () => {
    const w = new Writer(head.length + frame.length + signedBytesMax);
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

/** Of what is signed, besides the list itself: whether there is any, a signature, the list's length. */
const signedBytesMax = 1 + signatureBytes + 3;

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
    return this.#w.length + this.#stated.length;
  }

  /** False where the message does not fit any more; then this body is to be finished. */
  add(message: Message, bytesMax: number): boolean {
    const before = this.#w.length;
    if (isSigned(message) && !this.#stated.add(message)) return false;
    this.#messages.write(message);
    if (this.length > bytesMax) {
      this.#w.truncate(before);
      if (isSigned(message)) this.#stated.takeBack();
      return false;
    }
    return true;
  }

  finish(w: Writer, sign: Sign): void {
    w.u8(this.#stated.count > 0 ? 1 : 0);
    if (this.#stated.count > 0) {
      const list = this.#stated.bytes;
      w.raw(sign(list));
      w.blob(list);
    }
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
  const batch = readFlag(r) ? readBatch(r, from) : undefined;
  const decoder = new MessageReader(r, batch);
  const messages: Message[] = [];
  while (!r.done) messages.push(decoder.read());
  decoder.end();
  return batch ? { number, hash, clock, messages, batch } : { number, hash, clock, messages };
}

function readBatch(r: Reader, signer: string): Batch {
  const signature = r.raw(signatureBytes).slice();
  const list = r.blob().slice();
  if (list.length === 0) throw new FormatError("a signature of nothing");
  if (list.length > statementListBytesMax) throw new FormatError("too many statements");
  return { signer, list, signature };
}

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

/** A decision that another has stated, which is passed on. */
const passedOn = messageTypes.length;
/** A commit of no order can be stated by nobody. */
const noHash = new Uint8Array(0);

/** Of what its sender states, only what the statement lacks is written. */
class MessageWriter {
  #w: Writer;
  #decided = new DecidedWriter();
  #proofs = new ProofWriter();
  #transactions = new TransactionWriter();
  constructor(w: Writer) {
    this.#w = w;
  }

  write(message: Message): void {
    const w = this.#w;
    if (message.type === "decision" && message.proof) return this.#passOn(message, message.proof);
    w.u8(typeIndex[message.type]);
    switch (message.type) {
      case "order":
        w.blob(message.order.bytes);
        return writeDetailsOf(w, message);
      case "prepare":
        this.#transactions.write(w, message.transaction);
        w.blob(message.order.bytes);
        this.#proofs.write(w, message.proof);
        return writeDetailsOf(w, message);
      case "vote":
        w.hex(message.payment);
        return writeCode(w, refusalCodes, message.code);
      case "decision":
        w.hex(message.payment);
        return this.#decided.write(w, message.decided);
      case "ack":
      case "inquiry":
        this.#transactions.write(w, message.transaction);
        return w.hex(message.payment);
      case "undecided":
        this.#transactions.write(w, message.transaction);
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

  #passOn(decision: Decision, proof: Proof): void {
    const w = this.#w;
    w.u8(passedOn);
    this.#transactions.write(w, decision.transaction);
    w.hex(decision.payment);
    w.u8(decision.commit ? 1 : 0);
    if (decision.commit) w.raw(decision.orderHash ?? noHash);
    else writeCode(w, refusalCodes, decision.code);
    this.#decided.write(w, decision.decided);
    this.#proofs.write(w, proof);
  }

  #outcome(outcome: Outcome): void {
    const w = this.#w;
    writeCode(w, outcomeStates, outcome.state);
    switch (outcome.state) {
      case "committed":
        this.#transactions.write(w, outcome.transaction);
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
  #transactions = new TransactionReader();
  readonly #batch: Batch | undefined;
  readonly #stated: StatementReader | undefined;

  /** @param batch what the sender states in the frame, if anything */
  constructor(r: Reader, batch: Batch | undefined) {
    this.#r = r;
    this.#batch = batch;
    this.#stated = batch && new StatementReader(batch.list);
  }

  /** All has been read: nothing may be stated of which no message has spoken. */
  end(): void {
    if (this.#stated?.done === false) throw new FormatError("a statement without a message");
  }

  read(): Message {
    const r = this.#r;
    const index = r.u8();
    if (index === passedOn) return this.#passedOn();
    const type = messageTypes[index];
    switch (type) {
      case "order": {
        const order = readOrder(r);
        const proof = this.#proof();
        this.#statements.order(order);
        if (!order.detailsHash) return { type, order, proof };
        return { type, order, proof, details: readDetails(r) };
      }
      case "prepare": {
        const transaction = this.#transactions.read(r);
        const order = readOrder(r);
        const proof = this.#proofs.read(r);
        if (!order.detailsHash) return { type, transaction, order, proof };
        return { type, transaction, order, proof, details: readDetails(r) };
      }
      case "vote": {
        const proof = this.#proof();
        const { transaction, orderHash, yes } = this.#statements.vote();
        const payment = readPayment(r);
        return {
          type,
          transaction,
          payment,
          orderHash,
          yes,
          code: readCode(r, refusalCodes),
          proof,
        };
      }
      case "decision": {
        const proof = this.#proof();
        const payment = readPayment(r);
        const decided = this.#decided.read(r);
        const stated = this.#statements.decision(payment, decided);
        const { transaction, commit, orderHash, code } = stated;
        if (commit && !decided) throw new FormatError("decision without its place");
        return { type, transaction, payment, commit, orderHash, code, decided, proof };
      }
      case "ack":
      case "inquiry":
        return { type, transaction: this.#transactions.read(r), payment: readPayment(r) };
      case "undecided": {
        const transaction = this.#transactions.read(r);
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

  get #statements(): StatementReader {
    if (this.#stated) return this.#stated;
    throw new FormatError("statements without a signature");
  }

  /** Of the next statement. */
  #proof(): Proof {
    return { batch: this.#batch!, index: this.#statements.count };
  }

  #passedOn(): Decision {
    const r = this.#r;
    const transaction = this.#transactions.read(r);
    const payment = readPayment(r);
    const commit = readFlag(r);
    return {
      type: "decision",
      transaction,
      payment,
      commit,
      orderHash: commit ? readHash(r) : undefined,
      code: commit ? undefined : readCode(r, refusalCodes),
      decided: commit ? this.#decided.need(r) : this.#decided.read(r),
      proof: this.#proofs.need(r),
    };
  }

  #outcome(): Outcome {
    const r = this.#r;
    const state = readCode(r, outcomeStates);
    switch (state) {
      case "committed":
        return {
          state,
          transaction: this.#transactions.read(r),
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
