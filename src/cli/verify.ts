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
    const { violations, notChecked, summary } = await verifyLogs(dirs, args.all("log-key"));
    if (args.is("json")) io.out(JSON.stringify({ violations, notChecked, summary }));
    else {
      for (const line of summary) io.out(line);
      for (const line of notChecked) io.out(`not checked: ${line}`);
      for (const line of violations) io.out(`violation: ${line}`);
    }
    return violations.length > 0 ? exitCode.violation : exitCode.done;
  },
};
