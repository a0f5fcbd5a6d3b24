import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { parseArguments } from "../../src/cli/arguments.ts";
import type { Io } from "../../src/cli/io.ts";
import { processIo } from "../../src/cli/io.ts";
import { parseNodeOptions } from "../../src/cli/node_options.ts";
import { role } from "../../src/cli/role.ts";
import { UsageError } from "../../src/errors.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { handfast } from "./terminal.ts";

interface Asked {
  /** What was shown, and the answer after each question; "" is Enter. */
  readonly seen: readonly string[];
  readonly options: Awaited<ReturnType<typeof parseNodeOptions>>;
}

/** As at a terminal, where a person gives these answers. */
async function asked(line: string, ...answers: string[]): Promise<Asked> {
  const seen: string[] = [];
  const io: Io = {
    ...processIo,
    isTerminal: true,
    err: (line) => seen.push(line),
    ask: (question, preset) => {
      const answer = answers.shift();
      seen.push(`${question} [${preset}]: ${answer}`);
      if (answer === undefined) throw new UsageError("no answer");
      return answer || preset;
    },
  };
  const options = await parseNodeOptions(parseArguments(line.split(" "), role), io);
  return { seen, options };
}

async function inNetwork(nodes: string[], run: (certs: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "handfast-options-" });
  try {
    if (nodes.length > 0) await initCertificates({ dir, nodes });
    await run(`--certs=${dir}`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const address = "Address to find the coordinator at [127.0.0.1]: ";
const port = "Port to find the coordinator at [7443]: ";

Deno.test("a node of several certificates is asked for its name, of its role's", async () => {
  await inNetwork(["coordinator", "alice", "bob"], async (certs) => {
    const client = await asked(`--role=client ${certs}`, "coordinator", "bob", "", "");
    assertEquals(client.seen, [
      "Name of this node, of alice, bob [alice]: coordinator",
      'handfast: name "coordinator" is unknown: give one of alice, bob',
      "Name of this node, of alice, bob [alice]: bob",
      address,
      port,
    ]);
    const { name, server, serverName } = client.options;
    assertEquals([name, serverName], ["bob", "coordinator"]);
    assertEquals(server, { hostname: "127.0.0.1", port: 7443 });

    const { seen, options } = await asked(`--role=server --listen=127.0.0.1:0 ${certs}`, "");
    assertEquals(seen, ["Name of this node, of coordinator [coordinator]: "]);
    assertEquals(options.name, "coordinator");
  });
});

Deno.test("nobody is asked for a name that is given, the only one, or nowhere", async () => {
  for (
    const [nodes, line] of [
      [["coordinator", "alice"], "--role=client --name alice"],
      [["coordinator"], "--role=client"],
      [[], "--role=client --name alice --server-name hub"],
    ] as [string[], string][]
  ) {
    await inNetwork(nodes, async (certs) => {
      assertEquals((await asked(`${line} ${certs}`, "", "")).seen, [address, port], line);
    });
  }
  await inNetwork(["coordinator", "alice"], async (certs) => {
    const { seen } = await asked(`--role=client --server=h:1 --no-input ${certs}`);
    assertEquals(seen, []);
  });
});

Deno.test("a participant is asked for the coordinator's name where its folder has no such node", async () => {
  await inNetwork(["hub", "alice"], async (certs) => {
    const { seen, options } = await asked(`--role=client --name alice ${certs}`, "h:1", "");
    assertEquals(seen, [`${address}h:1`, "Name of the coordinator [hub]: "]);
    assertEquals(options.serverName, "hub");
  });
});

Deno.test("a port that is none is asked for again, until the input ends", async () => {
  await inNetwork(["coordinator"], async (certs) => {
    const line = `--role=client --name coordinator ${certs}`;
    const { seen, options } = await asked(line, "h:70000", "h:0", "h", "70000", "x", "0", "7");
    assertEquals(options.server, { hostname: "h", port: 7 });
    assertEquals(seen.filter((line) => line.startsWith("handfast: ")), [
      'handfast: address "h:70000": the port must be a number between 0 and 65535',
      "handfast: port 0 cannot be dialled: give the coordinator's own",
      'handfast: port "70000": the port must be a number between 0 and 65535',
      'handfast: port "x": the port must be a number between 0 and 65535',
      "handfast: port 0 cannot be dialled: give the coordinator's own",
    ]);
    await assertRejects(() => asked(line, "h", "70000"), UsageError, "no answer");
  });
});

Deno.test("an address that is taken is told with the flag that chooses another", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const busy = `127.0.0.1:${taken.addr.port}`;
  await inNetwork(["coordinator"], async (certs) => {
    const data = await Deno.makeTempDir({ prefix: "handfast-options-" });
    const free = { "--listen": "127.0.0.1:0", "--http": "127.0.0.1:0" };
    for (const flag of ["--listen", "--http"] as const) {
      const at = Object.entries({ ...free, [flag]: busy }).map(([flag, at]) => `${flag}=${at}`);
      const args = ["--role=server", certs, `--data=${data}`, "--no-input", ...at];
      const { code, err } = await handfast(data, ...args);
      assertEquals(code, 1);
      assertStringIncludes(err, `; choose another with ${flag} HOST:PORT`);
    }
    await Deno.remove(data, { recursive: true });
  });
});
