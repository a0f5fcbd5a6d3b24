/** Proofs in frames and entries: batches are written once, and frames are signed as they are read. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Reader, Writer } from "../../src/bytes.ts";
import type { FrameHeader } from "../../src/codec/frame.ts";
import { decodeFrame, encodeFrames } from "../../src/codec/frame.ts";
import { decodeEntry, encodeEntry } from "../../src/codec/record.ts";
import { isSigned, statementOf } from "../../src/codec/statement.ts";
import { ProofReader, ProofWriter } from "../../src/codec/values.ts";
import { FormatError } from "../../src/errors.ts";
import {
  dateMsMax,
  framePayloadBytesMax,
  legsMax,
  statementListBytesMax,
} from "../../src/limits.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Order } from "../../src/protocol/order.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import {
  order as dollar,
  otherLegs,
  otherPayment,
  payment,
  transactions,
} from "../protocol/example.ts";
import { asSent, batchOf, proofOf, stubSign } from "./proofs.ts";
import { proofBiggest, proofs } from "./samples.ts";

const { T1 } = transactions;
/** As it is read: with a place for what it does not have. */
const order: Order = { ...dollar, detailsHash: undefined };
const orderHash = new Uint8Array(order.hash);
const header: FrameHeader = {
  number: 3,
  hash: new Uint8Array(32).fill(7),
  clock: new Map([["alice", 3]]),
};
const vote: Message = {
  type: "vote",
  transaction: T1,
  payment,
  orderHash,
  yes: true,
  code: undefined,
};
const ordered: Message = { type: "order", order };
const decided = { number: 3, atMs: 1_700_000_000_000, clock: new Map([["c", 3]]) };
const commit: Message = {
  type: "decision",
  transaction: T1,
  payment,
  commit: true,
  orderHash,
  code: undefined,
  decided,
};
const abort: Message = { ...commit, commit: false, orderHash: undefined, code: "vote_timeout" };
const ack: Message = { type: "ack", transaction: T1, payment };
const prepare = (proof?: Proof): Message => ({ type: "prepare", transaction: T1, order, proof });

function written(given: readonly (Proof | undefined)[]): Uint8Array {
  const w = new Writer();
  const proofs = new ProofWriter();
  for (const proof of given) proofs.write(w, proof);
  return w.slice();
}

function read(bytes: Uint8Array): (Proof | undefined)[] {
  const r = new Reader(bytes);
  const reader = new ProofReader();
  const found = [];
  while (!r.done) found.push(reader.read(r));
  return found;
}

const [first, second, third] = proofs as [Proof, Proof, Proof];

Deno.test("a batch is written once, where it is first referred to, however many there are", () => {
  const given = [undefined, first, third, second, first, undefined, third];
  const found = read(written(given));
  assertEquals(found, given);
  assert(found[3]!.batch === found[1]!.batch);
  assert(found[6]!.batch === found[2]!.batch);
  // A number and an index each time it is referred to again.
  assertEquals(written(given).length, written([first, third]).length + 2 + 3 * 2);
});

Deno.test("another writer begins anew", () => {
  assertEquals(read(written([third, first])), [third, first]);
  assertEquals(read(written([first])), [first]);
});

for (const [what, known] of [["2 as the first", 0], ["4 as the third", 2]] as const) {
  Deno.test(`ProofReader refuses batch ${what}, which no writer numbers so`, () => {
    const bytes = written([first, third].slice(0, known));
    const changed = new Uint8Array([...bytes, known + 2, ...written([first]).slice(1)]);
    assertThrows(() => read(changed), FormatError, `batch ${known + 2}`);
  });
}

Deno.test("ProofReader refuses a list that is longer than any node's", () => {
  for (const more of [0, 1]) {
    const list = new Uint8Array(statementListBytesMax + more);
    const bytes = written([{ ...first, batch: { ...first.batch, list } }]);
    if (more === 0) assertEquals(read(bytes)[0]!.batch.list, list);
    else assertThrows(() => read(bytes), FormatError, "too long");
  }
});

function entryOf(...records: LogRecord[]): Parameters<typeof encodeEntry>[0] {
  const { number, clock, hash: previous } = header;
  return { number, clock, previous, atMs: 1, witnesses: new Map(), records };
}

Deno.test("records of an entry share their batches, and the next entry has its own", () => {
  const of = (proof?: Proof): LogRecord => ({ type: "prepared", transaction: T1, order, proof });
  const size = (...records: LogRecord[]) => encodeEntry(entryOf(...records)).length;
  const entry = entryOf(of(first), of(second), of(third), of(first));
  const again = decodeEntry(encodeEntry(entry)).records as Extract<
    LogRecord,
    { type: "prepared" }
  >[];
  assertEquals(again.map(({ proof }) => proof), [first, second, third, first]);
  assert(again[1]!.proof!.batch === again[0]!.proof!.batch);
  assertEquals(size(of(first), of(second)) - size(of(first)), size(of(), of()) - size(of()) + 1);
  assertEquals(decodeEntry(encodeEntry(entryOf(of(first)))).records.length, 1);
});

const committed = (proofs: readonly Proof[]): LogRecord => ({
  type: "committed",
  transaction: T1,
  order,
  proofs,
});

Deno.test("decodeEntry() takes a proof of the order and one a leg, and refuses more", () => {
  const some = (count: number) => Array.from({ length: count }, () => first);
  const most = entryOf(committed(some(legsMax + 1)));
  assertEquals(decodeEntry(encodeEntry(most)), most);
  const more = encodeEntry(entryOf(committed(some(legsMax + 2))));
  assertThrows(() => decodeEntry(more), FormatError, `${legsMax + 2} proofs`);
});

Deno.test("decodeEntry() refuses fewer proofs than are counted, and one that is none", () => {
  const bytes = encodeEntry(entryOf(committed([])));
  assertThrows(() => decodeEntry(bytes.with(-1, 1)), FormatError, "bytes end");
  const none = new Uint8Array([...bytes.with(-1, 1), 0]);
  assertThrows(() => decodeEntry(none), FormatError, "a proof is missing");
});

// Frames

/** Where it says whether its sender states anything. */
const flagAt = encodeFrames(header, [], stubSign)[0]!.length - 1;

/** A frame of one node, taken apart: what it states, and the bytes of its messages. */
function partsOf(...sent: Message[]): { list: Uint8Array; body: Uint8Array } {
  const [frame] = encodeFrames(header, sent, stubSign);
  const r = new Reader(frame!.subarray(flagAt));
  const list = r.u8() === 1 ? (r.raw(64), r.blob()) : new Uint8Array();
  return { list, body: frame!.slice(flagAt + r.position) };
}

function frameOf(list: Uint8Array | undefined, ...bodies: Uint8Array[]): Uint8Array {
  const w = new Writer();
  w.raw(encodeFrames(header, [], stubSign)[0]!.subarray(0, flagAt));
  w.u8(list ? 1 : 0);
  if (list) {
    w.raw(stubSign(list));
    w.blob(list);
  }
  for (const body of bodies) w.raw(body);
  return w.slice();
}

function joined(...lists: Uint8Array[]): Uint8Array {
  return new Uint8Array(lists.flatMap((list) => [...list]));
}

Deno.test("decodeFrame() refuses statements without a signature", () => {
  for (const stated of [vote, commit, ordered]) {
    const { body } = partsOf(ack, stated);
    const bytes = frameOf(undefined, body);
    assertThrows(() => decodeFrame(bytes, "alice"), FormatError, "statements without a signature");
  }
});

Deno.test("decodeFrame() refuses a signature without statements", () => {
  for (const sent of [[], [ack], [prepare(first)]]) {
    const bytes = frameOf(new Uint8Array(), partsOf(...sent).body);
    assertThrows(() => decodeFrame(bytes, "alice"), FormatError, "a signature of nothing");
  }
});

Deno.test("decodeFrame() refuses a statement without a message, and a message without one", () => {
  for (const stated of [vote, commit, ordered]) {
    const { list, body } = partsOf(stated);
    const more = frameOf(joined(list, list), body);
    assertThrows(() => decodeFrame(more, "alice"), FormatError, "a statement without a message");
    const fewer = frameOf(list, body, body);
    assertThrows(() => decodeFrame(fewer, "alice"), FormatError, "fewer statements than messages");
  }
});

Deno.test("decodeFrame() refuses a message with the statement of another", () => {
  const all = [vote, commit, ordered];
  for (const [i, stated] of all.entries()) {
    for (const [j, other] of all.entries()) {
      const bytes = frameOf(partsOf(other).list, partsOf(stated).body);
      if (i === j) assertEquals(asSent(decodeFrame(bytes, "alice")), [stated]);
      else assertThrows(() => decodeFrame(bytes, "alice"), FormatError);
    }
  }
});

Deno.test("decodeFrame() refuses an order, a place or an abort's payment that is not the one stated", () => {
  const changed: readonly [Message, Message][] = [
    [ordered, { ...ordered, order: otherLegs }],
    [commit, { ...commit, decided: { ...decided, number: 4 } }],
    [commit, { ...commit, decided: { ...decided, atMs: decided.atMs + 1 } }],
    [commit, { ...commit, decided: { ...decided, clock: new Map([["c", 4]]) } }],
    [abort, { ...abort, payment: otherPayment }],
    [abort, { ...abort, decided: undefined }],
  ];
  for (const [stated, told] of changed) {
    const bytes = frameOf(partsOf(stated).list, partsOf(told).body);
    assertThrows(() => decodeFrame(bytes, "alice"), FormatError);
  }
});

Deno.test("decodeFrame() refuses a statement that is longer or shorter than what it states", () => {
  for (const stated of [vote, commit, abort, ordered]) {
    const { list, body } = partsOf(stated);
    const statement = list.subarray(1);
    for (const bytes of [new Uint8Array([...statement, 0]), statement.slice(0, -1)]) {
      const changed = frameOf(new Uint8Array([bytes.length, ...bytes]), body);
      assertThrows(() => decodeFrame(changed, "alice"), FormatError);
    }
  }
});

/** As many as one list has. */
const votesMax = Math.floor(statementListBytesMax / batchOf("alice", vote).list.length);

Deno.test("decodeFrame() refuses more statements than a node puts into a frame", () => {
  const { list, body } = partsOf(vote);
  const of = (count: number) =>
    frameOf(
      joined(...Array.from({ length: count }, () => list)),
      ...Array.from({ length: count }, () => body),
    );
  assertEquals(decodeFrame(of(votesMax), "alice").messages.length, votesMax);
  assertThrows(() => decodeFrame(of(votesMax + 1), "alice"), FormatError, "too many");
});

Deno.test("each statement of a frame has its place in the list that was signed, and nothing else has", () => {
  const sent = [ack, vote, prepare(first), { ...vote, yes: false }, ack];
  const signed: Uint8Array[] = [];
  const [frame] = encodeFrames(header, sent, (list) => {
    signed.push(list);
    return stubSign(list);
  });
  const { messages, batch } = decodeFrame(frame!, "alice");
  assertEquals(signed, [batch!.list]);
  assertEquals([batch!.signer, batch!.signature], ["alice", stubSign(batch!.list)]);
  const found = messages.map((message) => "proof" in message ? message.proof : undefined);
  assertEquals(found, [undefined, { batch, index: 0 }, first, { batch, index: 1 }, undefined]);
  for (const [at, index] of [[1, 0], [3, 1]] as const) {
    const alone = { batch: batchOf("alice", sent[at]!), index: 0 };
    assertEquals(statementOf({ batch: batch!, index }), statementOf(alone));
  }
});

Deno.test("a frame that states nothing is not signed", () => {
  const refuse = () => {
    throw new Error("signed");
  };
  assertEquals(encodeFrames(header, [ack, prepare(first)], refuse).length, 1);
});

Deno.test("a frame has no more statements than can be signed together", () => {
  const counts = (sent: readonly Message[]) =>
    encodeFrames(header, sent, stubSign).map((frame) =>
      decodeFrame(frame, "alice").messages.length
    );
  const votes = Array.from({ length: 2 * votesMax + 1 }, () => vote);
  assertEquals(counts(votes), [votesMax, votesMax, 1]);
  // What needs no signature still goes along.
  const full = [...votes.slice(0, votesMax), ack, ack];
  assertEquals(counts(full), [votesMax + 2]);
  assertEquals(counts([...full, vote]), [votesMax + 2, 1]);
});

const ackBytes = partsOf(ack, ack).body.length - partsOf(ack).body.length;
const biggest = prepare(proofBiggest);
const other: Proof = { batch: { ...proofBiggest.batch, signer: "bob" }, index: 0 };
/** What a frame is full before, wherever its end comes to lie. */
const lasts: readonly [string, readonly Message[]][] = [
  ["a batch of its own", [biggest, biggest]],
  ["the batch of the one before", [biggest, biggest, biggest, ack]],
  ["a second batch", [biggest, prepare(other), biggest, prepare(other)]],
  ["a statement", [vote, biggest, vote, vote]],
  ["a statement, and what is stated by others", [prepare(first), vote, biggest, prepare(second)]],
];

for (const [what, last] of lasts) {
  Deno.test(`a message with ${what} that does not fit any more is whole in the next frame`, () => {
    let split = 0;
    for (let count = 0; count <= framePayloadBytesMax / ackBytes; count++) {
      const sent = [...Array.from({ length: count }, () => ack), ...last];
      const frames = encodeFrames(header, sent, stubSign);
      const decoded = frames.map((frame) => decodeFrame(frame, "alice"));
      assertEquals(decoded.reduce((sum, { messages }) => sum + messages.length, 0), sent.length);
      if (frames.length > 1) split++;
      const ends = decoded.flatMap(asSent).slice(count);
      assertEquals(ends, last, `after ${count}`);
      for (const [i, { batch, messages }] of decoded.entries()) {
        assert(frames[i]!.length <= framePayloadBytesMax);
        assertEquals(batch !== undefined, asSent(decoded[i]!).some(isSigned));
        // Signed is what the receiver finds in it.
        if (batch) assertEquals(batch.signature, stubSign(batch.list), `after ${count}`);
        assert(messages.length > 0);
      }
    }
    assert(split > 20, `only ${split} times`);
  });
}

Deno.test("a proof outlives the buffer that it was read from", () => {
  const given = [first, third];
  const bytes = written(given);
  const found = read(bytes);
  bytes.fill(0);
  assertEquals(found, given);
  const alone = proofOf("alice", vote);
  const [frame] = encodeFrames(header, [vote], stubSign);
  const { batch } = decodeFrame(frame!, "alice");
  frame!.fill(0);
  assertEquals(batch, alone.batch);
});

Deno.test("decodeFrame() refuses a decision at a time that no date can have", () => {
  for (const [atMs, isDate] of [[dateMsMax, true], [dateMsMax + 1, false]] as const) {
    const { list, body } = partsOf({ ...commit, decided: { ...decided, atMs } });
    const read = () => decodeFrame(frameOf(list, body), "alice");
    if (isDate) read();
    else assertThrows(read, FormatError, "a time of");
  }
});
