import { assert, assertEquals } from "@std/assert";
import { Histogram } from "../../src/bench/histogram.ts";

Deno.test("quantiles are right to one percent, above or equal", () => {
  const histogram = new Histogram();
  for (let ms = 1; ms <= 10_000; ms++) histogram.add(ms);
  for (
    const [share, exact] of [[0.5, 5_000], [0.99, 9_900], [0.999, 9_990], [1, 10_000]] as const
  ) {
    const found = histogram.quantile(share)!;
    assert(found >= exact && found <= exact * 1.01, `${share}: ${found}`);
  }
});

Deno.test("an empty histogram has no quantile, and nothing is below a microsecond", () => {
  const histogram = new Histogram();
  assertEquals(histogram.quantile(0.5), undefined);
  histogram.add(0);
  assertEquals([histogram.count, histogram.quantile(0.99)], [1, 0.001]);
});

Deno.test("histograms of two processes make one", () => {
  const [fast, slow] = [new Histogram(), new Histogram()];
  for (let i = 0; i < 99; i++) fast.add(1);
  slow.add(1_000);
  const all = new Histogram();
  for (const one of [fast, slow]) all.merge(new Histogram(JSON.parse(JSON.stringify(one))));
  assertEquals(all.count, 100);
  assert(all.quantile(0.99)! < 1.02);
  assert(all.quantile(1)! >= 1_000);
});
