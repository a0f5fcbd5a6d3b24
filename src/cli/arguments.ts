/** From what was typed after a command's name to the values of its flags. */

import { parseArgs } from "@std/cli/parse-args";
import { invariant, shortened, UsageError } from "../errors.ts";
import type { Command, Flag } from "./command.ts";
import { suggestion } from "./suggestion.ts";

export interface Arguments {
  /** A flag's value; nothing where it was not given. */
  text(flag: string): string | undefined;
  /** @throws {UsageError} where it was not given */
  required(flag: string): string;
  /** Values of a flag that repeats, in the order given. */
  all(flag: string): readonly string[];
  is(flag: string): boolean;
  /** What was given for a positional. */
  positional(name: string): string;
  /** All that was given for the last positional, which repeats; at least one. */
  repeated(name: string): readonly string[];
  readonly wantsHelp: boolean;
}

type Syntax = Pick<Command, "name" | "usage" | "positionals" | "repeats" | "flags" | "hidden">;

const helpFlags: readonly Flag[] = [
  { name: "help", help: "" },
  { name: "h", help: "" },
];

/** @throws {UsageError} naming what was typed and what to type */
export function parseArguments(argv: readonly string[], command: Syntax): Arguments {
  const flags = [...command.flags, ...helpFlags];
  refuseValuesOfSwitches(argv, flags);
  const unknown: string[] = [];
  // Collecting all of them shows which were given twice; as strings, numbers stay as typed.
  const parsed = parseArgs(joinDashes(argv, flags), {
    string: [...flags.filter(({ value }) => value !== undefined).map(({ name }) => name), "_"],
    boolean: flags.filter(({ value }) => value === undefined).map(({ name }) => name),
    collect: flags.map(({ name }) => name),
    unknown: (arg, key) => {
      if (key === undefined) return true;
      unknown.push(arg);
      return false;
    },
  });
  const given = new Map<string, readonly unknown[]>();
  for (const { name } of flags) {
    const values = parsed[name];
    given.set(name, Array.isArray(values) ? values : []);
  }
  const wantsHelp = [...given.get("help") ?? [], ...given.get("h") ?? []].includes(true);
  const positionals = parsed._.map(String);
  if (!wantsHelp) {
    for (const flag of flags) refuseBadUse(flag, given.get(flag.name) ?? []);
    const [stranger] = unknown;
    if (stranger !== undefined) throw unknownFlag(stranger, command);
    refuseBadCount(positionals, command);
  }
  return argumentsOf(command, given, positionals, wantsHelp);
}

function argumentsOf(
  command: Syntax,
  given: ReadonlyMap<string, readonly unknown[]>,
  positionals: readonly string[],
  wantsHelp: boolean,
): Arguments {
  const values = (name: string): readonly unknown[] => {
    const found = given.get(name);
    invariant(found !== undefined, `"${command.name}" declares no flag --${name}`);
    return found;
  };
  const texts = (name: string) => values(name).filter((value) => typeof value === "string");
  return {
    wantsHelp,
    text: (name) => texts(name)[0],
    all: texts,
    is: (name) => values(name).includes(true),
    required: (name) => {
      const [text] = texts(name);
      if (text !== undefined) return text;
      throw new UsageError(
        `"${command.name}" needs ${flagUsage(command, name)}; ` +
          `see "handfast help ${command.name}"`,
      );
    },
    positional: (name) => {
      const text = positionals[command.positionals?.indexOf(name) ?? -1];
      invariant(text !== undefined, `"${command.name}" declares no ${name}`);
      return text;
    },
    repeated: (name) => {
      const from = command.positionals?.indexOf(name) ?? -1;
      invariant(
        from !== -1 && command.repeats === true,
        `"${command.name}" declares no ${name} that repeats`,
      );
      return positionals.slice(from);
    },
  };
}

function flagUsage(command: Syntax, name: string): string {
  return `--${name} ${command.flags.find((flag) => flag.name === name)?.value ?? "VALUE"}`;
}

/** The parser takes a dash alone, by which stdin is meant, for no value. */
function joinDashes(argv: readonly string[], flags: readonly Flag[]): string[] {
  const end = argv.indexOf("--");
  const joined: string[] = [];
  for (const [index, arg] of argv.entries()) {
    const last = joined.at(-1);
    const takesIt = arg === "-" && (end === -1 || index < end) &&
      flags.some(({ name, value }) => value !== undefined && last === `--${name}`);
    if (takesIt) joined[joined.length - 1] = `${last}=-`;
    else joined.push(arg);
  }
  return joined;
}

/** `--json=no` would be taken for yes, and of `--yes false` both words. */
function refuseValuesOfSwitches(argv: readonly string[], flags: readonly Flag[]): void {
  const end = argv.indexOf("--");
  const before = end === -1 ? argv : argv.slice(0, end);
  for (const [index, arg] of before.entries()) {
    const [, name, hasValue] = /^--([^=]+)(=)?/s.exec(arg) ?? [];
    const flag = flags.find((flag) => flag.name === name);
    if (flag === undefined || flag.value !== undefined) continue;
    if (hasValue) {
      throw new UsageError(
        `--${flag.name} takes no value, so write it without "=", not ${shortened(arg)}`,
      );
    }
    const next = before[index + 1];
    if (next === "true" || next === "false") {
      throw new UsageError(`--${flag.name} takes no value: leave out ${next}`);
    }
  }
}

function refuseBadUse({ name, value, repeats }: Flag, given: readonly unknown[]): void {
  if (value !== undefined && given.includes("")) {
    throw new UsageError(
      `--${name} needs a value: --${name} ${value}, ` +
        `or --${name}=${value} for one that begins with a dash`,
    );
  }
  if (given.length > 1 && repeats !== true) {
    const values = value === undefined
      ? ""
      : `, as ${given.map((one) => shortened(String(one))).join(" and ")}`;
    throw new UsageError(`--${name} was given ${given.length} times${values}: give it once`);
  }
}

function unknownFlag(arg: string, { name, flags, hidden }: Syntax): UsageError {
  const known = [...flags.map((flag) => `--${flag.name}`), "--help"];
  const typed = arg.split("=", 1)[0] ?? arg;
  if (hidden?.flags.some((flag) => typed === `--${flag}`)) return new UsageError(hidden.refusal);
  const meant = suggestion(typed, known);
  const hint = meant === undefined ? `see "handfast help ${name}"` : `did you mean ${meant}?`;
  return new UsageError(`unknown flag ${shortened(typed)} for "${name}": ${hint}`);
}

function refuseBadCount(
  given: readonly string[],
  { name, usage, positionals = [], repeats, hidden }: Syntax,
): void {
  const missing = positionals[given.length];
  const correct = `handfast ${usage.join(" | ")}`;
  if (missing !== undefined) throw new UsageError(`"${name}" needs ${missing}: ${correct}`);
  const extra = repeats ? undefined : given[positionals.length];
  // A word may be what is hidden; then it is not repeated.
  if (extra !== undefined && hidden) {
    throw new UsageError(
      `"${name}" takes no more words: the usage is ${correct}; ${hidden.refusal}`,
    );
  }
  if (extra !== undefined) {
    throw new UsageError(`unexpected "${shortened(extra)}" for "${name}": the usage is ${correct}`);
  }
}
