/** What the page's charts show of the last minutes, measured whether anyone looks or not. */

import type { Sample } from "../http/node_api.ts";
import type { Meter } from "./meter.ts";

const intervalMs = 1_000;
/** Five minutes, as many as the charts have room for. */
export const samplesKept = 300;

/** A ring of fixed size, in memory only. It costs a look at the meter a second, and nothing a payment. */
export class Samples {
  readonly #meter: Meter;
  readonly #ring: Sample[] = [];
  #sequence = 0;
  #before:
    | { readonly nowMs: number; readonly decided: number; readonly answered: number }
    | undefined;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /**
   * To be called more often than once a second.
   *
   * @param nowMs of a clock that only goes forward
   */
  tick(nowMs: number, wallMs: number): void {
    const before = this.#before;
    const passedMs = before ? nowMs - before.nowMs : Infinity;
    if (passedMs < intervalMs) return;
    const decided = this.#meter.committed + this.#meter.aborted;
    const answered = this.#meter.answered;
    this.#before = { nowMs, decided, answered };
    // Of a longer pause, in which the node was stopped, there is no rate to tell.
    if (!before || passedMs > 5 * intervalMs) return;
    const quantile = (of: number) => answered > before.answered ? this.#meter.latencyMs(of) : null;
    const sequence = ++this.#sequence;
    this.#ring[sequence % samplesKept] = {
      sequence,
      atMs: wallMs,
      throughput: (decided - before.decided) * 1000 / passedMs,
      latencyMs: { p50: quantile(0.5), p99: quantile(0.99) },
    };
  }

  /** Those after `sequence`, oldest first. */
  after(sequence: number): Sample[] {
    return this.#ring
      .filter((sample) => sample.sequence > sequence)
      .sort((a, b) => a.sequence - b.sequence);
  }
}
