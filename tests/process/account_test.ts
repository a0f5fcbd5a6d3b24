/** Accounts that exist already when they are to be opened: nothing changes, and whoever asks is told. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Cluster } from "./cluster.ts";

Deno.test("an account is opened once, whoever asks again, and also by --open", async () => {
  await using cluster = await Cluster.make({ alice: ["main=10.00:USD"] }, false);
  const alice = await cluster.startAlone("alice");
  assert(!alice.stderr.includes("exists already"), alice.stderr);
  const at = ["--data", alice.data];
  const open = (amount: string) => {
    const line = `account open savings --currency USD --opening ${amount}`;
    return cluster.run(...line.split(" "), ...at);
  };
  const opened = await open("12.50");
  assertEquals([opened.code, opened.stdout], [0, "opened savings with 12.50 USD\n"]);
  const again = await open("99.00");
  assertEquals(again.code, 0, again.stderr);
  assertStringIncludes(again.stdout, "not changed to 99.00 USD");
  assertEquals((await alice.account("savings")).posted, 12_50);
  await alice.terminate();

  const restarted = await cluster.startAlone("alice", { flags: ["--open", "savings=99.00:USD"] });
  for (const name of ["main", "savings"]) {
    await restarted.said(
      `info account "${name}" exists already: --open has not changed its balance`,
    );
  }
  assertEquals((await restarted.account("savings")).posted, 12_50);
});
