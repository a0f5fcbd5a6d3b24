import { exportFormats, exportLogs } from "../export/mod.ts";
import type { Command } from "./command.ts";
import { dataFlag, foldersIn, logKeysFlag } from "./data_folders.ts";
import { exitCode } from "./exit_code.ts";
import { parseChoice } from "./values.ts";

const formats = exportFormats.join("|");

export const exportCommand: Command = {
  name: "export",
  summary: "write the logs of stopped nodes for other tools",
  usage: [`export --data DIR [--data DIR]... --format ${formats} [--log-key FILE]...`],
  flags: [
    dataFlag,
    { name: "format", value: formats, help: "what is written on stdout" },
    logKeysFlag,
  ],
  notes: [
    "shiviz is a file for https://bestchai.bitbucket.io/shiviz/, which draws who knew what when. Only",
    "nodes stand in it whose folders are given.",
    "jsonl has a line of JSON an entry, in the log's order, one log after the other: its hash, clock,",
    "witnesses and records. Amounts are minor units, hashes are hexadecimal. Of what payments tell it",
    "has the hash alone, and of signatures who signed.",
    "What is written is not encrypted, also where the log is. Whether it is right, verify says.",
  ],
  run: async (args, io) => {
    const format = parseChoice(args.required("format"), exportFormats, "--format");
    const dirs = await foldersIn(args, "export");
    await exportLogs(dirs, args.all("log-key"), format, io.out);
    return exitCode.done;
  },
};
