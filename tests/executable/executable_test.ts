/** The compiled executable, alone in an empty folder; and beside nodes that run from source. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { executable, until } from "../process/cluster.ts";

const ignore = !executable;
const config = new URL("../../deno.json", import.meta.url).pathname;
const main = new URL("../../main.ts", import.meta.url).pathname;
const source = [Deno.execPath(), "run", "-A", "--no-check", "--config", config, main];

interface Running {
  readonly child: Deno.ChildProcess;
  readonly listen: string;
  readonly http: string;
}

/** Everything in one folder, which holds nothing else and has nothing else on its PATH. */
class Folder {
  readonly #running: Running[] = [];

  constructor(readonly path: string) {}

  static async make(): Promise<Folder> {
    const path = await Deno.makeTempDir({ prefix: "handfast-executable-" });
    await Deno.copyFile(executable!, `${path}/handfast`);
    return new Folder(path);
  }

  #command(program: readonly string[], args: readonly string[]): Deno.Command {
    return new Deno.Command(program[0]!, {
      args: [...program.slice(1), ...args],
      cwd: this.path,
      clearEnv: true,
      env: {
        PATH: this.path,
        HOME: this.path,
        DENO_DIR: Deno.env.get("DENO_DIR") ?? cacheFolder(),
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  async run(...args: string[]) {
    const { code, stdout, stderr } = await this.#command(["handfast"], args).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Starts a node and waits until it is ready. */
  async start(program: readonly string[], ...args: string[]): Promise<Running> {
    const anywhere = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--no-input"];
    const child = this.#command(program, [...args, ...anywhere]).spawn();
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      (async () => {
        for await (const text of stream.pipeThrough(new TextDecoderStream())) said += text;
      })();
    }
    const ready = /^ready name=\S+ role=\S+ listen=(\S+) http=(\S+)$/m;
    const line = await until(
      `${args.join(" ")}, which said: ${said}`,
      () => ready.exec(said) ?? false,
    );
    const running = { child, listen: line[1]!, http: line[2]! };
    this.#running.push(running);
    return running;
  }

  async stop(): Promise<number[]> {
    const codes = [];
    for (const { child } of this.#running.splice(0).reverse()) {
      child.kill("SIGTERM");
      codes.push((await child.status).code);
    }
    return codes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.path, { recursive: true });
  }
}

function cacheFolder(): string {
  return `${Deno.env.get("HOME")}/.cache/deno`;
}

const nodes = ["coordinator", "alice", "bob"];
const folders = nodes.flatMap((name) => ["--data", `data/${name}`]);

async function startNetwork(folder: Folder, programs: readonly (readonly string[])[]) {
  const [first, second, third] = programs as [string[], string[], string[]];
  const coordinator = await folder.start(first, "--role=server", "--name", "coordinator");
  const client = ["--role=client", "--server", coordinator.listen, "--open", "main=100.00:USD"];
  await folder.start(second, ...client, "--name", "alice");
  await folder.start(third, ...client, "--name", "bob");
  return coordinator;
}

Deno.test({
  name: "the executable alone does the main job",
  ignore,
  async fn() {
    await using folder = await Folder.make();
    assertEquals((await folder.run("--version")).stdout, "handfast 0.1.0\n");
    assertEquals((await folder.run("init", "--certs", "certs", "--nodes", nodes.join())).code, 0);
    const own = ["handfast"];
    const coordinator = await startNetwork(folder, [own, own, own]);
    assertEquals(
      (await folder.run("pay", "--name", "alice", "--to", "bob", "--amount", "5")).code,
      0,
    );
    const tooMuch = await folder.run("pay", "--name", "alice", "--to", "bob", "--amount", "999");
    assertEquals(tooMuch.code, 3);
    assertStringIncludes(tooMuch.stderr, "insufficient_funds");
    assertEquals((await folder.run("pay", "--amout", "5")).code, 2);
    const page = await (await fetch(coordinator.http)).text();
    assertStringIncludes(page.toLowerCase(), "<!doctype html>");
    assertEquals(await folder.stop(), [0, 0, 0]);
    const nobody = await folder.run("pay", "--name", "alice", "--to", "bob", "--amount", "5");
    assertEquals(nobody.code, 1);
    const verified = await folder.run("verify", ...folders);
    assertEquals(verified.code, 0, verified.stdout);
  },
});

for (const isServerCompiled of [true, false]) {
  const which = isServerCompiled ? "coordinator" : "participant";
  Deno.test({
    name: `a compiled ${which} works with nodes from source`,
    ignore,
    async fn() {
      await using folder = await Folder.make();
      await folder.run("init", "--certs", "certs", "--nodes", nodes.join());
      const own = ["handfast"];
      await startNetwork(folder, isServerCompiled ? [own, source, source] : [source, own, source]);
      for (const [from, to] of [["alice", "bob"], ["bob", "alice"]] as const) {
        const paid = await folder.run("pay", "--name", from, "--to", to, "--amount", "7.50");
        assertEquals(paid.code, 0, paid.stderr);
      }
      assertEquals(await folder.stop(), [0, 0, 0]);
      assertEquals((await folder.run("verify", ...folders)).code, 0);
    },
  });
}

Deno.test({
  name: "the executable holds no development package",
  ignore,
  async fn() {
    const bytes = await Deno.readFile(executable!);
    // Programs and their packages are appended as text.
    const text = new TextDecoder("latin1").decode(bytes);
    assert(text.includes("handfast"), "the executable was not read");
    // Of axe-core and of playwright-core, as their own files have it.
    for (const words of ["Deque Systems", "PLAYWRIGHT_BROWSERS_PATH"]) {
      assert(!text.includes(words), `a development package is embedded: "${words}"`);
    }
  },
});
