/** What the measurements of several systems say about one of them. */

import type { Speed } from "./load.ts";

export interface Figure extends Speed {
  readonly system: string;
  readonly concurrency: number;
  readonly round: number;
}

export interface Comparison {
  readonly concurrency: number;
  /** Payments a second, or where there is one at a time, how long it takes. */
  readonly measure: "tps" | "p50ms";
  /** Of all rounds, by system. */
  readonly medians: Readonly<Record<string, number>>;
  /** The best of the others. */
  readonly better: string;
  /** How many times the figure of that one: of `tps` more is better, of `p50ms` less. */
  readonly ratio: number;
}

/**
 * Compares one system with the best of the others, at each concurrency, in the order of the figures.
 *
 * @throws {Error} where there is none to compare
 */
export function compare(figures: readonly Figure[], system: string): Comparison[] {
  const byConcurrency = Map.groupBy(figures, ({ concurrency }) => concurrency);
  return [...byConcurrency].map(([concurrency, group]) => {
    const measure = concurrency === 1 ? "p50ms" : "tps";
    const medians = new Map<string, number>();
    for (const [name, own] of Map.groupBy(group, ({ system }) => system)) {
      medians.set(name, median(own.map((figure) => figure[measure])));
    }
    const ownMedian = medians.get(system);
    const others = [...medians].filter(([name]) => name !== system)
      .sort(([, one], [, other]) => measure === "tps" ? other - one : one - other);
    const [best] = others;
    if (ownMedian === undefined || best === undefined) {
      throw new Error(`nothing to compare at ${concurrency} in flight: ${[...medians.keys()]}`);
    }
    const [better, bestMedian] = best;
    const ratio = ownMedian / bestMedian;
    return { concurrency, measure, medians: Object.fromEntries(medians), better, ratio };
  });
}

/** Of an even number the mean of the two in the middle; of none, NaN. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
