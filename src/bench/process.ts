/** A node under load, or a client of one, from outside: its process, and what it is told. */

import { TextLineStream } from "@std/streams/text-line-stream";
import type { Answers, Command } from "./worker.ts";

/** The word by which this program starts itself as one; no command for people. */
export const benchWorker = "bench-worker";

export class BenchProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  constructor(readonly name: string) {
    // This same program again, be it one executable or run from source, by whatever script.
    const main = new URL("../../main.ts", import.meta.url).href;
    const source = ["run", "--quiet", "--no-check", "--no-prompt", "--allow-all", main];
    const args = [...Deno.build.standalone ? [] : source, benchWorker];
    this.#child = new Deno.Command(Deno.execPath(), {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
    this.#input = this.#child.stdin.getWriter();
  }

  /** One at a time. */
  async ask<K extends keyof Answers>(
    command: Extract<Command, { do: K }>,
  ): Promise<Answers[K]> {
    // One that has ended can't be written to, and has nothing to be read.
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`)).catch(
      () => {},
    );
    const { value, done } = await this.#lines.read();
    if (done) throw new Error(`the process of ${this.name} ended; what it said stands above`);
    return JSON.parse(value) as Answers[K];
  }

  /** Stops its process, to go on or not. */
  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** As a loss of power. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
  }

  async stop(): Promise<void> {
    await this.ask({ do: "stop" });
    await this.#input.close().catch(() => {});
    await this.#child.status;
  }
}
