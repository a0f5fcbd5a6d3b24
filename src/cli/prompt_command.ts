/** What may be typed at a participant's prompt. */

import { shortened, UsageError } from "../errors.ts";
import { unknownWord } from "./suggestion.ts";
import { parseAddress, parseCurrency, parseDecimal } from "./values.ts";

export type PromptCommand =
  | { readonly type: "none" }
  | {
    readonly type: "pay";
    readonly to: string;
    readonly amount: string;
    readonly currency?: string;
  }
  | { readonly type: "balance" | "status" | "help" | "exit" };

export const promptWords: readonly string[] = ["pay", "balance", "status", "help", "exit"];

export const promptHelp: readonly string[] = [
  "pay bob 125.00        pays from your account main to main@bob; savings@bob for another account",
  "pay bob 125.00 EUR    the same, and says in which currency",
  "balance               your accounts",
  "status                this node, its links and its payments under way",
  "exit                  stops this node; so do Ctrl-C and Ctrl-D",
];

/** @throws {UsageError} naming what was typed and what to type */
export function parsePromptLine(line: string): PromptCommand {
  const [word, ...rest] = line.trim().split(/\s+/);
  switch (word) {
    case undefined:
    case "":
      return { type: "none" };
    case "pay":
      return parsePay(rest);
    case "balance":
    case "status":
    case "help":
    case "exit":
      if (rest.length === 0) return { type: word };
      throw new UsageError(`unexpected "${shortened(rest.join(" "))}": type only ${word}`);
    default:
      throw unknownWord("command", word, promptWords, "type help");
  }
}

function parsePay(words: readonly string[]): PromptCommand {
  const [to, amount, currency, extra] = words;
  if (to === undefined || amount === undefined) {
    throw new UsageError("pay needs who is paid and how much, as in: pay bob 125.00");
  }
  if (extra !== undefined) {
    throw new UsageError(`unexpected "${shortened(extra)}": type as in: pay bob 125.00 EUR`);
  }
  return {
    type: "pay",
    to: parseAddress(to, "account"),
    amount: parseDecimal(amount, "amount"),
    currency: currency === undefined ? undefined : parseCurrency(currency, "currency"),
  };
}
