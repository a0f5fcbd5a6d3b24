/**
 * Runs of what comes in no order become fewer and longer. An idempotency key may be in any run of keys,
 * and a late payment in any of late payments; so a look-up reads a page of all of them. Three runs of one
 * level make one of the next: there are then never many, and what a run holds is written once for each
 * level.
 *
 * A merge goes on with each checkpoint by little more than what the checkpoint itself writes of the kind.
 * That is enough: until a level has three runs again, checkpoints have written as much as these three
 * hold. Each level has a merge of its own, so that a long one holds up no other. A node that is started
 * often begins long ones anew, and has more runs of that level then; the more there are the faster they
 * are merged.
 *
 * Runs of other payments stay: their ids sort by time, so they hardly overlap, and a look-up needs one.
 */

import { runsMerged } from "../limits.ts";
import type { Item, Run } from "./run.ts";
import { pagesIn, readPageOf, RunWriter } from "./run.ts";
import type { Storage, Write } from "./storage.ts";

/**
 * The runs to be merged of each level that has enough of them: the oldest. After a crash it is the same
 * ones again, so that a merge that had begun writes again what it had written.
 *
 * @param runs in the order of their entries
 */
export function dueOf(runs: readonly Run[]): (readonly Run[])[] {
  const levels = new Set(runs.map(({ level }) => level));
  return Array.from(
    levels,
    (level) => runs.filter((run) => run.level === level).slice(0, runsMerged),
  ).filter(({ length }) => length === runsMerged);
}

/** A merge on its way, over as many checkpoints as it takes. */
export class Merge {
  readonly inputs: readonly Run[];
  readonly #cursors: readonly Cursor[];
  readonly #writer: RunWriter;
  /** Once all its writes were taken. */
  output: Run | undefined;

  constructor(storage: Storage, inputs: readonly Run[]) {
    this.inputs = inputs;
    const { kind, number, level } = inputs.at(-1)!;
    this.#writer = new RunWriter({ kind, number, level: level + 1 }, inputs[0]!.after);
    this.#cursors = inputs.map((run) => new Cursor(storage, run));
  }

  /** Some of its pages; with the last of them its directory. */
  async *writes(pagesMax: number): AsyncIterable<Write> {
    for (let pages = 0; pages < pagesMax;) {
      for (const cursor of this.#cursors) if (cursor.isToRead) await cursor.read();
      const page = this.#writeUntilPage();
      if (page) {
        pages++;
        yield page;
      } else if (this.#cursors.every(({ isAtEnd }) => isAtEnd)) {
        this.output = yield* this.#writer.end();
        return;
      }
    }
  }

  /** Goes on until a page is full, or one of the inputs is to be read again. */
  #writeUntilPage(): Write | undefined {
    for (;;) {
      let least: Cursor | undefined;
      for (const cursor of this.#cursors) {
        const { item } = cursor;
        if (item && (!least || item.digits < least.item!.digits)) least = cursor;
      }
      if (!least) return undefined;
      const { digits, number } = least.item!;
      least.next();
      const page = this.#writer.add(digits, number);
      if (page || least.isToRead) return page;
    }
  }
}

/** A place in a run. */
class Cursor {
  readonly #storage: Storage;
  readonly #run: Run;
  #items: readonly Item[] = [];
  #at = 0;
  #page = 0;

  constructor(storage: Storage, run: Run) {
    this.#storage = storage;
    this.#run = run;
  }

  get item(): Item | undefined {
    return this.#items[this.#at];
  }

  get isAtEnd(): boolean {
    return !this.item && this.#page === pagesIn(this.#run);
  }

  /** Whether its next item is on a page that was not read. */
  get isToRead(): boolean {
    return !this.item && this.#page < pagesIn(this.#run);
  }

  next(): void {
    this.#at++;
  }

  async read(): Promise<void> {
    this.#items = await readPageOf(this.#storage, this.#run, this.#page++);
    this.#at = 0;
  }
}
