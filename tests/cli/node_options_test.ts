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
    const { seen } = await asked(`--role=client --server=localhost:1 --no-input ${certs}`);
    assertEquals(seen, []);
  });
});

Deno.test("a participant is asked for the coordinator's name where its folder has no such node", async () => {
  await inNetwork(["hub", "alice"], async (certs) => {
    const line = `--role=client --name alice --listen=h2:1 ${certs}`;
    const { seen, options } = await asked(line, "h:1", "");
    assertEquals(seen, [`${address}h:1`, "Name of the coordinator [hub]: "]);
    assertEquals(options.serverName, "hub");
  });
});

Deno.test("a port that is none is asked for again, until the input ends", async () => {
  await inNetwork(["coordinator"], async (certs) => {
    const line = `--role=client --name coordinator --listen=h2:1 ${certs}`;
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

const anyAddress = (told: string) =>
  `handfast: peers cannot dial "${told}": ` +
  "add --advertise HOST:PORT with the address at which they reach this node";
const onlyHere = (told: string) =>
  `handfast: other participants cannot ask this node at "${told}" while the coordinator is away: ` +
  "add --listen 0.0.0.0:PORT --advertise HOST:PORT with the address at which they reach it";
const notHeard = (told: string, listen: string, port: number) =>
  `handfast: peers are told "${told}", but only this machine reaches "${listen}", where this node ` +
  `listens: add --listen 0.0.0.0:${port}`;

const addresses: readonly (readonly [line: string, warning?: string])[] = [
  ["--role=server"],
  ["--role=server --listen=10.0.0.1:7443"],
  ["--role=server --listen=0.0.0.0:7443", anyAddress("0.0.0.0:7443")],
  ["--role=server --listen=[::]:7443", anyAddress("[::]:7443")],
  ["--role=server --listen=0.0.0.0:7443 --advertise=hub.example.org:7443"],
  ["--role=server --advertise=hub:7444", notHeard("hub:7444", "127.0.0.1:7443", 7444)],
  ["--role=server --advertise=localhost:7444"],
  ["--role=client --server=127.0.0.1:7443"],
  ["--role=client --server=localhost:7443 --listen=[::1]:7444"],
  ["--role=client --server=hub:7443", onlyHere("127.0.0.1:0")],
  ["--role=client --server=hub:7443 --listen=localhost:7444", onlyHere("localhost:7444")],
  [
    "--role=client --server=hub:7443 --listen=0.0.0.0:7444 --advertise=127.0.0.1:7444",
    onlyHere("127.0.0.1:7444"),
  ],
  [
    "--role=client --server=hub:7443 --advertise=a.example.org:7444",
    notHeard("a.example.org:7444", "127.0.0.1:0", 7444),
  ],
  ["--role=client --server=hub:7443 --listen=0.0.0.0:7444", anyAddress("0.0.0.0:7444")],
  ["--role=client --server=hub:7443 --listen=10.0.0.2:7444"],
  ["--role=client --server=hub:7443 --listen=0.0.0.0:7444 --advertise=a.example.org:7444"],
  ["--role=client --server=hub:7443 --offline"],
];

for (const [line, warning] of addresses) {
  Deno.test(`${line} ${warning === undefined ? "warns of nothing" : "warns"}`, async () => {
    const { seen } = await asked(`${line} --name a --certs /nowhere --no-input`);
    assertEquals(seen, warning === undefined ? [] : [warning]);
  });
}

Deno.test("a participant that is told another machine's coordinator when asked is warned, too", async () => {
  await inNetwork(["coordinator", "alice"], async (certs) => {
    const { seen } = await asked(`--role=client --name alice ${certs}`, "hub", "");
    assertEquals(seen, [`${address}hub`, port, onlyHere("127.0.0.1:0")]);
  });
});
