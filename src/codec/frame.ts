/** The bytes of frames: messages on their way, and where their sender stands. */

import { Reader, Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import { framePayloadBytesMax } from "../limits.ts";
import type { Address, Message, Outcome } from "../protocol/message.ts";
import { rejectionCodes } from "../protocol/message.ts";
import { refusalCodes } from "../protocol/order.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { readOrder } from "./order.ts";
import {
  checkVersion,
  DecidedReader,
  DecidedWriter,
  formatVersion,
  hashBytes,
  readClock,
  readCode,
  readFlag,
  readName,
  readPayment,
  readRefusal,
  readTransaction,
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
}

/** The messages in as few frames as their limit allows; at least one, so that an empty list tells
 * the header alone. */
export function encodeFrames(header: FrameHeader, messages: readonly Message[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const w = new Writer(Math.min(framePayloadBytesMax, 256 + messages.length * 160));
  w.u8(formatVersion);
  w.varint(header.number);
  w.raw(header.hash);
  writeClock(w, header.clock);
  const headerLength = w.length;
  let encoder = new MessageWriter(w);
  for (const message of messages) {
    const before = w.length;
    encoder.write(message);
    if (w.length <= framePayloadBytesMax) continue;
    if (before > headerLength) {
      frames.push(w.slice(0, before));
      w.truncate(headerLength);
      encoder = new MessageWriter(w);
      encoder.write(message);
    }
    if (w.length > framePayloadBytesMax) throw new RangeError("a message is longer than a frame");
  }
  frames.push(w.slice());
  return frames;
}

/** Reads a frame. Throws {@linkcode FormatError}. */
export function decodeFrame(payload: Uint8Array): Frame {
  const r = new Reader(payload);
  checkVersion(r.u8(), "frame");
  const number = r.varint();
  const hash = r.raw(hashBytes).slice();
  const clock = readClock(r);
  const decoder = new MessageReader(r);
  const messages: Message[] = [];
  while (!r.done) messages.push(decoder.read());
  return { number, hash, clock, messages };
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
const undecidedReasons = ["voting", "in_doubt", "forced"] as const;
const outcomeStates = ["committed", "aborted", "rejected"] as const;

class MessageWriter {
  #w: Writer;
  #decided = new DecidedWriter();
  constructor(w: Writer) {
    this.#w = w;
  }

  write(message: Message): void {
    const w = this.#w;
    w.u8(messageTypes.indexOf(message.type));
    switch (message.type) {
      case "order":
        return w.blob(message.order.bytes);
      case "prepare":
        writeTransaction(w, message.transaction);
        return w.blob(message.order.bytes);
      case "vote":
        writeTransaction(w, message.transaction);
        w.hex(message.payment);
        w.u8(message.yes ? 1 : 0);
        return writeCode(w, refusalCodes, message.code);
      case "decision":
        writeTransaction(w, message.transaction);
        w.hex(message.payment);
        w.u8(message.commit ? 1 : 0);
        writeCode(w, refusalCodes, message.code);
        return this.#decided.write(w, message.decided);
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
        for (const node of message.nodes) {
          w.text(node.name);
          w.text(node.address);
        }
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

class MessageReader {
  #r: Reader;
  #decided = new DecidedReader();
  constructor(r: Reader) {
    this.#r = r;
  }

  read(): Message {
    const r = this.#r;
    const index = r.u8();
    const type = messageTypes[index];
    switch (type) {
      case "order":
        return { type, order: readOrder(r) };
      case "prepare":
        return { type, transaction: readTransaction(r), order: readOrder(r) };
      case "vote":
        return {
          type,
          transaction: readTransaction(r),
          payment: readPayment(r),
          yes: readFlag(r),
          code: readCode(r, refusalCodes),
        };
      case "decision":
        return {
          type,
          transaction: readTransaction(r),
          payment: readPayment(r),
          commit: readFlag(r),
          code: readCode(r, refusalCodes),
          decided: this.#decided.read(r),
        };
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
          nodes.push({ name: readName(r), address: r.text() });
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
