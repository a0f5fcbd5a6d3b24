import { assert } from "@std/assert";
import { Filter } from "../../src/log/filter.ts";

/** Ways to make ids, by the number of one. */
const ids: Readonly<Record<string, (n: number) => string>> = {
  "count in their time": (n) => `${digits(n, 8)}-0000-7000-8000-000000000000`,
  "count at their end": (n) => `00000000-0000-7000-8000-${digits(n, 12)}`,
  "count in the middle": (n) =>
    `00000000-0000-7${digits(n, 6).slice(0, 3)}-8${digits(n, 6).slice(3)}-000000000000`,
};

function digits(n: number, length: number): string {
  return n.toString(16).padStart(length, "0");
}

for (const [what, idOf] of Object.entries(ids)) {
  Deno.test(`Filter knows all that it has, and few others, of ids that ${what}`, () => {
    const count = 5_000;
    const filter = new Filter(count);
    for (let n = 0; n < count; n++) filter.add(idOf(2 * n));
    let others = 0;
    for (let n = 0; n < count; n++) {
      assert(filter.mayHave(idOf(2 * n)));
      if (filter.mayHave(idOf(2 * n + 1))) others++;
    }
    assert(others < count / 50, `${others} of ${count} others pass`);
  });
}
