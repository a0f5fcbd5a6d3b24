/**
 * By what peers were known before they came with other keys: state has the last introduction of each, and what
 * was signed before holds by an earlier one, which stands in the log.
 */

import type { Log } from "../log/log.ts";
import type { Introduction } from "../protocol/message.ts";

export class IntroductionHistory {
  readonly #log: Log;
  readonly #found = new Map<string, Introduction[]>();
  /** The last entry that was read. */
  #number = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor(log: Log) {
    this.#log = log;
  }

  /** All of a peer, the newest first. The whole log is read for the first that is asked for. */
  async of(name: string): Promise<readonly Introduction[]> {
    await (this.#reading = this.#reading.then(() => this.#read()));
    return this.#found.get(name)?.toReversed() ?? [];
  }

  async #read(): Promise<void> {
    while (this.#number < this.#log.head.number) {
      const { records } = await this.#log.entry(this.#number + 1);
      this.#number++;
      for (const record of records) {
        if (record.type !== "introduced" || !record.introduction) continue;
        const { name, introduction } = record;
        this.#found.set(name, [...this.#found.get(name) ?? [], introduction]);
      }
    }
  }
}
