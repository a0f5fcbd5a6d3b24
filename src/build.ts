/**
 * Makes the executable: `deno task compile [--target TARGET] [--output FILE]`.
 *
 * The program and its packages are bundled into one file first, so that only what is imported is
 * embedded: no development package, and nothing of the source tree. Deno then puts its runtime around
 * it, which it downloads at the first time. Where that can't be had, name in `HANDFAST_COMPILER` a Deno
 * for which `DENORT_BIN` names the runtime.
 */

import { parseArgs } from "@std/cli/parse-args";
import { messageOf, UsageError } from "./errors.ts";

if (import.meta.main) {
  try {
    await build();
  } catch (thrown) {
    console.error(messageOf(thrown));
    Deno.exit(thrown instanceof UsageError ? 2 : 1);
  }
}

async function build(): Promise<void> {
  const flags = parseArgs(Deno.args, {
    string: ["target", "output"],
    unknown: (flag) => {
      throw new UsageError(`unknown flag ${flag}: there are --target and --output`);
    },
  });
  const output = typeof flags.output === "string" ? flags.output : "handfast";
  const target = typeof flags.target === "string" ? ["--target", flags.target] : [];

  const folder = await Deno.makeTempDir({ prefix: "handfast-build-" });
  try {
    const bundle = `${folder}/handfast.js`;
    const main = new URL("../main.ts", import.meta.url).pathname;
    await run(Deno.execPath(), ["bundle", "--quiet", "--frozen", "--output", bundle, main]);
    // Read and write are not narrowed: people choose the folders when they run it.
    await run(Deno.env.get("HANDFAST_COMPILER") ?? Deno.execPath(), [
      "compile",
      "--quiet",
      "--no-lock",
      "--no-check",
      "--no-prompt",
      "--unstable-kv",
      "--allow-net",
      "--allow-read",
      "--allow-write",
      "--allow-env=HANDFAST_TEST_HALT,USER,LOGNAME",
      "--allow-sys=statfs",
      // For "bench", which starts this same program.
      "--allow-run",
      ...target,
      "--output",
      output,
      bundle,
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const { size } = await Deno.stat(output);
  console.log(`${output}: ${(size / 1024 / 1024).toFixed(0)} MiB`);
}

/** @throws {Error} in words, where it can't be run or ends otherwise than well */
async function run(command: string, args: readonly string[]): Promise<void> {
  const child = new Deno.Command(command, { args: [...args], stdout: "inherit", stderr: "piped" });
  const { success, code, stderr } = await child.output();
  const said = new TextDecoder().decode(stderr).trimEnd();
  const fault = success ? undefined : runtimeFault(said);
  if (fault === undefined && said !== "") console.error(said);
  if (!success) throw new Error(fault ?? `${command} ${args[0]} ended with exit code ${code}`);
}

/** What to do where `deno compile` says that it can't download its runtime; nothing where it says else. */
export function runtimeFault(said: string): string | undefined {
  const url = /https?:\/\/[^\s()]*\/denort[^\s()]*/.exec(said)?.[0];
  if (url === undefined) return undefined;
  // Of its causes the last is the one that says what is the matter.
  const cause = [...said.matchAll(/^ *\d+: (.*)$/gm)].map(([, text]) => text)
    .findLast((text) => text !== "<unknown>");
  return `cannot have Deno's runtime from ${url}${cause === undefined ? "" : `: ${cause}`}\n` +
    "name in DENORT_BIN a runtime (denort) that is at hand, and in HANDFAST_COMPILER the Deno of its version";
}
