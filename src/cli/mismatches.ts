import type { MismatchAnswer } from "./answers.ts";
import type { Style } from "./style.ts";
import { timeText } from "./times.ts";

/** Each in one line that says what an operator has to do about it. */
export function mismatchLines(mismatches: readonly MismatchAnswer[], style: Style): string[] {
  return mismatches.map((mismatch) => {
    const remedy = `put it right, then: handfast acknowledge ${mismatch.transaction}`;
    return style.paint("bad", `MISMATCH: ${mismatchText(mismatch)}; ${remedy}`);
  });
}

export function mismatchText(
  { transaction, payment, forced, decision, at }: MismatchAnswer,
): string {
  return `payment ${payment} is not atomic: transaction ${transaction} was forced to ` +
    `${forced.decision} by ${forced.by}, but decided to ${decision} (known since ${timeText(at)})`;
}
