/**
 * Runs the README's tour as written. A fence marked `sh tour` is run to its end and must exit 0, or with
 * the code that its last line names in a comment (`# exit 3`); one marked `sh tour node` is a terminal of
 * its own, in which a node runs until it says that it is ready; `tour stop` stops those nodes.
 */

import { assert, assertEquals } from "@std/assert";
import { executable, until } from "../process/cluster.ts";

const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
const config = new URL("../../deno.json", import.meta.url).pathname;
const main = new URL("../../main.ts", import.meta.url).pathname;

interface Step {
  readonly kind: "run" | "node" | "stop";
  readonly script: string;
}

function stepsIn(markdown: string): Step[] {
  const fences = markdown.matchAll(/^```sh tour ?(node|stop)?\n([\s\S]*?)^```$/gm);
  return [...fences].map(([, kind, script]) => ({
    kind: (kind ?? "run") as Step["kind"],
    script: script!.trim(),
  }));
}

Deno.test("the README's tour runs as written", async () => {
  const steps = stepsIn(readme);
  assert(steps.length >= 5, "the README has lost its tour");
  const folder = await Deno.makeTempDir({ prefix: "handfast-tour-" });
  const nodes: Deno.ChildProcess[] = [];
  try {
    const env = { PATH: `${await shim(folder)}:${Deno.env.get("PATH")}`, NO_COLOR: "1" };
    const shell = (script: string) =>
      new Deno.Command("bash", {
        args: ["-c", script],
        cwd: folder,
        env,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      });
    for (const { kind, script } of steps) {
      if (kind === "node") nodes.push(await startNode(shell(`exec ${script}`), script));
      else if (kind === "stop") await stopAll(nodes);
      else await runBlock(shell, script);
    }
  } finally {
    await stopAll(nodes);
    await Deno.remove(folder, { recursive: true });
  }
});

/** A `handfast` for the PATH: the executable, or the source. */
async function shim(folder: string): Promise<string> {
  const bin = `${folder}/bin`;
  await Deno.mkdir(bin);
  const command = executable
    ? `"${executable}"`
    : `"${Deno.execPath()}" run -A --no-check --config "${config}" "${main}"`;
  await Deno.writeTextFile(`${bin}/handfast`, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  return bin;
}

/** Lines are run one by one, so that each may name its own exit code. */
async function runBlock(shell: (script: string) => Deno.Command, script: string): Promise<void> {
  for (const line of script.replaceAll("\\\n", " ").split("\n")) {
    const expected = Number(/# exit (\d)$/.exec(line)?.[1] ?? 0);
    const { code, stdout, stderr } = await shell(line).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals(code, expected, `${line}\n${said}`);
  }
}

async function startNode(command: Deno.Command, script: string): Promise<Deno.ChildProcess> {
  const child = command.spawn();
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    (async () => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) said += text;
    })();
  }
  await until(`ready line of "${script}", which said: ${said}`, () => /^ready /m.test(said));
  return child;
}

async function stopAll(nodes: Deno.ChildProcess[]): Promise<void> {
  for (const node of nodes.splice(0).reverse()) {
    node.kill("SIGTERM");
    const { code } = await node.status;
    assertEquals(code, 0, "a node that was told to stop");
  }
}
