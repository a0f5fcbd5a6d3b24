import { assert, assertEquals, assertMatch } from "@std/assert";
import { initCertificates } from "../../src/keys/init.ts";
import { background, freePort, Terminal, terminalMissing } from "./terminal.ts";

const name = "a person at a terminal types a card, and nothing of it is shown";
const number = "4929738216503941";

Deno.test({
  name: terminalMissing === undefined ? name : `${name} (skipped: ${terminalMissing})`,
  ignore: terminalMissing !== undefined,
  fn: session,
});

async function session(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "handfast-card-" });
  try {
    await initCertificates({ dir: `${folder}/certs`, nodes: ["coordinator", "alice", "bob"] });
    await inFolder(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function inFolder(folder: string): Promise<void> {
  const address = `127.0.0.1:${freePort()}`;
  const common = ["--http", "127.0.0.1:0", "--no-input"];
  const client = (who: string) => {
    const flags = ["--name", who, "--server", address, "--open", "main=100.00:USD"];
    return background(folder, "--role=client", ...flags, ...common);
  };
  await using _coordinator = await background(
    folder,
    ...["--role=server", "--name", "coordinator", "--listen", address, ...common],
  );
  await using _alice = await client("alice");
  await using _bob = await client("bob");

  await using add = new Terminal(folder, "card", "add", "--name", "bob", "--account", "main");
  await add.saw("card number:");
  // With a digit too many, taken back.
  await add.type(`${number}7\x7f\r`);
  await add.saw("expiry, MM/YY:");
  await add.type("12/49\r");
  await add.saw("pays from main until 12/49");
  await add.saw("CVV");
  assertEquals(await add.exit, 0);
  const cvv = /CVV (\d{3})/.exec(add.text)?.[1];
  assertMatch(cvv ?? "", /^\d{3}$/);

  const order = ["--issuer", "bob", "--to", "main", "--amount", "20.00"];
  await using charge = new Terminal(folder, "charge", "--name", "alice", ...order);
  await charge.saw("card number:");
  await charge.type(`${number}\r`);
  await charge.saw("expiry, MM/YY:");
  await charge.type("12/49\r");
  await charge.saw("CVV, or Enter for none:");
  await charge.type(`${cvv}\r`);
  await charge.saw("payment ");
  await charge.saw(": 20.00 USD by a card of bob to main");
  assertEquals(await charge.exit, 0);

  for (const { raw } of [add, charge]) {
    assert(!/7382|1650/.test(raw), JSON.stringify(raw));
  }
  assert(!charge.raw.includes(`${cvv}`), JSON.stringify(charge.raw));
  assert(!charge.raw.includes("12/49"), JSON.stringify(charge.raw));

  await using left = new Terminal(folder, "charge", "--name", "alice", ...order);
  await left.saw("card number:");
  await left.type("49297\x03");
  await left.saw("interrupted: nothing was done");
  assertEquals(await left.exit, 2);

  await using remove = new Terminal(folder, "card", "remove", "--name", "bob");
  await remove.saw("card number:");
  await remove.type(`${number}\r`);
  await remove.saw("it pays no more");
  assertEquals(await remove.exit, 0);
  assert(!/7382|1650/.test(remove.raw), JSON.stringify(remove.raw));
}
