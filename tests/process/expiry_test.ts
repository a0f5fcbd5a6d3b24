/** A node whose certificate ends is warned of it; once it has ended, its operator can still look. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { initCertificates } from "../../src/keys/init.ts";
import { Cluster, until } from "./cluster.ts";

Deno.test("a node warns of a certificate that ends, and with an expired one can be looked at", async (t) => {
  await using cluster = await Cluster.make({ alice: ["main=10.00:USD"] });
  const again = async (validityDays: number) => {
    await cluster.node("alice").terminate();
    const options = { dir: cluster.certs, nodes: ["alice"], hosts: ["127.0.0.1"], force: true };
    await initCertificates({ ...options, validityDays });
  };
  const at = ["--data", cluster.data("alice")];

  await t.step("of one that is valid for long nothing is said", () => {
    assertEquals(cluster.node("alice").stderr.includes("certificate"), false);
  });

  await t.step("one that ends soon is told of at the start, and everywhere else", async () => {
    await again(20.5);
    const alice = await cluster.start("alice");
    assertMatch(alice.stderr, / warn the certificate of "alice" ends at \d.*, within 21 days/);
    const { stdout } = await cluster.run("status", ...at);
    assertMatch(stdout, /\ncertificate valid until .*: have it signed again\n/);
  });

  await t.step("with an expired one it makes no links, but --offline shows its books", async () => {
    await again(-1);
    const refused = await cluster.spawn("alice");
    assertEquals(await refused.ended(), 1);
    assertStringIncludes(refused.stderr, 'the certificate of "alice" expired at ');
    const alice = await cluster.spawn("alice", { flags: ["--offline"] });
    assertStringIncludes(await alice.ready(), "listen=none");
    await until("it says why", () => / warn the certificate of "alice" expired/.test(alice.stderr));
    const { code, stdout } = await cluster.run("balance", ...at);
    assertEquals([code, stdout.includes("10.00 USD")], [0, true]);
  });
});
