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
import { inNetwork } from "./in_network.ts";

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

Deno.test("a list does not take the place of a newer one, nor of itself", () => {
  const revocations = new Revocations();
  const numbered = (number: number) => ({ ...list, number });
  assertEquals([2, 1, 2, 3].map((number) => revocations.takeOver(numbered(number))), [
    true,
    false,
    false,
    true,
  ]);
  assertEquals(revocations.list?.number, 3);
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
      (await loadIdentity({ certs: dir, name: "coordinator" })).revocations.list?.number,
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
    // Also when the name has another since.
    await assertRejects(() => check(first), UsageError, "certificates of this key");
    assertEquals(await check(first, true), "renewal");
  });
});
