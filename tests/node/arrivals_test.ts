/** How long the first of a queue has waited, whatever was taken of it before. */

import { assertEquals } from "@std/assert";
import { Arrivals } from "../../src/node/arrivals.ts";

class Bench {
  nowMs = 0;
  looks = 0;
  readonly arrivals = new Arrivals(() => {
    this.looks++;
    return this.nowMs;
  });

  push(count: number, atMs: number): void {
    this.nowMs = atMs;
    for (let i = 0; i < count; i++) this.arrivals.push();
  }

  begin(atMs: number): number {
    return this.arrivals.begin(this.nowMs = atMs);
  }
}

Deno.test("what is taken at once has waited since the first of it came", () => {
  const bench = new Bench();
  assertEquals(bench.begin(5), 0);
  bench.push(2, 10);
  bench.push(1, 25);
  assertEquals(bench.begin(30), 20);
  bench.arrivals.take(3);
  assertEquals(bench.begin(40), 0);
  bench.push(1, 50);
  assertEquals(bench.begin(51), 1);
});

Deno.test("what was left over has waited since it came, not since those before it", () => {
  const bench = new Bench();
  bench.push(10, 0);
  bench.begin(1);
  bench.arrivals.take(5);
  bench.push(10, 100);
  // Five of the first ten are left.
  assertEquals(bench.begin(101), 101);
  bench.arrivals.take(5);
  bench.push(10, 200);
  assertEquals(bench.begin(201), 101);
  bench.arrivals.take(10);
  assertEquals(bench.begin(202), 2);
});

Deno.test("the clock is looked at once a turn", () => {
  const bench = new Bench();
  bench.push(1_000, 0);
  bench.begin(1);
  bench.push(1_000, 2);
  assertEquals(bench.looks, 2);
});
