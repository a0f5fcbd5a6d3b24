import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { signatureBytes, signHashes, verifyHashes } from "../../src/keys/batch_signature.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const others = generateKeyPairSync("ed25519");
const hashes = Array.from(
  { length: 200 },
  (_, at) => new Uint8Array(createHash("sha256").update(String(at)).digest()),
);
const three = hashes.slice(0, 3);
const [a, b, c] = three as [Uint8Array, Uint8Array, Uint8Array];

Deno.test("verifyHashes() takes the signature of what was signed, whatever the number", () => {
  for (const count of [0, 1, 2, 127, 128, 200]) {
    const list = hashes.slice(0, count);
    const signature = signHashes(privateKey, list);
    assertEquals(signature.length, signatureBytes);
    assert(verifyHashes(publicKey, list, signature), `${count} hashes`);
  }
});

/** As another program would make it from the description. */
function signed(domain: string, count: number[], list: readonly Uint8Array[]): Uint8Array {
  const words = Buffer.from(domain);
  const message = Buffer.concat([
    Buffer.from([words.length]),
    words,
    Buffer.from(count),
    ...list,
  ]);
  return new Uint8Array(sign(null, message, privateKey));
}

Deno.test("signHashes() signs length and words of the domain, the count in LEB128, and the hashes", () => {
  const domain = "handfast batch signature 1";
  assertEquals(signHashes(privateKey, three), signed(domain, [3], three));
  assertEquals(signHashes(privateKey, hashes), signed(domain, [200, 1], hashes));
});

const signature = signHashes(privateKey, three);
const flipped = b.slice();
flipped[31]! ^= 1;
const lists: [string, readonly Uint8Array[]][] = [
  ["in another order", [b, a, c]],
  ["and one more", [...three, hashes[3]!]],
  ["and one twice", [...three, c]],
  ["without the last", [a, b]],
  ["without the first", [b, c]],
  ["of which one differs by a bit", [a, flipped, c]],
  ["none of them", []],
];
for (const [what, list] of lists) {
  Deno.test(`verifyHashes() refuses a signature for the hashes ${what}`, () => {
    assertEquals(verifyHashes(publicKey, list, signature), false);
  });
}

/** S + L: the same number modulo the group's order (RFC 8032, 5.1). */
function secondEncoding(of: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${of.slice(32).toReversed().toHex()}`) + order;
  const raw = Uint8Array.fromHex(s.toString(16).padStart(64, "0")).toReversed();
  return new Uint8Array([...of.slice(0, 32), ...raw]);
}

const signatures: [string, Uint8Array][] = [
  ["of another domain", signed("handfast batch signature 2", [3], three)],
  ["of the hashes alone", new Uint8Array(sign(null, Buffer.concat(three), privateKey))],
  ["of another count", signed("handfast batch signature 1", [2], three)],
  ["by another key", signHashes(others.privateKey, three)],
  ["with S + L", secondEncoding(signature)],
  ["of zeros", new Uint8Array(64)],
  ["of no bytes", new Uint8Array()],
  ["a byte short", signature.slice(0, 63)],
  ["a byte long", new Uint8Array([...signature, 0])],
];
for (const [what, bytes] of signatures) {
  Deno.test(`verifyHashes() refuses a signature ${what}`, () => {
    assertEquals(verifyHashes(publicKey, three, bytes), false);
  });
}

Deno.test("verifyHashes() refuses a signature of which one bit was flipped", () => {
  for (let bit = 0; bit < signature.length * 8; bit++) {
    const changed = signature.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assertEquals(verifyHashes(publicKey, three, changed), false, `bit ${bit}`);
  }
});

Deno.test("what is no SHA-256 hash is neither signed nor verified", () => {
  for (const length of [0, 31, 33, 64]) {
    const list = [a, new Uint8Array(length)];
    assertThrows(() => signHashes(privateKey, list), RangeError, `${length} bytes`);
    assertThrows(() => verifyHashes(publicKey, list, signature), RangeError, `${length} bytes`);
  }
});
