import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../src/errors.ts";
import { signBytes, verifyBytes } from "../../src/keys/signature.ts";
import { verifyPeerCertificate } from "../../src/keys/certificate.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { makeOwnKeys, ownKeyPaths, readOwnKeys } from "../../src/keys/own_keys.ts";
import { open, seal } from "../../src/keys/seal.ts";
import { verifyVoucher } from "../../src/keys/voucher.ts";

async function inNetwork(body: (certs: string) => Promise<void>): Promise<void> {
  const certs = await Deno.makeTempDir();
  try {
    await initCertificates({ dir: certs, nodes: ["coordinator", "alice"] });
    await body(certs);
  } finally {
    await Deno.remove(certs, { recursive: true });
  }
}

Deno.test("a peer that verified certificate and voucher can check what a node signs, and seal to it", async () => {
  await inNetwork(async (certs) => {
    const alice = await loadIdentity({ certs, name: "alice" });
    const coordinator = await loadIdentity({ certs, name: "coordinator" });
    const peer = await verifyPeerCertificate(coordinator, alice.certDer, Date.now());
    const keys = verifyVoucher(coordinator, peer, alice.voucher);
    const stated = new Uint8Array(32).fill(1);
    assert(verifyBytes(keys.signingKey, stated, signBytes(alice.signingKey, stated)));
    const [info, aad, message] = ["info", "aad", "for Alice"].map((text) =>
      new TextEncoder().encode(text)
    ) as [Uint8Array, Uint8Array, Uint8Array];
    const sealed = await seal(keys.sealingKey, info, aad, message);
    assertEquals(await open(alice.sealingKey, info, aad, sealed), new Uint8Array(message));
    assertEquals(await open(coordinator.sealingKey, info, aad, sealed), undefined);
  });
});

Deno.test("loadIdentity() makes the keys that a folder of an older version lacks, once", async () => {
  await inNetwork(async (certs) => {
    const { signing, sealing } = ownKeyPaths(certs, "alice");
    const before = await loadIdentity({ certs, name: "alice" });
    for (const path of [signing, sealing]) await Deno.remove(path);
    const first = await loadIdentity({ certs, name: "alice" });
    for (const path of [signing, sealing]) {
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600, path);
    }
    assert(!first.signingKey.equals(before.signingKey));
    const second = await loadIdentity({ certs, name: "alice" });
    assert(second.signingKey.equals(first.signingKey));
    assertEquals(second.sealingKey.publicKey, first.sealingKey.publicKey);
  });
});

Deno.test("makeOwnKeys() makes only what is missing, and leaves nothing else behind", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { signing, sealing } = ownKeyPaths(dir, "alice");
    assertEquals(await makeOwnKeys(dir, "alice"), [signing, sealing]);
    const text = await Deno.readTextFile(sealing);
    await Deno.remove(signing);
    assertEquals(await makeOwnKeys(dir, "alice"), [signing]);
    const { mtime } = await Deno.stat(dir);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(await makeOwnKeys(dir, "alice"), []);
    // So a node with all its keys needs no leave to write there.
    assertEquals((await Deno.stat(dir)).mtime, mtime);
    assertEquals(await Deno.readTextFile(sealing), text);
    const files = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
    assertEquals(files.toSorted(), ["alice.sealing.key", "alice.signing.key"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("makeOwnKeys() run by several at once leaves all with the same keys", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const runs = Array.from({ length: 8 }, async () => {
      const written = await makeOwnKeys(dir, "alice");
      return { written, keys: await readOwnKeys(dir, "alice") };
    });
    const results = await Promise.all(runs);
    assertEquals(results.flatMap(({ written }) => written).length, 2);
    const sealing = results.map(({ keys }) => keys.sealingKey.publicKey.toHex());
    assertEquals(new Set(sealing).size, 1);
    assert(results.every(({ keys }) => keys.signingKey.equals(results[0]!.keys.signingKey)));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("makeOwnKeys() says which file it cannot write, and what to do", async () => {
  const make = () => makeOwnKeys("/nowhere/certs", "alice");
  await assertRejects(make, UsageError, "Cannot write /nowhere/certs/alice.signing.key");
  await assertRejects(make, UsageError, "let it write to /nowhere/certs once");
});

type Kind = "signing" | "sealing";
const spoilt: [string, Kind, (certs: string) => Promise<void>, string][] = [
  ["an empty signing key", "signing", (certs) => write(certs, "signing", ""), ""],
  ["a sealing key that is garbage", "sealing", (certs) => write(certs, "sealing", "garbage"), ""],
  [
    "a sealing key cut short",
    "sealing",
    async (certs) => {
      const text = await Deno.readTextFile(ownKeyPaths(certs, "alice").sealing);
      await write(certs, "sealing", text.slice(0, 60));
    },
    "",
  ],
  [
    "a sealing key for a signing key",
    "signing",
    (certs) => copy(certs, "alice.sealing.key", "alice.signing.key"),
    "no Ed25519 key",
  ],
  [
    "a signing key for a sealing key",
    "sealing",
    (certs) => copy(certs, "alice.signing.key", "alice.sealing.key"),
    "no X25519 key",
  ],
  [
    "a certificate's key for a signing key",
    "signing",
    (certs) => copy(certs, "alice.key", "alice.signing.key"),
    "no Ed25519 key",
  ],
  [
    "a certificate's key for a sealing key",
    "sealing",
    (certs) => copy(certs, "alice.key", "alice.sealing.key"),
    "no X25519 key",
  ],
];
for (const [what, kind, spoil, said] of spoilt) {
  Deno.test(`loadIdentity() refuses ${what}, leaves it alone, and shows nothing of it`, async () => {
    await inNetwork(async (certs) => {
      await spoil(certs);
      const path = ownKeyPaths(certs, "alice")[kind];
      const text = await Deno.readTextFile(path);
      const load = () => loadIdentity({ certs, name: "alice" });
      const { message } = await assertRejects(load, UsageError, said);
      assertStringIncludes(message, `Cannot use ${path}`);
      assertStringIncludes(message, "move it away");
      assertEquals(message.includes("can't be read any more"), kind === "sealing");
      for (const line of text.split("\n")) assert(line.length < 8 || !message.includes(line));
      assertEquals(await Deno.readTextFile(path), text);
    });
  });
}

async function write(certs: string, kind: Kind, text: string): Promise<void> {
  await Deno.writeTextFile(ownKeyPaths(certs, "alice")[kind], text);
}

async function copy(certs: string, from: string, to: string): Promise<void> {
  await Deno.copyFile(`${certs}/${from}`, `${certs}/${to}`);
}
