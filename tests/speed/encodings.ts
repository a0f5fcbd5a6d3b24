/**
 * What the messages of a payment cost on the wire, as the codec has them and as two encodings that one takes
 * from a shelf have them: bytes, and microseconds to write and to read all that pass at one payment. The others
 * check nothing of what they read, and neither rebuild what was signed.
 *
 *   deno run -A tests/speed/encodings.ts
 */

import { decode, encode } from "npm:deno-std@1.4.0/msgpack/mod.js";
import { generate as generateUuid7 } from "@std/uuid/v7";
import { decodeFrame, encodeFrames } from "../../src/codec/frame.ts";
import { encodeOrder } from "../../src/codec/order.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import type { Message } from "../../src/protocol/message.ts";

const count = 60;
const rounds = 400;
const signature = new Uint8Array(64).fill(7);
const header = {
  number: 123_456,
  hash: new Uint8Array(32).fill(1),
  clock: new Map([["coordinator", 123_456], ["alice", 98_765], ["bob", 87_654]]),
};
const sign = () => signature;

/** What passes at so many payments, frame by frame. */
function framesOf(first: number): Message[][] {
  const orders = Array.from({ length: count }, (_, i) =>
    encodeOrder({
      payment: generateUuid7() as PaymentId,
      originator: "alice",
      legs: [
        { account: `a${i}`, participant: "alice", amount: -125n, currency: "USD" },
        { account: `a${i + 7}`, participant: "bob", amount: 125n, currency: "USD" },
      ],
    }));
  const transaction = (i: number) => `7-0123456789ab-${first + i}` as TransactionId;
  const each = (of: (i: number) => Message) => orders.map((_, i) => of(i));
  const ordered = each((i) => ({ type: "order", order: orders[i]! }));
  const [stated] = encodeFrames(header, ordered, sign).map((frame) => decodeFrame(frame, "alice"));
  const batch = stated!.batch!;
  const prepare = (isOwn: boolean) =>
    each((i) => ({
      type: "prepare",
      transaction: transaction(i),
      order: orders[i]!,
      proof: isOwn ? undefined : { batch, index: i },
    }));
  const of = (i: number) => ({ transaction: transaction(i), payment: orders[i]!.payment });
  const votes = each((i) => ({ type: "vote", ...of(i), orderHash: orders[i]!.hash, yes: true }));
  const decided = { ...header, atMs: Date.UTC(2025, 0, 31) };
  const decisions = each((i) => ({
    type: "decision",
    ...of(i),
    commit: true,
    orderHash: orders[i]!.hash,
    decided,
  }));
  const acks = each((i) => ({ type: "ack", ...of(i) }));
  return [ordered, prepare(true), prepare(false), votes, votes, decisions, decisions, acks, acks];
}

type Plain = null | boolean | number | string | Plain[] | Uint8Array | { [key: string]: Plain };

/** A frame as the others have it: lists of statements once, and of a proof its place in one. */
function frameOf(messages: readonly Message[], isText: boolean): Plain {
  const proofs = messages.flatMap((message) => "proof" in message ? message.proof ?? [] : []);
  const batches = [...new Set(proofs.map(({ batch }) => batch))];
  const body = messages.map((message) =>
    "proof" in message && message.proof ? { ...message, proof: message.proof.index } : message
  );
  return plain({ ...header, batches, messages: body }, isText);
}

/** Without what has no place in JSON or MessagePack; of an order only its bytes. */
function plain(value: unknown, isText: boolean): Plain {
  if (value instanceof Uint8Array) return isText ? value.toBase64() : value;
  if (value instanceof Map) return Object.fromEntries(value);
  if (Array.isArray(value)) return value.map((one) => plain(one, isText));
  if (typeof value !== "object" || value === null) return value as Plain;
  if ("bytes" in value) return plain(value.bytes, isText);
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== undefined)
      .map(([key, one]) => [key, plain(one, isText)]),
  );
}

const text = { encoder: new TextEncoder(), decoder: new TextDecoder() };
const encodings: Record<
  string,
  [write: (messages: Message[]) => Uint8Array[], read: (bytes: Uint8Array) => unknown]
> = {
  "the codec": [
    (messages) => encodeFrames(header, messages, sign),
    (bytes) => decodeFrame(bytes, "alice"),
  ],
  "JSON": [
    (messages) => [text.encoder.encode(JSON.stringify(frameOf(messages, true)))],
    (bytes) => JSON.parse(text.decoder.decode(bytes)),
  ],
  "MessagePack": [
    (messages) => [encode(frameOf(messages, false))],
    (bytes) => decode(bytes),
  ],
};

for (const [name, [write, read]] of Object.entries(encodings)) {
  let bytes = 0;
  let writeMs = 0;
  let readMs = 0;
  for (let round = 0; round < rounds; round++) {
    const frames = framesOf(round * count + 1);
    const startMs = performance.now();
    const written = frames.flatMap(write);
    const writtenMs = performance.now();
    for (const one of written) read(one);
    // The first half warms up.
    if (round < rounds / 2) continue;
    bytes += written.reduce((sum, { length }) => sum + length, 0);
    writeMs += writtenMs - startMs;
    readMs += performance.now() - writtenMs;
  }
  const payments = count * rounds / 2;
  console.log(JSON.stringify({
    encoding: name,
    bytes: Math.round(bytes / payments),
    writeUs: Number((writeMs * 1_000 / payments).toFixed(2)),
    readUs: Number((readMs * 1_000 / payments).toFixed(2)),
  }));
}
