import { UsageError } from "../errors.ts";
import { verifyLogs } from "../verify/mod.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";

export const verify: Command = {
  name: "verify",
  summary: "check the logs of stopped nodes",
  usage: ["verify --data DIR [--data DIR]... [--log-key FILE]..."],
  flags: [
    { name: "data", value: "DIR", repeats: true, help: "a node's data folder; any number of them" },
    {
      name: "log-key",
      value: "FILE",
      repeats: true,
      help: "the key of encrypted logs; of several each log takes the one that fits",
    },
    jsonFlag,
  ],
  run: async (args, io) => {
    const dirs = [...args.all("data")];
    if (dirs.length === 0) throw new UsageError('"verify" needs --data DIR, once for each node');
    await refuseTwice(dirs);
    const { violations, notChecked, summary } = await verifyLogs(dirs, args.all("log-key"));
    if (args.is("json")) io.out(JSON.stringify({ violations, notChecked, summary }));
    else {
      for (const line of summary) io.out(line);
      for (const line of notChecked) io.out(`not checked: ${line}`);
      for (const line of violations) io.out(`violation: ${line}`);
      io.out(verdict(violations, notChecked.length));
    }
    return violations.length > 0 ? exitCode.violation : exitCode.done;
  },
};

/** @throws {UsageError} which would otherwise be found in use, by this very program */
async function refuseTwice(dirs: readonly string[]): Promise<void> {
  const seen = new Map<string, string>();
  for (const dir of dirs) {
    // One that is not there is told of when it is opened.
    const path = await Deno.realPath(dir).catch(() => dir);
    const before = seen.get(path);
    seen.set(path, dir);
    if (before === undefined) continue;
    const both = before === dir ? `"${dir}" twice` : `the same folder as "${before}" and "${dir}"`;
    throw new UsageError(`--data names ${both}: give each node's once`);
  }
}

/** In one line; many violations of a kind stand as one with their number. */
export function verdict(violations: readonly string[], notChecked: number): string {
  const count = violations
    .map((line) => Number(/^… and (\d+) more /.exec(line)?.[1] ?? 1))
    .reduce((sum, one) => sum + one, 0);
  const found = `${count === 0 ? "no" : count} ${count > 1 ? "violations" : "violation"} found`;
  if (notChecked === 0) return found;
  const things = notChecked === 1 ? "1 thing was" : `${notChecked} things were`;
  return `${found}${count === 0 ? ", but" : ";"} ${things} not checked`;
}
