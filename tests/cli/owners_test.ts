import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { background, freePort, handfast } from "./terminal.ts";

Deno.test("three organisations make their own keys, have them signed, run, pay, and one moves", async (t) => {
  const root = await Deno.makeTempDir({ prefix: "handfast-owners-" });
  try {
    await organisations(root, t);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

const roles = { hub: "server", north: "client", south: "client" } as const;
type Name = keyof typeof roles;
const names: readonly Name[] = ["hub", "north", "south"];

async function organisations(root: string, t: Deno.TestContext): Promise<void> {
  const at = (name: string) => `${root}/${name}`;
  for (const name of names) await Deno.mkdir(at(name));
  // Off a terminal nobody is asked.
  const signing = ["--certs", "ca"];

  await step(t, "each asks, and the hub's owner signs", async () => {
    await done(at("hub"), "init", "--certs", "ca", "--ca-only");
    for (const name of names) {
      const made = await done(at(name), "csr", "--name", name, "--role", roles[name]);
      assertEquals(made.includes("--advertise HOST:PORT"), roles[name] === "client");
      const early = await handfast(at(name), `--role=${roles[name]}`, "--server=127.0.0.1:1");
      if (roles[name] === "client") assertStringIncludes(early.err, `handfast sign ${name}.csr`);
      await Deno.copyFile(`${at(name)}/certs/${name}.csr`, `${at("hub")}/${name}.csr`);
      const signed = await done(at("hub"), "sign", `${name}.csr`, ...signing);
      const fingerprint = /SHA256:[0-9a-f]{64}/.exec(made)?.[0];
      assertStringIncludes(signed, fingerprint ?? "a fingerprint");
      assertStringIncludes(signed, `${name}.csr asks for a certificate:\n`);
      const again = await done(at("hub"), "sign", `${name}.csr`, ...signing);
      assertStringIncludes(again, `asks for a certificate, in place of the one that ${name} has:`);
      assertMatch(signed, new RegExp(`name +${name}\n`));
      for (const file of [`${name}.pem`, "ca.pem"]) {
        await Deno.copyFile(`${at("hub")}/ca/${file}`, `${at(name)}/certs/${file}`);
      }
    }
  });

  await step(t, "a second key for a name that is taken is not signed", async () => {
    await done(at("south"), "csr", "--name", "north", "--role", "client", "--certs", "other");
    const thief = await handfast(at("hub"), "sign", "../south/other/north.csr", ...signing);
    assertEquals(thief.code, 2);
    assertStringIncludes(thief.err, "of another key");
  });

  const port = freePort();
  const address = `127.0.0.1:${port}`;
  const hub = ["--role=server", "--listen", address, "--http", "127.0.0.1:0", "--no-input"];
  const client = ["--role=client", "--server", address, "--server-name", "hub", "--no-input"];
  const open = ["--open", "main=100.00:USD"];
  await using _hub = await background(at("hub"), ...hub);
  await using _north = await background(at("north"), ...client, ...open);
  {
    await using south = await background(at("south"), ...client, ...open);
    await step(t, "they pay, and doctor finds nothing wrong", async () => {
      await done(at("north"), "pay", "--to", "south", "--amount", "12.50");
      assertStringIncludes(await done(at("south"), "balance"), "112.50 USD");
      const list = await done(at("south"), "payments");
      assertMatch(list, /committed\t12\.50 USD from main@north to main@south\t/);
      assertEquals(await done(at("south"), "in-doubt"), "nothing is in doubt\n");
      const findings = await done(
        at("north"),
        "doctor",
        "--server",
        address,
        "--server-name",
        "hub",
      );
      assertStringIncludes(findings, "north to hub: linked");
    });
    assertEquals(await south.terminate(), 0);
  }

  await step(t, "a node that moves is paid at its new address, which its peers learn", async () => {
    const moved = `127.0.0.1:${freePort()}`;
    const advertise = ["--listen", moved, "--advertise", moved];
    await using south = await background(at("south"), ...client, ...advertise);
    await done(at("north"), "pay", "--to", "south", "--amount", "1.00");
    for (const name of ["hub", "north"]) {
      assertStringIncludes(await done(at(name), "status"), moved);
    }
    assertEquals(await south.terminate(), 0);
  });

  await step(t, "--offline serves HTTP without links", async () => {
    await using south = await background(at("south"), ...client, ...open, "--offline");
    assertStringIncludes(await south.ready, "listen=none");
    assertStringIncludes(await done(at("south"), "balance"), "113.50 USD");
    const status = await done(at("south"), "status");
    assertStringIncludes(status, "peer hub\tlink down");
    assertStringIncludes(status, "peer north\tno link needed");
    const { code, out } = await handfast(at("south"), "doctor");
    assertEquals([code, out.includes("does not take payments")], [1, true]);
    assertEquals(await south.terminate(), 0);
  });
}

/** Runs a command that must succeed; resolves to what it printed. */
async function done(cwd: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await handfast(cwd, ...args);
  assertEquals(code, 0, `${args.join(" ")}: ${out}${err}`);
  return out;
}

/** What follows needs what came before. */
async function step(t: Deno.TestContext, name: string, run: () => Promise<void>): Promise<void> {
  assert(await t.step(name, run), `failed: ${name}`);
}
