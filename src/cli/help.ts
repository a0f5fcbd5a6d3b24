/** Help texts, made from the commands' own data. */

import type { Command, Flag } from "./command.ts";

export function overview(commands: readonly Command[]): string {
  const rows = [
    ...commands.map(({ name, summary }): [string, string] => [
      name === "--role" ? "--role=server|client" : name,
      summary,
    ]),
    ["help [COMMAND]", "this, or how to use a command"] as const,
    ["--version", "the version"] as const,
  ];
  return [
    "Handfast: ledgers that share no database pay each other, all or nothing.",
    "",
    "Usage:",
    ...columns(rows.map(([name, summary]) => [`handfast ${name}`, summary])),
    "",
    "First steps: handfast demo, or handfast help init.",
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 aborted, 4 outcome unknown, 5 violation found.",
  ].join("\n");
}

export function commandHelp({ usage, summary, flags, notes }: Command): string {
  return [
    ...usage.map((line, index) => `${index === 0 ? "Usage:" : "   or:"} handfast ${line}`),
    "",
    `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`,
    "",
    ...columns(flags.map((flag) => [flagText(flag), flag.help])),
    ...notes === undefined ? [] : [...flags.length === 0 ? [] : [""], ...notes],
  ].join("\n");
}

function flagText({ name, value, repeats }: Flag): string {
  const text = value === undefined ? `--${name}` : `--${name} ${value}`;
  return repeats === true ? `${text}...` : text;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}
