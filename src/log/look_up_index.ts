/**
 * Which entries speak of a payment or an idempotency key. New items are kept in memory; a checkpoint
 * turns them into a run: sorted pages on disk, written once, and the first key of each. Payment ids sort
 * by time, so the runs of payments hardly overlap and a look-up reads one page of one run.
 *
 * Pages are stored by their number. The keys with which they begin stay in memory, 16 bytes for 256
 * items, and in the run's own value: storage keys can't be encrypted, and would tell of payments.
 */

import { createHash } from "node:crypto";
import { fromHex, Reader, toHex, Writer } from "../bytes.ts";
import { IntegrityError } from "../errors.ts";
import { entryPartBytesMax, indexPageItems } from "../limits.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { LookUpKey } from "../protocol/step.ts";
import type { Storage, StorageKey, Write } from "./storage.ts";

/** What a record is found by, if it is. */
export function lookUpKeyOf(record: LogRecord): LookUpKey | undefined {
  switch (record.type) {
    case "prepared":
    case "committed":
    case "aborted":
    case "forced":
      return record.order.payment;
    case "posted":
    case "released":
    case "refused":
    case "mismatch":
    case "acknowledged":
    case "erased":
      return record.payment;
    case "keyed":
      return record.key;
    default:
      return undefined;
  }
}

/** Payment ids and hashes of keys, apart: the former sort by time, the latter by chance. */
type Kind = 0 | 1;
const kinds: readonly Kind[] = [0, 1];

function kindOf(key: LookUpKey): Kind {
  return key.includes("-") ? 0 : 1;
}

export function digitsOf(key: LookUpKey): string {
  return key.replaceAll("-", "");
}

/** Where the items of one kind in one run are found. */
interface Pages {
  /** The first key of each page, one after the other, in order. */
  readonly firsts: Uint8Array;
  /** The last key of the last. */
  readonly last: Uint8Array;
}

interface Run {
  /** The entry up to which the run's items go. */
  readonly number: number;
  readonly pages: readonly (Pages | undefined)[];
}

/** Items in memory: the entries that speak of a key, in order and each once. */
class Items {
  readonly numbers = new Map<LookUpKey, number[]>();

  add(key: LookUpKey, number: number): void {
    const known = this.numbers.get(key);
    if (!known) this.numbers.set(key, [number]);
    else if (known.at(-1)! < number) known.push(number);
  }

  find(key: LookUpKey, numbers: Set<number>): void {
    for (const number of this.numbers.get(key) ?? []) numbers.add(number);
  }
}

const digestBytes = 16;
/** Of a payment id, or of a key's hash. */
export const keyBytes = 16;

export class LookUpIndex {
  readonly #storage: Storage;
  #young = new Items();
  /** Being written to a run. */
  #writing = new Items();
  #writingPages: readonly (Pages | undefined)[] = [];
  #runs: Run[] = [];

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /**
   * Reads the runs of a checkpoint. Others are of checkpoints that were never finished; their items are
   * in later runs, too.
   *
   * @throws {IntegrityError} if one is missing: its payments would look new
   */
  async open(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) this.#runs.push(await readRun(this.#storage, number));
  }

  /** The runs that `open` will want. */
  get runs(): number[] {
    return this.#runs.map(({ number }) => number);
  }

  /** The highest payment id in a run. */
  get mark(): string {
    const lasts = this.#runs.map(({ pages }) => pages[0] ? toHex(pages[0].last) : "");
    const last = lasts.reduce((a, b) => a > b ? a : b, "");
    return last && `${last.slice(0, 8)}-${last.slice(8, 12)}-${last.slice(12, 16)}-` +
        `${last.slice(16, 20)}-${last.slice(20)}`;
  }

  get hasKeys(): boolean {
    return this.#runs.some(({ pages }) => pages[1]);
  }

  add(records: readonly LogRecord[], number: number): void {
    for (const record of records) {
      const key = lookUpKeyOf(record);
      if (key) this.#young.add(key, number);
    }
  }

  /** The entries that speak of `key`, in their order. */
  async find(key: LookUpKey): Promise<number[]> {
    const numbers = new Set<number>();
    const kind = kindOf(key);
    for (const { number, pages } of this.#runs) {
      const found = pages[kind];
      if (found) await this.#findInRun(["page", number, kind], found, digitsOf(key), numbers);
    }
    this.#writing.find(key, numbers);
    this.#young.find(key, numbers);
    return [...numbers].sort((a, b) => a - b);
  }

  /** Reads one page, or the few over which the items of a key are spread. */
  async #findInRun(
    prefix: StorageKey,
    { firsts, last }: Pages,
    digits: string,
    numbers: Set<number>,
  ): Promise<void> {
    const key = fromHex(digits);
    if (compareKeys(key, last) > 0) return;
    for (let page = lastPageUpTo(key, firsts); page >= 0; page--) {
      const value = await this.#storage.get([...prefix, page]);
      if (!value) throw new IntegrityError("a page of the look-up index is missing");
      const first = firstOf(firsts, page);
      const items = [...readPage(value)];
      if (items[0]?.digits !== toHex(first)) {
        throw new IntegrityError("a page of the look-up index is another than was written there");
      }
      for (const item of items) if (item.digits === digits) numbers.add(item.number);
      // Only where a page begins with the key may the one before end with it.
      if (compareKeys(first, key) < 0) return;
    }
  }

  /**
   * The writes that make a run of all items so far, whose entries go up to `number`. They are made as they
   * are taken: of a hundred thousand items they would otherwise hold up all else for long.
   */
  freeze(number: number): Iterable<Write> {
    if (this.#writing.numbers.size === 0) this.#writing = this.#young;
    else {
      // One that failed is still there, and its items must not be lost.
      for (const [key, numbers] of this.#young.numbers) {
        for (const number of numbers) this.#writing.add(key, number);
      }
    }
    this.#young = new Items();
    return this.#writes(this.#writing, number);
  }

  *#writes(items: Items, number: number): Iterable<Write> {
    const pages: (Pages | undefined)[] = [];
    for (const kind of kinds) pages.push(yield* pagesOf(items, kind, number));
    this.#writingPages = pages;
    for (const [part, value] of runParts(pages).entries()) {
      yield { key: ["run", number, part], value };
    }
  }

  /** The run's writes are durable, and so is the checkpoint that it belongs to. */
  thaw(number: number): void {
    this.#runs.push({ number, pages: this.#writingPages });
    this.#writing = new Items();
  }
}

function* pagesOf(
  { numbers }: Items,
  kind: Kind,
  number: number,
): Generator<Write, Pages | undefined> {
  // Of one kind all keys are as long, with dashes at the same places: they sort as their digits do.
  const keys = [...numbers.keys()].filter((key) => kindOf(key) === kind).sort();
  if (keys.length === 0) return undefined;
  const firsts = new Writer();
  const w = new Writer(indexPageItems * 20 + 48);
  let items = 0;
  let page = 0;
  const full = (): Write => {
    w.raw(digestOf(w.view()));
    const write: Write = { key: ["page", number, kind, page++], value: w.slice() };
    w.truncate(0);
    items = 0;
    return write;
  };
  for (const key of keys) {
    for (const number of numbers.get(key)!) {
      if (items === indexPageItems) yield full();
      if (items++ === 0) firsts.hex(key);
      w.hex(key);
      w.varint(number);
    }
  }
  yield full();
  return { firsts: firsts.slice(), last: fromHex(digitsOf(keys.at(-1)!)) };
}

function digestOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest().subarray(0, digestBytes);
}

function firstOf(firsts: Uint8Array, page: number): Uint8Array {
  return firsts.subarray(page * keyBytes, (page + 1) * keyBytes);
}

/** The last page whose first key is at most `key`; -1 where the first begins after it. */
function lastPageUpTo(key: Uint8Array, firsts: Uint8Array): number {
  let low = 0;
  let high = firsts.length / keyBytes;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(firstOf(firsts, middle), key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function compareKeys(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < keyBytes; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

/**
 * The digits of a page's keys, and for each an entry that speaks of it.
 *
 * @throws {IntegrityError} if the page is not what was written
 */
export function* readPage(page: Uint8Array): Iterable<{ digits: string; number: number }> {
  const r = new Reader(undigested(page, "a page"));
  while (!r.done) yield { digits: r.hex(keyBytes), number: r.varint() };
}

/** What comes before the digest, if that is right. */
function undigested(value: Uint8Array, what: string): Uint8Array {
  const length = Math.max(0, value.length - digestBytes);
  const bytes = value.subarray(0, length);
  if (toHex(digestOf(bytes)) !== toHex(value.subarray(length))) {
    throw new IntegrityError(`${what} of the look-up index is damaged`);
  }
  return bytes;
}

/** A run as it is stored: the last part is the only one that is not full. */
function runParts(pages: readonly (Pages | undefined)[]): Uint8Array[] {
  const w = new Writer();
  for (const ofKind of pages) {
    w.varint(ofKind ? ofKind.firsts.length / keyBytes : 0);
    if (!ofKind) continue;
    w.raw(ofKind.firsts);
    w.raw(ofKind.last);
  }
  w.raw(digestOf(w.slice()));
  const parts: Uint8Array[] = [];
  for (let at = 0; at <= w.length; at += entryPartBytesMax) {
    parts.push(w.slice(at, Math.min(at + entryPartBytesMax, w.length)));
  }
  return parts;
}

/** @throws {IntegrityError} if the run is missing, or is not what was written */
export async function readRun(storage: Storage, number: number): Promise<Run> {
  const w = new Writer();
  for (let part = 0, isFull = true; isFull; part++) {
    const value = await storage.get(["run", number, part]);
    if (!value) throw new IntegrityError(`run ${number} of the look-up index is missing`);
    w.raw(value);
    isFull = value.length === entryPartBytesMax;
  }
  const r = new Reader(undigested(w.slice(), `run ${number}`));
  const pages = kinds.map(() => {
    const count = r.varint();
    return count ? { firsts: r.raw(count * keyBytes), last: r.raw(keyBytes) } : undefined;
  });
  return { number, pages };
}
