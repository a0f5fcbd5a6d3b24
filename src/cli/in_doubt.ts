import { inquiryAnswerMsMax } from "../limits.ts";
import { inDoubtAnswer, retryAnswer } from "./answers.ts";
import type { InDoubtAnswer } from "./answers.ts";
import { show } from "./api.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { doubtsText, heldText, list, missing } from "./doubts.ts";
import type { Doubt } from "./doubts.ts";
import { mismatchLines, nodeText } from "./mismatches.ts";
import { nodeFlags } from "./node_address.ts";
import type { Style } from "./style.ts";
import { durationText, timeText } from "./times.ts";

export const inDoubt: Command = {
  name: "in-doubt",
  summary: "what a node has prepared without knowing the decision",
  usage: ["in-doubt", "in-doubt --retry"],
  flags: [
    { name: "retry", help: "ask for all decisions now, instead of showing what is in doubt" },
    ...nodeFlags,
    jsonFlag,
  ],
  notes: [
    "Asked is the coordinator; where it is away, or linked without an answer for " +
    `${inquiryAnswerMsMax / 1_000} seconds, also`,
    "the other participants. Unreachable are those of them without a link, or without an answer.",
  ],
  run: (args, io) => {
    if (!args.is("retry")) {
      const request = { method: "GET", path: "/v1/in-doubt" } as const;
      const node = nodeText(args);
      return show(args, io, request, inDoubtAnswer, (found, style) => lines(found, style, node));
    }
    const request = { method: "POST", path: "/v1/in-doubt/retry" } as const;
    return show(args, io, request, retryAnswer, ({ asked }) => [
      asked === 0
        ? "nothing is in doubt, so nothing was asked"
        : `asked about ${asked} in doubt; what is still unknown is told by: handfast in-doubt`,
    ]);
  },
};

function lines({ inDoubt, mismatches }: InDoubtAnswer, style: Style, node: string): string[] {
  return [
    ...inDoubt.length === 0 ? ["nothing is in doubt"] : table(inDoubt, style),
    ...inDoubt.length > 1 ? [doubtsText(inDoubt)] : [],
    ...mismatchLines(mismatches, style, node),
  ];
}

function table(inDoubt: readonly Doubt[], style: Style): string[] {
  return style.table([
    ["transaction", "payment", "age", "held", "participants", "unreachable"],
    ...inDoubt.map((doubt) => [
      doubt.transaction,
      doubt.payment,
      durationText(doubt.age),
      doubt.forced ? style.paint("warning", forcedText(doubt.forced)) : heldText(doubt),
      list(doubt.participants),
      style.paint(missing(doubt).length > 0 ? "bad" : "good", list(missing(doubt))),
    ]),
  ]);
}

function forcedText({ decision, by, at, legs }: NonNullable<Doubt["forced"]>): string {
  const done = decision === "commit" ? "posted" : "released";
  return `forced to ${decision} by ${by}, ${timeText(at)}: ${done} ${heldText({ held: legs })}`;
}
