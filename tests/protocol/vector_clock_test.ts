import { assertEquals } from "@std/assert";
import type { VectorClock } from "../../src/protocol/vector_clock.ts";
import {
  compareClocks,
  isAtMost,
  mergeClocks,
  withComponent,
} from "../../src/protocol/vector_clock.ts";

function clock(text: string): VectorClock {
  return new Map(
    text.split(" ").filter((part) => part).map((part) => {
      return [part.slice(0, 1), Number(part.slice(1))];
    }),
  );
}

const pairs: readonly [string, string, string, string][] = [
  ["", "", "equal", ""],
  ["a1", "", "after", "a1"],
  ["", "a1", "before", "a1"],
  ["a1", "a2", "before", "a2"],
  ["a1 b2", "a1 b2", "equal", "a1 b2"],
  ["a1 b2", "b2 a1", "equal", "a1 b2"],
  ["a2 b1", "a1 b2", "concurrent", "a2 b2"],
  ["a1", "b1", "concurrent", "a1 b1"],
  ["a1 b0", "a1", "equal", "a1 b0"],
];

for (const [a, b, causality, merged] of pairs) {
  Deno.test(`compareClocks("${a}", "${b}") is ${causality}, merged "${merged}"`, () => {
    const [left, right] = [clock(a), clock(b)];
    assertEquals<string>(compareClocks(left, right), causality);
    assertEquals(mergeClocks(left, right), clock(merged));
    assertEquals(isAtMost(left, mergeClocks(left, right)), true);
    assertEquals(isAtMost(right, mergeClocks(left, right)), true);
    assertEquals([left, right], [clock(a), clock(b)]);
  });
}

Deno.test("mergeClocks() gives its first clock back where the second adds nothing", () => {
  const a = clock("a2 b1");
  assertEquals(mergeClocks(a, clock("a1")) === a, true);
});

Deno.test("withComponent() leaves the clock it is given", () => {
  const a = clock("a1");
  assertEquals([withComponent(a, "a", 2), a], [clock("a2"), clock("a1")]);
});
