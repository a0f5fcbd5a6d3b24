import { assert, assertEquals, assertThrows } from "@std/assert";
import { FormatError } from "../../src/errors.ts";
import { legsMax } from "../../src/limits.ts";
import type { Entry } from "../../src/codec/record.ts";
import { decodeEntry, decodeState, encodeEntry, encodeState } from "../../src/codec/record.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import type { Found } from "../../src/protocol/step.ts";
import { Output } from "../../src/protocol/step.ts";
import { atMs, order, transactions } from "../protocol/example.ts";
import {
  assertGarbageRefused,
  assertMutationsRefusedOrSame,
  assertTruncationsRefusedOrSame,
} from "./mutation.ts";
import { clockBiggest, proofs, records, transactionLongest } from "./samples.ts";

function entryOf(...written: LogRecord[]): Entry {
  return {
    number: 300,
    previous: new Uint8Array(32).fill(9),
    atMs,
    clock: new Map([["alice", 300], ["bob", 2]]),
    witnesses: new Map([
      ["bob", { number: 2, hash: new Uint8Array(32).fill(1) }],
      ["carol", { number: 7, hash: new Uint8Array(32).fill(2) }],
    ]),
    records: written,
  };
}

function again(bytes: Uint8Array): Uint8Array {
  return encodeEntry(decodeEntry(bytes));
}

/** What a turn counts of them against the most that it holds. */
function boundOf(added: readonly LogRecord[]): number {
  const out = new Output<never>();
  for (const record of added) out.add(record, false);
  return out.bytes;
}

function sizeOf(written: readonly LogRecord[]): number {
  return encodeEntry(entryOf(...written)).length - encodeEntry(entryOf()).length;
}

for (const [i, record] of records.entries()) {
  Deno.test(`decodeEntry() reads "${record.type}" (${i}) as it was written`, () => {
    const bytes = encodeEntry(entryOf(record));
    assertEquals(decodeEntry(bytes), entryOf(record));
    assertEquals(again(bytes), bytes);
  });

  Deno.test(`what is counted of "${record.type}" (${i}) is at least its size`, () => {
    const [bound, size] = [boundOf([record]), sizeOf([record])];
    assert(bound >= size, `${bound} for ${size}`);
  });
}

Deno.test("what is counted of a turn's records is at least their size, and each batch once", () => {
  for (const added of [records, [...records, ...records], records.toReversed()]) {
    const [bound, size] = [boundOf(added), sizeOf(added)];
    assert(bound >= size, `${bound} for ${size}`);
  }
  const often = Array.from({ length: legsMax + 1 }, () => proofs[1]!);
  const shared: LogRecord = {
    type: "committed",
    transaction: transactionLongest,
    order,
    proofs: often,
  };
  assert(boundOf([shared]) >= sizeOf([shared]));
  const one: LogRecord = {
    type: "prepared",
    transaction: transactions.T1,
    order,
    proof: proofs[0],
  };
  const other: LogRecord = { ...one, proof: proofs[1] };
  assertEquals(boundOf([one, other]) - boundOf([one]), boundOf([{ ...one, proof: undefined }]));
});

Deno.test("an entry keeps all its records, in their order", () => {
  const entry = { ...entryOf(...records, ...records), clock: clockBiggest };
  const bytes = encodeEntry(entry);
  assertEquals(decodeEntry(bytes), entry);
  assertEquals(again(bytes), bytes);
});

/** Long ones hold the same kinds of values, and take minutes. */
const short = records.filter((record) => sizeOf([record]) < 200);
const sample = encodeEntry(entryOf(...short));

Deno.test("all kinds of records have a short one", () => {
  const typesOf = (all: readonly LogRecord[]) => new Set(all.map(({ type }) => type));
  assertEquals(typesOf(short), typesOf(records));
});

Deno.test("decodeEntry() refuses any changed byte, or reads it as what it now says", () => {
  assertMutationsRefusedOrSame(encodeEntry(entryOf()), again);
  const { length } = encodeEntry(entryOf());
  for (const record of short) {
    assertMutationsRefusedOrSame(encodeEntry(entryOf(record)), again, length);
  }
});

Deno.test("decodeEntry() throws nothing but FormatError for what is cut short", () => {
  assertTruncationsRefusedOrSame(sample, again);
});

Deno.test("decodeEntry() throws nothing but FormatError for garbage", () => {
  assertGarbageRefused(encodeEntry(entryOf()), again);
});

for (const digits of ["", "-", "-0", "01", " 1", "0x1", "1e3", "+1", "1n"]) {
  Deno.test(`decodeEntry() refuses "${digits}" for a balance`, () => {
    const balance = { type: "balance", account: "main", currency: "USD", posted: 0n } as const;
    const bytes = encodeEntry(entryOf(balance));
    const text = [digits.length, ...new TextEncoder().encode(digits)];
    const changed = new Uint8Array([...bytes.subarray(0, -2), ...text]);
    assertThrows(() => decodeEntry(changed), FormatError, "balance");
  });
}

Deno.test("decodeEntry() refuses a node witnessed twice", () => {
  const bytes = encodeEntry(entryOf());
  const at = bytes.findLastIndex((_, i) =>
    String.fromCharCode(...bytes.slice(i, i + 5)) === "carol"
  );
  const changed = new Uint8Array([
    ...bytes.subarray(0, at - 1),
    3,
    ...new TextEncoder().encode("bob"),
    ...bytes.subarray(at + 5),
  ]);
  assertThrows(() => decodeEntry(changed), FormatError, "witnessed twice");
});

function piecesOf(state: readonly Found[], pieceBytes: number): Uint8Array[] {
  return [...encodeState(state, pieceBytes)];
}

Deno.test("a state is read from its pieces as it was, whatever their size", () => {
  const contexts = records.map((_, i) => (
    { number: i + 1, atMs: atMs + i, clock: new Map([["alice", i]]) }
  ));
  const state = records.map((record, i): Found => [
    // Some are of the same entry.
    contexts[i >> 1]!,
    record,
  ]);
  for (const pieceBytes of [1, 100, 5_000, 1_000_000]) {
    const pieces = piecesOf(state, pieceBytes);
    assertEquals(pieces.flatMap((piece) => decodeState(piece)), state);
    for (const piece of pieces) assertEquals(piecesOf(decodeState(piece), 2_000_000), [piece]);
  }
  assertEquals(piecesOf([], 100), []);
});

Deno.test("decodeState() throws nothing but FormatError for what is cut short, or garbage", () => {
  const readAgain = (bytes: Uint8Array) =>
    piecesOf(decodeState(bytes), 1_000_000)[0] ?? new Uint8Array();
  const context = { number: 1, atMs, clock: new Map([["alice", 1]]) };
  for (const record of records) {
    const [piece] = piecesOf([[context, record]], 100);
    if (piece!.length < 500) assertTruncationsRefusedOrSame(piece!, readAgain);
  }
  assertGarbageRefused(new Uint8Array([1, 1, 0]), readAgain);
});

Deno.test("decodeState() refuses an entry named where that of the record before is meant, and none", () => {
  const context = { number: 1, atMs, clock: new Map([["alice", 1]]) };
  const ended = records.find(({ type }) => type === "ended")!;
  const [once] = piecesOf([[context, ended]], 100);
  const [twice] = piecesOf([[context, ended], [context, ended]], 1_000);
  const second = twice!.subarray(once!.length);
  assertEquals(second[0], 0);
  assertThrows(() => decodeState(second), FormatError, "entry 0 named in vain");
  const again = new Uint8Array([...once!, ...once!]);
  assertThrows(() => decodeState(again), FormatError, "entry 1 named in vain");
});
