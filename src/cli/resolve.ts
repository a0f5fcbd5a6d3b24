import { z } from "zod";
import { messageOf, UsageError } from "../errors.ts";
import { decisionText } from "../protocol/message.ts";
import { inDoubtAnswer, resolveAnswer } from "./answers.ts";
import { answerOf, lookUp, show } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { doubtsText, heldText, list, missing } from "./doubts.ts";
import type { Doubt } from "./doubts.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { note } from "./io.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import type { NodeAddress } from "./node_address.ts";
import { isAgreed, operatorFlags, operatorIn } from "./operator.ts";
import { durationText } from "./times.ts";
import { parseTransaction } from "./values.ts";

export const resolve: Command = {
  name: "resolve",
  summary: "decide by hand for transactions in doubt, which may break atomicity",
  usage: ["resolve TRANSACTION... --commit|--abort --yes [--by NAME]"],
  positionals: ["TRANSACTION"],
  repeats: true,
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
    "Several transactions are forced one after the other, whatever becomes of those before: it exits",
    "1 if one of them could not be.",
  ],
  run: async (args, io) => {
    const transactions = transactionsIn(args);
    const choice = { decision: decisionIn(args), by: operatorIn(args) };
    const [transaction, ...others] = transactions;
    return transaction === undefined || others.length > 0
      ? await resolveSeveral(args, io, transactions, choice)
      : await resolveOne(args, io, transaction, choice);
  },
};

interface Choice {
  readonly decision: "commit" | "abort";
  /** Nothing where the node is to say it. */
  readonly by: string | undefined;
}

async function resolveOne(
  args: Arguments,
  io: Io,
  transaction: string,
  choice: Choice,
): Promise<number> {
  const { decision } = choice;
  const risk = `forcing ${transaction} may leave this ledger different from the others`;
  const ask = async () => {
    await tell(args, io, transaction, decision);
    return `Force ${transaction} to ${decision} all the same?`;
  };
  if (!await isAgreed(args, io, risk, ask)) return exitCode.failed;
  const request = forcing(transaction, choice);
  return await show(args, io, request, resolveAnswer, (done) => [doneText(done)]);
}

async function resolveSeveral(
  args: Arguments,
  io: Io,
  transactions: readonly string[],
  choice: Choice,
): Promise<number> {
  const { decision } = choice;
  const node = await findNode(args);
  const { length } = transactions;
  const risk = `forcing ${length} transactions may leave this ledger different from the others`;
  let agreed = transactions;
  const ask = async () => {
    agreed = await tellSeveral(node, io, transactions, decision);
    const them = agreed.length === 1 ? "it" : `all ${agreed.length}`;
    return `Force ${them} to ${decision} all the same?`;
  };
  if (!await isAgreed(args, io, risk, ask)) return exitCode.failed;
  let forced = 0;
  for (const transaction of agreed) {
    if (await force(node, args, io, transaction, choice)) forced++;
  }
  return forced === length ? exitCode.done : exitCode.failed;
}

/** Tells what became of it in one line; resolves to whether it is forced. */
async function force(
  node: NodeAddress,
  args: Arguments,
  io: Io,
  transaction: string,
  choice: Choice,
): Promise<boolean> {
  const reply = await lookUp(node, forcing(transaction, choice));
  let failure: string | undefined;
  let text = "";
  try {
    text = doneText(answerOf(node, reply, resolveAnswer));
  } catch (thrown) {
    failure = messageOf(thrown);
    note(io, `handfast: ${transaction}: ${failure}`);
  }
  if (args.is("json")) {
    const body = reply.type === "answered" ? reply.body : undefined;
    const { data = { detail: failure } } = z.looseObject({}).safeParse(body);
    io.out(JSON.stringify({ transaction, ...data }));
  } else if (failure === undefined) io.out(text);
  return failure === undefined;
}

function forcing(transaction: string, choice: Choice) {
  return { method: "POST", path: `/v1/in-doubt/${transaction}`, body: choice } as const;
}

function doneText({ transaction, payment, decision, by }: z.infer<typeof resolveAnswer>): string {
  return `forced ${transaction} of payment ${payment} to ${decision}, by ${by}; recorded`;
}

function transactionsIn(args: Arguments): string[] {
  const transactions = args.repeated("TRANSACTION")
    .map((text) => parseTransaction(text, "TRANSACTION"));
  const twice = transactions.find((one, index) => transactions.indexOf(one) < index);
  if (twice === undefined) return transactions;
  throw new UsageError(`"resolve" names ${twice} twice: give it once`);
}

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
  const node = await findNode(args);
  const doubt = openAmong(await doubtsAt(node), transaction, node);
  if (typeof doubt === "string") throw new Error(doubt);
  io.err(`${transaction} of payment ${doubt.payment}: in doubt for ${durationText(doubt.age)}`);
  io.err(`held here: ${heldText(doubt)}`);
  io.err(
    `participants: ${doubt.participants.join(", ")}; ` +
      `not reached: ${list(missing(doubt))}`,
  );
  io.err(riskText("the real decision", decision));
}

/** As {@linkcode tell} of one; resolves to those that the decision is about, and tells why not of others. */
async function tellSeveral(
  node: NodeAddress,
  io: Io,
  transactions: readonly string[],
  decision: "commit" | "abort",
): Promise<string[]> {
  const doubts = await doubtsAt(node);
  const found: Doubt[] = [];
  for (const transaction of transactions) {
    const doubt = openAmong(doubts, transaction, node);
    if (typeof doubt === "string") note(io, `handfast: ${doubt}`);
    else found.push(doubt);
  }
  if (found.length === 0) throw new Error(`none of the ${transactions.length} can be forced`);
  io.err(doubtsText(found));
  io.err(riskText("a real decision", decision));
  return found.map(({ transaction }) => transaction);
}

function riskText(what: string, decision: "commit" | "abort"): string {
  const other = decision === "commit" ? "abort" : "commit";
  return `If ${what} is ${other}, this ledger will differ from the others, until people put ` +
    'it right. Ask again before: "handfast in-doubt --retry".';
}

async function doubtsAt(node: NodeAddress): Promise<readonly Doubt[]> {
  const reply = await lookUp(node, { method: "GET", path: "/v1/in-doubt" });
  return answerOf(node, reply, inDoubtAnswer).inDoubt;
}

/** Or why nobody can decide for it. */
function openAmong(
  doubts: readonly Doubt[],
  transaction: string,
  { url }: NodeAddress,
): Doubt | string {
  const found = doubts.find((doubt) => doubt.transaction === transaction);
  if (found === undefined) {
    return `transaction ${transaction} is not in doubt at ${url}: see "in-doubt"`;
  }
  const { forced } = found;
  if (forced === undefined) return found;
  return `transaction ${transaction} was forced to ${forced.decision} by ${forced.by} at ` +
    `${forced.at}, and that stands`;
}
