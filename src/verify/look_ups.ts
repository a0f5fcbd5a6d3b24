/** The look-up index of a log against its entries. */

import { digest } from "@chainsafe/as-sha256";
import { fromHex, Writer } from "../bytes.ts";
import { IntegrityError } from "../errors.ts";
import type { Log } from "../log/log.ts";
import { digitsOf, isPaymentId, lookUpKeyOf } from "../log/look_up_index.ts";
import type { Item, Kind, Run, RunName } from "../log/run.ts";
import { allKinds, compareKeys, keyBytes, kinds, pagesIn, readPage } from "../log/run.ts";
import type { Storage } from "../log/storage.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { LookUpKey } from "../protocol/step.ts";
import type { Findings } from "./findings.ts";

/** Keys that are looked up one by one, as a node does. */
const sampleKeysMax = 64;

/** Of a multiset of items: equal sets have equal sums, in whatever order they are read. */
type Sum = readonly [number, number];
type Sums = Record<"payments" | "keys", Sum>;
const zero: Sum = [0, 0];
const modulus = 2 ** 48;

/** How far the pages of a run are read. */
interface Pages {
  readonly run: Run;
  count: number;
  last?: Item;
}

/**
 * All pages on disk are compared with the entries, by the sum of their items' hashes, which needs no
 * memory; that the right page is found for a key is tried for a sample.
 */
export class LookUpCheck {
  readonly #name: string;
  readonly #storage: Storage;
  readonly #findings: Findings;
  /** Of the items that the entries up to the checkpoint make. */
  readonly #sums: Sums = { payments: zero, keys: zero };
  readonly #checkpoint: number;
  /** Keys and entries that speak of them, not always from the first on. */
  #sample = new Map<LookUpKey, number[]>();
  /** Spoken of in the entry that is being read: the index has each once. */
  readonly #inEntry = new Set<LookUpKey>();
  #stride = 1;
  #keys = 0;

  /** @param checkpoint the entry up to which runs count; later ones were never finished */
  constructor(name: string, storage: Storage, checkpoint: number, findings: Findings) {
    this.#name = name;
    this.#storage = storage;
    this.#checkpoint = checkpoint;
    this.#findings = findings;
  }

  add(record: LogRecord, number: number): void {
    const key = lookUpKeyOf(record);
    if (!key || this.#inEntry.has(key)) return;
    this.#inEntry.add(key);
    if (number <= this.#checkpoint) {
      const set = isPaymentId(key) ? "payments" : "keys";
      this.#sums[set] = plus(this.#sums[set], digitsOf(key), number);
    }
    const known = this.#sample.get(key);
    if (known) known.push(number);
    else this.#addToSample(key, number);
  }

  endEntry(): void {
    this.#inEntry.clear();
  }

  #addToSample(key: LookUpKey, number: number): void {
    if (this.#keys++ % this.#stride > 0) return;
    this.#sample.set(key, [number]);
    if (this.#sample.size <= sampleKeysMax) return;
    this.#stride *= 2;
    this.#sample = new Map([...this.#sample].filter((_, i) => i % 2 === 0));
  }

  /** @param log replayed */
  async finish(log: Log): Promise<void> {
    try {
      await this.#checkRuns(log.runs);
      for (const [key, numbers] of this.#sample) {
        const found = new Set((await log.lookUp(key)).map(([{ number }]) => number));
        if (numbers.every((number) => found.has(number))) continue;
        this.#violation(`has lost entries that speak of ${key}, such as entry ${numbers[0]}`);
      }
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      this.#violation(`can't be read: ${error.message}`);
    }
  }

  async #checkRuns(runs: readonly Run[]): Promise<void> {
    for (const kind of allKinds) {
      // Each run holds what came after the run before it.
      let end = 0;
      for (const { number, after } of runs.filter((run) => run.kind === kind)) {
        if (after !== end) return this.#violation(`has no run up to entry ${after}`);
        end = number;
      }
    }
    const found = await this.#readPages(runs);
    if (!found) return;
    for (const set of ["payments", "keys"] as const) {
      if (found[set].every((value, i) => value === this.#sums[set][i])) continue;
      this.#violation(`up to entry ${this.#checkpoint} does not agree with the entries`);
    }
  }

  /** What the pages of all runs hold; nothing unless each item stands where it is looked for. */
  async #readPages(runs: readonly Run[]): Promise<Sums | undefined> {
    const all = new Map(runs.map((run): [string, Pages] => [nameOf(run), { run, count: 0 }]));
    const found: Sums = { payments: zero, keys: zero };
    for await (const { key, value } of this.#storage.listFrom("page", ["page"])) {
      const [, kind, number, level, page] = key as [string, Kind, number, number, number];
      const pages = all.get(nameOf({ kind, number, level }));
      if (!pages) continue;
      const { run, last } = pages;
      if (page !== pages.count++) return this.#pageMissing(run);
      const items = [...readPage(value)];
      const isInPlace = items.length > 0 && areInOrder(last ? [last, ...items] : items) &&
        compareKeys(run.firsts, fromHex(items[0]!.digits), page * keyBytes) === 0;
      if (!isInPlace) return this.#misplaced();
      pages.last = items.at(-1);
      const set = kind === kinds.keys ? "keys" : "payments";
      for (const { digits, number } of items) found[set] = plus(found[set], digits, number);
    }
    for (const { run, count, last } of all.values()) {
      if (count < pagesIn(run) || !last) return this.#pageMissing(run);
      if (compareKeys(run.last, fromHex(last.digits)) !== 0) return this.#misplaced();
    }
    return found;
  }

  #pageMissing({ number }: Run): undefined {
    this.#violation(`lacks a page of its run up to entry ${number}`);
  }

  #misplaced(): undefined {
    this.#violation("has items where they are not looked for");
  }

  #violation(what: string): void {
    this.#findings.violation("index", `${this.#name}: the look-up index ${what}`);
  }
}

function nameOf({ kind, number, level }: RunName): string {
  return `${kind} ${number} ${level}`;
}

const item = new Writer(keyBytes + 8);

function plus([a, b]: Sum, digits: string, number: number): Sum {
  item.truncate(0);
  item.hex(digits);
  item.varint(number);
  const hash = digest(item.view());
  return [(a + sixBytes(hash, 0)) % modulus, (b + sixBytes(hash, 6)) % modulus];
}

function sixBytes(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 6; i++) value = value * 256 + bytes[i]!;
  return value;
}

function areInOrder(items: readonly Item[]): boolean {
  return items.every(({ digits, number }, i) => {
    const before = items[i - 1];
    return !before || before.digits < digits ||
      (before.digits === digits && before.number < number);
  });
}
