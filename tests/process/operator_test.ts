/** An operator decides by hand while the coordinator is away, is wrong, and has to answer for it. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Cluster, executable, transfer, until } from "./cluster.ts";

interface Doubt {
  readonly transaction: string;
  readonly payment: string;
  readonly unreachable: readonly string[];
  readonly held: readonly unknown[];
  readonly forced?: {
    readonly decision: string;
    readonly by: string;
    readonly legs: readonly unknown[];
  };
}

interface Seen {
  readonly inDoubt: readonly Doubt[];
  readonly mismatches: readonly { readonly transaction: string; readonly decision: string }[];
}

Deno.test({
  name: "a forced decision that was wrong is raised until it is acknowledged",
  // An executable, which is made for real money, halts nowhere.
  ignore: executable !== undefined,
  fn: forcedWrongly,
});

async function forcedWrongly(t: Deno.TestContext): Promise<void> {
  const openings = { alice: ["main=1000.00:USD"], bob: ["main=500.00:USD"] };
  await using cluster = await Cluster.make(openings, false);
  await cluster.start("coordinator", { halt: "after:committed" });
  await Promise.all([cluster.start("alice"), cluster.start("bob")]);
  void cluster.node("alice").post("/v1/payments?wait=0", transfer("alice", "bob", 125_00));
  await cluster.node("coordinator").said("halted");
  await cluster.node("coordinator").kill();

  const at = ["--data", cluster.data("bob")];
  const seen = async (name = "bob") => {
    const { body } = await cluster.node(name).get("/v1/in-doubt");
    return body as unknown as Seen;
  };
  const legs = transfer("alice", "bob", 125_00).legs.slice(1);
  const { transaction, payment } = await until("bob misses the coordinator", async () => {
    const [doubt] = (await seen()).inDoubt;
    return doubt?.unreachable.includes("coordinator") && doubt;
  });

  /** How the payment went, as bob's page has it: so far, to what, and its last step. */
  const trace = async () => {
    const { body } = await cluster.node("bob").get(`/page/payments/${payment}`);
    const { stage, steps } = body as unknown as { stage: string; steps: { what: string }[] };
    return [stage, body.state, steps.at(-1)?.what];
  };

  const metric = async (name: string) => {
    const { url } = JSON.parse(await Deno.readTextFile(`${cluster.data("bob")}/api.json`));
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(new RegExp(`^handfast_${name} (\\d+)$`, "m").exec(text)?.[1]);
  };

  await t.step("asked again, nobody can tell", async () => {
    const { code, stdout } = await cluster.run("in-doubt", "--retry", ...at);
    assertEquals(code, 0);
    assertMatch(stdout, /^asked about 1 in doubt/);
    const [doubt] = (await seen()).inDoubt;
    assertEquals([doubt?.held, doubt?.forced], [legs, undefined]);
  });

  await t.step("the operator aborts, which is recorded with their name, once", async () => {
    const force = () =>
      cluster.run("resolve", transaction, "--abort", "--yes", "--by", "ann", ...at);
    const { code, stdout, stderr } = await force();
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "to abort, by ann; recorded");
    const again = await force();
    assertEquals(again.code, 1);
    assertStringIncludes(again.stderr, "was forced to abort by ann");
    const [doubt] = (await seen()).inDoubt;
    assertEquals([doubt?.forced?.decision, doubt?.forced?.by], ["abort", "ann"]);
    assertEquals([doubt?.held, doubt?.forced?.legs], [[], legs]);
    const { body } = await cluster.node("bob").get("/v1/status");
    assertEquals([body.inDoubt, await metric("forced")], [0, 1]);
    assertEquals(await cluster.node("bob").account(), { posted: 500_00, pending: 0 });
  });

  await t.step("the real decision comes: a mismatch, raised and shown", async () => {
    await cluster.start("coordinator");
    await cluster.node("bob").said("ALARM: ");
    await cluster.node("bob").said("is not atomic");
    const { inDoubt, mismatches } = await until("the mismatch", async () => {
      const now = await seen();
      return now.mismatches.length > 0 && now;
    });
    assertEquals([inDoubt, mismatches.length], [[], 1]);
    assertEquals([mismatches[0]?.transaction, mismatches[0]?.decision], [transaction, "commit"]);
    assertEquals(await trace(), ["done", "committed", "mismatch: the decision was commit"]);
    assertMatch(
      (await cluster.run("payment", payment, ...at)).stdout,
      new RegExp(
        `^${payment} aborted here by force by ann, decided otherwise: commit\n[^]*not acknowledged ` +
          `yet: put it right, then: handfast acknowledge ${transaction} --yes --data /`,
      ),
    );
    // The others go on, and so does bob.
    await cluster.unheld();
    assertEquals(await cluster.node("alice").account(), { posted: 875_00, pending: 0 });
    assertEquals(await cluster.node("bob").account(), { posted: 500_00, pending: 0 });
    assertEquals((await seen("alice")).mismatches, []);
  });

  await t.step("it is raised again at every start, after a loss of power too", async () => {
    await cluster.node("bob").kill();
    const bob = await cluster.start("bob");
    assertMatch(bob.stderr, /error ALARM: .* was forced to abort by ann, but it was decided to c/);
    const { code, stdout } = await cluster.run("status", ...at);
    assertEquals(code, 0);
    assertStringIncludes(stdout, `handfast acknowledge ${transaction}`);
    const doctor = await cluster.run("doctor", "--certs", cluster.certs, ...at);
    assertEquals(doctor.code, 1);
    const remedy = `handfast acknowledge ${transaction} --yes ${at.join(" ")}`;
    assertStringIncludes(doctor.stdout, remedy);
    assertEquals([await metric("mismatches"), await metric("forced")], [1, 0]);
  });

  await t.step(
    "its ledger is put right as the README says: by an account that corrects it",
    async () => {
      const open = "account open correction --currency USD --opening 125.00".split(" ");
      assertEquals((await cluster.run(...open, ...at)).code, 0);
      const line = ["pay", "--from", "correction", "--to", "main@bob", "--amount", "125.00"];
      const { code, stderr } = await cluster.run(...line, ...at);
      assertEquals(code, 0, stderr);
      const right = { posted: 625_00, pending: 0 };
      assertEquals(await cluster.node("bob").account(), right);
    },
  );

  await t.step("until an operator acknowledges it, which is recorded too", async () => {
    const line = ["acknowledge", transaction, "--yes", "--by", "ben", ...at];
    const { code, stderr } = await cluster.run(...line);
    assertEquals(code, 0, stderr);
    assertEquals((await seen()).mismatches, []);
    assertEquals((await cluster.node("bob").get("/v1/status")).body.alarms, []);
    assertEquals((await cluster.run(...line)).code, 1);
    assertEquals(await trace(), ["done", "committed", "mismatch acknowledged by ben"]);
    const { stdout } = await cluster.run("payment", payment, ...at);
    assertMatch(
      stdout,
      /otherwise: commit\n[^]*forced to abort by ann, 2.*\n *acknowledged by ben, 2/,
    );
    await cluster.node("bob").kill();
    const bob = await cluster.start("bob");
    assert(!bob.stderr.includes("ALARM"), bob.stderr);
    assertEquals((await seen()).mismatches, []);
  });

  await t.step("verify names it for ever, and who acknowledged it", async () => {
    for (const name of cluster.names.toReversed()) await cluster.node(name).terminate();
    const dirs = cluster.names.flatMap((name) => ["--data", cluster.data(name)]);
    const { code, stdout } = await cluster.run("verify", ...dirs);
    assertEquals(code, 5, stdout);
    assertMatch(stdout, /violation: bob: .* decided to commit: .* by ann, acknowledged by ben in/);
    assertMatch(stdout, /violation: USD is not conserved/);
    const told = stdout.match(/^violation: /gm)?.length;
    assertEquals(stdout.trimEnd().split("\n").at(-1), `${told} violations found`);
  });
}
