import { UsageError } from "../errors.ts";
import { paymentAnswer } from "./answers.ts";
import type { PaymentAnswer } from "./answers.ts";
import type { Arguments } from "./arguments.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { list } from "./doubts.ts";
import type { Io } from "./io.ts";
import { legsText, withCard } from "./legs.ts";
import { nodeFlags } from "./node_address.ts";
import { showList } from "./pages.ts";
import { stateInList, stateText } from "./payment.ts";
import type { Style } from "./style.ts";
import { timeText } from "./times.ts";
import { listedPaymentsMax, listLimitDefault, listLimitMax } from "../limits.ts";
import { parseName, wholeIn } from "./values.ts";

export const payments: Command = {
  name: "payments",
  summary: "the payments of a node, newest first",
  usage: ["payments [--limit N] [--account NAME] [--details]", "payments --open [--limit N]"],
  flags: [
    {
      name: "limit",
      value: "N",
      help: `how many, up to ${listedPaymentsMax} (default: ${listLimitDefault})`,
    },
    { name: "account", value: "NAME", help: "only those of this account of the node" },
    { name: "details", help: "with memo and reference, where they were told to the node" },
    {
      name: "open",
      help: `at a coordinator: up to ${listLimitMax} not voted on by all, or not acknowledged, ` +
        "oldest first",
    },
    ...nodeFlags,
    jsonFlag,
  ],
  run: async (args, io) => {
    if (args.is("open")) return await showOpen(args, io);
    const text = args.text("account");
    const account = text === undefined ? undefined : parseName(text, "--account");
    const hasDetails = args.is("details");
    const asked = {
      path: "/v1/payments",
      query: {
        ...account === undefined ? {} : { account },
        ...hasDetails ? { details: "true" } : {},
      },
      of: account === undefined ? undefined : `/v1/accounts/${account}`,
      name: "payments",
      item: paymentAnswer,
      pageLimit: listLimitMax,
      limit: wholeIn(args, "limit", [1, listedPaymentsMax]) ?? listLimitDefault,
    };
    return await showList(args, io, asked, (found, hasMore, style) => {
      if (hasMore && io.isWatched) {
        io.err(`there are older ones: --limit takes up to ${listedPaymentsMax}`);
      }
      return paymentsLines(found, hasDetails, style);
    });
  },
};

async function showOpen(args: Arguments, io: Io): Promise<number> {
  const other = args.is("details") ? "details" : args.text("account") && "account";
  if (other) {
    throw new UsageError(`--${other} does not go with --open, which lists all that is open`);
  }
  const limit = wholeIn(args, "limit", [1, listLimitMax]) ?? listLimitDefault;
  const asked = {
    path: "/v1/payments",
    query: { open: "true" },
    name: "payments",
    item: paymentAnswer,
    pageLimit: listLimitMax,
    limit,
  };
  return await showList(args, io, asked, (found, _, style) => {
    if (found.length === limit && io.isWatched) {
      io.err(`there may be more: --limit takes up to ${listLimitMax}, and status counts them`);
    }
    return openLines(found, style);
  });
}

function openLines(found: readonly PaymentAnswer[], style: Style): string[] {
  if (found.length === 0) return ["no payment is open"];
  return style.table([
    ["since", "state", "payment", "id", "waits for"],
    ...found.map((payment) => [
      timeText(payment.open?.since ?? payment.at),
      stateText(payment, style),
      legsText(payment.legs),
      payment.id,
      `${payment.state === "committed" ? "ack" : "vote"} of ${
        list(payment.open?.waitingFor ?? [])
      }`,
    ]),
  ]);
}

function paymentsLines(
  found: readonly PaymentAnswer[],
  hasDetails: boolean,
  style: Style,
): string[] {
  if (found.length === 0) return ["no payments"];
  return style.table([
    ["at", "state", "payment", "id", ...hasDetails ? ["memo", "reference"] : []],
    ...found.map((payment) => [
      timeText(payment.at),
      stateInList(payment, style),
      legsText(withCard(payment)),
      payment.id,
      ...hasDetails ? detailsCells(payment) : [],
    ]),
  ]);
}

/** Memo and reference. */
export function detailsCells(
  { memo = "", reference = "", details }: Pick<PaymentAnswer, "memo" | "reference" | "details">,
): [string, string] {
  return details === undefined ? [memo, reference] : [`(${details})`, ""];
}
