import { assert, assertEquals } from "@std/assert";
import { initCertificates } from "../../src/keys/init.ts";
import { background, freePort, handfast, Terminal, terminalMissing } from "./terminal.ts";

const name = "people at a terminal are asked, pay, are paid, lose the coordinator, and leave";

Deno.test({
  name: terminalMissing === undefined ? name : `${name} (skipped: ${terminalMissing})`,
  ignore: terminalMissing !== undefined,
  fn: session,
});

async function session(t: Deno.TestContext): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "handfast-terminal-" });
  try {
    await initCertificates({ dir: `${folder}/certs`, nodes: ["coordinator", "alice", "bob"] });
    await inFolder(folder, t);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function inFolder(folder: string, t: Deno.TestContext): Promise<void> {
  const port = freePort();
  const server = ["--role=server", "--name", "coordinator", "--http", "127.0.0.1:0"];
  await using coordinator = new Terminal(folder, ...server);
  await step(t, "--role=server asks where to listen; Enter takes the default", async () => {
    await coordinator.saw("Address to listen on [127.0.0.1]:");
    await coordinator.type("\r");
    await coordinator.saw("Port to listen on [7443]:");
    await coordinator.type(`${port}\r`);
    await coordinator.saw(`ready name=coordinator role=server listen=127.0.0.1:${port} `);
  });

  const client = (who: string) => ["--role=client", "--name", who, "--open", "main=100.00:USD"];
  const known = ["--server", `127.0.0.1:${port}`];
  await using _bob = await background(folder, ...client("bob"), ...known, "--no-input");
  await using alice = new Terminal(folder, ...client("alice"));
  await step(t, "--role=client asks for the coordinator, then takes payments", async () => {
    await alice.saw("Address to find the coordinator at [127.0.0.1]:");
    // The way in which it is written everywhere else needs no second question.
    await alice.type(`127.0.0.1:${port}\r`);
    await alice.saw("ready name=alice role=client");
    await alice.type("help\r");
    await alice.saw("stops this node");
    await alice.type("pay bob 25.00\r");
    await alice.saw("committed payment");
    await alice.saw("(25.00 USD from main@alice to main@bob)");
    await alice.type("balance\r");
    await alice.saw("75.00 USD");
    assert(alice.raw.includes("\x1b[32mcommitted"), "colour at a terminal");
  });

  await step(t, "a payment without funds and a line that is none are told as such", async () => {
    await alice.type("pay bob 1000.00\r");
    await alice.saw("aborted payment");
    await alice.saw("insufficient_funds");
    await alice.saw("nothing was paid");
    await alice.type("pya bob 1\r");
    await alice.saw("unknown command pya: did you mean pay?");
    await alice.type("pay bob 1.005\r");
    await alice.saw("has 3 decimals, but USD has 2");
  });

  await step(t, "an incoming payment appears above what is being typed", async () => {
    await alice.type("pay bo");
    await alice.saw("alice> pay bo");
    const paid = await handfast(
      folder,
      "pay",
      "--name",
      "bob",
      "--to",
      "alice",
      "--amount",
      "3.00",
    );
    assertEquals(paid.code, 0, paid.err);
    await alice.saw("received 3.00 USD from main@bob to main@alice");
    await alice.saw("alice> pay bo");
    await alice.type("b 1.00\r");
    await alice.saw("committed payment");
    await alice.saw("(1.00 USD from main@alice to main@bob)");
  });

  await step(t, "a coordinator that dies and comes back is told, and payments go on", async () => {
    await coordinator.kill();
    await alice.saw("the coordinator is lost");
    await alice.type("pay bob 2.00\r");
    await alice.saw("(2.00 USD from main@alice to main@bob)");
    await alice.saw("the coordinator cannot be reached; nothing was paid");
    const again = [...server, "--listen", `127.0.0.1:${port}`, "--no-input"];
    await using _coordinator = await background(folder, ...again);
    await alice.saw("the coordinator is back");
    await alice.type("pay bob 4.00\r");
    await alice.saw("committed payment");
    await alice.type("balance\r");
    await alice.saw("73.00 USD");
    await alice.type("exit\r");
    assertEquals(await alice.exit, 0);
  });

  for (const [key, text] of [["Ctrl-C", "\x03"], ["Ctrl-D", "\x04"]] as const) {
    await step(t, `${key} stops the node cleanly, without a coordinator too`, async () => {
      await using left = new Terminal(folder, ...client("alice"), ...known);
      await left.saw("waiting for the coordinator");
      await left.type(`pay${key === "Ctrl-D" ? "\x15" : ""}${text}`);
      assertEquals(await left.exit, 0);
    });
  }

  await step(t, "a terminal that is closed stops the node cleanly", async () => {
    await using left = new Terminal(folder, ...client("alice"), ...known);
    await left.saw("waiting for the coordinator");
    const announced = `${folder}/data/alice/api.json`;
    assert((await Deno.stat(announced)).isFile);
    await left.close();
    await until(() => Deno.stat(announced).then(() => false, () => true));
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 15_000;
  while (!await holds()) {
    assert(performance.now() < deadlineMs, "not within 15 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What follows needs what came before. */
async function step(t: Deno.TestContext, name: string, run: () => Promise<void>): Promise<void> {
  assert(await t.step(name, run), `failed: ${name}`);
}
