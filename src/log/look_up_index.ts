/**
 * Which entries speak of a payment or an idempotency key. New items are kept in memory; a checkpoint
 * turns them into a run: sorted pages on disk, written once. Payment ids sort by time, so the runs of
 * payments hardly overlap and a look-up reads one page of one run.
 */

import { createHash } from "node:crypto";
import { Reader, toHex, Writer } from "../bytes.ts";
import { IntegrityError } from "../errors.ts";
import { indexPageItems } from "../limits.ts";
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

/** Items of one kind in one run; both bounds belong to it. */
interface Range {
  readonly first: string;
  readonly last: string;
}

interface Run {
  /** The entry up to which the run's items go. */
  readonly number: number;
  readonly ranges: readonly (Range | undefined)[];
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

export class LookUpIndex {
  readonly #storage: Storage;
  #young = new Items();
  /** Being written to a run. */
  #writing = new Items();
  #writingRanges: readonly (Range | undefined)[] = [];
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
    for (const number of numbers) {
      const value = await this.#storage.get(["run", number]);
      if (!value) throw new IntegrityError(`run ${number} of the look-up index is missing`);
      this.#runs.push(decodeRun(number, value));
    }
  }

  /** The runs that `open` will want. */
  get runs(): number[] {
    return this.#runs.map(({ number }) => number);
  }

  /** The highest payment id in a run. */
  get mark(): string {
    const lasts = this.#runs.map(({ ranges }) => ranges[0]?.last ?? "");
    const last = lasts.reduce((a, b) => a > b ? a : b, "");
    return last && `${last.slice(0, 8)}-${last.slice(8, 12)}-${last.slice(12, 16)}-` +
        `${last.slice(16, 20)}-${last.slice(20)}`;
  }

  get hasKeys(): boolean {
    return this.#runs.some(({ ranges }) => ranges[1]);
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
    const digits = digitsOf(key);
    for (const { number, ranges } of this.#runs) {
      const range = ranges[kind];
      if (!range || digits < range.first || digits > range.last) continue;
      await this.#findInRun(["page", number, kind], range, digits, numbers);
    }
    this.#writing.find(key, numbers);
    this.#young.find(key, numbers);
    return [...numbers].sort((a, b) => a - b);
  }

  /** Reads one page, or the few over which the items of a key are spread. */
  async #findInRun(
    prefix: StorageKey,
    range: Range,
    digits: string,
    numbers: Set<number>,
  ): Promise<void> {
    let upTo = Number.MAX_SAFE_INTEGER;
    let after: string | undefined;
    do {
      const found = await this.#storage.lastUpTo(prefix, [...prefix, pageKey(digits, upTo)]);
      // Before the page with which the run begins there is none.
      if (!found && after !== undefined && range.first === digits) return;
      if (!found) throw missingPage();
      const { next, items } = readPage(found.value);
      const isNext = after === undefined ? !next || digits < next.slice(0, 32) : next === after;
      if (!isNext) throw missingPage();
      for (const item of items) if (item.digits === digits) numbers.add(item.number);
      after = toHex(found.key.at(-1) as Uint8Array);
      upTo = parseInt(after.slice(32), 16) - 1;
    } while (after.startsWith(digits));
  }

  /** The writes that make a run of all items so far, whose entries go up to `number`. */
  freeze(number: number): Write[] {
    // One that failed is still there, and its items must not be lost.
    for (const [key, numbers] of this.#young.numbers) {
      for (const number of numbers) this.#writing.add(key, number);
    }
    this.#young = new Items();
    const writes: Write[] = [];
    const ranges = kinds.map((kind) => this.#writePages(kind, number, writes));
    this.#writingRanges = ranges;
    writes.push({ key: ["run", number], value: encodeRun(ranges) });
    return writes;
  }

  #writePages(kind: Kind, number: number, writes: Write[]): Range | undefined {
    const items: { digits: string; number: number }[] = [];
    for (const [key, numbers] of this.#writing.numbers) {
      if (kindOf(key) !== kind) continue;
      const digits = digitsOf(key);
      for (const number of numbers) items.push({ digits, number });
    }
    if (items.length === 0) return undefined;
    items.sort((a, b) => a.digits < b.digits ? -1 : a.digits > b.digits ? 1 : a.number - b.number);
    for (let start = 0; start < items.length; start += indexPageItems) {
      const page = items.slice(start, start + indexPageItems);
      const next = items[start + indexPageItems];
      const w = new Writer(page.length * 20 + 48);
      // Where the next page begins, so that a missing one is noticed.
      w.u8(next ? 1 : 0);
      if (next) w.raw(pageKey(next.digits, next.number));
      for (const { digits, number } of page) {
        w.hex(digits);
        w.varint(number);
      }
      w.raw(digestOf(w.slice()));
      const { digits, number: first } = page[0]!;
      writes.push({ key: ["page", number, kind, pageKey(digits, first)], value: w.slice() });
    }
    return { first: items[0]!.digits, last: items.at(-1)!.digits };
  }

  /** The run's writes are durable, and so is the checkpoint that it belongs to. */
  thaw(number: number): void {
    this.#runs.push({ number, ranges: this.#writingRanges });
    this.#writing = new Items();
  }
}

function digestOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest().subarray(0, digestBytes);
}

/** Pages sort by the first of their items: its key, then its entry. */
function pageKey(digits: string, number: number): Uint8Array {
  const w = new Writer(24);
  w.hex(digits);
  w.i64(BigInt(number));
  return w.slice();
}

function missingPage(): IntegrityError {
  return new IntegrityError("a page of the look-up index is missing");
}

export interface Page {
  /** The key of the next page of the run, hexadecimal. */
  readonly next?: string;
  /** The digits of keys, and for each an entry that speaks of it. */
  readonly items: Iterable<{ readonly digits: string; readonly number: number }>;
}

/** @throws {IntegrityError} if the page is not what was written */
export function readPage(page: Uint8Array): Page {
  const r = new Reader(undigested(page, "a page"));
  const next = r.u8() ? r.hex(24) : undefined;
  return { next, items: readItems(r) };
}

function* readItems(r: Reader): Iterable<{ digits: string; number: number }> {
  while (!r.done) yield { digits: r.hex(16), number: r.varint() };
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

function encodeRun(ranges: readonly (Range | undefined)[]): Uint8Array {
  const w = new Writer(128);
  for (const range of ranges) {
    w.u8(range ? 1 : 0);
    if (!range) continue;
    w.hex(range.first);
    w.hex(range.last);
  }
  w.raw(digestOf(w.slice()));
  return w.slice();
}

function decodeRun(number: number, run: Uint8Array): Run {
  const r = new Reader(undigested(run, `run ${number}`));
  const ranges = kinds.map(() => r.u8() ? { first: r.hex(16), last: r.hex(16) } : undefined);
  return { number, ranges };
}
