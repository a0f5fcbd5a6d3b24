import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { Aes128Gcm, Aes256Gcm } from "@hpke/core";
import { FormatError } from "../../src/errors.ts";
import { hpkeOpen, hpkeSeal, hpkeSuite } from "../../src/keys/hpke.ts";
import {
  open,
  parseSealingKey,
  seal,
  sealExtraBytes,
  type SealingKey,
} from "../../src/keys/seal.ts";
import { smallOrderSealingKeys, x25519Pem } from "./weak_keys.ts";

const bytes = (hex: string) => Uint8Array.fromHex(hex);
const text = (value: string) => new TextEncoder().encode(value);

/** Of every vector: "Ode on a Grecian Urn", "Count-0", "Beauty is truth, truth beauty". */
const info = bytes("4f6465206f6e2061204772656369616e2055726e");
const aad = bytes("436f756e742d30");
const plaintext = bytes("4265617574792069732074727574682c20747275746820626561757479");

/** Base mode, sequence number 0, of RFC 9180's appendix and of the CFRG's test-vectors.json. */
const vectors = [
  {
    source: "RFC 9180, A.1.1 (AES-128-GCM)",
    aead: new Aes128Gcm(),
    ikmE: "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
    skRm: "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
    pkRm: "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
    enc: "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
    ciphertext: "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a9" +
      "6d8770ac83d07bea87e13c512a",
  },
  {
    source: "test-vectors.json, kem 32, kdf 1, aead 2 (AES-256-GCM)",
    aead: new Aes256Gcm(),
    ikmE: "2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9",
    skRm: "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
    pkRm: "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c",
    enc: "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
    ciphertext: "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be99319" +
      "80a41de125a925cdad859d5b7a",
  },
];
for (const { source, aead, ikmE, skRm, pkRm, enc, ciphertext } of vectors) {
  Deno.test(`hpkeSeal() and hpkeOpen() reproduce ${source}`, async () => {
    const context = { suite: hpkeSuite(aead), info, aad };
    const sealed = await hpkeSeal(context, bytes(pkRm), plaintext, bytes(ikmE));
    assertEquals(sealed.toHex(), enc + ciphertext);
    const key = await parseSealingKey(x25519Pem(bytes(skRm)));
    assertEquals(key.publicKey.toHex(), pkRm);
    assertEquals(await hpkeOpen(context, key.pair, sealed), plaintext);
  });
}

Deno.test("open() reads the AES-256-GCM vector, so seal() and open() are of that suite", async () => {
  const { skRm, enc, ciphertext } = vectors[1]!;
  const key = await parseSealingKey(x25519Pem(bytes(skRm)));
  assertEquals(await open(key, info, aad, bytes(enc + ciphertext)), plaintext);
});

const [key, other] = await Promise.all([randomKey(), randomKey()]);

async function randomKey(): Promise<SealingKey> {
  return await parseSealingKey(x25519Pem(crypto.getRandomValues(new Uint8Array(32))));
}

Deno.test("open() reads what seal() sealed, of any length, from within other bytes too", async () => {
  for (const length of [0, 1, 4_096, 65_536]) {
    const message = new Uint8Array(length).fill(7);
    const sealed = await seal(key.publicKey, info, aad, message);
    assertEquals(sealed.length, length + sealExtraBytes);
    const within = new Uint8Array(sealed.length + 9);
    within.set(sealed, 5);
    const part = within.subarray(5, 5 + sealed.length);
    assertEquals(await open(key, info, aad, part), message);
  }
});

Deno.test("seal() uses a new ephemeral key each time", async () => {
  const first = await seal(key.publicKey, info, aad, plaintext);
  const second = await seal(key.publicKey, info, aad, plaintext);
  assertNotEquals(first.slice(0, 32), second.slice(0, 32));
  assertNotEquals(first.slice(32), second.slice(32));
});

Deno.test("the private half of a sealing key can't be exported", async () => {
  const { privateKey } = key.pair;
  for (const format of ["pkcs8", "jwk"] as const) {
    await assertRejects(() => crypto.subtle.exportKey(format as "jwk", privateKey), DOMException);
  }
});

type Change = (sealed: Uint8Array) => Promise<Uint8Array | undefined>;
const changes: [string, Change][] = [
  ["with another info", (sealed) => open(key, text("Ode on a Grecian urn"), aad, sealed)],
  ["with no info", (sealed) => open(key, new Uint8Array(), aad, sealed)],
  ["with another aad", (sealed) => open(key, info, text("Count-1"), sealed)],
  ["with info and aad exchanged", (sealed) => open(key, aad, info, sealed)],
  ["by another key", (sealed) => open(other, info, aad, sealed)],
  ["with a byte more", (sealed) => open(key, info, aad, new Uint8Array([...sealed, 0]))],
  ["with an enc of zeros", (sealed) => open(key, info, aad, sealed.fill(0, 0, 32))],
  [
    "with another's enc",
    async (sealed) => {
      const another = await seal(key.publicKey, info, aad, plaintext);
      sealed.set(another.subarray(0, 32));
      return await open(key, info, aad, sealed);
    },
  ],
  ...smallOrderSealingKeys.map((raw): [string, Change] => [
    `with the enc ${raw.toHex().slice(0, 8)}... of small order`,
    (sealed) => {
      sealed.set(raw);
      return open(key, info, aad, sealed);
    },
  ]),
];
for (const [what, opened] of changes) {
  Deno.test(`open() reads nothing ${what}`, async () => {
    assertEquals(await opened(await seal(key.publicKey, info, aad, plaintext)), undefined);
  });
}

Deno.test("open() reads nothing where one bit was flipped, or where the end is missing", async () => {
  const sealed = await seal(key.publicKey, info, aad, text("short"));
  for (let at = 0; at < sealed.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = sealed.slice();
      changed[at]! ^= 1 << bit;
      // X25519 leaves out the highest bit (RFC 7748, 5); HPKE's key schedule does not.
      assertEquals(await open(key, info, aad, changed), undefined, `bit ${bit} of byte ${at}`);
    }
  }
  for (let length = 0; length < sealed.length; length++) {
    assertEquals(await open(key, info, aad, sealed.slice(0, length)), undefined, `${length} bytes`);
  }
});

const unusable: [string, Uint8Array][] = [
  ["31 bytes", key.publicKey.slice(1)],
  ["33 bytes", new Uint8Array([...key.publicKey, 0])],
  ...smallOrderSealingKeys.map((raw): [string, Uint8Array] => [
    `the key ${raw.toHex().slice(0, 8)}... of small order`,
    raw,
  ]),
];
for (const [what, raw] of unusable) {
  Deno.test(`seal() refuses ${what}`, async () => {
    await assertRejects(() => seal(raw, info, aad, plaintext), FormatError, raw.toHex());
  });
}
