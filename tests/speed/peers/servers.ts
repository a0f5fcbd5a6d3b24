/** Servers of databases that belong to this process. */

import { setTimeout as sleep } from "node:timers/promises";

export interface ServerOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly user?: User;
  /** By which it ends without waiting for clients. */
  readonly stopSignal: Deno.Signal;
}

/** Whom a program runs as. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

const pollMs = 10;
const startTimeoutMs = 30_000;

export class Server implements AsyncDisposable {
  readonly #program: string;
  readonly #stopSignal: Deno.Signal;
  readonly #child: Deno.ChildProcess;
  /** Ends once nothing is left that could say more: neither the server nor a process of its own. */
  readonly #said: Promise<string>;
  #hasEnded = false;

  constructor({ program, args, user, stopSignal }: ServerOptions) {
    this.#program = program;
    this.#stopSignal = stopSignal;
    this.#child = new Deno.Command(program, {
      ...programOptions(user),
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr, status } = this.#child;
    this.#said = Promise.all([stdout, stderr].map((stream) => new Response(stream).text()))
      .then((texts) => texts.join("").trim());
    status.then(() => this.#hasEnded = true);
  }

  /** @throws {Error} with what the server said, where it ends instead */
  async ready(isReady: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + startTimeoutMs;
    while (!await isReady()) {
      if (this.#hasEnded) throw new Error(`${this.#program} did not start: ${await this.#said}`);
      if (performance.now() > deadlineMs) {
        throw new Error(`${this.#program} was not ready within ${startTimeoutMs / 1_000} s`);
      }
      await sleep(pollMs, undefined, { signal });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill(this.#stopSignal);
    } catch {
      // It has ended.
    }
    await this.#said;
    await this.#child.status;
  }
}

/** For programs that this process starts and ends: Ctrl-C in the terminal is not theirs to handle. */
export function programOptions(user?: User): Deno.CommandOptions {
  // Not where this process is: another user may not look there.
  return { ...user, cwd: "/", detached: true };
}

/** Ports of 127.0.0.1 on which nobody listens, all different. */
export function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  for (const listener of listeners) listener.close();
  return listeners.map(({ addr }) => addr.port);
}
