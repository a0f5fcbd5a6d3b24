import { UsageError } from "../errors.ts";
import { readmitAnswer } from "./answers.ts";
import { show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { nodeFlags } from "./node_address.ts";
import { parseName } from "./values.ts";

export const readmit: Command = {
  name: "readmit",
  summary: "take back a peer refused for amnesia",
  usage: ["readmit NAME --yes"],
  positionals: ["NAME"],
  flags: [
    { name: "yes", help: "do it without asking" },
    ...nodeFlags,
    jsonFlag,
  ],
  run: async (args, io) => {
    const peer = parseName(args.positional("NAME"), "NAME");
    if (!args.is("yes")) {
      if (!io.isTerminal) {
        throw new UsageError(
          `readmitting "${peer}" gives up what its lost log could prove: add --yes to do it`,
        );
      }
      const question = `Take back "${peer}", giving up what its lost log could prove?`;
      if (!io.confirm(question)) return exitCode.failed;
    }
    const request = { method: "POST", path: `/v1/peers/${peer}/readmit` } as const;
    return await show(args, io, request, readmitAnswer, ({ readmitted }) => [
      `readmitted ${readmitted}; recorded`,
    ]);
  },
};
