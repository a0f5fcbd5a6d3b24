import { acknowledgeAnswer, statusAnswer } from "./answers.ts";
import { answerOf, lookUp, show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { mismatchText } from "./mismatches.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import { isAgreed, operatorFlags, operatorIn } from "./operator.ts";
import { parseTransaction } from "./values.ts";

export const acknowledge: Command = {
  name: "acknowledge",
  summary: "say that a mismatch is seen to: a forced decision that was not the real one",
  usage: ["acknowledge TRANSACTION --yes [--by NAME]"],
  positionals: ["TRANSACTION"],
  flags: [...operatorFlags, ...nodeFlags, jsonFlag],
  notes: ['It ends the alarm; "verify" names the mismatch all the same, and who acknowledged it.'],
  run: async (args, io) => {
    const transaction = parseTransaction(args.positional("TRANSACTION"), "TRANSACTION");
    const by = operatorIn(args);
    const risk = `acknowledging ${transaction} ends its alarm, whether it was put right or not`;
    const ask = async () => {
      const node = await findNode(args);
      const reply = await lookUp(node, { method: "GET", path: "/v1/status" });
      const { mismatches } = answerOf(node, reply, statusAnswer);
      const mismatch = mismatches.find((known) => known.transaction === transaction);
      if (mismatch === undefined) {
        throw new Error(`no mismatch of ${transaction} waits at ${node.url}: see "status"`);
      }
      io.err(mismatchText(mismatch));
      return "Has it been put right in the ledgers, so that its alarm may end?";
    };
    if (!await isAgreed(args, io, risk, ask)) return exitCode.failed;
    const path = `/v1/mismatches/${transaction}/acknowledge`;
    const request = { method: "POST", path, body: { by } } as const;
    return await show(args, io, request, acknowledgeAnswer, (done) => [
      `acknowledged the mismatch of ${done.acknowledged}, payment ${done.payment}, by ${done.by}; ` +
      "recorded",
    ]);
  },
};
