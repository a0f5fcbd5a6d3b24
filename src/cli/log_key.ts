import { UsageError } from "../errors.ts";
import { makeLogKey } from "../keys/log_key.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";

export const logKey: Command = {
  name: "log-key",
  summary: "make a key that encrypts a node's log on disk",
  usage: ["log-key FILE"],
  positionals: ["FILE"],
  flags: [],
  notes: [
    "Start the node with --log-key FILE from its first start on: a log is encrypted from its",
    "beginning, or not at all. Encrypted are entries, balances, the index and their hashes. What",
    "stays readable in the data folder: how many entries there are, how large each is, how often",
    "the node was started, and the API's tokens.",
    "Keep the file on another disk than the log, and a copy of it: without it nobody reads the log.",
  ],
  run: async (args, io) => {
    const path = args.positional("FILE");
    // Elsewhere it is stdout, where a secret would stay in somebody's terminal or log.
    if (path === "-") throw new UsageError("a key is secret, and written to a file only: name one");
    await makeLogKey(path);
    io.out(`made ${path}: keep a copy of it, as without it nobody can read the log`);
    io.out("next, for a node whose data folder is new:");
    io.out(`  handfast --role=client|server --log-key ${path} ...`);
    return exitCode.done;
  },
};
