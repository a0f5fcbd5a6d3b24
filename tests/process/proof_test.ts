/** The certificate of a payment convinces somebody who has the CA's certificate and nothing else. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { generate } from "@std/uuid/v7";
import { readAuthority } from "../../src/keys/certificate.ts";
import { checkPaymentProof, ProofError } from "../../src/proof/check.ts";
import { Cluster, transfer } from "./cluster.ts";

const openings = { alice: ["main=1000.00:USD"], bob: ["main=1000.00:USD"] };

Deno.test("a payment's certificate", async (t) => {
  await using cluster = await Cluster.make(openings);
  const away = `${cluster.folder}/away`;
  await Deno.mkdir(away);
  await Deno.copyFile(`${cluster.certs}/ca.pem`, `${away}/ca.pem`);
  const id = generate();
  const { body } = await cluster.node("alice").post(
    "/v1/payments",
    transfer("alice", "bob", 5, id),
  );
  assertEquals(body.state, "committed");
  await cluster.unheld();
  const refused = generate();
  await cluster.node("alice").post("/v1/payments", transfer("alice", "bob", 999_999_99, refused));

  const write = (name: string, id: string) =>
    cluster.run("proof", id, "--data", cluster.data(name), "--out", `${away}/${name}.proof`);
  const check = (name: string, ca = `${away}/ca.pem`) =>
    cluster.run("verify-proof", `${away}/${name}.proof`, "--ca", ca);

  await t.step("of the coordinator has all votes and the commit", async () => {
    assertEquals((await write("coordinator", id)).code, 0);
    const { code, stdout } = await check("coordinator");
    assertEquals(code, 0, stdout);
    assertStringIncludes(stdout, `payment ${id} was committed`);
    assertStringIncludes(stdout, "alice and bob signed yes");
    assertMatch(stdout, /does not prove that a participant has posted it/);
  });

  for (const name of ["alice", "bob"]) {
    await t.step(`of ${name} has its own vote and the commit`, async () => {
      assertEquals((await write(name, id)).code, 0);
      const { code, stdout } = await check(name);
      assertEquals(code, 0, stdout);
      assertStringIncludes(stdout, `${name} signed yes`);
      assertStringIncludes(stdout, "coordinator, the coordinator, signed that it is committed");
    });
  }

  await t.step("goes through pipes as it is", async () => {
    const flags = ["--data", cluster.data("coordinator"), "--out", "-"];
    const written = cluster.spawnWith("proof", "", ["proof", id, ...flags], {
      shell: '"$@" | cat > away/piped.proof',
    });
    assertEquals([await written.exit, written.stdout, written.stderr], [0, "", ""]);
    assertEquals(
      await Deno.readFile(`${away}/piped.proof`),
      await Deno.readFile(`${away}/coordinator.proof`),
    );
    const args = ["verify-proof", "-", "--ca", `${away}/ca.pem`];
    const read = cluster.spawnWith("verify-proof", "", args, {
      shell: 'cat away/piped.proof | "$@"',
    });
    assertEquals(await read.exit, 0, read.stdout);
    assertStringIncludes(read.stdout, `payment ${id} was committed`);
  });

  await t.step("is not written over a file, nor of what has no signed outcome", async () => {
    assertEquals((await write("bob", id)).code, 2);
    const none = await cluster.run("proof", refused, "--data", cluster.data("coordinator"));
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "no outcome is known here that was signed: it is aborted");
    const unknown = "01926a3e-7d24-7c54-9a3b-52b1c3f8e6a1";
    const never = await cluster.run("proof", unknown, "--data", cluster.data("coordinator"));
    assertEquals(never.code, 1);
    assertStringIncludes(never.stderr, "it is not known here");
  });

  await t.step("of an abort says what it does not prove", async () => {
    const file = `${away}/aborted.proof`;
    const flags = ["--data", cluster.data("bob"), "--out", file];
    assertEquals((await cluster.run("proof", refused, ...flags)).code, 0);
    const { code, stdout } = await cluster.run("verify-proof", file, "--ca", `${away}/ca.pem`);
    assertEquals(code, 0, stdout);
    assertStringIncludes(stdout, `payment ${refused} was aborted`);
    assertStringIncludes(stdout, "(insufficient_funds)");
  });

  await t.step("of another network is refused", async () => {
    const other = `${cluster.folder}/other`;
    const made = await cluster.run("init", "--ca-only", "--certs", other);
    assertEquals(made.code, 0, made.stderr);
    const { code, stdout } = await check("bob", `${other}/ca.pem`);
    assertEquals(code, 5);
    assertStringIncludes(stdout, "it is of the network");
  });

  await t.step("that was changed ends verify-proof with 5", async () => {
    const changed = await Deno.readFile(`${away}/alice.proof`);
    changed[changed.length >> 1]! ^= 1;
    await Deno.writeFile(`${away}/changed.proof`, changed);
    const { code, stdout } = await check("changed");
    assertEquals(code, 5);
    assertStringIncludes(stdout, "proves nothing: ");
    assertStringIncludes(stdout, "it was changed or is damaged");
    const whole = await Deno.readFile(`${away}/alice.proof`);
    await Deno.writeFile(`${away}/cut.proof`, whole.subarray(0, whole.length - 1));
    const cut = await check("cut");
    assertEquals(cut.code, 5);
    assertStringIncludes(cut.stdout, "it can't be read, so it was changed or is damaged (");
  });

  await t.step("does not hold after a change of any bit of it", async () => {
    const authority = readAuthority(await Deno.readTextFile(`${away}/ca.pem`));
    const bytes = await Deno.readFile(`${away}/coordinator.proof`);
    assertEquals((await checkPaymentProof(bytes, authority)).state, "committed");
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        bytes[at]! ^= 1 << bit;
        const held = await checkPaymentProof(bytes, authority).then(() => true, (error) => {
          assert(error instanceof ProofError, `byte ${at}, bit ${bit}: ${error}`);
          return false;
        });
        assert(!held, `byte ${at}, bit ${bit}`);
        bytes[at]! ^= 1 << bit;
      }
    }
    for (const length of [0, 1, bytes.length - 1]) {
      const cut = await checkPaymentProof(bytes.slice(0, length), authority).catch((e) => e);
      assert(cut instanceof ProofError);
    }
    const longer = await checkPaymentProof(new Uint8Array([...bytes, 0]), authority)
      .catch((error) => error);
    assert(longer instanceof ProofError);
  });
});
