import { UsageError } from "../errors.ts";
import { amountText } from "./amounts.ts";
import { accountAnswer } from "./answers.ts";
import { answerOf, lookUp, printBody } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { note } from "./io.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import { parseAccount, parseCurrency, parseFromZero } from "./values.ts";

export const account: Command = {
  name: "account",
  summary: "open an account at a node; balance lists those that there are",
  usage: ["account open NAME --currency USD [--opening 12.50]"],
  positionals: ["open", "NAME"],
  flags: [
    { name: "currency", value: "CODE", help: "the account's only one, by its ISO 4217 code" },
    {
      name: "opening",
      value: "AMOUNT",
      help: "its opening balance, against the node's own equity (default: none)",
    },
    ...nodeFlags,
    jsonFlag,
  ],
  notes: [
    "An account that is there already, in this currency, is left as it is, and the exit code is 0.",
  ],
  run: runAccount,
};

async function runAccount(args: Arguments, io: Io): Promise<number> {
  if (args.positional("open") !== "open") {
    throw new UsageError('"account" does one thing, open; accounts are listed by "balance"');
  }
  const name = parseAccount(args.positional("NAME"), "NAME");
  const currency = parseCurrency(args.required("currency"), "--currency");
  const text = args.text("opening");
  const opening = text === undefined ? undefined : parseFromZero(text, currency, "--opening");
  const node = await findNode(args);
  const body = { account: name, currency, opening: opening?.toString() };
  const reply = await lookUp(node, { method: "POST", path: "/v1/accounts", body });
  if (args.is("json")) printBody(reply, io);
  const { posted } = answerOf(node, reply, accountAnswer);
  const hasExisted = reply.type === "answered" && reply.status === 200;
  const unchanged = hasExisted && opening !== undefined
    ? [`its opening balance was not changed to ${amountText(opening, currency)}`]
    : [];
  if (args.is("json")) {
    // What the node answers does not say so.
    for (const line of unchanged) note(io, `handfast: ${name} existed already: ${line}`);
  } else {
    const balance = amountText(posted, currency);
    io.out(
      hasExisted
        ? [`${name} existed already, with ${balance}`, ...unchanged].join(": ")
        : `opened ${name} with ${balance}`,
    );
  }
  return exitCode.done;
}
