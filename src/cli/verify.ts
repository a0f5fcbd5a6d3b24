import { verifyLogs } from "../verify/mod.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { dataFlag, foldersIn, logKeysFlag } from "./data_folders.ts";
import { exitCode } from "./exit_code.ts";

export const verify: Command = {
  name: "verify",
  summary: "check the logs of stopped nodes",
  usage: ["verify --data DIR [--data DIR]... [--log-key FILE]..."],
  flags: [
    dataFlag,
    logKeysFlag,
    jsonFlag,
  ],
  run: async (args, io) => {
    const dirs = await foldersIn(args, "verify");
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
