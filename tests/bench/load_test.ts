import { assert, assertEquals } from "@std/assert";
import type { Pressure } from "../../src/bench/load.ts";
import { Load } from "../../src/bench/load.ts";
import type { Outcome, Payer } from "../../src/bench/payer.ts";

const workload = { participants: ["p1", "p2"], accounts: 10, legs: 2, memo: false, refusals: 0 };
const takesMs = 5;

/** Takes its time, and keeps what it was sent. */
class FakePayer implements Payer {
  readonly name = "p1";
  readonly sizes: number[] = [];
  underWay = 0;
  most = 0;

  constructor(readonly outcome: Outcome) {}

  pay: Payer["pay"] = async (payments, told) => {
    this.sizes.push(payments.length);
    this.underWay++;
    this.most = Math.max(this.most, this.underWay);
    await new Promise((resolve) => setTimeout(resolve, takesMs));
    payments.forEach(() => told(this.outcome));
    this.underWay--;
  };
}

async function loaded(pressure: Pressure, outcome: Outcome = { state: "committed" }) {
  const payer = new FakePayer(outcome);
  const load = new Load(payer, workload);
  load.begin(pressure);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const first = load.take();
  await load.end();
  return { payer, first, rest: load.take() };
}

Deno.test("so many payments are under way, each by itself", async () => {
  const { payer, first, rest } = await loaded({ concurrency: 4 });
  assertEquals([payer.most, payer.underWay, Math.max(...payer.sizes)], [4, 0, 1]);
  assert(first.committed > 4 && first.seconds >= 0.09, JSON.stringify(first));
  const counted = first.latencies.reduce((sum, count) => sum + count, 0);
  assertEquals(counted, first.committed);
  assertEquals(first.committed + rest.committed, payer.sizes.length);
});

Deno.test("by batch they are under way as one request", async () => {
  const { payer, first, rest } = await loaded({ concurrency: 4, isBatch: true });
  assertEquals([payer.most, new Set(payer.sizes)], [1, new Set([4])]);
  assertEquals(first.committed + rest.committed, 4 * payer.sizes.length);
});

Deno.test("by the clock payments come as they are due, up to so many under way", async () => {
  const { payer } = await loaded({ concurrency: 100, rate: 200 });
  assert(payer.sizes.length > 10 && payer.sizes.length < 40, `${payer.sizes.length} in 0.1 s`);
  const { payer: busy, first } = await loaded({ concurrency: 2, rate: 10_000 });
  assertEquals(busy.most, 2);
  // The rest is not kept for later: what waited here would count as the node's latency.
  assert(first.missed > 100, JSON.stringify(first));
});

Deno.test("what is not begun is counted by why, and has no latency", async () => {
  const outcome: Outcome = { state: "rejected", code: "overloaded" };
  const { first } = await loaded({ concurrency: 1 }, outcome);
  assert(first.rejected["overloaded"]! >= 1);
  assertEquals([first.committed, first.latencies.length], [0, 0]);
});
