/** What to do about a payment that has left memory: ask the log's index, and let its events wait. */

import { askedLookUpsMax } from "../limits.ts";
import type { LookUpKey, Output } from "./step.ts";

/**
 * Ids enter here first and are reserved while the shell asks the index, so that a second event for the
 * same id waits with the first.
 */
export class LookUps<Event> {
  /** The highest payment id that the index may hold and memory may not. */
  #mark = "";
  readonly #waiting = new Map<LookUpKey, Event[]>();
  #answering: LookUpKey | undefined;

  /** Ids that are reserved. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Whether an event that comes again by itself had better do so: the first of an id waits already, or as
   * many ids are reserved as peers may have looked up here for what they ask.
   */
  isBusy(key: LookUpKey): boolean {
    if (key > this.#mark || key === this.#answering) return false;
    return this.#waiting.has(key) || this.#waiting.size >= askedLookUpsMax;
  }

  /** The index holds, durably, payments of ids up to `mark` that memory has forgotten. */
  raiseMark(mark: string): void {
    if (mark > this.#mark) this.#mark = mark;
  }

  /**
   * Whether nothing is known of a payment that is not in memory. If the index has to be asked, the
   * answer is no for now, and the event is to be stepped again once the index has answered.
   */
  isAbsent(key: LookUpKey, event: Event, out: Output<unknown>): boolean {
    // Ids above the mark have never left memory. The mark only grows, and no clock is asked: one set
    // back would make an old id look new.
    return key > this.#mark || this.isNotIndexed(key, event, out);
  }

  /** As {@linkcode isAbsent}, of keys that have no order in time. */
  isNotIndexed(key: LookUpKey, event: Event, out: Output<unknown>): boolean {
    if (key === this.#answering) return true;
    const waiting = this.#waiting.get(key);
    if (waiting) waiting.push(event);
    else {
      this.#waiting.set(key, [event]);
      out.lookUps.push(key);
    }
    return false;
  }

  /** Whether the event that is being stepped has waited for the index. */
  isAnswering(key: LookUpKey): boolean {
    return key === this.#answering;
  }

  /** The index has answered: the events that waited for it, each to be stepped now. */
  answer(key: LookUpKey, step: (event: Event) => void): void {
    const waiting = this.#waiting.get(key) ?? [];
    this.#answering = key;
    for (const event of waiting) step(event);
    this.#answering = undefined;
    this.#waiting.delete(key);
  }
}
