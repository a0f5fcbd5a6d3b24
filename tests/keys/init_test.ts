import "reflect-metadata";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "@peculiar/x509";
import { UsageError } from "../../src/errors.ts";
import { verifyPeerCertificate } from "../../src/keys/certificate.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { inFolder } from "./in_folder.ts";

function files(dir: string): Record<string, string> {
  const names = [...Deno.readDirSync(dir)].map((entry) => entry.name).sort();
  return Object.fromEntries(names.map((name) => [name, Deno.readTextFileSync(`${dir}/${name}`)]));
}

Deno.test("initCertificates() makes a CA and a certificate for each node, keys for their owner alone", async () => {
  await inFolder(async (parent) => {
    const dir = `${parent}/new/certs`;
    const nodes = ["coordinator", "alice"];
    const made = await initCertificates({ dir, nodes, hosts: ["localhost", "127.0.0.1", "::1"] });
    assertEquals(made.authorityMade, true);
    assertEquals(made.nodes, [
      { name: "coordinator", role: "coordinator" },
      { name: "alice", role: "participant" },
    ]);
    const expected = ["ca.pem", "ca.key"].concat(nodes.flatMap((name) => [
      `${name}.pem`,
      `${name}.key`,
      `${name}.signing.key`,
      `${name}.sealing.key`,
    ]));
    assertEquals([...made.written], expected.map((name) => `${dir}/${name}`));
    // The last is the CA's own memory, of both certificates.
    assertEquals(Object.keys(files(dir)), expected.concat("ca.issued", "ca.lock").toSorted());
    assertEquals(files(dir)["ca.issued"], files(dir)["coordinator.pem"]! + files(dir)["alice.pem"]);
    for (const name of expected.filter((name) => name.endsWith(".key"))) {
      assertEquals(Deno.statSync(`${dir}/${name}`).mode! & 0o777, 0o600, name);
      assertStringIncludes(files(dir)[name]!, "-----BEGIN PRIVATE KEY-----");
    }

    const certificate = new X509Certificate(files(dir)["alice.pem"]!);
    const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
    assertEquals(names.map(({ type, value }) => `${type} ${value}`), [
      "dns alice",
      // Its own name among all certificates.
      `dns s${certificate.serialNumber}`,
      "url handfast:role:participant",
      "dns localhost",
      "ip 127.0.0.1",
      "ip ::1",
    ]);
    assertEquals(certificate.getExtension(BasicConstraintsExtension)?.ca, false);
    assertEquals(certificate.getExtension(ExtendedKeyUsageExtension)?.usages.length, 2);
    const authority = new X509Certificate(files(dir)["ca.pem"]!);
    assertEquals(authority.getExtension(BasicConstraintsExtension)?.ca, true);
  });
});

Deno.test("initCertificates() makes the coordinator that is named", async () => {
  await inFolder(async (dir) => {
    const made = await initCertificates({ dir, nodes: ["a", "b"], coordinator: "b" });
    assertEquals(made.nodes.map(({ role }) => role), ["participant", "coordinator"]);
  });
});

Deno.test("initCertificates() run again adds participants under the same CA", async () => {
  await inFolder(async (dir) => {
    await initCertificates({ dir, nodes: ["coordinator", "alice"] });
    const before = files(dir);
    const made = await initCertificates({ dir, nodes: ["bob"] });
    assertEquals(made.authorityMade, false);
    assertEquals(made.nodes, [{ name: "bob", role: "participant" }]);
    const after = files(dir);
    // The CA remembers one more.
    const signed = before["ca.issued"]! + after["bob.pem"];
    for (const [name, text] of Object.entries({ ...before, "ca.issued": signed })) {
      assertEquals(after[name], text);
    }
    const [alice, bob] = await Promise.all([
      loadIdentity({ certs: dir, name: "alice" }),
      loadIdentity({ certs: dir, name: "bob" }),
    ]);
    assertEquals(alice.network, bob.network);
    assertEquals((await verifyPeerCertificate(alice, bob.certDer, Date.now())).name, "bob");
  });
});

Deno.test("initCertificates() overwrites nothing without force, not even in part", async () => {
  await inFolder(async (dir) => {
    await initCertificates({ dir, nodes: ["coordinator", "alice"] });
    const before = files(dir);
    const error = await assertRejects(
      () => initCertificates({ dir, nodes: ["bob", "alice"] }),
      UsageError,
      `${dir}/alice.pem`,
    );
    assertStringIncludes(error.message, "--force");
    assertEquals(files(dir), before);

    await Deno.remove(`${dir}/alice.pem`);
    await assertRejects(
      () => initCertificates({ dir, nodes: ["alice"] }),
      UsageError,
      `${dir}/alice.key`,
    );
  });
});

Deno.test("initCertificates() with force replaces certificate and key, keeps the role, the CA and other keys", async () => {
  await inFolder(async (dir) => {
    await initCertificates({ dir, nodes: ["coordinator", "alice"] });
    const before = files(dir);
    await Deno.chmod(`${dir}/coordinator.key`, 0o644);
    const made = await initCertificates({ dir, nodes: ["coordinator"], force: true });
    const replaced = ["coordinator.pem", "coordinator.key"].map((name) => `${dir}/${name}`);
    assertEquals([...made.written], replaced);
    assertEquals(made.nodes, [{ name: "coordinator", role: "coordinator" }]);
    const after = files(dir);
    assert(after["coordinator.key"] !== before["coordinator.key"]);
    const kept = ["ca.pem", "alice.key", "coordinator.signing.key", "coordinator.sealing.key"];
    for (const name of kept) assertEquals(after[name], before[name], name);
    assertEquals(Deno.statSync(`${dir}/coordinator.key`).mode! & 0o777, 0o600);
    await loadIdentity({ certs: dir, name: "coordinator" });
  });
});

const refused: [string, Parameters<typeof initCertificates>[0], string][] = [
  ["no node", { dir: "", nodes: [] }, "--nodes"],
  ["a bad name", { dir: "", nodes: ["Alice"] }, '"Alice"'],
  ["a name that is no DNS name", { dir: "", nodes: ["alice-"] }, '"alice-"'],
  ["the CA's name", { dir: "", nodes: ["ca"] }, '"ca"'],
  ["a name twice", { dir: "", nodes: ["a", "a"] }, "once"],
  ["a coordinator that is no node", { dir: "", nodes: ["a"], coordinator: "b" }, '"b"'],
  ["a host with a port", { dir: "", nodes: ["a"], hosts: ["localhost:1"] }, '"localhost:1"'],
  ["a bad address", { dir: "", nodes: ["a"], hosts: ["127.0.0.300"] }, '"127.0.0.300"'],
  ["a wildcard", { dir: "", nodes: ["a"], hosts: ["*"] }, '"*"'],
  ["a node's name as host", { dir: "", nodes: ["a", "b"], hosts: ["b"] }, "pose"],
];
for (const [what, options, part] of refused) {
  Deno.test(`initCertificates() refuses ${what}`, async () => {
    await inFolder(async (dir) => {
      await assertRejects(() => initCertificates({ ...options, dir }), UsageError, part);
      assertEquals(files(dir), {});
    });
  });
}

Deno.test("initCertificates() lets no host of one run be a node of another", async () => {
  await inFolder(async (dir) => {
    await initCertificates({ dir, nodes: ["coordinator"], hosts: ["gate"] });
    await assertRejects(() => initCertificates({ dir, nodes: ["gate"] }), UsageError, '"gate"');
    await assertRejects(
      () => initCertificates({ dir, nodes: ["bob"], hosts: ["coordinator"] }),
      UsageError,
      '"coordinator"',
    );
  });
});

Deno.test("initCertificates() refuses half a CA and a CA's key that is not its own", async () => {
  await inFolder(async (dir) => {
    await initCertificates({ dir, nodes: ["a"] });
    const nodeKey = await Deno.readTextFile(`${dir}/a.key`);
    await Deno.writeTextFile(`${dir}/ca.key`, nodeKey);
    await assertRejects(() => initCertificates({ dir, nodes: ["b"] }), UsageError, "CA");
    await Deno.remove(`${dir}/ca.key`);
    await assertRejects(() => initCertificates({ dir, nodes: ["b"] }), UsageError, "ca.key");
  });
});
