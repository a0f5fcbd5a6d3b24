/** The simulator finds what it is there to find. */

import { assert, assertEquals } from "@std/assert";
import { huntAll, mutants } from "./mutants.ts";

/** Those that take longer are hunted by `deno task mutants`. */
const seedsSoon = 50;
const soon = mutants.filter(({ seeds }) => seeds <= seedsSoon);

Deno.test("all bugs still have their places in the source", async () => {
  for (const { file, find } of mutants) {
    const parts = (await Deno.readTextFile(new URL(`../../${file}`, import.meta.url))).split(find);
    assertEquals(parts.length, 2, `in ${file}: ${find}`);
  }
});

Deno.test({
  name: `${soon.length} bugs are found within ${seedsSoon} seeds each`,
  // The executable can't be changed.
  ignore: Deno.env.has("HANDFAST_EXECUTABLE"),
  fn: async () => {
    assert(soon.length > mutants.length * 0.7, `${soon.length} of ${mutants.length}`);
    const missed: string[] = [];
    await huntAll(soon, ({ mutant, failed }) => {
      if (!failed) missed.push(`${mutant.name} in ${mutant.seeds} seeds`);
    });
    assertEquals(missed, []);
  },
});
