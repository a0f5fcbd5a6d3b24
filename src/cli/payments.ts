import { paymentAnswer } from "./answers.ts";
import type { PaymentAnswer } from "./answers.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { legsText } from "./legs.ts";
import { nodeFlags } from "./node_address.ts";
import { showList } from "./pages.ts";
import { stateText } from "./payment.ts";
import type { Style } from "./style.ts";
import { timeText } from "./times.ts";
import { listedPaymentsMax, listLimitDefault, listLimitMax } from "../limits.ts";
import { parseName, wholeIn } from "./values.ts";

export const payments: Command = {
  name: "payments",
  summary: "the payments of a node, newest first",
  usage: ["payments [--limit N] [--account NAME]"],
  flags: [
    {
      name: "limit",
      value: "N",
      help: `how many, up to ${listedPaymentsMax} (default: ${listLimitDefault})`,
    },
    { name: "account", value: "NAME", help: "only those of this account of the node" },
    ...nodeFlags,
    jsonFlag,
  ],
  run: async (args, io) => {
    const text = args.text("account");
    const account = text === undefined ? undefined : parseName(text, "--account");
    const list = {
      path: "/v1/payments",
      query: account === undefined ? undefined : { account },
      of: account === undefined ? undefined : `/v1/accounts/${account}`,
      name: "payments",
      item: paymentAnswer,
      pageLimit: listLimitMax,
      limit: wholeIn(args, "limit", [1, listedPaymentsMax]) ?? listLimitDefault,
    };
    return await showList(args, io, list, (found, hasMore, style) => {
      if (hasMore && io.isWatched) {
        io.err(`there are older ones: --limit takes up to ${listedPaymentsMax}`);
      }
      return paymentsLines(found, style);
    });
  },
};

function paymentsLines(found: readonly PaymentAnswer[], style: Style): string[] {
  if (found.length === 0) return ["no payments"];
  return style.table([
    ["at", "state", "payment", "id"],
    ...found.map((payment) => [
      timeText(payment.at),
      stateText(payment, style),
      legsText(payment.legs),
      payment.id,
    ]),
  ]);
}
