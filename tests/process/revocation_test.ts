/** What becomes of a node whose keys were stolen: its certificates are revoked, and it comes back with others. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { initCertificates } from "../../src/keys/init.ts";
import { Cluster, until } from "./cluster.ts";

Deno.test("a node that the CA revokes is out within seconds, and with other keys it is back", async (t) => {
  await using cluster = await Cluster.make({
    alice: ["main=10.00:USD"],
    bob: ["main=10.00:USD"],
  });
  const { certs } = cluster;
  const pay = (from: string, to: string) =>
    cluster.run("pay", "--data", cluster.data(from), "--to", to, "--amount", "1.00");
  const stolen = `${cluster.folder}/stolen`;
  const hasPaid = async (from: string, to: string) => assertEquals((await pay(from, to)).code, 0);

  const startThief = async () => {
    const data = `${cluster.folder}/thief`;
    const server = await cluster.node("coordinator").address();
    const role = ["--role=client", "--name", "alice", "--server", server, "--no-input"];
    const args = [...role, "--certs", stolen, "--data", data, "--http", "127.0.0.1:0"];
    return cluster.spawnWith("thief", data, args, {});
  };

  const steal = async (name: string) => {
    const keys = ["pem", "key", "signing.key", "sealing.key"].map((ending) => `${name}.${ending}`);
    for (const file of ["ca.pem", ...keys]) {
      await Deno.copyFile(`${certs}/${file}`, `${stolen}/${file}`);
    }
  };
  let first = "";

  await t.step("before, it pays and is paid", async () => {
    const { stdout } = await pay("alice", "bob");
    first = /^committed (\S+):/m.exec(stdout)![1]!;
    await hasPaid("bob", "alice");
    await Deno.mkdir(stolen);
    await steal("alice");
  });

  await t.step("its link is closed, and it ends, as all refuse it", async () => {
    const { code, stdout } = await cluster.run("revoke", "alice", "--certs", certs, "--yes");
    assertEquals([code, stdout.startsWith("revoked 1 certificate of alice:\n")], [0, true]);
    assertEquals(await cluster.node("alice").ended(), 1);
    const { stderr } = cluster.node("alice");
    assertStringIncludes(stderr, "there can be no link with coordinator (revoked)");
    await cluster.node("coordinator").said("link with alice is down: its certificate was revoked");
    const { stdout: status } = await cluster.run("status", "--data", cluster.data("coordinator"));
    assertStringIncludes(status, "revoked certificates: by the CA's list 1\n");
  });

  await t.step("whoever has its keys is refused, with whatever log and list", async () => {
    const thief = await startThief();
    assertEquals(await thief.ended(), 1);
    assertStringIncludes(thief.stderr, "there can be no link with coordinator (revoked)");
    const again = await cluster.spawn("alice");
    assertEquals(await again.ended(), 1);
    assertStringIncludes(
      again.stderr,
      'the certificate of "alice" was revoked by the network\'s CA',
    );
    const offline = await cluster.spawn("alice", { flags: ["--offline"] });
    assertStringIncludes(await offline.ready(), "listen=none");
    assertEquals(await offline.terminate(), 0);
    const { code, stderr } = await pay("bob", "alice");
    assertEquals(code, 3, stderr);
  });

  await t.step("with other keys it is back, with its books, and the thief is not", async () => {
    for (const file of ["alice.key", "alice.signing.key", "alice.sealing.key"]) {
      await Deno.remove(`${certs}/${file}`);
    }
    await initCertificates({ dir: certs, nodes: ["alice"], hosts: ["127.0.0.1"], force: true });
    await cluster.start("alice");
    await hasPaid("alice", "bob");
    await hasPaid("bob", "alice");
    assertEquals(await cluster.node("alice").account(), { posted: 1_000, pending: 0 });
    const memo = ["--memo", "sealed to the new key"];
    const paid = await cluster.run(
      ...["pay", "--data", cluster.data("bob"), "--to", "alice", "--amount", "1.00", ...memo],
    );
    assertEquals(paid.code, 0, paid.stderr);
    const thief = await startThief();
    assertEquals(await thief.ended(), 1);
    assertStringIncludes(thief.stderr, "(revoked)");
    assertEquals((await cluster.node("alice").get("/v1/status")).status, 200);
  });

  await t.step(
    "a coordinator that is revoked ends, and whoever has its keys takes nobody in",
    async () => {
      await steal("coordinator");
      const listen = await cluster.node("coordinator").address();
      await cluster.run("revoke", "coordinator", "--certs", certs, "--yes");
      assertEquals(await cluster.node("coordinator").ended(), 1);
      const why = 'the certificate of "coordinator" was revoked by the network\'s CA: have the CA';
      assertStringIncludes(cluster.node("coordinator").stderr, why);
      const data = `${cluster.folder}/thief-hub`;
      const role = ["--role=server", "--name", "coordinator", "--listen", listen, "--no-input"];
      const args = [...role, "--certs", stolen, "--data", data, "--http", "127.0.0.1:0"];
      const thief = cluster.spawnWith("coordinator", data, args, {});
      await thief.ready();
      await cluster.node("bob").said('revoked: the certificate of "coordinator" was revoked');
      assertEquals((await pay("bob", "alice")).code, 1);
      await thief.terminate();
      const options = { dir: certs, nodes: ["coordinator"], hosts: ["127.0.0.1"], force: true };
      await initCertificates({ ...options, coordinator: "coordinator" });
      await cluster.start("coordinator");
      await until("bob pays again", async () => (await pay("bob", "alice")).code === 0);
      const { body } = await cluster.node("bob").get("/v1/status");
      assertEquals(body.alarms, []);
    },
  );

  await t.step("what was paid with the old keys is proven all the same", async () => {
    for (const name of cluster.names) {
      const file = `${cluster.folder}/${name}.proof`;
      const at = ["--data", cluster.data(name), "--out", file];
      assertEquals((await cluster.run("proof", first, ...at)).stderr, "");
      const ca = ["--ca", `${certs}/ca.pem`];
      const { stdout } = await cluster.run("verify-proof", file, ...ca);
      assertStringIncludes(stdout, `It holds: payment ${first} was committed.`);
    }
  });

  await t.step("the logs hold, each payment by the key that was good then", async () => {
    for (const name of cluster.names) await cluster.node(name).terminate();
    const folders = cluster.names.flatMap((name) => ["--data", cluster.data(name)]);
    const { code, stdout } = await cluster.run("verify", ...folders, "--ca", `${certs}/ca.pem`);
    assertEquals(code, 0, stdout);
    assertStringIncludes(stdout, "no violation found");
  });
});
