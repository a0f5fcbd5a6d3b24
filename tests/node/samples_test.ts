/** The last minutes of a node, for whoever opens its page. */

import { assertEquals } from "@std/assert";
import { Meter } from "../../src/node/meter.ts";
import { Samples, samplesKept } from "../../src/node/samples.ts";

const wallMs = Date.UTC(2025, 0, 31, 12);
const tickMs = 100;

/** Lets time pass from 0, in ticks, and payments be decided: `at` is called before each. */
function measured(untilMs: number, at: (nowMs: number, meter: Meter) => void): Samples {
  const meter = new Meter();
  const samples = new Samples(meter);
  for (let nowMs = 0; nowMs <= untilMs; nowMs += tickMs) {
    at(nowMs, meter);
    samples.tick(nowMs, wallMs + nowMs);
  }
  return samples;
}

Deno.test("Samples has a rate a second, and latencies where something was answered", () => {
  const samples = measured(3_900, (nowMs, meter) => {
    if (nowMs === 100 || nowMs === 1_000) meter.decide(true, nowMs);
    if (nowMs === 500) meter.decide(false, nowMs);
    if (nowMs === 2_100) meter.answer(7);
  });
  const none = { p50: null, p99: null };
  assertEquals(samples.after(0), [
    { sequence: 1, atMs: wallMs + 1_000, throughput: 3, latencyMs: none },
    { sequence: 2, atMs: wallMs + 2_000, throughput: 0, latencyMs: none },
    { sequence: 3, atMs: wallMs + 3_000, throughput: 0, latencyMs: { p50: 7, p99: 7 } },
  ]);
  assertEquals(samples.after(2).map(({ sequence }) => sequence), [3]);
  assertEquals(samples.after(3), []);
});

Deno.test("Samples divides by the time that has passed, and tells nothing of a pause", () => {
  const meter = new Meter();
  const samples = new Samples(meter);
  for (const nowMs of [0, 2_000, 9_000, 10_000]) {
    meter.decide(true, nowMs);
    samples.tick(nowMs, wallMs + nowMs);
  }
  const seen = samples.after(0).map(({ atMs, throughput }) => [atMs - wallMs, throughput]);
  assertEquals(seen, [[2_000, 0.5], [10_000, 1]]);
});

Deno.test("Samples keeps the newest only, oldest first", () => {
  const samples = measured(1_000 * (samplesKept + 7), () => {});
  const seen = samples.after(0).map(({ sequence }) => sequence);
  assertEquals(seen, Array.from({ length: samplesKept }, (_, at) => at + 8));
});
