import { paymentAnswer } from "./answers.ts";
import type { PaymentAnswer } from "./answers.ts";
import { amountText } from "./amounts.ts";
import { show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { withCard } from "./legs.ts";
import { acknowledgeText, nodeText } from "./mismatches.ts";
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
      `${found.id} ${stateHere(found, style)}`,
      ...style.table(
        withCard(found).map(({ account, amount, currency }) => [
          `  ${account}`,
          amountText(amount, currency),
        ]),
        false,
      ),
      ...forcedLines(found, nodeText(args)),
      `  ordered at ${found.originator}, recorded here ${timeText(found.at)}`,
      ...found.memo === undefined ? [] : [`  memo: ${found.memo}`],
      ...found.reference === undefined ? [] : [`  reference: ${found.reference}`],
      ...found.details === undefined ? [] : [`  details ${found.details}`],
      ...found.transaction === undefined ? [] : [`  transaction ${found.transaction}`],
    ]);
  },
};

/** What was forced against the real decision stands in this node's books, whatever the state says. */
function stateHere(found: PaymentAnswer, style: Style): string {
  const { forced } = found;
  if (!forced?.decided || forced.decided === forced.decision) return stateText(found, style);
  const { decision, by, decided } = forced;
  const text = `${done[decision]} here by force by ${by}, decided otherwise: ${decided}`;
  return style.paint("bad", text);
}

/** The same in few words, for a list. */
export function stateInList(found: PaymentAnswer, style: Style): string {
  const { forced } = found;
  if (!forced || forced.decided === forced.decision) return stateText(found, style);
  const text = `${done[forced.decision]} here by force`;
  return forced.decided === undefined
    ? style.paint("warning", `${text}, decision unknown`)
    : style.paint("bad", `${text}, decided otherwise: ${forced.decided}`);
}

function forcedLines({ forced, transaction }: PaymentAnswer, node: string): string[] {
  if (!forced) return [];
  const { decision, by, at, decided, acknowledged } = forced;
  const how = `  forced to ${decision} by ${by}, ${timeText(at)}`;
  if (!decided) return [`${how}; the real decision is not known here`];
  if (decided === decision) return [`${how}, as it was decided`];
  if (acknowledged) {
    return [how, `  acknowledged by ${acknowledged.by}, ${timeText(acknowledged.at)}`];
  }
  return [how, `  not acknowledged yet: ${acknowledgeText(transaction ?? "TRANSACTION", node)}`];
}

const done = { commit: "committed", abort: "aborted" } as const;

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
