/**
 * Which entries speak of a payment or an idempotency key. New items are kept in memory; a checkpoint
 * turns them into runs on disk. Each run of payments names the one before it, so that a checkpoint names
 * only the last, however many there are.
 */

import { fromHex, Reader } from "../bytes.ts";
import { readPayment } from "../codec/values.ts";
import { IntegrityError } from "../errors.ts";
import { keyRunsMerged, mergePagesMin, mergePagesPerPage } from "../limits.ts";
import type { LogRecord } from "../protocol/record.ts";
import type { LookUpKey } from "../protocol/step.ts";
import { dueOf, Merge } from "./merge.ts";
import type { Kind, Run, RunName } from "./run.ts";
import {
  compareDigits,
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

export function kindOf(key: LookUpKey): Kind {
  return key.includes("-") ? 0 : 1;
}

export function digitsOf(key: LookUpKey): string {
  return key.replaceAll("-", "");
}

/** The runs of a checkpoint. */
export interface RunNames {
  /** The entry up to which the last run of payments goes; 0 where there is none. */
  readonly payments: number;
  /** In the order of their entries. */
  readonly keys: readonly Pick<RunName, "number" | "level">[];
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

export class LookUpIndex {
  readonly #storage: Storage;
  #young = new Items();
  /** Being written to runs. */
  #writing = new Items();
  #written: readonly Run[] = [];
  /** Of each kind, in the order of their entries. */
  readonly #runs: readonly [payments: Run[], keys: Run[]] = [[], []];
  /** By the level of their inputs. */
  readonly #merges = new Map<number, Merge>();
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
  async open({ payments, keys }: RunNames): Promise<void> {
    const [ofPayments, ofKeys] = this.#runs;
    for (let number = payments; number > 0;) {
      const run = await readRun(this.#storage, { kind: 0, number, level: 0 });
      ofPayments.push(run);
      if (run.after >= number) {
        throw new IntegrityError(`run ${number} of the look-up index begins after its end`);
      }
      number = run.after;
    }
    ofPayments.reverse();
    for (const name of keys) ofKeys.push(await readRun(this.#storage, { kind: 1, ...name }));
  }

  get runs(): readonly Run[] {
    return this.#runs.flat();
  }

  /** The highest payment id in a run. */
  get mark(): string {
    let highest: Uint8Array | undefined;
    for (const { last } of this.#runs[0]) {
      if (!highest || compareDigits(last, highest) > 0) highest = last;
    }
    return highest ? readPayment(new Reader(highest)) : "";
  }

  get hasKeys(): boolean {
    return this.#runs[1].length > 0;
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
    this.#writing.find(key, numbers);
    this.#young.find(key, numbers);
    const bytes = fromHex(key);
    // Of the runs of payments, which may be very many, hardly more than one.
    const runs = this.#runs[kindOf(key)].filter((run) => isWithin(bytes, run));
    const found = Promise.all(runs.map((run) => findInRun(this.#storage, run, bytes, numbers)));
    this.#finding.add(found);
    await found.finally(() => this.#finding.delete(found));
    return [...numbers].sort((a, b) => a - b);
  }

  /** Resolves when all looks have ended that have begun before now. */
  async quiet(): Promise<void> {
    await Promise.allSettled(this.#finding);
  }

  /**
   * The writes that make runs of all items so far, whose entries go up to `number`. They are made as they
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

  *#writes({ numbers }: Items, number: number): Iterable<Write> {
    const written: Run[] = [];
    for (const kind of kinds) {
      // Of one kind all keys are as long, with dashes at the same places: they sort as their digits do.
      const keys = [...numbers.keys()].filter((key) => kindOf(key) === kind).sort();
      if (keys.length === 0) continue;
      const after = this.#runs[kind].at(-1)?.number ?? 0;
      const writer = new RunWriter({ kind, number, level: 0 }, after);
      for (const key of keys) {
        for (const number of numbers.get(key)!) {
          const page = writer.add(key, number);
          if (page) yield page;
        }
      }
      written.push(yield* writer.end());
    }
    this.#written = written;
  }

  /** Takes merges further, after the writes of `freeze`. */
  async *merge(): AsyncIterable<Write> {
    const keys = this.#runs[1];
    const young = this.#written.find(({ kind }) => kind === 1);
    const pages = mergePagesMin + mergePagesPerPage * (young ? pagesIn(young) : 0);
    for (const inputs of dueOf(keys)) {
      const { level } = inputs[0]!;
      // The more wait the more is done: a start begins anew what was merged in part.
      const backlog = keys.filter((run) => run.level === level).length / keyRunsMerged;
      const pagesMax = pages * Math.ceil(backlog);
      const merge = this.#merges.get(level) ?? new Merge(this.#storage, inputs);
      this.#merges.set(level, merge);
      if (!merge.output) yield* merge.writes(pagesMax);
    }
  }

  /**
   * All writes are durable: their runs take the place of the items in memory, and of runs that were merged.
   *
   * @returns what is not read any more, once a checkpoint with the runs of now is valid
   */
  thaw(): KeyRange[] {
    for (const run of this.#written) this.#runs[run.kind].push(run);
    this.#written = [];
    this.#writing = new Items();
    const keys = this.#runs[1];
    const unused: KeyRange[] = [];
    for (const [level, { inputs, output }] of this.#merges) {
      if (!output) continue;
      keys.splice(keys.indexOf(inputs[0]!), inputs.length, output);
      unused.push(...inputs.flatMap(rangesOf));
      this.#merges.delete(level);
    }
    return unused;
  }

  /** The runs that `open` will want. */
  get names(): RunNames {
    const [payments, keys] = this.#runs;
    return {
      payments: payments.at(-1)?.number ?? 0,
      keys: keys.map(({ number, level }) => ({ number, level })),
    };
  }
}
