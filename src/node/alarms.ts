/** What a node has raised since it started, the latest, less what has been settled since. */

import type { LogRecord } from "../protocol/record.ts";
import type { Alarm } from "../protocol/step.ts";

const alarmsKept = 100;

export class Alarms {
  #kept: (Alarm & { readonly atMs: number })[] = [];

  raise(alarm: Alarm, atMs: number): void {
    this.#kept.push({ ...alarm, atMs });
    if (this.#kept.length > alarmsKept) this.#kept.shift();
  }

  /**
   * What was forced turns out to be the real decision, or an operator acknowledges that it was not. A
   * mismatch settles nothing yet.
   */
  recorded(records: readonly LogRecord[]): void {
    if (!this.#kept.some(({ forced }) => forced !== undefined)) return;
    for (const record of records) {
      const { type } = record;
      if (type !== "posted" && type !== "released" && type !== "acknowledged") continue;
      const { transaction } = record;
      this.#kept = this.#kept.filter(({ forced }) => forced !== transaction);
    }
  }

  /** Each in a line with its time, newest last. */
  texts(): string[] {
    return this.#kept.map(({ text, atMs }) => `${new Date(atMs).toISOString()} ${text}`);
  }
}
