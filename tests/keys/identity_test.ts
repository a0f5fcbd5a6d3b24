import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { CertificateError, verifyPeerCertificate } from "../../src/keys/certificate.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";

async function inNetwork(body: (certs: string) => Promise<void>): Promise<void> {
  const certs = await Deno.makeTempDir();
  try {
    await initCertificates({ dir: certs, nodes: ["coordinator", "alice"] });
    await body(certs);
  } finally {
    await Deno.remove(certs, { recursive: true });
  }
}

Deno.test("loadIdentity() reads who a node is", async () => {
  await inNetwork(async (certs) => {
    const identity = await loadIdentity({ certs, name: "alice" });
    assertEquals([identity.name, identity.role], ["alice", "participant"]);
    assertEquals(identity.network.length, 64);
    assertEquals((await loadIdentity({ certs, name: "coordinator" })).role, "coordinator");
  });
});

Deno.test("loadIdentity() takes the only node of a folder, and lists the choices of several", async () => {
  await inNetwork(async (certs) => {
    await assertRejects(() => loadIdentity({ certs }), UsageError, "alice, coordinator");
    await Deno.remove(`${certs}/coordinator.pem`);
    assertEquals((await loadIdentity({ certs })).name, "alice");
    await Deno.remove(`${certs}/alice.pem`);
    await assertRejects(() => loadIdentity({ certs }), UsageError, "handfast sign alice.csr");
    await Deno.remove(`${certs}/alice.key`);
    await Deno.remove(`${certs}/coordinator.key`);
    await assertRejects(() => loadIdentity({ certs }), UsageError, "handfast init");
  });
});

Deno.test("loadIdentity() takes an expired certificate of a node that makes no links", async () => {
  await inNetwork(async (certs) => {
    await initCertificates({ dir: certs, nodes: ["alice"], validityDays: -1, force: true });
    const identity = await loadIdentity({ certs, name: "alice", mayHaveEnded: true });
    assert(identity.expiresMs < Date.now());
    const other = await Deno.makeTempDir();
    await initCertificates({ dir: other, nodes: ["x"] });
    await Deno.copyFile(`${other}/ca.pem`, `${certs}/ca.pem`);
    await Deno.remove(other, { recursive: true });
    const load = () => loadIdentity({ certs, name: "alice", mayHaveEnded: true });
    await assertRejects(load, Error, "was not signed by the CA of this network");
  });
});

type Spoil = (certs: string) => Promise<void>;
const spoilt: [string, Spoil, string][] = [
  ["a missing key", (certs) => Deno.remove(`${certs}/alice.key`), "alice.key: there is no such"],
  ["a missing CA", (certs) => Deno.remove(`${certs}/ca.pem`), "ca.pem: there is no such file"],
  [
    "another node's key",
    (certs) => Deno.copyFile(`${certs}/coordinator.key`, `${certs}/alice.key`),
    "alice.key: it is not the key of",
  ],
  [
    "another node's certificate",
    (certs) => Deno.copyFile(`${certs}/coordinator.pem`, `${certs}/alice.pem`),
    'alice.pem: it is the certificate of "coordinator"',
  ],
  [
    "garbage",
    (certs) => Deno.writeTextFile(`${certs}/alice.pem`, "garbage"),
    "alice.pem: it is no PEM certificate. ",
  ],
  [
    "a key for a CA",
    (certs) => Deno.copyFile(`${certs}/ca.key`, `${certs}/ca.pem`),
    "ca.pem: it is no PEM certificate. ",
  ],
  [
    "an expired certificate",
    async (certs) => {
      await initCertificates({ dir: certs, nodes: ["alice"], validityDays: -1, force: true });
    },
    'alice.pem: the certificate of "alice" expired at',
  ],
  [
    "another network's CA",
    async (certs) => {
      const other = await Deno.makeTempDir();
      await initCertificates({ dir: other, nodes: ["x"] });
      await Deno.copyFile(`${other}/ca.pem`, `${certs}/ca.pem`);
      await Deno.remove(other, { recursive: true });
    },
    "was not signed by the CA of this network",
  ],
];
for (const [what, spoil, part] of spoilt) {
  Deno.test(`loadIdentity() refuses ${what}, and says what to do`, async () => {
    await inNetwork(async (certs) => {
      await spoil(certs);
      const load = () => loadIdentity({ certs, name: "alice" });
      const error = await assertRejects(load, Error, part);
      assertStringIncludes(error.message, `handfast init --certs ${certs} --nodes alice`);
    });
  });
}

for (const [what, spoil, part] of spoilt) {
  Deno.test(`loadIdentity() names no init for ${what} where the CA's key is not beside`, async () => {
    await inNetwork(async (certs) => {
      await spoil(certs);
      await Deno.remove(`${certs}/ca.key`);
      const load = () => loadIdentity({ certs, name: "alice" });
      const { message } = await assertRejects(load, Error, part);
      assertStringIncludes(message, `handfast csr --certs ${certs} --name alice --role client`);
      assertStringIncludes(message, "handfast sign alice.csr");
      // It would make alice the coordinator of a network of her own.
      assert(!message.includes("--nodes alice"), message);

      await Deno.writeTextFile(`${certs}/alice.csr`, "a request");
      await Deno.writeTextFile(`${certs}/alice.key`, "its key");
      await Deno.writeTextFile(`${certs}/ca.pem`, "a CA");
      await assertRejects(load, Error, `Send ${certs}/alice.csr to the owner of the`);
    });
  });
}

Deno.test("loadIdentity() says first that there is no such folder", async () => {
  for (const name of ["bob", undefined]) {
    const load = () => loadIdentity({ certs: "nowhere", name });
    const { message } = await assertRejects(load, UsageError, "There is no folder nowhere");
    assertStringIncludes(message, "handfast init --certs nowhere --nodes coordinator,alice,bob");
  }
});

Deno.test("verifyPeerCertificate() takes no CA for a node and no certificate before its time", async () => {
  await inNetwork(async (certs) => {
    const identity = await loadIdentity({ certs, name: "alice" });
    const ca = new Uint8Array(identity.certificate.rawData);
    const now = Date.now();
    await assertRejects(
      () => verifyPeerCertificate(identity, ca, now),
      CertificateError,
      "of a CA",
    );
    const { certDer } = identity;
    const early = now - 2 * 60 * 60_000;
    await assertRejects(
      () => verifyPeerCertificate(identity, certDer, early),
      CertificateError,
      "valid only from",
    );
    const changed = certDer.slice();
    changed[changed.length - 3] = changed[changed.length - 3]! ^ 1;
    await assertRejects(() => verifyPeerCertificate(identity, changed, now), CertificateError);
    await assertRejects(
      () => verifyPeerCertificate(identity, certDer.slice(9), now),
      CertificateError,
    );
  });
});
