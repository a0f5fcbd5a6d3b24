import { assertEquals } from "@std/assert";
import type { Doubt } from "../../src/cli/doubts.ts";
import { doubtsText } from "../../src/cli/doubts.ts";

function doubt(
  legs: readonly (readonly [amount: bigint, currency: string])[],
  more: Partial<Doubt> = {},
): Doubt {
  const held = legs.map(([amount, currency]) => ({ account: "main@a", amount, currency }));
  const rest = { transaction: "1-abc-7", payment: "p", age: 5, participants: ["a"] };
  return { ...rest, unreachable: [], held, ...more };
}

const forced: Doubt["forced"] = { decision: "abort", by: "ann", at: "", legs: [] };

const summed: readonly [what: string, doubts: readonly Doubt[], text: string][] = [
  [
    "has debits and credits of each currency apart",
    [doubt([[-500n, "USD"], [20n, "USD"]]), doubt([[100_000n, "USD"]]), doubt([[-7n, "JPY"]])],
    "3 in doubt, the oldest for 5 s; " +
    "held: 5.00 USD of debits and 1,000.20 USD of credits, 7 JPY of debits; not reached: none",
  ],
  [
    "tells each that is not reached once",
    [
      doubt([[1n, "EUR"]], { unreachable: ["c", "b"] }),
      doubt([[1n, "EUR"]], { unreachable: ["b", "a"] }),
    ],
    "2 in doubt, the oldest for 5 s; held: 0.02 EUR of credits; not reached: c, b, a",
  ],
  [
    "tells who is linked and does not answer",
    [doubt([[1n, "EUR"]], { unreachable: ["b"], unanswered: ["hub"] })],
    "1 in doubt, the oldest for 5 s; held: 0.01 EUR of credits; not reached: b, hub (no answer)",
  ],
  [
    "counts what was forced apart: it is not in doubt, and holds nothing",
    [doubt([[-1n, "EUR"]], { age: 90 }), doubt([[-1n, "EUR"]]), doubt([], { age: 900, forced })],
    "2 in doubt, the oldest for 1 min 30 s; 1 forced; held: 0.02 EUR of debits; not reached: none",
  ],
  [
    "of what was forced alone says how many",
    [doubt([], { forced }), doubt([], { forced })],
    "2 forced; not reached: none",
  ],
];

for (const [what, doubts, text] of summed) {
  Deno.test(`doubtsText() ${what}`, () => assertEquals(doubtsText(doubts), text));
}
