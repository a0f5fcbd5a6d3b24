import { assert, assertEquals } from "@std/assert";
import { Histogram } from "../../src/bench/histogram.ts";
import { courseOf, figuresOf, together, windowOf, windowsIn } from "../../src/bench/window.ts";
import type { Taken } from "../../src/bench/worker.ts";

function taken(residentBytes: number, ms?: readonly number[], seconds = 1): Taken {
  if (!ms) return { cpuUs: 0, residentBytes };
  const latencies = new Histogram();
  for (const each of ms) latencies.add(each);
  const counts = { committed: ms.length, aborted: 1, pending: 0, missed: 3 };
  const rejected = { overloaded: 2 };
  const load = { ...counts, rejected, seconds, latencies: latencies.toJSON() };
  return { load, cpuUs: 0, residentBytes };
}

function window(residentBytes: number, ...ms: number[]) {
  return windowOf(new Map([["p1", taken(residentBytes, ms)]]));
}

Deno.test("a run is divided into windows by three, none longer than it may be", () => {
  const cases = [[5, 60, 1], [179, 60, 1], [180, 60, 3], [181, 60, 6], [1_800, 60, 30], [3, 1, 3]];
  for (const [seconds, most, count] of cases) {
    assertEquals(windowsIn(seconds!, most!), count, `${seconds} by ${most}`);
  }
});

Deno.test("what processes do beside each other adds up, but for the time it takes", () => {
  const all = new Map([
    ["coordinator", taken(7)],
    ["p1", taken(10, [1, 2], 2)],
    ["p2", taken(20, [3, 4, 5, 6], 2)],
  ]);
  const { seconds, aborted, rejected, latencies, residentBytes } = windowOf(all);
  assertEquals([seconds, aborted, rejected, latencies.count], [2, 2, { overloaded: 4 }, 6]);
  assertEquals(residentBytes, { coordinator: 7, p1: 10, p2: 20 });
  assertEquals(figuresOf(windowOf(all)).tps, 3);
});

Deno.test("windows one after the other are longer, and have as much memory", () => {
  const { seconds, committed, residentBytes } = together([window(10, 1), window(30, 1, 2)]);
  assertEquals([seconds, committed, residentBytes], [2, 3, { p1: 20 }]);
});

Deno.test("a run's course shows memory that grows, and its longest tail", () => {
  const course = courseOf([
    ...[window(1, 1), window(3, 1)],
    ...[window(4, 1), window(4, 1, 90)],
    ...[window(5, 1), window(7, 1)],
  ]);
  assertEquals(course.windows.length, 6);
  assertEquals(course.thirds.map(({ payments }) => payments), [2, 3, 2]);
  assertEquals(course.memoryGrowth, { p1: 1.5 });
  assert(course.p999msMost! >= 90 && course.p999msMost! < 91, `${course.p999msMost}`);
});

Deno.test("a course without any payment has no tail", () => {
  assertEquals(courseOf([window(1), window(1), window(1)]).p999msMost, null);
});
