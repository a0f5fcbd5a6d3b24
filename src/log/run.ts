/**
 * A run of the look-up index: items in the order of their keys, in pages that are written once, and a
 * directory of the keys with which the pages begin.
 *
 * Pages are stored by their number. Storage keys can't be encrypted, and would tell of payments.
 */

import { fromHex, Reader, Writer } from "../bytes.ts";
import { IntegrityError } from "../errors.ts";
import { entryPartBytesMax, indexPageItems } from "../limits.ts";
import { undigested, writeDigest } from "./digest.ts";
import type { Storage, StorageKey, Write } from "./storage.ts";
import type { KeyRange } from "./unused.ts";

/** Payments, whose ids sort by time; hashes of idempotency keys, which sort by chance; and payments whose
 * ids are older than the run would be. */
export const kinds = { payments: 0, keys: 1, late: 2 } as const;
export type Kind = typeof kinds[keyof typeof kinds];
export const allKinds: readonly Kind[] = Object.values(kinds);

/** Where a run is stored. */
export interface RunName {
  readonly kind: Kind;
  /** The entry up to which its items go. */
  readonly number: number;
  /** How often what it holds was merged. */
  readonly level: number;
}

export interface Run extends RunName {
  /** The entry after which its items begin, where those of the run before it end. */
  readonly after: number;
  /** The first key of each page, one after the other, in order. */
  readonly firsts: Uint8Array;
  /** The last key of the last page. */
  readonly last: Uint8Array;
  /** The values that hold what is above. */
  readonly parts: number;
}

/** An entry that speaks of a payment or a key. */
export interface Item {
  /** Of the key, hexadecimal. */
  readonly digits: string;
  readonly number: number;
}

/** Of a payment id, or of a key's hash. */
export const keyBytes = 16;

function keyOf(word: "run" | "page", { kind, number, level }: RunName): StorageKey {
  return [word, kind, number, level];
}

export function pagesIn({ firsts }: Pick<Run, "firsts">): number {
  return firsts.length / keyBytes;
}

/** Makes the writes of a run from its items, which come in order. */
export class RunWriter {
  readonly #name: RunName;
  readonly #after: number;
  readonly #firsts = new Writer();
  readonly #page = new Writer(indexPageItems * 20 + 48);
  #items = 0;
  #pages = 0;
  #last = "";
  /** Where in the page it was written. */
  #lastAt = 0;

  constructor(name: RunName, after: number) {
    this.#name = name;
    this.#after = after;
  }

  /** Returns the page before, once it is full. */
  add(key: string, number: number): Write | undefined {
    const full = this.#items === indexPageItems ? this.#full() : undefined;
    const page = this.#page;
    if (this.#items++ === 0) this.#firsts.hex(key);
    // Most keys have several items, which follow each other.
    if (page.length > 0 && key === this.#last) page.repeat(this.#lastAt, keyBytes);
    else {
      this.#lastAt = page.length;
      page.hex(key);
    }
    page.varint(number);
    this.#last = key;
    return full;
  }

  /** The last page and the directory. Returns the run that stands once they are written. */
  *end(): Generator<Write, Run> {
    yield this.#full();
    const firsts = this.#firsts.slice();
    const run = { ...this.#name, after: this.#after, firsts, last: fromHex(this.#last) };
    const prefix = keyOf("run", run);
    let parts = 0;
    for (const value of directoryParts(run)) yield { key: [...prefix, parts++], value };
    return { ...run, parts };
  }

  #full(): Write {
    const w = this.#page;
    writeDigest(w);
    const key: StorageKey = [...keyOf("page", this.#name), this.#pages++];
    const write: Write = { key, value: w.slice() };
    w.truncate(0);
    this.#items = 0;
    return write;
  }
}

/** The last part is the only one that is not full. */
function* directoryParts(run: Omit<Run, "parts">): Iterable<Uint8Array> {
  const w = new Writer();
  w.varint(run.after);
  w.varint(pagesIn(run));
  w.raw(run.firsts);
  w.raw(run.last);
  writeDigest(w);
  for (let at = 0; at <= w.length; at += entryPartBytesMax) {
    yield w.slice(at, Math.min(at + entryPartBytesMax, w.length));
  }
}

/** @throws {IntegrityError} if the run is missing, or is not what was written */
export async function readRun(storage: Storage, name: RunName): Promise<Run> {
  const { kind, number, level } = name;
  const prefix = keyOf("run", name);
  const w = new Writer();
  let parts = 0;
  for (let isFull = true; isFull; parts++) {
    const value = await storage.get([...prefix, parts]);
    if (!value) throw new IntegrityError(`run ${number} of the look-up index is missing`);
    w.raw(value);
    isFull = value.length === entryPartBytesMax;
  }
  const r = new Reader(undigested(w.slice(), `run ${number} of the look-up index`));
  const after = r.varint();
  const pages = r.varint();
  const firsts = r.raw(pages * keyBytes);
  const last = r.raw(keyBytes);
  r.end();
  return { kind, number, level, after, firsts, last, parts };
}

/** All that a run has in the storage. */
export function rangesOf(run: Run): KeyRange[] {
  return [
    { prefix: keyOf("page", run), first: 0, end: pagesIn(run) },
    { prefix: keyOf("run", run), first: 0, end: run.parts },
  ];
}

/** Whether a key is between the first and the last of a run. */
export function isWithin(key: Uint8Array, { firsts, last }: Run): boolean {
  return compareKeys(firsts, key) <= 0 && compareKeys(key, last) <= 0;
}

/** Adds the entries that speak of a key. Reads one page, or the few over which they are spread. */
export async function findInRun(
  storage: Storage,
  run: Run,
  key: Uint8Array,
  numbers: Set<number>,
): Promise<void> {
  for (let page = lastPageUpTo(key, run.firsts); page >= 0; page--) {
    const r = new Reader(await pageOf(storage, run, page));
    while (!r.done) {
      const isKey = compareKeys(r.bytes, key, r.skip(keyBytes)) === 0;
      const number = r.varint();
      if (isKey) numbers.add(number);
    }
    // Only where a page begins with the key may the one before end with it.
    if (compareKeys(firstOf(run, page), key) < 0) return;
  }
}

/** @throws {IntegrityError} if the page is missing, or is not what was written there */
export async function readPageOf(storage: Storage, run: Run, page: number): Promise<Item[]> {
  return [...itemsIn(await pageOf(storage, run, page))];
}

async function pageOf(storage: Storage, run: Run, page: number): Promise<Uint8Array> {
  const value = await storage.get([...keyOf("page", run), page]);
  if (!value) throw new IntegrityError("a page of the look-up index is missing");
  const bytes = undigestedPage(value);
  if (bytes.length < keyBytes || compareKeys(bytes, firstOf(run, page)) !== 0) {
    throw new IntegrityError("a page of the look-up index is another than was written there");
  }
  return bytes;
}

/** @throws {IntegrityError} if the page is not what was written */
export function readPage(page: Uint8Array): Iterable<Item> {
  return itemsIn(undigestedPage(page));
}

function undigestedPage(page: Uint8Array): Uint8Array {
  return undigested(page, "a page of the look-up index");
}

function* itemsIn(page: Uint8Array): Iterable<Item> {
  const r = new Reader(page);
  while (!r.done) yield { digits: r.hex(keyBytes), number: r.varint() };
}

function firstOf({ firsts }: Run, page: number): Uint8Array {
  return firsts.subarray(page * keyBytes, (page + 1) * keyBytes);
}

/** The last page whose first key is at most `key`; -1 where the first begins after it. */
function lastPageUpTo(key: Uint8Array, firsts: Uint8Array): number {
  let low = 0;
  let high = firsts.length / keyBytes;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(firsts, key, middle * keyBytes) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Of two keys' bytes. @param at where in `a` the key is that is compared */
export function compareKeys(a: Uint8Array, b: Uint8Array, at = 0): number {
  for (let i = 0; i < keyBytes; i++) if (a[at + i] !== b[i]) return a[at + i]! - b[i]!;
  return 0;
}
