/** What happened within a time of a run, in all its processes: of one such window, or of several as one. */

import { Histogram } from "./histogram.ts";
import type { Taken } from "./worker.ts";

export interface Window {
  readonly seconds: number;
  readonly committed: number;
  readonly aborted: number;
  /** By their codes: what was not begun. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Asked for, and not answered in time. */
  readonly pending: number;
  /** Of an open loop: arrived, and not asked for, as the most were under way. */
  readonly missed: number;
  readonly latencies: Histogram;
  /** By the names of the processes, on average. */
  readonly residentBytes: Readonly<Record<string, number>>;
}

/** Times in milliseconds, of those that were committed. */
export interface WindowFigures {
  readonly seconds: number;
  /** Committed. */
  readonly payments: number;
  /** Committed payments a second. */
  readonly tps: number;
  readonly p50ms: number | null;
  readonly p99ms: number | null;
  readonly p999ms: number | null;
  /** By the names of the processes, on average. */
  readonly residentBytes: Readonly<Record<string, number>>;
}

/** What a run that is long enough to have changed shows, beside its figures as a whole. */
export interface Course {
  readonly windows: readonly WindowFigures[];
  readonly thirds: readonly WindowFigures[];
  /** Of each process: memory in the last third, to that in the second. */
  readonly memoryGrowth: Readonly<Record<string, number>>;
  /** Of any window. */
  readonly p999msMost: number | null;
}

/** How many windows, of `windowSeconds` at most, a run has: three equal parts of it, or it is one. */
export function windowsIn(seconds: number, windowSeconds: number): number {
  return seconds < 3 * windowSeconds ? 1 : 3 * Math.ceil(seconds / (3 * windowSeconds));
}

/** What the processes did beside each other. */
export function windowOf(taken: ReadonlyMap<string, Taken>): Window {
  const loads = [...taken.values()].flatMap(({ load }) => load ?? []);
  const windows = loads.map((load): Window => ({
    ...load,
    latencies: new Histogram(load.latencies),
    residentBytes: {},
  }));
  const sum = added(windows);
  return {
    ...sum,
    seconds: sum.seconds / loads.length,
    residentBytes: Object.fromEntries(
      [...taken].map(([name, { residentBytes }]) => [name, residentBytes]),
    ),
  };
}

/** Windows one after the other, of equal length, as one. */
export function together(windows: readonly Window[]): Window {
  const residentBytes: Record<string, number> = {};
  for (const name of Object.keys(windows[0]!.residentBytes)) {
    const sum = windows.reduce((all, one) => all + one.residentBytes[name]!, 0);
    residentBytes[name] = Math.round(sum / windows.length);
  }
  return { ...added(windows), residentBytes };
}

export function figuresOf({ seconds, committed, latencies, residentBytes }: Window): WindowFigures {
  const quantile = (share: number) => rounded(latencies.quantile(share));
  return {
    seconds: Number(seconds.toFixed(2)),
    payments: committed,
    tps: Math.round(committed / seconds),
    p50ms: quantile(0.5),
    p99ms: quantile(0.99),
    p999ms: quantile(0.999),
    residentBytes,
  };
}

/** @param windows of equal length, as many as can be divided by three */
export function courseOf(windows: readonly Window[]): Course {
  const length = windows.length / 3;
  const thirds = [0, 1, 2].map((i) =>
    figuresOf(together(windows.slice(i * length, (i + 1) * length)))
  );
  const [, second, last] = thirds;
  const all = windows.map(figuresOf);
  const tails = all.flatMap(({ p999ms }) => p999ms ?? []);
  return {
    windows: all,
    thirds,
    memoryGrowth: Object.fromEntries(
      Object.entries(last!.residentBytes).map(([name, bytes]) => [
        name,
        Number((bytes / second!.residentBytes[name]!).toFixed(3)),
      ]),
    ),
    p999msMost: tails.length === 0 ? null : Math.max(...tails),
  };
}

/** All but memory, seconds too. */
function added(windows: readonly Window[]): Omit<Window, "residentBytes"> {
  const sum = (of: (window: Window) => number) => windows.reduce((all, one) => all + of(one), 0);
  const latencies = new Histogram();
  const rejected: Record<string, number> = {};
  for (const one of windows) {
    latencies.merge(one.latencies);
    for (const [code, count] of Object.entries(one.rejected)) {
      rejected[code] = (rejected[code] ?? 0) + count;
    }
  }
  return {
    seconds: sum(({ seconds }) => seconds),
    committed: sum(({ committed }) => committed),
    aborted: sum(({ aborted }) => aborted),
    pending: sum(({ pending }) => pending),
    missed: sum(({ missed }) => missed),
    rejected,
    latencies,
  };
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Number(ms.toPrecision(3));
}
