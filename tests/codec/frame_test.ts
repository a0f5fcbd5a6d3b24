import { assert, assertEquals, assertThrows } from "@std/assert";
import type { FrameHeader } from "../../src/codec/frame.ts";
import { decodeFrame, encodeFrames } from "../../src/codec/frame.ts";
import { isSigned } from "../../src/codec/statement.ts";
import { addressLengthMax, frameBytesMax, peersMax } from "../../src/limits.ts";
import { FormatError } from "../../src/errors.ts";
import { shownTo } from "../../src/protocol/details.ts";
import type { Message } from "../../src/protocol/message.ts";
import { payment, transactions } from "../protocol/example.ts";
import {
  assertGarbageRefused,
  assertMutationsRefusedOrSame,
  assertTruncationsRefusedOrSame,
} from "./mutation.ts";
import { asSent, batchOf, stubSign } from "./proofs.ts";
import { clockBiggest, detailsBiggest, messages, orderBiggest, proofBiggest } from "./samples.ts";

const hash = new Uint8Array(32).fill(7);
const header: FrameHeader = { number: 300, hash, clock: new Map([["alice", 128], ["bob", 1]]) };
const biggest: FrameHeader = { number: Number.MAX_SAFE_INTEGER, hash, clock: clockBiggest };

function frameOf(...sent: Message[]): Uint8Array {
  const frames = encodeFrames(header, sent, stubSign);
  assertEquals(frames.length, 1);
  return frames[0]!;
}

function again(bytes: Uint8Array): Uint8Array {
  const frame = decodeFrame(bytes, "alice");
  return encodeFrames(frame, asSent(frame), () => frame.batch!.signature)[0]!;
}

function read(bytes: Uint8Array): Message[] {
  return asSent(decodeFrame(bytes, "alice"));
}

for (const [i, message] of messages.entries()) {
  Deno.test(`decodeFrame() reads "${message.type}" (${i}) as it was written, with its header`, () => {
    const bytes = frameOf(message);
    const { batch, ...read } = decodeFrame(bytes, "alice");
    assertEquals(asSent({ ...read, batch }), [message]);
    assertEquals({ ...read, messages: [] }, { ...header, messages: [] });
    assertEquals(batch, isSigned(message) ? batchOf("alice", message) : undefined);
    assertEquals(again(bytes), bytes);
  });
}

Deno.test("a frame without messages tells the header alone", () => {
  assertEquals(decodeFrame(frameOf(), "alice"), { ...header, messages: [] });
});

Deno.test("frames keep the order of messages, within their limit, whatever the header", () => {
  const sent = Array.from({ length: 40 }, () => messages).flat();
  for (const head of [header, biggest]) {
    const frames = encodeFrames(head, sent, stubSign);
    assert(frames.length > 10);
    assert(frames.every((frame) => frame.length <= frameBytesMax));
    assertEquals(frames.flatMap(read), sent);
    for (const frame of frames) assertEquals(again(frame), frame);
  }
});

Deno.test(`the biggest order fits a frame beside the clock of ${peersMax} nodes`, () => {
  const sent: Message[] = [
    { type: "order", order: orderBiggest, details: detailsBiggest },
    {
      type: "prepare",
      transaction: transactions.T1,
      order: orderBiggest,
      proof: proofBiggest,
      details: shownTo(detailsBiggest[0]!.recipient, detailsBiggest),
    },
  ];
  const frames = encodeFrames(biggest, sent, stubSign);
  assertEquals(frames.flatMap(read), sent);
});

const tooLong: Message = {
  type: "directory",
  nodes: [{ name: "bob", address: "b".repeat(frameBytesMax) }],
};

for (
  const [where, sent] of [["alone", [tooLong]], ["after another", [messages[0]!, tooLong]]] as const
) {
  Deno.test(`encodeFrames() throws at a message longer than a frame, ${where}`, () => {
    assertThrows(() => encodeFrames(header, sent, stubSign), RangeError, "longer than a frame");
  });
}

/** Long ones hold the same kinds of values, and take minutes. */
const isShort = (message: Message) => frameOf(message).length < 330;
const shapeOf = (message: Message) =>
  Object.entries(message).filter(([, value]) => value !== undefined).map(([key]) => key).join();
const short = [
  ...new Map(messages.filter(isShort).map((message) => [message.type + shapeOf(message), message]))
    .values(),
];
const sample = frameOf(...short);

Deno.test("all kinds of messages have a short one", () => {
  const typesOf = (all: readonly Message[]) => new Set(all.map(({ type }) => type));
  assertEquals(typesOf(short), typesOf(messages));
});

Deno.test("decodeFrame() refuses any changed byte, or reads it as what it now says", () => {
  assertMutationsRefusedOrSame(frameOf(), again);
  const { length } = frameOf();
  for (const message of short) {
    assertMutationsRefusedOrSame(frameOf(message), again, length);
  }
});

Deno.test("decodeFrame() throws nothing but FormatError for what is cut short", () => {
  assertTruncationsRefusedOrSame(sample, again);
});

Deno.test("decodeFrame() throws nothing but FormatError for garbage", () => {
  assertGarbageRefused(frameOf(), again);
});

const refused: readonly [string, (bytes: Uint8Array) => void, string][] = [
  ["another version", (bytes) => bytes[0] = 9, "frame of version 9"],
  ["an unknown message", (bytes) => bytes[bytes.length - 1] = 99, "message of type 99"],
];

for (const [what, change, why] of refused) {
  Deno.test(`decodeFrame() refuses ${what}: ${why}`, () => {
    const bytes = new Uint8Array([...frameOf(), 0]);
    change(bytes);
    assertThrows(() => decodeFrame(bytes, "alice"), FormatError, why);
  });
}

Deno.test("decodeFrame() refuses a commit that does not say where it stands", () => {
  const commit = messages.find((message) => message.type === "decision" && message.commit)!;
  const sent = { ...commit, decided: undefined } as Message;
  assertThrows(() => decodeFrame(frameOf(sent), "alice"), FormatError);
});

for (const address of ["", "bob:1\u001b[2J", "b".repeat(addressLengthMax + 1)]) {
  Deno.test(`decodeFrame() refuses an address of ${address.length} characters that is none`, () => {
    const bytes = frameOf({ type: "directory", nodes: [{ name: "bob", address }] });
    assertThrows(() => decodeFrame(bytes, "alice"), FormatError, "address");
  });
}

Deno.test("decodeFrame() refuses a clock that names a node twice", () => {
  const one = encodeFrames(
    { number: 1, hash, clock: new Map([["a", 1], ["b", 2]]) },
    [],
    stubSign,
  )[0]!;
  const twice = one.map((byte) => byte === "b".charCodeAt(0) ? "a".charCodeAt(0) : byte);
  assertThrows(() => decodeFrame(twice, "alice"), FormatError, "twice");
});

Deno.test("a message outlives the buffer that it was read from", () => {
  const bytes = frameOf(messages[0]!, { type: "ack", transaction: transactions.T1, payment });
  const frame = decodeFrame(bytes, "alice");
  bytes.fill(0);
  assertEquals([asSent(frame)[0], frame.hash], [messages[0], hash]);
  assertEquals(frame.batch, batchOf("alice", messages[0]!));
});
