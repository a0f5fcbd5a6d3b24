import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Measured } from "../../src/bench/mod.ts";
import { parseArguments } from "../../src/cli/arguments.ts";
import { bench, runsIn } from "../../src/cli/bench.ts";
import { BenchReport } from "../../src/cli/bench_report.ts";
import { record } from "./recorder.ts";

function runs(...argv: string[]): string[] {
  return runsIn(parseArguments(argv, bench)).map(({ via, concurrency }) => `${via} ${concurrency}`);
}

Deno.test("bench pays over HTTP, too, unless it is told what to do", () => {
  const inProcess = ["submit 1", "submit 64", "submit 128", "submit 512", "submit 2048"];
  assertEquals(runs(), [...inProcess, "http 128", "batch 2048"]);
  assertEquals(runs("--seconds", "9"), runs());
  assertEquals(runs("--rate", "50"), inProcess);
  assertEquals(runs("--concurrency", "7,8"), ["submit 7", "submit 8"]);
  assertEquals(runs("--via", "batch,http", "--concurrency", "7"), ["batch 7", "http 7"]);
  assertEquals(runs("--via", "http").length, inProcess.length);
});

Deno.test("bench refuses what it can't do", async () => {
  const cases: [args: string[], why: string][] = [
    [["--via", "http,ftp"], '--via "ftp" is none of submit, http, batch'],
    [["--via", "batch", "--rate", "5"], "not with --via batch"],
    [["--window", "0"], '--window "0"'],
    [["--concurrency", "7,x"], '--concurrency "x" is no whole number'],
    ...["participants", "seconds", "warmup", "window", "accounts", "legs", "rate"]
      .map((flag): [string[], string] => [[`--${flag}`, "2,5"], `--${flag} "2,5" is no whole`]),
  ];
  for (const [args, why] of cases) {
    const { exit, err } = await record("bench", ...args);
    assertEquals(exit, 2);
    assertStringIncludes(err.join("\n"), why);
  }
});

const measured: Measured = {
  ...{ concurrency: 128, via: "http", participants: 2, conserved: true },
  ...{ tps: 3_000, p50ms: 40.1, p99ms: 75, p999ms: null },
  ...{ committed: 300, aborted: 0, rejected: { overloaded: 100 }, pending: 0, missed: 0 },
  ...{ recordsPerSync: 43, logBytes: 700, linkBytes: 600 },
  ...{ cpuUs: { coordinator: 33, participants: 70, clients: 9 }, residentBytes: 1 },
};

Deno.test("bench has one table for all runs, and says whose CPU time is whose", () => {
  const report = new BenchReport();
  const lines = [...report.of(measured), ...report.of({ ...measured, via: "submit" })];
  assertEquals(lines.length, 3);
  assertEquals(new Set(lines.map(({ length }) => length)).size, 1);
  assertMatch(lines[0]!, /^paid by +in flight +payments\/s/);
  assertMatch(lines[1]!, /^HTTP, single +128 +3000 +40\.1 +75 +25\.0 +33 \+ 70 \+ 9 /);
  assertMatch(lines[2]!, /^in process /);
});

Deno.test("bench tells the thirds of a long run, and begins a new table after them", () => {
  const third = { seconds: 60, payments: 9, tps: 1, p50ms: 1, p99ms: 2, p999ms: 3 };
  const thirds = [1, 2, 3].map((mb) => ({ ...third, residentBytes: { p1: mb * 1e6 } }));
  const course = { windows: thirds, thirds, memoryGrowth: { p1: 1.5 }, p999msMost: 3 };
  const report = new BenchReport();
  const lines = report.of({ ...measured, course });
  assertMatch(lines.join("\n"), /\nthird .* p1 MB\nfirst .* 1\nsecond .* 2\nlast .* 3\n/);
  assertStringIncludes(lines.join("\n"), "memory in the last third to that in the second: p1 1.5");
  assertStringIncludes(lines.join("\n"), "highest p99.9 of 3 windows: 3 ms");
  assertMatch(report.of(measured)[0]!, /^paid by/);
});
