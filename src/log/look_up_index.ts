/**
 * Which entries speak of a payment or an idempotency key. New items are kept in memory; a checkpoint
 * turns them into runs on disk. Each run of payments names the one before it, so that a checkpoint names
 * only the last, however many there are.
 *
 * A payment is found in the run of its time, or in those of late payments: ids that are made long before
 * they are paid would else stretch every run over all time. Ids made by a clock that is ahead stretch
 * only the last runs, which have filters.
 */

import { fromHex, Reader } from "../bytes.ts";
import { readPayment } from "../codec/values.ts";
import { IntegrityError } from "../errors.ts";
import { filteredRunsMax, mergePagesMin, mergePagesPerPage, runsMerged } from "../limits.ts";
import { paymentIdStart } from "../protocol/id.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { LookUpKey } from "../protocol/step.ts";
import { Filter } from "./filter.ts";
import { dueOf, Merge } from "./merge.ts";
import type { Kind, Run, RunName } from "./run.ts";
import {
  allKinds,
  compareKeys,
  findInRun,
  isWithin,
  kinds,
  pagesIn,
  rangesOf,
  readRun,
  RunWriter,
} from "./run.ts";
import type { Storage, Write } from "./storage.ts";
import type { KeyRange } from "./unused.ts";

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

export function isPaymentId(key: LookUpKey): boolean {
  return key.includes("-");
}

export function digitsOf(key: LookUpKey): string {
  return key.replaceAll("-", "");
}

/** The runs of a checkpoint. */
export interface RunNames {
  /** The entry up to which the last run of payments goes; 0 where there is none. */
  readonly payments: number;
  /** Those that are merged, of each kind in the order of their entries. */
  readonly keys: readonly MergedName[];
  readonly late: readonly MergedName[];
}

export type MergedName = Pick<RunName, "number" | "level">;
const mergedKinds = [kinds.keys, kinds.late] as const;
/** Items that are not sorted in: they take about half a millisecond. */
const addedMax = 1_024;

/**
 * Items in memory: the entries that speak of a key, in order and each once. Most keys have one or two, so
 * that one alone stands without a list, and a list of two has no room for more.
 */
class Items {
  /** Of the items that were added first. */
  readonly #numbers = new Map<LookUpKey, number | number[]>();
  /** The others, in order: some hundreds at once are sorted in for a part of what it costs one by one,
   * between other work, and nobody who looks waits long for them. */
  #keysAdded: LookUpKey[] = [];
  #numbersAdded: number[] = [];

  get isEmpty(): boolean {
    return this.#numbers.size === 0 && this.#keysAdded.length === 0;
  }

  add(key: LookUpKey, number: number): void {
    this.#keysAdded.push(key);
    this.#numbersAdded.push(number);
    if (this.#keysAdded.length === addedMax) this.#sortIn();
  }

  keys(): LookUpKey[] {
    this.#sortIn();
    return [...this.#numbers.keys()];
  }

  of(key: LookUpKey): readonly number[] {
    this.#sortIn();
    const known = this.#numbers.get(key) ?? [];
    return typeof known === "number" ? [known] : known;
  }

  #sortIn(): void {
    const keys = this.#keysAdded;
    if (keys.length === 0) return;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      const number = this.#numbersAdded[i]!;
      const known = this.#numbers.get(key);
      if (known === undefined) this.#numbers.set(key, number);
      else if (typeof known !== "number") {
        if (known.at(-1)! < number) known.push(number);
      } else if (known < number) this.#numbers.set(key, [known, number]);
    }
    this.#keysAdded = [];
    this.#numbersAdded = [];
  }
}

export class LookUpIndex {
  readonly #storage: Storage;
  #young = new Items();
  /** Being written to runs. */
  #writing = new Items();
  #written: readonly Run[] = [];
  /** Of each kind, in the order of their entries. */
  readonly #runs: readonly Run[][] = allKinds.map(() => []);
  /** Of the last runs that were written since the start with ids that were ahead of their time. */
  readonly #filters = new Map<Run, Filter>();
  /** A payment whose id begins with less is late. */
  #lateBefore = "";
  /** By the kind and the level of their inputs. */
  readonly #merges = new Map<string, Merge>();
  /** Looks under way: they may still read pages of what was merged since they began. */
  readonly #finding = new Set<Promise<unknown>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /**
   * Reads the runs of a checkpoint. Others are of checkpoints that were never finished; their items are
   * in later runs, too.
   *
   * @throws {IntegrityError} if one is missing: its payments would look new
   */
  async open(names: RunNames): Promise<void> {
    const ofPayments = this.#of(kinds.payments);
    for (let number = names.payments; number > 0;) {
      const run = await readRun(this.#storage, { kind: kinds.payments, number, level: 0 });
      ofPayments.push(run);
      if (run.after >= number) {
        throw new IntegrityError(`run ${number} of the look-up index begins after its end`);
      }
      number = run.after;
    }
    ofPayments.reverse();
    const last = ofPayments.at(-1)?.last;
    // About when its checkpoint began.
    if (last) this.#lateBefore = readPayment(new Reader(last));
    for (const [kind, merged] of [[kinds.keys, names.keys], [kinds.late, names.late]] as const) {
      for (const name of merged) {
        this.#of(kind).push(await readRun(this.#storage, { kind, ...name }));
      }
    }
  }

  #of(kind: Kind): Run[] {
    return this.#runs[kind]!;
  }

  get runs(): readonly Run[] {
    return this.#runs.flat();
  }

  /** The highest payment id in a run. */
  get mark(): string {
    let highest: Uint8Array | undefined;
    for (const { last } of [...this.#of(kinds.payments), ...this.#of(kinds.late)]) {
      if (!highest || compareKeys(last, highest) > 0) highest = last;
    }
    return highest ? readPayment(new Reader(highest)) : "";
  }

  get hasKeys(): boolean {
    return this.#of(kinds.keys).length > 0;
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
    // Before anything is awaited: a checkpoint may end meanwhile, and its runs are not among these.
    for (const items of [this.#writing, this.#young]) {
      for (const number of items.of(key)) numbers.add(number);
    }
    const bytes = fromHex(key);
    // Of the runs of payments, which may be very many, hardly more than one.
    const runs = this.#runsOf(key).filter((run) =>
      isWithin(bytes, run) && this.#filters.get(run)?.mayHave(key) !== false
    );
    const found = Promise.all(runs.map((run) => findInRun(this.#storage, run, bytes, numbers)));
    this.#finding.add(found);
    await found.finally(() => this.#finding.delete(found));
    return [...numbers].sort((a, b) => a - b);
  }

  #runsOf(key: LookUpKey): readonly Run[] {
    if (!isPaymentId(key)) return this.#of(kinds.keys);
    return this.#of(kinds.payments).concat(this.#of(kinds.late));
  }

  /** Resolves when all looks have ended that have begun before now. */
  async quiet(): Promise<void> {
    await Promise.allSettled(this.#finding);
  }

  /**
   * The writes that make runs of all items so far, whose entries go up to `number`, which is of `atMs`.
   * They are made as they are taken: of a hundred thousand items they would otherwise hold up all else for
   * long.
   */
  freeze(number: number, atMs: number): Iterable<Write> {
    if (this.#writing.isEmpty) this.#writing = this.#young;
    else {
      // One that failed is still there, and its items must not be lost.
      for (const key of this.#young.keys()) {
        for (const number of this.#young.of(key)) this.#writing.add(key, number);
      }
    }
    this.#young = new Items();
    const lateBefore = this.#lateBefore;
    this.#lateBefore = paymentIdStart(atMs);
    return this.#writes(this.#writing, number, lateBefore, paymentIdStart(atMs + 1));
  }

  *#writes(
    items: Items,
    number: number,
    lateBefore: string,
    aheadFrom: string,
  ): Iterable<Write> {
    const keysOf: LookUpKey[][] = allKinds.map(() => []);
    for (const key of items.keys()) {
      const ofPayment = key < lateBefore ? kinds.late : kinds.payments;
      keysOf[isPaymentId(key) ? ofPayment : kinds.keys]!.push(key);
    }
    const written: Run[] = [];
    for (const kind of allKinds) {
      // Of one kind all keys are as long, with dashes at the same places: they sort as their digits do.
      const keys = keysOf[kind]!.sort();
      if (keys.length === 0) continue;
      const after = this.#of(kind).at(-1)?.number ?? 0;
      const writer = new RunWriter({ kind, number, level: 0 }, after);
      const isAhead = kind === kinds.payments && keys.at(-1)! >= aheadFrom;
      const filter = isAhead ? new Filter(keys.length) : undefined;
      // By index: in a generator each step of `for of` makes another object.
      for (let at = 0; at < keys.length; at++) {
        const key = keys[at]!;
        filter?.add(key);
        const numbers = items.of(key);
        for (let i = 0; i < numbers.length; i++) {
          const page = writer.add(key, numbers[i]!);
          if (page) yield page;
        }
      }
      const run = yield* writer.end();
      written.push(run);
      if (filter) this.#filters.set(run, filter);
    }
    this.#written = written;
  }

  /** Takes merges further, after the writes of `freeze`. */
  async *merge(): AsyncIterable<Write> {
    for (const kind of mergedKinds) {
      const runs = this.#of(kind);
      const young = this.#written.find((run) => run.kind === kind);
      const pages = mergePagesMin + mergePagesPerPage * (young ? pagesIn(young) : 0);
      for (const inputs of dueOf(runs)) {
        const { level } = inputs[0]!;
        // The more wait the more is done: a start begins anew what was merged in part.
        const backlog = runs.filter((run) => run.level === level).length / runsMerged;
        const pagesMax = pages * Math.ceil(backlog);
        const name = `${kind} ${level}`;
        const merge = this.#merges.get(name) ?? new Merge(this.#storage, inputs);
        this.#merges.set(name, merge);
        if (!merge.output) yield* merge.writes(pagesMax);
      }
    }
  }

  /** Begins merges anew: pages of theirs may not have come to the disk. */
  abandonMerges(): void {
    this.#merges.clear();
  }

  /**
   * All writes are durable: their runs take the place of the items in memory, and of runs that were merged.
   *
   * @returns what is not read any more, once a checkpoint with the runs of now is valid
   */
  thaw(): KeyRange[] {
    for (const run of this.#written) this.#of(run.kind).push(run);
    this.#written = [];
    this.#writing = new Items();
    const unused: KeyRange[] = [];
    for (const [name, { inputs, output }] of this.#merges) {
      if (!output) continue;
      const runs = this.#of(output.kind);
      runs.splice(runs.indexOf(inputs[0]!), inputs.length, output);
      unused.push(...inputs.flatMap(rangesOf));
      this.#merges.delete(name);
    }
    for (const run of this.#filters.keys()) {
      if (this.#filters.size > filteredRunsMax) this.#filters.delete(run);
    }
    return unused;
  }

  /** The runs that `open` will want. */
  get names(): RunNames {
    const namesOf = (kind: Kind) => this.#of(kind).map(({ number, level }) => ({ number, level }));
    return {
      payments: this.#of(kinds.payments).at(-1)?.number ?? 0,
      keys: namesOf(kinds.keys),
      late: namesOf(kinds.late),
    };
  }
}
