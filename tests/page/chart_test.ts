import { assertEquals } from "@std/assert";
import { withGaps } from "../../src/http/page/chart.js";

interface Row {
  readonly at: number;
  readonly throughput?: number;
}

Deno.test("withGaps() has an empty sample where nothing was measured, and none after a late one", () => {
  const samples = [0, 1_000, 5_500, 40_000].map((at) => ({ at, throughput: 1 }));
  const rows: Row[] = withGaps(samples);
  assertEquals(rows.map(({ at, throughput }) => [at, throughput]), [
    [0, 1],
    [1_000, 1],
    [5_500, 1],
    [5_501, undefined],
    [40_000, 1],
  ]);
  assertEquals(withGaps([]), []);
});
