/** Handfast's own figure: of `handfast bench`, run from this source. */

import type { Measured } from "../../../src/bench/mod.ts";
import type { Speed } from "./load.ts";

const main = new URL("../../../main.ts", import.meta.url).pathname;
const config = new URL("../../../deno.json", import.meta.url).pathname;

export interface HandfastOptions {
  readonly concurrency: number;
  readonly seconds: number;
  /** Where its files go, and do not stay. */
  readonly folder: string;
}

/**
 * @throws {Error} where it fails, where money came or went, and where `signal` was aborted, once all its
 *   processes have ended
 */
export async function measureHandfast(
  { concurrency, seconds, folder }: HandfastOptions,
  signal: AbortSignal,
): Promise<Speed> {
  signal.throwIfAborted();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--frozen", "--no-check", "--no-prompt", "--allow-all"].concat(
      ["--config", config, main, "bench", "--json", "--dir", folder],
      ["--concurrency", String(concurrency), "--seconds", String(seconds)],
    ),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // The leader of a group, of which the nodes are: so all of them can be ended at once.
    detached: true,
  }).spawn();
  const kill = () => Deno.kill(-child.pid, "SIGKILL");
  signal.addEventListener("abort", kill);
  try {
    // Both end when the last of its processes does.
    const [out, err] = await Promise.all(
      [child.stdout, child.stderr].map((stream) => new Response(stream).text()),
    );
    const { code } = await child.status;
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`handfast bench ended with ${code}: ${out}${err}`.trim());
    const { tps, p50ms, p99ms }: Measured = JSON.parse(out!);
    if (p50ms === null || p99ms === null) throw new Error(`handfast bench committed none: ${out}`);
    return { tps, p50ms, p99ms };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
