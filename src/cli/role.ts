import { messageOf } from "../errors.ts";
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
    const attendant = isAttended(args, io) ? new Prompt(io.style) : undefined;
    return await runNode(options, attendant).catch((thrown) => {
      throw withAddress(thrown);
    });
  },
};

/** An address that is taken, or none of this machine's: another can be chosen. */
function withAddress(thrown: unknown): unknown {
  const [, what] = /^Cannot (listen|serve HTTP) on /.exec(messageOf(thrown)) ?? [];
  if (what === undefined) return thrown;
  const flag = what === "listen" ? "--listen" : "--http";
  const message = `${messageOf(thrown)}; choose another with ${flag} HOST:PORT`;
  return new Error(message, { cause: thrown });
}
