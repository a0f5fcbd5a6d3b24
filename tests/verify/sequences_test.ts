import { assertEquals } from "@std/assert";
import { Sequences } from "../../src/verify/sequences.ts";

Deno.test("Sequences.add() is true once for each number, however large", () => {
  const sequences = new Sequences();
  const numbers = [
    0,
    1,
    7,
    8,
    65_535,
    65_536,
    65_537,
    2 ** 24 + 1,
    2 ** 31,
    2 ** 32 + 7,
    2 ** 53 - 1,
  ];
  for (const isNew of [true, false]) {
    assertEquals(numbers.map((number) => sequences.add(number)), numbers.map(() => isNew));
  }
});
