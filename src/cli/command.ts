/** What a command is: data for the parser and the help, and a function. */

import type { Arguments } from "./arguments.ts";
import type { Io } from "./io.ts";

export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** As typed, without `handfast`. */
  readonly usage: readonly string[];
  /** Names of what is given without a flag; each must be given. */
  readonly positionals?: readonly string[];
  /** The last of them may be given more than once. */
  readonly repeats?: boolean;
  readonly flags: readonly Flag[];
  /** What may not be given as an argument, where others on the machine see it. */
  readonly hidden?: Hidden;
  /** Lines at the end of its help. */
  readonly notes?: readonly string[];
  /** Resolves to the exit code. */
  run(args: Arguments, io: Io): Promise<number>;
}

export interface Hidden {
  /** Flags that somebody might try it with. */
  readonly flags: readonly string[];
  /** How to give it; what was typed is not repeated. */
  readonly refusal: string;
}

export interface Flag {
  /** Without dashes. */
  readonly name: string;
  /** What stands for its value in the help; a flag without it is given or not. */
  readonly value?: string;
  /** May be given more than once. */
  readonly repeats?: boolean;
  readonly help: string;
}

export const jsonFlag: Flag = { name: "json", help: "print JSON, one value a line" };
