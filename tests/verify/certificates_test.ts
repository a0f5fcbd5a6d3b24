/** Whose keys logs go by, with nothing but the CA's certificate to go by. */

import { assertEquals } from "@std/assert";
import { generateKeyPairSync, KeyObject } from "node:crypto";
import { makeNode, makeSigner } from "../../src/keys/authority.ts";
import type { Signer } from "../../src/keys/authority.ts";
import { rawPublicKey, readSigningPublicKey } from "../../src/keys/public_key.ts";
import { decodeVoucher, makeVoucher } from "../../src/keys/voucher.ts";
import { verifyLogs } from "../../src/verify/mod.ts";
import type { NodeName, Tamper } from "./scene.ts";
import { assertFound, network, Scene, trustOf } from "./scene.ts";

/** Before the scene's time: its first entries are of the beginning of 2026. */
const nowMs = Date.UTC(2025, 11, 31);
const ca = await makeSigner(nowMs);
const other = await makeSigner(nowMs);
const sealingKey = { publicKey: rawPublicKey(generateKeyPairSync("x25519").publicKey) };
/** As of the scene, whose nodes have never heard of a CA. */
const authority = { certificate: ca.certificate, network };

interface Made {
  readonly by?: Signer;
  readonly as?: string;
  readonly validityDays?: number;
  readonly nowMs?: number;
}

/** By what a node of the scene is known, with a certificate beside the keys that it has. */
async function introductionOf(name: NodeName, made: Made = {}) {
  const role = name === "coordinator" ? "coordinator" : "participant";
  const { by: signer = ca, as = name, validityDays = 90 } = made;
  const node = await makeNode({
    ...{ signer, name: as, role, hosts: [], validityDays },
    nowMs: made.nowMs ?? nowMs,
  });
  const { signingKey } = decodeVoucher(trustOf(name).introduction.voucher);
  const voucher = makeVoucher({
    ...{ network, name, role },
    privateKey: KeyObject.from(node.key),
    signingKey: readSigningPublicKey(signingKey),
    sealingKey,
  });
  return { certificate: new Uint8Array(node.certificate.rawData), voucher };
}

type Introductions = Record<NodeName, Awaited<ReturnType<typeof introductionOf>>>;

async function everyone(): Promise<Introductions> {
  const [coordinator, alice, bob] = await Promise.all(
    (["coordinator", "alice", "bob"] as const).map((name) => introductionOf(name)),
  );
  return { coordinator: coordinator!, alice: alice!, bob: bob! };
}

/** What bob's log has of alice, where it is another than the others have. */
function known(by: Introductions, aliceAtBob = by.alice): Tamper {
  return (node, content) => ({
    ...content,
    records: content.records.map((record) => {
      if (record.type !== "introduced") return record;
      const isIt = node === "bob" && record.name === "alice";
      return { ...record, introduction: isIt ? aliceAtBob : by[record.name as NodeName] };
    }),
  });
}

async function violations(tamper: Tamper, by = authority): Promise<readonly string[]> {
  // Without checkpoints, which would hold what the nodes have instead.
  await using scene = await Scene.begin(tamper);
  await scene.pay(1, "alice", "bob", 100n);
  scene.stop();
  return (await verifyLogs(scene.dirs, [], by)).violations;
}

Deno.test("verifyLogs() finds nothing wrong in certificates of the CA, expired since or not", async () => {
  const by = await everyone();
  assertEquals(await violations(known(by)), []);
  // It ends long before today, but not before it first came.
  const short = await introductionOf("alice", { validityDays: 2 });
  assertEquals(await violations(known(by, short)), []);
  // Bob's clock is behind.
  const early = await introductionOf("alice", { nowMs: Date.UTC(2026, 5, 1) });
  assertEquals(await violations(known(by, early)), []);
});

const wrong: readonly [what: string, made: Made, why: string][] = [
  ["signed by another CA", { by: other }, 'the certificate of "CN=alice" was not signed by the CA'],
  ["of another node", { as: "carol" }, 'it is that of "carol"'],
  ["that had expired", { nowMs: nowMs - 90 * 86_400_000, validityDays: 30 }, '"alice" expired at'],
];
for (const [what, made, why] of wrong) {
  Deno.test(`verifyLogs() finds a certificate ${what}, once`, async () => {
    const found = await violations(known(await everyone(), await introductionOf("alice", made)));
    assertFound(found, new RegExp(`^bob: entry \\d+ introduces alice by a certificate .*${why}`));
    assertEquals(found.length, 1, found.join("\n"));
  });
}

Deno.test("verifyLogs() finds a voucher that another certificate has signed", async () => {
  const by = await everyone();
  const { certificate } = await introductionOf("alice");
  const found = await violations(known(by, { ...by.alice, certificate }));
  assertFound(found, /^bob: .*alice.*is not signed by the key of its certificate$/);
});

Deno.test("verifyLogs() finds logs of another network than the CA's, and names both", async () => {
  const id = "cd".repeat(32);
  const found = await violations((_, content) => content, { ...authority, network: id });
  assertEquals(
    found,
    ["coordinator", "alice", "bob"].map((name) =>
      `${name} is of the network ${network}, the CA's is ${id}`
    ),
  );
});

Deno.test("verifyLogs() names the network", async () => {
  await using scene = await Scene.begin();
  scene.stop();
  assertEquals((await verifyLogs(scene.dirs)).network, network);
});
