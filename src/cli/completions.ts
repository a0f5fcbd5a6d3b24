import type { Command } from "./command.ts";
import { bashScript, fishScript, zshScript } from "./completion_scripts.ts";
import { exitCode } from "./exit_code.ts";
import { parseChoice } from "./values.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `commands` is asked for when it runs, as this command is one of them. */
export function completionsOf(commands: () => Promise<readonly Command[]>): Command {
  return {
    name: "completions",
    summary: "a script by which a shell completes commands and flags",
    usage: ["completions bash|zsh|fish"],
    positionals: ["bash|zsh|fish"],
    flags: [],
    notes: [
      "bash: source <(handfast completions bash), in ~/.bashrc to keep it",
      "zsh:  source <(handfast completions zsh), in ~/.zshrc after compinit",
      "fish: handfast completions fish > ~/.config/fish/completions/handfast.fish",
    ],
    run: async (args, io) => {
      const shell = parseChoice(
        args.positional("bash|zsh|fish"),
        ["bash", "zsh", "fish"],
        "the shell",
      );
      io.out(scripts[shell](await commands()));
      return exitCode.done;
    },
  };
}
