import { paymentAnswer } from "./answers.ts";
import type { PaymentAnswer } from "./answers.ts";
import { amountText } from "./amounts.ts";
import { show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { nodeFlags } from "./node_address.ts";
import type { Style, Tone } from "./style.ts";
import { timeText } from "./times.ts";
import { parseId } from "./values.ts";

export const payment: Command = {
  name: "payment",
  summary: "what became of a payment",
  usage: ["payment ID"],
  positionals: ["ID"],
  flags: [...nodeFlags, jsonFlag],
  run: async (args, io) => {
    const path = `/v1/payments/${parseId(args.positional("ID"), "ID")}`;
    return await show(args, io, { method: "GET", path }, paymentAnswer, (found, style) => [
      `${found.id} ${stateText(found, style)}`,
      ...style.table(
        found.legs.map(({ account, amount, currency }) => [
          `  ${account}`,
          amountText(amount, currency),
        ]),
        false,
      ),
      `  ordered at ${found.originator}, recorded here ${timeText(found.at)}`,
      ...found.memo === undefined ? [] : [`  memo: ${found.memo}`],
      ...found.reference === undefined ? [] : [`  reference: ${found.reference}`],
      ...found.details === undefined ? [] : [`  details ${found.details}`],
      ...found.transaction === undefined ? [] : [`  transaction ${found.transaction}`],
    ]);
  },
};

/** `committed`, or `aborted insufficient_funds`. */
export function stateText({ state, code }: PaymentAnswer, style: Style): string {
  return style.paint(tones[state], code === undefined ? state : `${state} ${code}`);
}

const tones: Readonly<Record<PaymentAnswer["state"], Tone>> = {
  pending: "warning",
  prepared: "warning",
  committed: "good",
  aborted: "bad",
};
