/** What to say of a word that is not known. */

import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { shortened, UsageError } from "../errors.ts";

/**
 * The error for a word that is none of `known`, with the one that was likely meant.
 *
 * @param remedy what to say where none of them is near: a wrong guess leads astray
 */
export function unknownWord(
  what: string,
  word: string,
  known: readonly string[],
  remedy: string,
): UsageError {
  const meant = suggestion(word, known);
  const hint = meant === undefined ? remedy : `did you mean ${meant}?`;
  return new UsageError(`unknown ${what} ${shortened(word)}: ${hint}`);
}

/** The shortest word that begins so, else one with about two thirds of its letters. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const typed = lettersOf(word);
  if (typed === "") return undefined;
  const longer = known.filter((one) => lettersOf(one).startsWith(typed));
  if (longer.length > 0) return longer.reduce((a, b) => b.length < a.length ? b : a);
  const distances = known.map((one) => [distanceOf(typed, lettersOf(one)), one] as const);
  const [nearest] = distances.toSorted(([a], [b]) => a - b);
  if (nearest === undefined) return undefined;
  const [distance, meant] = nearest;
  return distance <= Math.max(1, Math.floor(typed.length / 3)) ? meant : undefined;
}

/** Edits, where two neighbours that are swapped are one. */
function distanceOf(typed: string, word: string): number {
  const isSwapped = [...typed].some((letter, at) =>
    `${typed.slice(0, at)}${typed.slice(at + 1, at + 2)}${letter}${typed.slice(at + 2)}` === word
  );
  return isSwapped ? 1 : levenshteinDistance(typed, word);
}

function lettersOf(word: string): string {
  return word.replace(/^-+/, "").toLowerCase();
}
