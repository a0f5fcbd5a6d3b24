/** What a node measures of itself, for its status: since it started, and over the last seconds. */

import type { LatencyHistogram } from "../http/node_api.ts";

const windowSeconds = 10;
const latenciesKept = 1024;
const boundsMs: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

export class Meter {
  committed = 0;
  aborted = 0;
  /** Latencies that were measured. */
  answered = 0;
  /** Made durable. */
  records = 0;
  /** Of what was handed to links. */
  linkBytes = 0;
  /** Payments decided in each of the last seconds; `#second` is the one being counted. */
  readonly #decided = new Array<number>(windowSeconds + 1).fill(0);
  #second = 0;
  readonly #latencies: number[] = [];
  #nextLatency = 0;
  readonly #buckets = new Array<number>(boundsMs.length + 1).fill(0);
  #sumMs = 0;

  decide(isCommit: boolean, nowMs: number): void {
    if (isCommit) this.committed++;
    else this.aborted++;
    this.#advance(nowMs);
    this.#decided[this.#second % this.#decided.length]!++;
  }

  /** Milliseconds from a user's request to its answer; at a coordinator, to its decision. */
  answer(latencyMs: number): void {
    this.answered++;
    this.#latencies[this.#nextLatency] = latencyMs;
    this.#nextLatency = (this.#nextLatency + 1) % latenciesKept;
    const bucket = boundsMs.findIndex((boundMs) => latencyMs <= boundMs);
    this.#buckets[bucket === -1 ? boundsMs.length : bucket]!++;
    this.#sumMs += latencyMs;
  }

  /** Payments decided a second, over the last full seconds. */
  throughput(nowMs: number): number {
    this.#advance(nowMs);
    const current = this.#decided[this.#second % this.#decided.length]!;
    return (this.#decided.reduce((a, b) => a + b, 0) - current) / windowSeconds;
  }

  /** A quantile of the latest latencies, nearest rank; null without any. */
  latencyMs(quantile: number): number | null {
    if (this.#latencies.length === 0) return null;
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return sorted[Math.ceil(quantile * sorted.length) - 1]!;
  }

  latencies(): LatencyHistogram {
    return { boundsMs, counts: [...this.#buckets], sumMs: this.#sumMs };
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const passed = Math.min(second - this.#second, this.#decided.length);
    for (let i = 1; i <= passed; i++) {
      this.#decided[(second - passed + i) % this.#decided.length] = 0;
    }
    this.#second = second;
  }
}
