/** Load on a participant: so many payments in flight, or so many that arrive a second, and their counts. */

import { Histogram } from "./histogram.ts";
import type { Outcome, Payer } from "./payer.ts";
import type { Payment, Workload } from "./workload.ts";
import { paymentBy } from "./workload.ts";

/** How hard. */
export interface Pressure {
  /** In flight at a time; in an open loop the most. */
  readonly concurrency: number;
  /** Payments a second that arrive, whatever becomes of those before; nothing: a closed loop. */
  readonly rate?: number;
  /** Whether all that are in flight are one request; in closed loops. */
  readonly isBatch?: boolean;
}

/** Of what ended within a time; of no size that grows with it. */
export interface LoadResult {
  readonly committed: number;
  readonly aborted: number;
  /** By their codes: what was not begun. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Asked for, and not answered in time. */
  readonly pending: number;
  /** Of an open loop: arrived, and not asked for, as the most were under way. */
  readonly missed: number;
  readonly seconds: number;
  /** Of the committed, in milliseconds. */
  readonly latencies: readonly number[];
}

const arrivalMs = 1;
const retryMs = 100;

class Counts {
  committed = 0;
  aborted = 0;
  pending = 0;
  missed = 0;
  readonly rejected: Record<string, number> = {};
  readonly latencies = new Histogram();
  readonly #startMs = performance.now();

  add(outcome: Outcome, startMs: number): void {
    switch (outcome.state) {
      case "committed":
        this.latencies.add(performance.now() - startMs);
        this.committed++;
        return;
      case "rejected":
        this.rejected[outcome.code] = (this.rejected[outcome.code] ?? 0) + 1;
        return;
      default:
        this[outcome.state]++;
    }
  }

  result(): LoadResult {
    const { committed, aborted, pending, missed, rejected } = this;
    const seconds = (performance.now() - this.#startMs) / 1_000;
    const latencies = this.latencies.toJSON();
    return { committed, aborted, pending, missed, rejected, seconds, latencies };
  }
}

export class Load {
  readonly #payer: Payer;
  readonly #workload: Workload;
  #counts = new Counts();
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(payer: Payer, workload: Workload) {
    this.#payer = payer;
    this.#workload = workload;
  }

  /** Goes on until the end is asked for. */
  begin({ concurrency, rate, isBatch = false }: Pressure): void {
    const [requests, size] = isBatch ? [1, concurrency] : [concurrency, 1];
    this.#running = rate === undefined
      ? Promise.all(Array.from({ length: requests }, () => this.#payOn(size, () => !this.#isOver)))
      : this.#arrive(rate, concurrency);
  }

  /** What ended since it was last taken. */
  take(): LoadResult {
    const taken = this.#counts.result();
    this.#counts = new Counts();
    return taken;
  }

  /** Resolves when nothing is under way. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  /** So many payments and no more, of which those count that are rejected. */
  async pay(concurrency: number, count: number): Promise<void> {
    let left = count;
    const isLeft = () => left-- > 0;
    await Promise.all(Array.from({ length: concurrency }, () => this.#payOn(1, isLeft)));
  }

  /** One request after the other. */
  async #payOn(size: number, goesOn: () => boolean): Promise<void> {
    let startMs = 0;
    let isRejected = false;
    const told = (outcome: Outcome) => {
      this.#counts.add(outcome, startMs);
      isRejected ||= outcome.state === "rejected";
    };
    while (goesOn()) {
      startMs = performance.now();
      isRejected = false;
      await this.#payer.pay(this.#payments(size), told);
      // Whoever is told that there is too much comes again a moment later.
      if (isRejected) await sleep(retryMs);
    }
  }

  /** Payments by the clock: a slow answer holds up none, and counts from when its payment was due. */
  async #arrive(rate: number, most: number): Promise<void> {
    const startMs = performance.now();
    let underWay = 0;
    let failure: { readonly thrown: unknown } | undefined;
    // Most of those that are too many are rejected at once: to count them must cost little.
    const answered = () => void underWay--;
    const failed = (thrown: unknown) => {
      failure = { thrown };
      underWay--;
    };
    for (let sent = 0; !this.#isOver || underWay > 0;) {
      const due = Math.floor((performance.now() - startMs) * rate / 1_000);
      for (; sent < due && !this.#isOver; sent++) {
        // One that had to wait here would measure this loop.
        if (underWay >= most) {
          this.#counts.missed++;
          continue;
        }
        underWay++;
        const dueMs = startMs + sent * 1_000 / rate;
        const told = (outcome: Outcome) => this.#counts.add(outcome, dueMs);
        this.#payer.pay(this.#payments(1), told).then(answered, failed);
      }
      if (failure) throw failure.thrown;
      await sleep(arrivalMs);
    }
  }

  #payments(count: number): Payment[] {
    const next = () => paymentBy(this.#payer.name, this.#workload);
    const payments = [next()];
    while (payments.length < count) payments.push(next());
    return payments;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
