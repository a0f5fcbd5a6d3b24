import { verifyLogs } from "../verify/mod.ts";
import { caFlag, readCa } from "./ca_file.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { dataFlag, foldersIn, logKeysFlag } from "./data_folders.ts";
import { exitCode } from "./exit_code.ts";

export const verify: Command = {
  name: "verify",
  summary: "check the logs of stopped nodes",
  usage: ["verify --data DIR [--data DIR]... [--ca FILE] [--log-key FILE]..."],
  flags: [
    dataFlag,
    caFlag,
    logKeysFlag,
    jsonFlag,
  ],
  notes: [
    "A network is named by SHA-256 of its CA's certificate. With --ca it is checked that the logs are of",
    "the CA's own, and that certificates by it vouch for the keys by which signatures in the logs are",
    "checked. Without, logs are checked against each other and not against anything outside them.",
    "A certificate that has expired since it came is no violation.",
  ],
  run: async (args, io) => {
    const dirs = await foldersIn(args, "verify");
    const ca = args.text("ca");
    const authority = ca === undefined ? undefined : await readCa(ca);
    const report = await verifyLogs(dirs, args.all("log-key"), authority);
    const { network, violations, notChecked, summary } = report;
    if (args.is("json")) io.out(JSON.stringify({ violations, notChecked, summary, network }));
    else {
      if (network !== undefined) io.out(`network ${network}`);
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
