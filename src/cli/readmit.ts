import { readmitAnswer } from "./answers.ts";
import { show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { nodeFlags } from "./node_address.ts";
import { isAgreed, operatorFlags, operatorIn } from "./operator.ts";
import { parseName } from "./values.ts";

export const readmit: Command = {
  name: "readmit",
  summary: "take back a peer refused for amnesia",
  usage: ["readmit NAME --yes [--by NAME]"],
  positionals: ["NAME"],
  flags: [...operatorFlags, ...nodeFlags, jsonFlag],
  run: async (args, io) => {
    const peer = parseName(args.positional("NAME"), "NAME");
    const by = operatorIn(args);
    const risk = `readmitting "${peer}" gives up what its lost log could prove`;
    const question = `Take back "${peer}", giving up what its lost log could prove?`;
    if (!await isAgreed(args, io, risk, () => question)) return exitCode.failed;
    const request = { method: "POST", path: `/v1/peers/${peer}/readmit`, body: { by } } as const;
    return await show(args, io, request, readmitAnswer, ({ readmitted }) => [
      `readmitted ${readmitted}; recorded`,
    ]);
  },
};
