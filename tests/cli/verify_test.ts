import { assertEquals, assertStringIncludes } from "@std/assert";
import { verdict } from "../../src/cli/verify.ts";
import { record } from "./recorder.ts";

const verdicts: readonly [violations: string[], notChecked: number, said: string][] = [
  [[], 0, "no violation found"],
  [[], 1, "no violation found, but 1 thing was not checked"],
  [["a"], 0, "1 violation found"],
  [["a", "b"], 2, "2 violations found; 2 things were not checked"],
  [["a", "… and 40 more (books)", "b"], 0, "42 violations found"],
];
for (const [violations, notChecked, said] of verdicts) {
  Deno.test(`verify ends with "${said}"`, () => {
    assertEquals(verdict(violations, notChecked), said);
  });
}

Deno.test("verify says that a folder was given twice, however it was written", async () => {
  const dir = await Deno.makeTempDir({ prefix: "handfast-verify-" });
  try {
    for (
      const [again, said] of [
        [dir, `--data names "${dir}" twice`],
        [`${dir}/.`, `--data names the same folder as "${dir}" and "${dir}/."`],
      ] as const
    ) {
      const { exit, err } = await record("verify", "--data", dir, "--data", again);
      assertEquals(exit, 2);
      assertStringIncludes(err[0]!, said);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
