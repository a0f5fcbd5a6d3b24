/** What `bench` says to people: a row for each run, and of a long one how it went. */

import type { Course, Measured, Via, WindowFigures } from "../bench/mod.ts";

/** Lines for each run as it ends. */
export class BenchReport {
  #hasHead = false;

  of(result: Measured): string[] {
    const lines = tableOf(columns, [result], !this.#hasHead);
    this.#hasHead = result.course === undefined;
    return result.course === undefined ? lines : [...lines, ...courseLines(result.course)];
  }
}

export function windowLine(figures: WindowFigures, number: number, count: number): string {
  const { payments, tps, p999ms, residentBytes } = figures;
  const memory = Object.entries(residentBytes).map(([name, bytes]) => `${name} ${inMb(bytes)}`);
  return `window ${number} of ${count}: ${payments} payments, ${tps}/s, p99.9 ${
    p999ms ?? "-"
  } ms; ` +
    `MB: ${memory.join(", ")}`;
}

type Column<T> = readonly [head: string, text: (row: T) => string];

const viaTexts: Readonly<Record<Via, string>> = {
  submit: "in process",
  http: "HTTP, single",
  batch: "HTTP, batch",
};

const timeColumns: readonly Column<Pick<Measured, "tps" | "p50ms" | "p99ms" | "p999ms">>[] = [
  ["payments/s", ({ tps }) => String(tps)],
  ["p50 ms", ({ p50ms }) => String(p50ms ?? "")],
  ["p99 ms", ({ p99ms }) => String(p99ms ?? "")],
  ["p99.9 ms", ({ p999ms }) => String(p999ms ?? "")],
];

const columns: readonly Column<Measured>[] = [
  ["paid by", ({ via }) => viaTexts[via]],
  ["in flight", ({ concurrency }) => String(concurrency)],
  ...timeColumns,
  ["rejected %", (result) => (100 * rejectedOf(result)).toFixed(1)],
  ["CPU us/payment", ({ cpuUs: { coordinator, participants, clients } }) => {
    return [coordinator, participants, ...clients === undefined ? [] : [clients]].join(" + ");
  }],
  ["records/sync", ({ recordsPerSync }) => String(recordsPerSync)],
  ["log B", ({ logBytes }) => String(logBytes)],
  ["link B", ({ linkBytes }) => String(linkBytes)],
];

/** The share of all that was asked for and answered. */
function rejectedOf({ committed, aborted, pending, rejected }: Measured): number {
  const count = Object.values(rejected).reduce((all, one) => all + one, 0);
  return count / Math.max(1, count + committed + aborted + pending);
}

function courseLines({ windows, thirds, memoryGrowth, p999msMost }: Course): string[] {
  const names = ["first", "second", "last"];
  const rows = thirds.map((third, i) => ({ ...third, name: names[i]! }));
  const growth = Object.entries(memoryGrowth).map(([name, ratio]) => `${name} ${ratio}`);
  const memoryColumns = Object.keys(memoryGrowth).map((process): Column<typeof rows[0]> => [
    `${process} MB`,
    ({ residentBytes }) => inMb(residentBytes[process]!),
  ]);
  return [
    "",
    ...tableOf([
      ["third", ({ name }) => name],
      ["payments", ({ payments }) => String(payments)],
      ...timeColumns,
      ...memoryColumns,
    ], rows),
    `memory in the last third to that in the second: ${growth.join(", ")}`,
    `highest p99.9 of ${windows.length} windows: ${p999msMost ?? "-"} ms`,
    "",
  ];
}

/** The first column says which row it is. */
function tableOf<T>(columns: readonly Column<T>[], rows: readonly T[], hasHead = true): string[] {
  const line = (text: (column: Column<T>) => string) =>
    columns.map((column, i) =>
      i === 0 ? text(column).padEnd(12) : text(column).padStart(Math.max(column[0].length, 7))
    ).join("  ");
  return [
    ...hasHead ? [line(([head]) => head)] : [],
    ...rows.map((row) => line(([, text]) => text(row))),
  ];
}

function inMb(bytes: number): string {
  return String(Math.round(bytes / 1e6));
}
