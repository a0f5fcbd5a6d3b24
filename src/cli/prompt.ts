/** The prompt of a participant at a terminal. */

import process from "node:process";
import {
  clearScreenDown,
  createInterface,
  cursorTo,
  type Interface,
  moveCursor,
} from "node:readline";
import type { Attendant } from "../node/run.ts";
import { promptWords } from "./prompt_command.ts";
import { type PromptNode, PromptSession } from "./prompt_session.ts";
import type { Style } from "./style.ts";

export class Prompt implements Attendant {
  readonly #style: Style;
  #lines: Interface | undefined;
  #session: PromptSession | undefined;

  constructor(style: Style) {
    this.#style = style;
  }

  out(line: string): void {
    this.#above(() => console.log(line));
  }

  err(line: string): void {
    this.#above(() => console.error(line));
  }

  /** Resolves at `exit`, Ctrl-C and Ctrl-D, and when the terminal is closed. */
  attend(node: PromptNode): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const lines = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      prompt: `${node.name}> `,
      completer: (typed: string) => [promptWords.filter((word) => word.startsWith(typed)), typed],
    });
    this.#lines = lines;
    this.out('Payments can be made here: "pay bob 125.00", or "help".');
    const session = new PromptSession({ node, style: this.#style, say: (line) => this.out(line) });
    this.#session = session;
    // Typing goes on while a payment waits: whatever there is to tell appears above.
    lines.on("line", (line) => {
      lines.prompt();
      session.typed(line).then((goesOn) => {
        if (!goesOn) resolve();
      });
    });
    lines.on("SIGINT", resolve);
    lines.on("close", resolve);
    // A closed terminal fails what is written to it, and unheard that would end the node at once.
    for (const end of [process.stdin, process.stdout]) end.on("error", () => resolve());
    return promise;
  }

  leave(): void {
    this.#session?.close();
    const lines = this.#lines;
    if (lines === undefined) return;
    this.#clear(lines);
    this.#lines = undefined;
    lines.close();
  }

  /** Takes the prompt away, writes, and puts it back with what was typed so far. */
  #above(write: () => void): void {
    const lines = this.#lines;
    if (lines === undefined) return write();
    this.#clear(lines);
    write();
    lines.prompt(true);
  }

  #clear(lines: Interface): void {
    const { rows } = lines.getCursorPos();
    if (rows > 0) moveCursor(process.stdout, 0, -rows);
    cursorTo(process.stdout, 0);
    clearScreenDown(process.stdout);
  }
}
