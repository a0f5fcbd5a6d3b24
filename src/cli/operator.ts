/** What the commands of operators have in common: who does it, and whether they really want to. */

import { shortened, UsageError } from "../errors.ts";
import { operatorLengthMax } from "../limits.ts";
import { isOperator } from "../protocol/id.ts";
import type { Arguments } from "./arguments.ts";
import type { Flag } from "./command.ts";
import type { Io } from "./io.ts";

/** Flags of a command that is recorded with who gave it. */
export const operatorFlags: readonly Flag[] = [
  { name: "yes", help: "do it without asking" },
  {
    name: "by",
    value: "NAME",
    help: "who does it, for the record (default: your login name, else operator)",
  },
];

/**
 * Who is recorded; nothing where the node is to say it.
 *
 * @param variable reads one of the environment, which may not be allowed
 * @throws {UsageError} if what was typed is no such name
 */
export function operatorIn(args: Arguments, variable = readVariable): string | undefined {
  const typed = args.text("by");
  if (typed === undefined) {
    return ["USER", "LOGNAME"].map(variable).find((name) => name !== undefined && isOperator(name));
  }
  if (isOperator(typed)) return typed;
  const [most, shown] = [operatorLengthMax, JSON.stringify(shortened(typed))];
  throw new UsageError(
    `--by ${shown} is no name: give 1 to ${most} characters in one line, without control characters`,
  );
}

/**
 * Whether to go on: they said so, or say so now.
 *
 * @param risk completes "add --yes to do it"
 * @param ask tells a person what it is about, and resolves to the question
 * @throws {UsageError} if there is nobody to ask
 */
export async function isAgreed(
  args: Arguments,
  io: Io,
  risk: string,
  ask: () => string | Promise<string>,
): Promise<boolean> {
  if (args.is("yes")) return true;
  if (!io.isTerminal) throw new UsageError(`${risk}: add --yes to do it`);
  return io.confirm(await ask());
}

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotCapable) return undefined;
    throw thrown;
  }
}
