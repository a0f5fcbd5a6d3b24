import { UsageError } from "../errors.ts";
import { decisionText } from "../protocol/message.ts";
import { inDoubtAnswer, resolveAnswer } from "./answers.ts";
import type { InDoubtAnswer } from "./answers.ts";
import { answerOf, lookUp, show } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { heldText } from "./doubts.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import { isAgreed, operatorFlags, operatorIn } from "./operator.ts";
import { durationText } from "./times.ts";
import { parseTransaction } from "./values.ts";

export const resolve: Command = {
  name: "resolve",
  summary: "decide by hand for a transaction in doubt, which may break atomicity",
  usage: ["resolve TRANSACTION --commit|--abort --yes [--by NAME]"],
  positionals: ["TRANSACTION"],
  flags: [
    { name: "commit", help: "post what is held" },
    { name: "abort", help: "give back what is held" },
    ...operatorFlags,
    ...nodeFlags,
    jsonFlag,
  ],
  notes: [
    "The last resort, for when the decision can't be had: handfast in-doubt --retry asks again.",
    "Once it is known, the real decision is compared with this one, and a mismatch is raised.",
  ],
  run: async (args, io) => {
    const transaction = parseTransaction(args.positional("TRANSACTION"), "TRANSACTION");
    const decision = decisionIn(args);
    const by = operatorIn(args);
    const risk = `forcing ${transaction} may leave this ledger different from the others`;
    const ask = async () => {
      await tell(args, io, transaction, decision);
      return `Force ${transaction} to ${decision} all the same?`;
    };
    if (!await isAgreed(args, io, risk, ask)) return exitCode.failed;
    const path = `/v1/in-doubt/${transaction}`;
    const request = { method: "POST", path, body: { decision, by } } as const;
    return await show(args, io, request, resolveAnswer, (done) => [
      `forced ${done.transaction} of payment ${done.payment} to ${done.decision}, by ${done.by}; ` +
      "recorded",
    ]);
  },
};

function decisionIn(args: Arguments): "commit" | "abort" {
  const [commit, abort] = [args.is("commit"), args.is("abort")];
  if (commit === abort) {
    const given = commit ? "both were" : "neither was";
    throw new UsageError(`"resolve" takes one of --commit and --abort, and ${given} given`);
  }
  return decisionText(commit);
}

/** What the decision is about, to a person before they take it. */
async function tell(
  args: Arguments,
  io: Io,
  transaction: string,
  decision: "commit" | "abort",
): Promise<void> {
  const doubt = await find(args, transaction);
  const other = decision === "commit" ? "abort" : "commit";
  io.err(`${transaction} of payment ${doubt.payment}: in doubt for ${durationText(doubt.age)}`);
  io.err(`held here: ${heldText(doubt)}`);
  io.err(
    `participants: ${doubt.participants.join(", ")}; ` +
      `not reached: ${doubt.unreachable.join(", ") || "none"}`,
  );
  io.err(
    `If the real decision is ${other}, this ledger will differ from the others, until people put ` +
      'it right. Ask again before: "handfast in-doubt --retry".',
  );
}

async function find(
  args: Arguments,
  transaction: string,
): Promise<InDoubtAnswer["inDoubt"][number]> {
  const node = await findNode(args);
  const reply = await lookUp(node, { method: "GET", path: "/v1/in-doubt" });
  const { inDoubt } = answerOf(node, reply, inDoubtAnswer);
  const found = inDoubt.find((doubt) => doubt.transaction === transaction);
  if (found === undefined) {
    throw new Error(`transaction ${transaction} is not in doubt at ${node.url}: see "in-doubt"`);
  }
  const { forced } = found;
  if (forced === undefined) return found;
  throw new Error(
    `transaction ${transaction} was forced to ${forced.decision} by ${forced.by} at ` +
      `${forced.at}, and that stands`,
  );
}
