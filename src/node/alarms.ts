/** What a node has raised since it started, the latest, less what has been settled since. */

import type { LogRecord } from "../protocol/record.ts";
import type { Alarm } from "../protocol/step.ts";

/** As many are known again when they come again; of them the latest are shown. */
const alarmsKept = 10_000;
const alarmsShown = 100;
/** Between two lines that print the same alarm. */
const repeatMs = 60_000;

interface Kept extends Alarm {
  readonly firstMs: number;
  lastMs: number;
  printedMs: number;
  count: number;
}

export class Alarms {
  /** By their texts, the one that was raised last at the end. */
  readonly #kept = new Map<string, Kept>();
  /** Those of them that a record may settle: few, as each is an operator's doing. */
  readonly #forced = new Set<Kept>();

  /**
   * What has been raised before is counted.
   *
   * @returns what is to be printed of it; nothing where that was printed a moment ago
   */
  raise({ text, forced }: Alarm, atMs: number): string | undefined {
    const known = this.#kept.get(text);
    if (!known) {
      const once = { firstMs: atMs, lastMs: atMs, printedMs: atMs, count: 1 };
      const alarm = { text, forced, ...once };
      this.#kept.set(text, alarm);
      if (forced !== undefined) this.#forced.add(alarm);
      const [oldest] = this.#kept.values();
      if (this.#kept.size > alarmsKept) this.#drop(oldest!);
      return text;
    }
    this.#kept.delete(text);
    this.#kept.set(text, known);
    known.count++;
    known.lastMs = atMs;
    // The clock may have been set back.
    if (Math.abs(atMs - known.printedMs) < repeatMs) return undefined;
    known.printedMs = atMs;
    return countedText(known);
  }

  /**
   * What was forced turns out to be the real decision, or an operator acknowledges that it was not. A
   * mismatch settles nothing yet.
   */
  recorded(records: readonly LogRecord[]): void {
    if (this.#forced.size === 0) return;
    for (const record of records) {
      const { type } = record;
      if (type !== "posted" && type !== "released" && type !== "acknowledged") continue;
      const { transaction } = record;
      for (const alarm of this.#forced) if (alarm.forced === transaction) this.#drop(alarm);
    }
  }

  #drop(alarm: Kept): void {
    this.#kept.delete(alarm.text);
    this.#forced.delete(alarm);
  }

  /** Each in a line with the time at which it was raised last, newest last. */
  texts(): string[] {
    return [...this.#kept.values()].slice(-alarmsShown)
      .map((alarm) => `${new Date(alarm.lastMs).toISOString()} ${countedText(alarm)}`);
  }
}

function countedText({ text, count, firstMs }: Kept): string {
  return count === 1 ? text : `${text} (${count} times since ${new Date(firstMs).toISOString()})`;
}
