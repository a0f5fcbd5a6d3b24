import { runNode } from "../node/run.ts";
import type { Command } from "./command.ts";
import { isAttended, parseNodeOptions, roleFlags } from "./node_options.ts";
import { Prompt } from "./prompt.ts";

/** The only command without a word of its own: `--role` stands for it. */
export const role: Command = {
  name: "--role",
  summary: "run a node: the coordinator (server) or a participant (client)",
  usage: ["--role=server", "--role=client --server HOST:PORT"],
  flags: roleFlags,
  run: async (args, io) => {
    const options = await parseNodeOptions(args, io);
    return await runNode(options, isAttended(args, io) ? new Prompt(io.style) : undefined);
  },
};
