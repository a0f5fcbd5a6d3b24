import type { MismatchAnswer } from "./answers.ts";
import type { Arguments } from "./arguments.ts";
import { nodeFlags } from "./node_address.ts";
import type { Style } from "./style.ts";
import { timeText } from "./times.ts";

/** Each in one line that says what an operator has to do about it; `node` as of {@linkcode nodeText}. */
export function mismatchLines(
  mismatches: readonly MismatchAnswer[],
  style: Style,
  node: string,
): string[] {
  return mismatches.map((mismatch) => {
    const remedy = acknowledgeText(mismatch.transaction, node);
    return style.paint("bad", `MISMATCH: ${mismatchText(mismatch)}; ${remedy}`);
  });
}

export function acknowledgeText(transaction: string, node: string): string {
  return `put it right, then: handfast acknowledge ${transaction} --yes${node}`;
}

/** By what a command found its node, so that another finds it too: ` --data DIR`, or nothing. */
export function nodeText(args: Arguments): string {
  return nodeFlags.map(({ name }) => {
    const value = args.text(name);
    return value === undefined ? "" : ` --${name} ${value}`;
  }).join("");
}

export function mismatchText(
  { transaction, payment, forced, decision, at }: MismatchAnswer,
): string {
  return `payment ${payment} is not atomic: transaction ${transaction} was forced to ` +
    `${forced.decision} by ${forced.by}, but decided to ${decision} (known since ${timeText(at)})`;
}
