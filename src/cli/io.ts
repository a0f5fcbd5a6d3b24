import { UsageError } from "../errors.ts";
import { plainStyle, terminalStyle } from "./style.ts";
import type { Style } from "./style.ts";

/** What a command may say to and ask of the person who typed it. */
export interface Io {
  /** A line on stdout: results, and nothing else. */
  out(line: string): void;
  /** A line on stderr: errors, and news that are no result. */
  err(line: string): void;
  /** For what goes to stdout. */
  readonly style: Style;
  /** Whether someone watches stderr, and may be told that something takes its time. */
  readonly isWatched: boolean;
  /** Whether there is a person at a terminal who can be asked. */
  readonly isTerminal: boolean;
  /** Enter takes `preset`. */
  ask(question: string, preset: string): string;
  confirm(question: string): boolean;
}

export const processIo: Io = {
  out: (line) => console.log(line),
  err: (line) => console.error(line),
  get style() {
    return Deno.stdout.isTerminal() ? terminalStyle(!Deno.noColor) : plainStyle;
  },
  get isWatched() {
    return Deno.stderr.isTerminal();
  },
  get isTerminal() {
    return Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  },
  ask: (question, preset) => {
    // Not as the second argument: it would stand there to be edited, before what is typed.
    const answer = prompt(`${question} [${preset}]:`);
    if (answer === null) throw new UsageError(`no answer to "${question}": give it as a flag`);
    return answer.trim() || preset;
  },
  confirm: (question) => confirm(question),
};
