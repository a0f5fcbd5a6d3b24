/** Latencies by their size, to within one percent, in little memory however many there are. */

/** Of each bucket the upper bound is so many times the lower. */
const growth = 1.01;
const scale = 1 / Math.log(growth);
/** Below it all are one: a microsecond. */
const leastMs = 0.001;

export class Histogram {
  readonly #counts: number[];

  constructor(counts: readonly number[] = []) {
    this.#counts = Array.from(counts, (count) => count ?? 0);
  }

  add(ms: number): void {
    const bucket = ms <= leastMs ? 0 : Math.ceil(Math.log(ms / leastMs) * scale);
    while (this.#counts.length <= bucket) this.#counts.push(0);
    this.#counts[bucket]!++;
  }

  merge(other: Histogram): void {
    for (const [bucket, count] of other.#counts.entries()) {
      while (this.#counts.length <= bucket) this.#counts.push(0);
      this.#counts[bucket]! += count;
    }
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** Nearest rank, as the upper bound of its bucket, in milliseconds; nothing without any. */
  quantile(share: number): number | undefined {
    let left = Math.ceil(share * this.count);
    if (left === 0) return undefined;
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return leastMs * growth ** bucket;
    }
    return undefined;
  }

  /** To be made one again by the constructor. */
  toJSON(): readonly number[] {
    return this.#counts;
  }
}
