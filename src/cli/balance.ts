import { accountAnswer } from "./answers.ts";
import type { AccountAnswer } from "./answers.ts";
import { amountText } from "./amounts.ts";
import { show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { nodeFlags } from "./node_address.ts";
import { showList } from "./pages.ts";
import { accountsLimit } from "../limits.ts";
import type { Style } from "./style.ts";
import { parseName } from "./values.ts";

export const balance: Command = {
  name: "balance",
  summary: "the accounts of a node",
  usage: ["balance [--account NAME]"],
  flags: [
    { name: "account", value: "NAME", help: "only this one" },
    ...nodeFlags,
    jsonFlag,
  ],
  run: async (args, io) => {
    const account = args.text("account");
    if (account === undefined) {
      const list = {
        path: "/v1/accounts",
        name: "accounts",
        item: accountAnswer,
        pageLimit: accountsLimit,
      };
      return await showList(args, io, list, (found, _, style) => balanceLines(found, style));
    }
    const path = `/v1/accounts/${parseName(account, "--account")}`;
    return await show(
      args,
      io,
      { method: "GET", path },
      accountAnswer,
      (found, style) => balanceLines([found], style),
    );
  },
};

export function balanceLines(accounts: readonly AccountAnswer[], style: Style): string[] {
  if (accounts.length === 0) return ["no accounts"];
  const head = ["account", "available", "posted", "pending debits", "pending credits"];
  return style.table([
    head,
    ...accounts.map(({ account, currency, available, posted, pendingDebits, pendingCredits }) => [
      account,
      ...[available, posted, pendingDebits, pendingCredits].map((units) =>
        amountText(units, currency)
      ),
    ]),
  ]);
}
