/** A ledger whose data folder is lost is made again from what the coordinator's log shows of it. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Cluster, until } from "./cluster.ts";

Deno.test("a lost ledger is restored to the cent, by what it had signed itself", async (t) => {
  await using cluster = await Cluster.make({
    alice: ["main=10.00:USD", "savings=0.00:USD"],
    bob: ["main=10.00:USD"],
  });
  const at = (name: string) => ["--data", cluster.data(name)];
  const pay = async (from: string, ...rest: string[]) => {
    const { stdout } = await cluster.run("pay", ...at(from), ...rest);
    return /(\S+): /.exec(stdout)?.[1];
  };
  const lines = async (...args: string[]) =>
    (await cluster.run(...args)).stdout.split("\n").map((line) => line.trimEnd()).toSorted();
  const books = () => lines("balance", ...at("alice"));
  const listed = async () => {
    const { stdout } = await cluster.run("payments", ...at("alice"), "--json");
    const { payments } = JSON.parse(stdout) as {
      payments: { id: string; state: string; at: string; legs: unknown }[];
    };
    return payments.filter(({ state }) => state === "committed")
      .map(({ id, at, legs }) => ({ id, at, legs })).toSorted((a, b) => a.id < b.id ? -1 : 1);
  };
  let before: unknown;
  let paid: unknown;
  const file = `${cluster.folder}/alice.proofs`;
  const copy = `${cluster.folder}/copy`;

  await t.step("it has paid what it was paid before, and moved money of its own", async () => {
    await pay("alice", "--to", "bob", "--amount", "9.00");
    await pay("bob", "--to", "savings@alice", "--amount", "15.00");
    await cluster.node("alice").terminate();
    await Deno.mkdir(copy);
    for await (const { name } of Deno.readDir(cluster.data("alice"))) {
      await Deno.copyFile(`${cluster.data("alice")}/${name}`, `${copy}/${name}`);
    }
    await cluster.start("alice");
    await pay("alice", "--from", "savings", "--to", "main@alice", "--amount", "12.00");
    await pay("alice", "--to", "bob", "--amount", "11.00", "--memo", "told to bob");
    await pay("bob", "--to", "alice", "--amount", "0.50", "--memo", "told to alice");
    await pay("alice", "--to", "bob", "--amount", "99.00");
    before = await books();
    paid = await listed();
    assertEquals((paid as unknown[]).length, 5);
    await cluster.node("alice").kill();
    await Deno.remove(cluster.data("alice"), { recursive: true });
  });

  const balances = "balances now: main 2.50 USD, savings 3.00 USD\n";
  const restore = (...more: string[]) => cluster.run("restore", file, ...at("alice"), ...more);
  const take = () => cluster.run("proof", "alice", ...at("coordinator"), "--out", file);

  await t.step("the coordinator writes what it has of it", async () => {
    const { code, stdout } = await take();
    assertEquals([code, stdout], [0, `wrote ${file}: 5 payments of alice\n`]);
    assertEquals((await take()).code, 2);
    const of = await cluster.run("proof", "alice", ...at("bob"));
    assertEquals(of.code, 2);
    assertStringIncludes(of.stderr, '"bob" is a participant');
  });

  const elsewhere = (data: string, ...more: string[]) =>
    cluster.spawnWith("alice", data, [
      ...["--role=client", "--name", "alice", "--certs", cluster.certs, "--data", data],
      ...["--offline", "--http", "127.0.0.1:0", "--no-input", ...more],
    ], {});

  await t.step("an old copy of it lacks less", async () => {
    const old = elsewhere(copy);
    await old.ready();
    const { code, stdout, stderr } = await cluster.run("restore", file, "--data", copy);
    assertEquals([code, stdout, stderr], [
      0,
      "restored 3 payments; 2 more were in the ledger already\n" + balances,
      "",
    ]);
    assertEquals(await lines("balance", "--data", copy), before);
    await old.terminate();
  });

  await t.step("what is open with less than it was opened with is not overdrawn", async () => {
    const data = `${cluster.folder}/wrong`;
    const wrong = elsewhere(data, "--open", "main=1.00:USD");
    await wrong.ready();
    const { code, stdout, stderr } = await cluster.run("restore", file, "--data", data);
    assertEquals(code, 1);
    assertStringIncludes(stdout, ", and 4 could not be restored");
    assertStringIncludes(stderr, ": its account is not open here: open it");
    assertStringIncludes(stderr, ": its account has not what it pays: was it opened");
    await wrong.terminate();
  });

  await t.step(
    "offline, with the accounts as they were opened first, it is what it was",
    async () => {
      await cluster.start("alice", { flags: ["--offline"] });
      const { code, stdout, stderr } = await restore();
      assertEquals([code, stdout, stderr], [
        0,
        "restored 5 payments; 0 more were in the ledger already\n" + balances,
        "",
      ]);
      assertEquals(await books(), before);
      assertEquals(await listed(), paid);
      // Its clock knows of the decisions, though it has met nobody.
      const { clock } = (await cluster.node("alice").get("/v1/status")).body;
      assert(clock!.coordinator! > 5, JSON.stringify(clock));
      const again = await restore();
      assertEquals(
        again.stdout,
        "restored 0 payments; 5 more were in the ledger already\n" + balances,
      );
      assertEquals(await books(), before);
      await cluster.node("alice").terminate();
    },
  );

  await t.step("readmitted, it pays on, and sends nothing twice", async () => {
    for (const name of ["coordinator", "bob"]) {
      await cluster.run("readmit", "alice", ...at(name), "--yes");
    }
    await cluster.start("alice");
    const [first] = paid as { id: string }[];
    const replayed = await cluster.run(
      ...["pay", ...at("alice"), "--to", "bob", "--amount", "9.00", "--id", first!.id],
    );
    assertEquals(replayed.code, 0, replayed.stderr);
    assertEquals(await books(), before);
    await pay("alice", "--to", "bob", "--amount", "0.25");
    assertEquals(await cluster.node("alice").account(), { posted: 225, pending: 0 });
    const status = async (name: string) => (await cluster.node(name).get("/v1/status")).body;
    await until("nothing is open", async () => (await status("coordinator")).open === 0);
    assertEquals((await status("coordinator")).alarms, []);
    assertEquals((await status("alice")).alarms, []);
  });

  await t.step("of the logs nothing is found against it", async () => {
    for (const name of cluster.names) await cluster.node(name).terminate();
    const folders = cluster.names.flatMap((name) => at(name));
    const { code, stdout } = await cluster.run(
      "verify",
      ...folders,
      "--ca",
      `${cluster.certs}/ca.pem`,
    );
    assertEquals(code, 0, stdout);
    assertStringIncludes(stdout, "no violation found");
  });
});
