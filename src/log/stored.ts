/** The bytes under which entries, the head and the pointer to a checkpoint stand in the storage. */

import { Reader, toHex, Writer } from "../bytes.ts";
import { checkVersion, formatVersion, hashBytes } from "../codec/values.ts";
import { FormatError, IntegrityError, invariant } from "../errors.ts";
import { entryPartBytesMax, kvValueBytesMax } from "../limits.ts";
import { sha256 } from "../sha256.ts";
import { undigested, writeDigest } from "./digest.ts";
import type { MergedName, RunNames } from "./look_up_index.ts";
import type { KeyRange } from "./unused.ts";

/** The latest durable entry. */
export interface Head {
  readonly number: number;
  /** SHA-256 of the entry's bytes. */
  readonly hash: Uint8Array;
}

// Entries on disk: in the first part their length and hash, then the bytes, split as values need.

const sealBytes = hashBytes + 8;

export function splitParts(bytes: Uint8Array, hash: Uint8Array): Uint8Array[] {
  const sealed = new Uint8Array(sealBytes + bytes.length);
  new DataView(sealed.buffer).setFloat64(0, bytes.length);
  sealed.set(hash, 8);
  sealed.set(bytes, sealBytes);
  invariant(entryPartBytesMax <= kvValueBytesMax, "a part fits a value");
  const parts: Uint8Array[] = [];
  for (let at = 0; at < sealed.length; at += entryPartBytesMax) {
    parts.push(sealed.subarray(at, at + entryPartBytesMax));
  }
  return parts;
}

/** The whole, once all its parts are there. */
export function joinParts(parts: readonly Uint8Array[]): Uint8Array | undefined {
  const first = parts[0]!;
  if (first.length < sealBytes) return new Uint8Array(0);
  const length = sealBytes + new DataView(first.buffer, first.byteOffset).getFloat64(0);
  const there = parts.reduce((sum, part) => sum + part.length, 0);
  if (there < length && parts.at(-1)!.length === entryPartBytesMax) return undefined;
  if (parts.length === 1) return first;
  const whole = new Uint8Array(there);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function unseal(
  sealed: Uint8Array,
  number: number,
): { bytes: Uint8Array; hash: Uint8Array } {
  const hash = sealed.slice(8, sealBytes);
  const bytes = sealed.subarray(sealBytes);
  if (toHex(sha256(bytes)) !== toHex(hash)) {
    throw new IntegrityError(`Entry ${number} of the log is not what was written`);
  }
  return { bytes, hash };
}

export function encodeHead({ number, hash }: Head): Uint8Array {
  const w = new Writer(64);
  w.varint(number);
  w.raw(hash);
  return w.slice();
}

export function decodeHead(bytes: Uint8Array): Head {
  const r = new Reader(bytes);
  const head = { number: r.varint(), hash: r.raw(hashBytes).slice() };
  r.end();
  return head;
}

/** Balances that one checkpoint wrote, on those of the checkpoints below it. */
export interface Layer {
  /** The entry as of which they are. */
  readonly number: number;
  readonly pieces: number;
  readonly balances: number;
  /** Of the layer below, zeros for the first, and of its own pieces. */
  readonly hash: Uint8Array;
}

/** What makes a checkpoint valid. */
export interface Pointer {
  /** The entry at which it stands: that of its top layer. */
  readonly number: number;
  /** Of the top layer and the rest of the state. */
  readonly hash: Uint8Array;
  /** Of balances: the first one has all, each on it those that had changed. */
  readonly layers: readonly Layer[];
  /** Of the rest of the state, after those of the top layer. */
  readonly restPieces: number;
  /** Of the entry at which it stands. */
  readonly entryHash: Uint8Array;
  /** Of the look-up index. */
  readonly runs: RunNames;
  /** What it does not read any more, as far as it was there when it was written. */
  readonly unused: readonly KeyRange[];
}

/** Before the version, which pointers did not have up to version 3: those began with an entry's number,
 * which is never 0. */
const versionMark = 0;

export function encodePointer(
  { layers, hash, restPieces, entryHash, runs, unused }: Pointer,
): Uint8Array {
  const w = new Writer(1024);
  w.u8(versionMark);
  w.u8(formatVersion);
  w.varint(layers.length);
  for (const layer of layers) {
    w.varint(layer.number);
    w.varint(layer.pieces);
    w.varint(layer.balances);
    w.raw(layer.hash);
  }
  w.varint(restPieces);
  w.raw(hash);
  w.raw(entryHash);
  w.varint(runs.payments);
  writeNames(w, runs.keys);
  writeNames(w, runs.late);
  w.varint(unused.length);
  for (const range of unused) writeRange(w, range);
  // What it says is unused will be deleted.
  writeDigest(w);
  invariant(w.length <= entryPartBytesMax, "the pointer to a checkpoint fits a value");
  return w.slice();
}

export function decodePointer(bytes: Uint8Array): Pointer {
  // Up to version 4 there was no digest to check.
  checkVersion(bytes[0] === versionMark ? bytes[1] ?? 0 : 3, "checkpoint");
  const r = new Reader(undigested(bytes, "the pointer to the checkpoint"));
  r.raw(2);
  const layers = Array.from({ length: r.varint() }, () => ({
    number: r.varint(),
    pieces: r.varint(),
    balances: r.varint(),
    hash: r.raw(hashBytes).slice(),
  }));
  const top = layers.at(-1);
  if (!top) throw new FormatError("checkpoint without a layer");
  const pointer = {
    number: top.number,
    layers,
    restPieces: r.varint(),
    hash: r.raw(hashBytes).slice(),
    entryHash: r.raw(hashBytes).slice(),
    runs: { payments: r.varint(), keys: readNames(r), late: readNames(r) },
    unused: Array.from({ length: r.varint() }, () => readRange(r)),
  };
  r.end();
  return pointer;
}

function writeNames(w: Writer, names: readonly MergedName[]): void {
  w.varint(names.length);
  for (const { number, level } of names) {
    w.varint(number);
    w.varint(level);
  }
}

function readNames(r: Reader): MergedName[] {
  return Array.from({ length: r.varint() }, () => ({ number: r.varint(), level: r.varint() }));
}

function writeRange(w: Writer, { prefix: [word, ...numbers], first, end }: KeyRange): void {
  w.text(word);
  w.varint(numbers.length);
  for (const number of numbers) w.varint(number);
  w.varint(first);
  w.varint(end);
}

function readRange(r: Reader): KeyRange {
  const word = r.text();
  const numbers = Array.from({ length: r.varint() }, () => r.varint());
  return { prefix: [word, ...numbers], first: r.varint(), end: r.varint() };
}

/** Whether a value holds nothing any more: it was overwritten with zeros, in its own place. */
export function isWiped(value: Uint8Array): boolean {
  return value.every((byte) => byte === 0);
}
