import { assertEquals, assertStringIncludes } from "@std/assert";
import { record } from "./recorder.ts";

const bash = await found("bash");

const completed: readonly [typed: readonly string[], offers: string][] = [
  [["handfast", "pa"], "pay payment payments"],
  [["handfast", "compl"], "completions"],
  [["handfast", "pay", "--am"], "--amount"],
  [["handfast", "completions", ""], "bash zsh fish --help"],
  [["handfast", "account", "o"], "open"],
  [["handfast", "help", "in-"], "in-doubt"],
  [["handfast", "--ro"], "--role"],
  [["handfast", "--role", "=", "s"], "server"],
  [["handfast", "--role", "=", "client", "--off"], "--offline"],
  [["handfast", "csr", "--role", ""], "client server"],
  [["handfast", "csr", "--role", "="], "client server"],
  [["handfast", "export", "--format", ""], "shiviz jsonl"],
  [["handfast", "verify", "--data", "/et"], "/etc"],
  [["handfast", "pay", "--batch", "/etc/os-relea"], "/etc/os-release"],
];
for (const [typed, offers] of completed) {
  Deno.test({
    name: `bash completes ${typed.join(" ")} to ${offers}${bash ? "" : " (skipped: no bash)"}`,
    ignore: !bash,
    fn: async () => {
      const { exit, out } = await record("completions", "bash");
      assertEquals(exit, 0);
      const words = typed.map((word) => `'${word}'`).join(" ");
      const script = `${out.join("\n")}
compopt() { :; } # Only within a completion that readline began.
COMP_WORDS=(${words}); COMP_CWORD=${typed.length - 1}
_handfast; echo "\${COMPREPLY[*]}"; complete -p handfast`;
      const command = new Deno.Command("bash", { args: ["--norc", "-c", script] });
      const { code, stdout, stderr } = await command.output();
      const decoder = new TextDecoder();
      assertEquals(decoder.decode(stderr), "");
      assertEquals(decoder.decode(stdout), `${offers}\ncomplete -F _handfast handfast\n`);
      assertEquals(code, 0);
    },
  });
}

for (const shell of ["zsh", "fish"]) {
  Deno.test(`completions ${shell} names every command`, async () => {
    const { out } = await record("completions", shell);
    const { out: help } = await record("help");
    for (const line of help.join("\n").split("\n")) {
      const name = /^ {2}handfast ([a-z-]+) /.exec(line)?.[1];
      if (name !== undefined && !name.startsWith("-")) assertStringIncludes(out.join("\n"), name);
    }
  });
}

async function found(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}
