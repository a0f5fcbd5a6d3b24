import { assertEquals } from "@std/assert";
import { Generations } from "../../src/protocol/generations.ts";

type Operation = ["set", string, number] | ["rotate"] | ["dropOlder"];

const operations: readonly [string, readonly Operation[], readonly (number | undefined)[]][] = [
  ["keeps what is set", [["set", "a", 1]], [1, undefined]],
  ["keeps it while a checkpoint is written", [["set", "a", 1], ["rotate"]], [1, undefined]],
  [
    "forgets what the index has, not what came since",
    [["set", "a", 1], ["rotate"], ["set", "b", 2], ["dropOlder"]],
    [undefined, 2],
  ],
  [
    "keeps what was set again since",
    [["set", "a", 1], ["rotate"], ["set", "a", 2], ["dropOlder"]],
    [2, undefined],
  ],
  [
    "keeps all when a checkpoint failed",
    [["set", "a", 1], ["rotate"], ["set", "b", 2], ["rotate"]],
    [1, 2],
  ],
  [
    "keeps the younger value when a checkpoint failed",
    [["set", "a", 1], ["rotate"], ["set", "a", 2], ["rotate"]],
    [2, undefined],
  ],
  [
    "forgets both after the next checkpoint",
    [["set", "a", 1], ["rotate"], ["set", "b", 2], ["rotate"], ["dropOlder"]],
    [undefined, undefined],
  ],
  ["keeps what comes below others", [["set", "b", 2], ["set", "a", 1]], [1, 2]],
  [
    "keeps what comes below others that it has forgotten",
    [["set", "b", 2], ["rotate"], ["dropOlder"], ["set", "a", 1]],
    [1, undefined],
  ],
];

for (const [what, steps, expected] of operations) {
  Deno.test(`Generations ${what}`, () => {
    const map = new Generations<string, number>();
    for (const [name, ...args] of steps) {
      if (name === "set") map.set(args[0] as string, args[1] as number);
      else map[name]();
    }
    assertEquals([map.get("a"), map.get("b")], expected);
  });
}
