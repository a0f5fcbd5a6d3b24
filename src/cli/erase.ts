import { eraseAnswer } from "./answers.ts";
import { show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { nodeFlags } from "./node_address.ts";
import { operatorFlags, operatorIn } from "./operator.ts";
import { timeText } from "./times.ts";
import { parseId } from "./values.ts";

export const erase: Command = {
  name: "erase",
  summary: "erase what a payment told the node asked: memo and reference",
  usage: ["erase PAYMENT [--yes] [--by NAME]"],
  positionals: ["PAYMENT"],
  flags: [...operatorFlags, ...nodeFlags, jsonFlag],
  notes: [
    "The payment stays, and who had its details erased is recorded.",
    "Free space in the file may hold copies until the node stops, which clears it (11 to 14 s a GB).",
    "What the disk under it and backups hold is yours to see to.",
  ],
  run: async (args, io) => {
    const id = parseId(args.positional("PAYMENT"), "PAYMENT");
    const by = operatorIn(args);
    // A program that erases by schedule has nobody to ask.
    const isAsked = io.isTerminal && !args.is("yes");
    if (isAsked && !io.confirm(`Erase the details of payment ${id}, which can't be undone?`)) {
      return exitCode.failed;
    }
    const request = { method: "POST", path: `/v1/payments/${id}/erase`, body: { by } } as const;
    return await show(args, io, request, eraseAnswer, (done) => [
      `the details of ${done.erased} are erased, by ${done.by} at ${timeText(done.at)}; recorded`,
    ]);
  },
};
