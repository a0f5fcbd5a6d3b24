/** The look-up index of a log against its entries. */

import { digest } from "@chainsafe/as-sha256";
import { toHex, Writer } from "../bytes.ts";
import { IntegrityError } from "../errors.ts";
import type { Log } from "../log/log.ts";
import { digitsOf, kindOf, lookUpKeyOf } from "../log/look_up_index.ts";
import type { Run, RunName } from "../log/run.ts";
import { keyBytes, kinds, readPage } from "../log/run.ts";
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
interface Pages {
  sum: Sum;
  /** The first keys of the pages, as far as their numbers have no gap. */
  readonly firsts: Writer;
}

/**
 * All pages on disk are compared with the entries, by the sum of their items' hashes, which needs no
 * memory; that the right page is found for a key is tried for a sample.
 */
export class LookUpCheck {
  readonly #name: string;
  readonly #storage: Storage;
  readonly #findings: Findings;
  /** Of each kind sums of the items of all entries up to each at which a run ends. */
  readonly #upTo = kinds.map(() => new Map<number, Sum>([[0, zero]]));
  readonly #sums: Sum[] = kinds.map(() => zero);
  readonly #ends = new Set<number>();
  #checkpoint = 0;
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
      const number = key[2] as number;
      if (number <= checkpoint) this.#ends.add(number);
    }
    this.#ends.add(checkpoint);
    this.#checkpoint = checkpoint;
  }

  add(record: LogRecord, number: number): void {
    const key = lookUpKeyOf(record);
    if (!key || this.#inEntry.has(key)) return;
    this.#inEntry.add(key);
    if (number <= this.#checkpoint) {
      const kind = kindOf(key);
      this.#sums[kind] = plus(this.#sums[kind]!, digitsOf(key), number);
    }
    const known = this.#sample.get(key);
    if (known) known.push(number);
    else this.#addToSample(key, number);
  }

  endEntry(number: number): void {
    this.#inEntry.clear();
    if (!this.#ends.has(number)) return;
    for (const kind of kinds) this.#upTo[kind]!.set(number, this.#sums[kind]!);
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
    const pages = await this.#readPages(runs);
    for (const kind of kinds) {
      const upTo = this.#upTo[kind]!;
      // Each run holds what came after the run before it.
      let end = 0;
      for (const run of runs.filter((run) => run.kind === kind)) {
        const { number, after } = run;
        const { sum = zero, firsts } = pages.get(nameOf(run)) ?? {};
        if (after !== end || !isSum(upTo.get(after), sum, upTo.get(number))) {
          return this.#violation(`up to entry ${number} does not agree with the entries`);
        }
        if (toHex(firsts?.slice() ?? new Uint8Array()) !== toHex(run.firsts)) {
          this.#violation("has a page where it is not looked for");
        }
        end = number;
      }
      if (isSum(upTo.get(end), zero, upTo.get(this.#checkpoint))) continue;
      return this.#violation(`up to entry ${this.#checkpoint} does not agree with the entries`);
    }
  }

  async #readPages(runs: readonly Run[]): Promise<Map<string, Pages>> {
    const all = new Map<string, Pages>(
      runs.map((run) => [nameOf(run), { sum: zero, firsts: new Writer() }]),
    );
    for await (const { key, value } of this.#storage.listFrom("page", ["page"])) {
      const [, kind, number, level, page] = key as [string, 0 | 1, number, number, number];
      const pages = all.get(nameOf({ kind, number, level }));
      if (!pages) continue;
      const { firsts } = pages;
      let isFirst = firsts.length === page * keyBytes;
      for (const { digits, number } of readPage(value)) {
        if (isFirst) firsts.hex(digits);
        isFirst = false;
        pages.sum = plus(pages.sum, digits, number);
      }
    }
    return all;
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

function isSum(start: Sum | undefined, sum: Sum, end: Sum | undefined): boolean {
  return start !== undefined &&
    sum.every((value, i) => (start[i]! + value) % modulus === end?.[i]);
}
