/** The look-up index of a log against its entries. */

import { createHash } from "node:crypto";
import { toHex, Writer } from "../bytes.ts";
import { IntegrityError } from "../errors.ts";
import type { Log } from "../log/log.ts";
import { digitsOf, keyBytes, lookUpKeyOf, readPage, readRun } from "../log/look_up_index.ts";
import type { Storage } from "../log/storage.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { LookUpKey } from "../protocol/step.ts";
import type { Findings } from "./findings.ts";

/** Keys that are looked up one by one, as a node does. */
const sampleKeysMax = 64;

/** Of a multiset of items: equal sets have equal sums, in whatever order they are read. */
type Sum = readonly [number, number];
const zero: Sum = [0, 0];
const modulus = 2 ** 48;

/** What the pages of a run hold. */
interface ReadRun {
  sum: Sum;
  /** Of each kind the first keys of the pages, as far as their numbers have no gap. */
  readonly firsts: Writer[];
}

/**
 * All pages on disk are compared with the entries, by the sum of their items' hashes, which needs no
 * memory; that the right page is found for a key is tried for a sample.
 */
export class LookUpCheck {
  readonly #name: string;
  readonly #storage: Storage;
  readonly #findings: Findings;
  /** Sums of the items of all entries up to each run's. */
  readonly #upTo = new Map<number, Sum>([[0, zero]]);
  #sum: Sum = zero;
  #runs = new Set<number>();
  #lastRun = 0;
  /** Keys and entries that speak of them, not always from the first on. */
  #sample = new Map<LookUpKey, number[]>();
  /** Spoken of in the entry that is being read: the index has each once. */
  readonly #inEntry = new Set<LookUpKey>();
  #stride = 1;
  #keys = 0;

  constructor(name: string, storage: Storage, findings: Findings) {
    this.#name = name;
    this.#storage = storage;
    this.#findings = findings;
  }

  /** @param checkpoint the entry up to which runs count; later ones were never finished */
  async begin(checkpoint: number): Promise<void> {
    for await (const { key } of this.#storage.listFrom("run", ["run"])) {
      const number = key[1] as number;
      if (number <= checkpoint) this.#runs.add(number);
    }
    this.#lastRun = checkpoint;
  }

  add(record: LogRecord, number: number): void {
    const key = lookUpKeyOf(record);
    if (!key || this.#inEntry.has(key)) return;
    this.#inEntry.add(key);
    if (number <= this.#lastRun) {
      this.#sum = plus(this.#sum, key.includes("-") ? 0 : 1, digitsOf(key), number);
    }
    const known = this.#sample.get(key);
    if (known) known.push(number);
    else this.#addToSample(key, number);
  }

  endEntry(number: number): void {
    this.#inEntry.clear();
    if (this.#runs.has(number)) this.#upTo.set(number, this.#sum);
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
      await this.#checkRuns();
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

  async #checkRuns(): Promise<void> {
    if (this.#lastRun === 0) return;
    const runs = await this.#readRuns();
    // Each run holds what came after the run before it, or, where that one's checkpoint was never
    // finished, after an earlier one.
    const numbers = [...this.#upTo.keys()].sort((a, b) => b - a);
    for (let run = this.#lastRun; run > 0;) {
      const { sum, firsts } = runs.get(run) ?? { sum: zero, firsts: [] };
      const end = this.#upTo.get(run);
      const before = end &&
        numbers.find((number) => number < run && isDifference(end, this.#upTo.get(number)!, sum));
      if (before === undefined) {
        return this.#violation(`up to entry ${run} does not agree with the entries`);
      }
      const { pages } = await readRun(this.#storage, run);
      for (const [kind, ofKind] of pages.entries()) {
        const there = firsts[kind]?.slice() ?? new Uint8Array();
        if (toHex(there) === toHex(ofKind?.firsts ?? new Uint8Array())) continue;
        this.#violation("has a page where it is not looked for");
      }
      run = before;
    }
  }

  async #readRuns(): Promise<Map<number, ReadRun>> {
    const runs = new Map<number, ReadRun>();
    for await (const { key, value } of this.#storage.listFrom("page", ["page"])) {
      const [, number, kind, page] = key as [string, number, number, number];
      if (!this.#runs.has(number)) continue;
      const run = runs.get(number) ?? { sum: zero, firsts: [] };
      const firsts = run.firsts[kind] ??= new Writer();
      let isFirst = firsts.length === page * keyBytes;
      for (const { digits, number } of readPage(value)) {
        if (isFirst) firsts.hex(digits);
        isFirst = false;
        run.sum = plus(run.sum, kind, digits, number);
      }
      runs.set(number, run);
    }
    return runs;
  }

  #violation(what: string): void {
    this.#findings.violation("index", `${this.#name}: the look-up index ${what}`);
  }
}

function plus([a, b]: Sum, kind: number, digits: string, number: number): Sum {
  const hash = createHash("sha256").update(`${kind} ${digits} ${number}`).digest();
  return [(a + hash.readUIntBE(0, 6)) % modulus, (b + hash.readUIntBE(6, 6)) % modulus];
}

function isDifference(end: Sum, start: Sum, sum: Sum): boolean {
  return end.every((value, i) => (start[i]! + sum[i]!) % modulus === value);
}
