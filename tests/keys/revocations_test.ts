import "reflect-metadata";
import { PemConverter } from "@peculiar/x509";
import {
  assert,
  assertEquals,
  AssertionError,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { makeSigner } from "../../src/keys/authority.ts";
import { CertificateError, verifyPeerCertificate } from "../../src/keys/certificate.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { makeRequest, readRequest } from "../../src/keys/request.ts";
import {
  parseRevocationList,
  readRevocationList,
  revocationPath,
  Revocations,
  signRevocationList,
} from "../../src/keys/revocations.ts";
import { revocable, revoke } from "../../src/keys/revoke.ts";
import { checkRequest, signRequest } from "../../src/keys/sign.ts";
import { inNetwork } from "./in_folder.ts";

const nodes = ["coordinator", "alice"];

const ca = await makeSigner(Date.now());
const atMs = Date.UTC(2026, 10, 27);

const list = { number: 7, atMs, revokedMs: new Map([["01ab", atMs]]) };
const pem = await signRevocationList(ca, list);

for (const number of [1, 127, 128, 255, 256, 40_000, 2 ** 31, 2 ** 32 - 1]) {
  Deno.test(`list ${number} of a CA is read as it was signed`, async () => {
    const revokedMs = new Map([["01ab", atMs - 1_000], ["7f", atMs]]);
    const signed = await signRevocationList(ca, { number, atMs, revokedMs });
    assertEquals(await parseRevocationList(signed, ca.certificate), { number, atMs, revokedMs });
  });
}

Deno.test("a list that another CA has signed is none, nor is a certificate, nor one that was cut", async () => {
  const read = (text: string, by = ca) => parseRevocationList(text, by.certificate);
  const other = await makeSigner(0);
  await assertRejects(() => read(pem, other), Error, "not signed by the CA");
  await assertRejects(() => read(pem.split("\n").toSpliced(3, 1).join("\n")), Error, "it ");
  await assertRejects(() => read(ca.certificate.toString("pem")), Error, "no PEM revocation list");
});

Deno.test("no byte of a list can be changed so that it says something else", async () => {
  const der = new Uint8Array(PemConverter.decodeFirst(pem));
  let refused = 0;
  for (const [at, byte] of der.entries()) {
    const changed = PemConverter.encode(der.with(at, byte ^ 1), "X509 CRL");
    try {
      assertEquals(await parseRevocationList(changed, ca.certificate), list, `byte ${at}`);
    } catch (thrown) {
      if (thrown instanceof AssertionError) throw thrown;
      refused++;
    }
  }
  // Some stand outside of what is signed, and nobody reads them.
  assert(refused > der.length * 0.9, `${refused} of ${der.length}`);
});

Deno.test("whatever list comes, nothing that was revoked counts again", () => {
  const revocations = new Revocations();
  const take = (number: number, ...serials: string[]) => {
    const list = { number, atMs, revokedMs: new Map(serials.map((serial) => [serial, atMs])) };
    const isNew = revocations.takeOver(list);
    return [isNew, revocations.number, revocations.size, revocations.isMore(list)];
  };
  assertEquals(take(2, "a", "b"), [true, 2, 2, false]);
  assertEquals(take(2, "a", "b"), [false, 2, 2, false]);
  assertEquals(take(1, "a"), [false, 2, 2, true]);
  // As of a CA whose folder is an old copy.
  assertEquals(take(2, "a", "c"), [true, 2, 3, true]);
  assertEquals(take(3, "c"), [true, 3, 3, true]);
  assertEquals(revocations.revokedMs({ serialNumber: "b" }), atMs);
  assertEquals(revocations.isMore(undefined), true);
  assertEquals(new Revocations().isMore(undefined), false);
});

Deno.test("a list of more than the parser takes by itself is read", async () => {
  const revokedMs = new Map(
    Array.from(
      { length: 3_000 },
      (_, at) => [(at + 2 ** 20).toString(16).padStart(32, "0a"), atMs],
    ),
  );
  const signed = await signRevocationList(ca, { number: 1, atMs, revokedMs });
  assertEquals((await parseRevocationList(signed, ca.certificate)).revokedMs.size, 3_000);
});

Deno.test("revoke() ends all certificates that a name has, also those that were renewed, and no other", async () => {
  await inNetwork(nodes, async (dir) => {
    const before = await loadIdentity({ certs: dir, name: "alice" });
    await initCertificates({ dir, nodes: ["alice"], force: true });
    const renewed = await loadIdentity({ certs: dir, name: "alice" });
    const coordinator = await loadIdentity({ certs: dir, name: "coordinator" });
    const { certificates, number, path } = await revoke({ dir, name: "alice", nowMs: atMs });
    assertEquals([certificates.length, number, path], [2, 1, revocationPath(dir)]);

    const revocations = new Revocations(await readRevocationList(dir, before.certificate));
    const check = (certDer: Uint8Array) =>
      verifyPeerCertificate({ ...coordinator, revocations }, certDer, Date.now());
    for (const { certDer } of [before, renewed]) {
      const error = await assertRejects(() => check(certDer), CertificateError);
      assertEquals(error.fault, "revoked");
      assertStringIncludes(
        error.message,
        'of "alice" was revoked by the network\'s CA at 2026-11-27',
      );
      // Of the past it is not asked.
      await verifyPeerCertificate({ ...coordinator, revocations: undefined }, certDer, Date.now());
    }
    assertEquals((await check(coordinator.certDer)).name, "coordinator");

    await assertRejects(
      () => revocable({ dir, name: "alice" }),
      UsageError,
      "expired or been revoked",
    );
    await initCertificates({ dir, nodes: ["alice"], force: true });
    assertEquals(
      (await check((await loadIdentity({ certs: dir, name: "alice" })).certDer)).name,
      "alice",
    );
    const again = await revoke({ dir, name: "alice" });
    assertEquals([again.certificates.length, again.number], [1, 2]);
    const last = await readRevocationList(dir, before.certificate);
    assertEquals(last?.revokedMs.size, 3);
  });
});

Deno.test("a node whose certificate is revoked does not start, but can be looked at", async () => {
  await inNetwork(nodes, async (dir) => {
    await revoke({ dir, name: "alice" });
    const load = (mayHaveEnded: boolean) =>
      loadIdentity({ certs: dir, name: "alice", mayHaveEnded });
    await assertRejects(
      () => load(false),
      Error,
      'alice.pem: the certificate of "alice" was revoked',
    );
    assertEquals((await load(true)).name, "alice");
    assertEquals(
      (await loadIdentity({ certs: dir, name: "coordinator" })).revocations.number,
      1,
    );
  });
});

Deno.test("a list that can't be read keeps a node from starting, and its CA from adding to it", async () => {
  await inNetwork(nodes, async (dir) => {
    const path = revocationPath(dir);
    const other = await signRevocationList(ca, { number: 1, atMs, revokedMs: new Map() });
    for (
      const [text, why] of [["", "it is no PEM"], [other, "it was not signed by the CA"]] as const
    ) {
      await Deno.writeTextFile(path, text);
      const load = () => loadIdentity({ certs: dir, name: "alice" });
      await assertRejects(load, UsageError, `Cannot use ${path}: ${why}`);
      await assertRejects(
        () => revoke({ dir, name: "alice" }),
        UsageError,
        `Cannot add to ${path}: ${why}`,
      );
      assertEquals(await Deno.readTextFile(path), text);
    }
  });
});

Deno.test("nothing is revoked of a name that nothing was signed for, or without the CA's key", async () => {
  await inNetwork(nodes, async (dir) => {
    await assertRejects(
      () => revoke({ dir, name: "bob" }),
      UsageError,
      "has none that was signed for it",
    );
    await Deno.remove(`${dir}/ca.key`);
    await assertRejects(() => revoke({ dir, name: "alice" }), UsageError, "there is");
  });
});

Deno.test("a CA that has lost its list, or an old copy of it, revokes on where it was", async () => {
  await inNetwork([...nodes, "bob"], async (dir) => {
    const first = await revoke({ dir, name: "alice" });
    const old = await Deno.readTextFile(first.path);
    await Deno.remove(first.path);
    assertEquals((await revoke({ dir, name: "bob" })).number, 2);
    await Deno.writeTextFile(first.path, old);
    assertEquals((await revoke({ dir, name: "coordinator" })).number, 3);
    const { certificate } = await loadIdentity({ certs: dir, name: "bob", mayHaveEnded: true });
    assertEquals((await readRevocationList(dir, certificate))?.revokedMs.size, 3);
  });
});

Deno.test("of two who revoke in the same moment none is forgotten", async () => {
  await inNetwork([...nodes, "bob", "carol"], async (dir) => {
    const names = ["alice", "bob", "carol"];
    const revoked = await Promise.all(names.map((name) => revoke({ dir, name })));
    assertEquals(revoked.map(({ number }) => number).toSorted(), [1, 2, 3]);
    const { certificate } = await loadIdentity({ certs: dir, name: "coordinator" });
    assertEquals((await readRevocationList(dir, certificate))?.revokedMs.size, 3);
  });
});

Deno.test("what is damaged in the CA's memory is named, with its line, and blocks nothing in silence", async () => {
  await inNetwork(nodes, async (dir) => {
    const path = `${dir}/ca.issued`;
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.slice(0, -100));
    const line = text.slice(0, text.lastIndexOf("-----BEGIN")).split("\n").length;
    await assertRejects(
      () => revoke({ dir, name: "alice" }),
      UsageError,
      `at line ${line}. Put back`,
    );
  });
});

Deno.test("a certificate that is not the name's is not revoked with it", async () => {
  await inNetwork(nodes, async (dir) => {
    await Deno.copyFile(`${dir}/coordinator.pem`, `${dir}/alice.pem`);
    assertEquals((await revoke({ dir, name: "alice" })).certificates.length, 1);
    await loadIdentity({ certs: dir, name: "coordinator" });
  });
});

Deno.test("a folder that noted nothing of what was signed has its certificates revoked all the same", async () => {
  await inNetwork(nodes, async (dir) => {
    await Deno.remove(`${dir}/ca.issued`);
    assertEquals((await revoke({ dir, name: "alice" })).certificates.length, 1);
  });
});

Deno.test("once a name's certificates are revoked another key is signed without force, and that key not again", async () => {
  await inNetwork(nodes, async (dir) => {
    const [own, ofThief] = [`${dir}/own`, `${dir}/thief`];
    const ask = (to: string) =>
      makeRequest({ dir: to, name: "bob", role: "participant", hosts: [] })
        .then(({ requestPath }) => readRequest(requestPath));
    const first = await ask(ofThief);
    await signRequest({ dir, request: first });
    const second = await ask(own);
    const check = (request: typeof first, force = false) => checkRequest({ dir, request, force });
    await assertRejects(() => check(second), UsageError, "handfast revoke bob");
    await revoke({ dir, name: "bob" });
    await assertRejects(() => check(first), UsageError, "certificates of this key");
    assertEquals(await check(second), "renewal");
    await signRequest({ dir, request: second });
    // Also when the name has another since, or the CA has given its file away, or is told to.
    await Deno.remove(`${dir}/bob.pem`);
    for (const force of [false, true]) {
      await assertRejects(() => check(first, force), UsageError, "certificates of this key");
    }
    assertEquals(await check(second), "renewal");
  });
});
