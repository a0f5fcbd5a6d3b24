/** Processes at a terminal of their own (a pseudo-terminal), by `script` of util-linux. */

import { stripVTControlCharacters } from "node:util";

/** The compiled executable under test; without one, the source is. */
const executable = Deno.env.get("HANDFAST_EXECUTABLE");
const config = new URL("../../deno.json", import.meta.url).pathname;
const main = new URL("../../main.ts", import.meta.url).pathname;
const program = executable
  ? [executable]
  : [Deno.execPath(), "run", "-A", "--no-check", "--quiet", "--config", config, main];
const pollMs = 20;

/** Why there is no terminal to be had here; nothing where there is. */
export const terminalMissing = await missing();

export class Terminal implements AsyncDisposable {
  /** The exit code of the command. */
  readonly exit: Promise<number>;
  readonly #script: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>;
  #shown = "";
  #seen = 0;
  #hasEnded = false;

  /** Runs `handfast` with the arguments. */
  constructor(cwd: string, ...args: string[]) {
    const words = [...program, ...args].map((word) => `'${word.replaceAll("'", `'"'"'`)}'`);
    // A terminal without a size breaks lines nowhere, which no person's does.
    // Whoever runs the tests may have asked for no colour; the person at this terminal has not.
    const command = `unset NO_COLOR; stty cols 100 rows 30; exec ${words.join(" ")}`;
    this.#script = new Deno.Command("script", {
      args: ["-qefc", command, "/dev/null"],
      cwd,
      env: { TERM: "xterm", SHELL: "/bin/sh" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#script.stdin.getWriter();
    this.#read = this.#collect();
    this.exit = this.#script.status.then(async ({ code }) => {
      await this.#read;
      this.#hasEnded = true;
      return code;
    });
  }

  async type(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  /** Waits for words on the screen, after those that the last call found. */
  async saw(words: string, timeoutMs = 15_000): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const text = this.text;
      const at = text.indexOf(words, this.#seen);
      if (at >= 0) {
        this.#seen = at + words.length;
        return;
      }
      const late = performance.now() > deadlineMs;
      if (late || this.#hasEnded) {
        const when = late ? `not within ${timeoutMs} ms` : "not before the end";
        throw new Error(`${when}: "${words}" after ${JSON.stringify(text.slice(this.#seen))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** All that was shown, without colours and movements. */
  get text(): string {
    return stripVTControlCharacters(this.#shown);
  }

  /** As it came. */
  get raw(): string {
    return this.#shown;
  }

  /** Closes the terminal's window: the command is told by SIGHUP, and can write nothing more. */
  async close(): Promise<void> {
    this.#script.kill("SIGKILL");
    await this.exit;
  }

  /** As a loss of power, to the command alone. */
  async kill(): Promise<void> {
    const { pid } = this.#script;
    const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    for (const child of children.trim().split(" ")) Deno.kill(Number(child), "SIGKILL");
    await this.exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.kill().catch(() => this.#script.kill("SIGKILL"));
    await this.#input.close().catch(() => {});
    await this.exit;
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#script.stdout) {
      this.#shown += decoder.decode(bytes, { stream: true });
    }
  }
}

/** Runs a command without a terminal; with `untilReady`, until it says that it is. */
export async function background(cwd: string, ...args: string[]): Promise<Background> {
  const [first = "", ...rest] = program;
  const child = new Deno.Command(first, {
    args: [...rest, ...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const started = new Background(child);
  try {
    await started.ready;
  } catch (thrown) {
    await started[Symbol.asyncDispose]();
    throw thrown;
  }
  return started;
}

/** A node without a terminal. */
export class Background implements AsyncDisposable {
  /** Resolves with the ready line. */
  readonly ready: Promise<string>;
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.ready = promise;
    this.#read = (async () => {
      let text = "";
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        const line = /^ready .*$/m.exec(text)?.[0];
        if (line !== undefined) resolve(line);
      }
      reject(new Error(`it ended before it was ready: ${text}`));
    })();
    const timer = setTimeout(() => reject(new Error("it was not ready within 20 s")), 20_000);
    promise.finally(() => clearTimeout(timer)).catch(() => {});
  }

  async terminate(): Promise<number> {
    this.#child.kill("SIGTERM");
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#read;
  }
}

/** Runs a command to its end, without a terminal. */
export async function handfast(cwd: string, ...args: string[]) {
  const [first = "", ...rest] = program;
  const { code, stdout, stderr } = await new Deno.Command(first, {
    args: [...rest, ...args],
    cwd,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** A port on which nothing listens any more. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function missing(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return `${Deno.build.os} has another script command`;
  try {
    const { success, stdout } = await new Deno.Command("script", { args: ["--version"] }).output();
    if (success && new TextDecoder().decode(stdout).includes("util-linux")) return undefined;
  } catch {
    // There is none.
  }
  return "there is no script command of util-linux";
}
