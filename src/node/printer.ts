/** What a node says in a terminal or a file of its operator's. */

import { oneLine } from "../errors.ts";
import type { LogLevel, ShellOptions } from "./shell_options.ts";

export type Print = ShellOptions["print"];

/** A line that can't be written, as where the disk of its file is full, must not end the node. */
export function tolerant(write: (line: string) => void): (line: string) => void {
  return (line) => {
    try {
      write(line);
    } catch {
      // Where it could be said is where nothing can be written.
    }
  };
}

/** Prints lines on stderr, those of the level and above. */
export function printer(level: LogLevel, err: (line: string) => void): Print {
  const levels: readonly LogLevel[] = ["error", "warn", "info", "debug"];
  return (of, line) => {
    if (levels.indexOf(of) > levels.indexOf(level)) return;
    // Much of what is told has come from others, who may not have proven who they are.
    err(`${new Date().toISOString()} ${of} ${oneLine(line)}`);
  };
}
