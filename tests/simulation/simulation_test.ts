/** The simulator itself: it repeats, it finds what is broken, and what is in the source is not. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { run } from "../../src/simulation/mod.ts";

const executable = Deno.env.get("HANDFAST_EXECUTABLE");
/** Each again with another version of Deno, or compiled, finds little that is new. */
const isFirst = executable === undefined && !Deno.version.deno.startsWith("2.7.");
const seeds = isFirst ? 150 : 30;
const main = new URL("../../main.ts", import.meta.url).pathname;

async function sim(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [program, ...first] = executable
    ? [executable]
    : [Deno.execPath(), "run", "-A", "--no-check", "--frozen", main];
  const command = new Deno.Command(program!, { args: [...first, "sim", ...args] });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

async function traceOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  await run({ seed, record: (line) => lines.push(line) });
  return lines;
}

Deno.test(`${seeds} seeds: every promise holds, whatever fails`, async () => {
  const { code, out, err } = await sim("--seeds", String(seeds), "--json");
  assertEquals(code, 0, out + err);
  const { committed, aborted } = JSON.parse(out);
  assert(committed > 20 * seeds && aborted > 20 * seeds, `only ${committed} and ${aborted}`);
});

Deno.test("the same seed gives the same trace, here and in a process of its own", async () => {
  const [first, second] = [await traceOf(7), await traceOf(7)];
  assertEquals(first, second);
  assert(first.length > 1_000, `${first.length} lines`);
  const { code, out } = await sim("--seed", "7", "--trace");
  assertEquals(code, 0);
  assertEquals(out.trimEnd().split("\n"), first);
});

Deno.test("the faults that a seed draws do happen", async () => {
  const seen = new Set<string>();
  const words = [
    ...["crash", "stop ", "blocked", "clock", "put back", "refuses", "checkpointed", "refused"],
    ...["before a write", "after a write", "between two sends", "at a first meeting"],
    ...["the disk failed", "inquiry", "id_reused", "key ", "the connection broke"],
  ];
  for (let seed = 1; seed <= 60 && seen.size < words.length; seed++) {
    const text = (await traceOf(seed)).join("\n");
    for (const word of words) if (text.includes(word)) seen.add(word);
  }
  assertEquals(words.filter((word) => !seen.has(word)), []);
});

Deno.test("sim refuses what it can't run, and says what it can", async () => {
  const refused: readonly (readonly [string[], string])[] = [
    [["--seeds", "0"], '--seeds "0" is no whole number from 1 to'],
    [["--seed", "-1"], "--seed"],
    [["--nodes", "2"], '--nodes "2" is no whole number from 3 to'],
    [["--trace"], "--trace shows one seed"],
  ];
  for (const [args, words] of refused) {
    const { code, err } = await sim(...args);
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(err, words);
  }
  const { code, out } = await sim("--seed", "3", "--nodes", "6");
  assertEquals(code, 0, out);
  assertMatch(out, /^1 seed passed in /);
});
