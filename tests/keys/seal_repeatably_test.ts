import { assertEquals, assertNotEquals } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import { open, parseSealingKey, seal, sealRepeatably } from "../../src/keys/seal.ts";

const text = (words: string) => new TextEncoder().encode(words);
const newKey = () => {
  const { privateKey } = generateKeyPairSync("x25519");
  return parseSealingKey(privateKey.export({ type: "pkcs8", format: "pem" }) as string);
};

const key = await newKey();
const other = await newKey();
const secret = new Uint8Array(32).fill(7);
const given = [secret, key.publicKey, text("info"), text("aad"), text("plaintext")] as const;
const sealed = await sealRepeatably(...given);
/** The public half of the pair that is used once. */
const encOf = (sealed: Uint8Array) => sealed.slice(0, 32);

Deno.test("sealRepeatably() gives the same bytes for the same, which open as others do", async () => {
  assertEquals(await sealRepeatably(...given), sealed);
  assertEquals(await open(key, text("info"), text("aad"), sealed), text("plaintext"));
  assertEquals(await open(other, text("info"), text("aad"), sealed), undefined);
  assertEquals(await open(key, text("info"), text("other"), sealed), undefined);
});

const [, ...rest] = given;
const changed: readonly [string, Parameters<typeof sealRepeatably>][] = [
  ["secret", [new Uint8Array(32).fill(8), ...rest]],
  ["recipient", [secret, other.publicKey, text("info"), text("aad"), text("plaintext")]],
  ["info", [secret, key.publicKey, text("inf"), text("aad"), text("plaintext")]],
  ["aad", [secret, key.publicKey, text("info"), text("aae"), text("plaintext")]],
  ["plaintext", [secret, key.publicKey, text("info"), text("aad"), text("plaintexT")]],
  ["border between info and aad", [
    secret,
    key.publicKey,
    text("infoa"),
    text("ad"),
    text("plaintext"),
  ]],
  ["border between aad and plaintext", [
    secret,
    key.publicKey,
    text("info"),
    text("aadp"),
    text("laintext"),
  ]],
];

for (const [what, other] of changed) {
  Deno.test(`sealRepeatably() uses another key pair for another ${what}`, async () => {
    // The same pair for two plaintexts would be the same AES-GCM key and nonce for both.
    assertNotEquals(encOf(await sealRepeatably(...other)), encOf(sealed));
  });
}

Deno.test("seal() looks different each time", async () => {
  const [a, b] = await Promise.all([seal(...rest), seal(...rest)]);
  assertNotEquals(encOf(a), encOf(b));
});
