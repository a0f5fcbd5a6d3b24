import { amountText } from "./amounts.ts";
import { inDoubtAnswer } from "./answers.ts";
import type { InDoubtAnswer } from "./answers.ts";
import { show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { nodeFlags } from "./node_address.ts";
import type { Style } from "./style.ts";
import { durationText } from "./times.ts";

export const inDoubt: Command = {
  name: "in-doubt",
  summary: "what a node has prepared without knowing the decision",
  usage: ["in-doubt"],
  flags: [...nodeFlags, jsonFlag],
  run: (args, io) => show(args, io, { method: "GET", path: "/v1/in-doubt" }, inDoubtAnswer, lines),
};

function lines({ inDoubt }: InDoubtAnswer, style: Style): string[] {
  if (inDoubt.length === 0) return ["nothing is in doubt"];
  return style.table([
    ["transaction", "payment", "age", "held", "participants", "unreachable"],
    ...inDoubt.map((doubt) => [
      doubt.transaction,
      doubt.payment,
      durationText(doubt.age),
      list(
        doubt.held.map(({ account, amount, currency }) =>
          `${account} ${amountText(amount, currency)}`
        ),
      ),
      list(doubt.participants),
      style.paint(doubt.unreachable.length > 0 ? "bad" : "good", list(doubt.unreachable)),
    ]),
  ]);
}

function list(texts: readonly string[]): string {
  return texts.length === 0 ? "none" : texts.join(", ");
}
