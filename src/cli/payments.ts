import { paymentsAnswer } from "./answers.ts";
import type { PaymentAnswer } from "./answers.ts";
import { answerOf, isDone, lookUp, printBody } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { legsText } from "./legs.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import { stateText } from "./payment.ts";
import type { Style } from "./style.ts";
import { timeText } from "./times.ts";
import { listLimitDefault, listLimitMax } from "../limits.ts";
import { parseCount, parseName } from "./values.ts";

export const payments: Command = {
  name: "payments",
  summary: "the payments of a node, newest first",
  usage: ["payments [--limit N] [--account NAME]"],
  flags: [
    { name: "limit", value: "N", help: `how many at most (default: ${listLimitDefault})` },
    { name: "account", value: "NAME", help: "only those of this account of the node" },
    ...nodeFlags,
    jsonFlag,
  ],
  run: async (args, io) => {
    const text = args.text("limit");
    const limit = text === undefined ? listLimitDefault : parseCount(text, listLimitMax, "--limit");
    const account = args.text("account");
    if (account !== undefined) parseName(account, "--account");
    const node = await findNode(args);
    const found: PaymentAnswer[] = [];
    /** As the node gave them, with all that this program does not know. */
    const given: unknown[] = [];
    let next: string | undefined;
    // A page may have fewer than were asked for, where much had to be read for it.
    do {
      const path = `/v1/payments?${queryOf(limit - found.length, account, next)}`;
      const reply = await lookUp(node, { method: "GET", path });
      if (args.is("json") && !isDone(reply)) printBody(reply, io);
      const page = answerOf(node, reply, paymentsAnswer);
      found.push(...page.payments);
      if (reply.type === "answered") given.push(...paymentsIn(reply.body));
      next = page.next;
    } while (next !== undefined && found.length < limit);
    if (args.is("json")) io.out(JSON.stringify({ payments: given, next }));
    else {
      if (next !== undefined && io.isWatched) {
        io.err(`there are older ones: --limit takes up to ${listLimitMax}`);
      }
      for (const line of paymentsLines(found, io.style)) io.out(line);
    }
    return exitCode.done;
  },
};

function queryOf(limit: number, account?: string, cursor?: string): URLSearchParams {
  const query = new URLSearchParams({ limit: `${limit}` });
  if (account !== undefined) query.set("account", account);
  if (cursor !== undefined) query.set("cursor", cursor);
  return query;
}

function paymentsIn(body: unknown): readonly unknown[] {
  return (body as { readonly payments: readonly unknown[] }).payments;
}

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
