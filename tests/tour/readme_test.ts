/** The README's numbers are those of the program. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  legsMax,
  memoLengthMax,
  paymentBatchLinesMax,
  referenceLengthMax,
} from "../../src/limits.ts";

const text = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
const readme = text.replaceAll(/\s+/g, " ");

const said = [
  `a memo of one line, at most ${memoLengthMax} characters, and a reference of at most ${referenceLengthMax}`,
  `takes any legs, 2 to ${legsMax} of them`,
  `up to ${paymentBatchLinesMax.toLocaleString("en")}, and read a line for each`,
];

Deno.test("the README has the part to which nodes send those who have lost a data folder", async () => {
  const shell = await Deno.readTextFile(new URL("../../src/node/shell.ts", import.meta.url));
  const [, title] = /"([^"]+)" in the README/.exec(shell)!;
  assertStringIncludes(text, `\n## ${title}\n`);
});

for (const words of said) {
  Deno.test(`the README says: ${words}`, () => assertStringIncludes(readme, words));
}

Deno.test("the README names one version of Deno, which the checks run with", async () => {
  const checks = await Deno.readTextFile(new URL("../../.ci/run", import.meta.url));
  const versions = new Set(text.match(/deno@[\d.]+/g));
  assertEquals(versions.size, 1);
  for (const version of versions) assertStringIncludes(checks, `npx -y ${version} task check`);
});
