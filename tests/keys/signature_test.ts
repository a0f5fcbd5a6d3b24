import { assert, assertEquals } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import { signatureBytes, signBytes, verifyBytes } from "../../src/keys/signature.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const others = generateKeyPairSync("ed25519");
const message = new TextEncoder().encode("what was stated");
const signature = signBytes(privateKey, message);

Deno.test("verifyBytes() takes the signature of what was signed", () => {
  assertEquals(signature.length, signatureBytes);
  assert(verifyBytes(publicKey, message, signature));
});

/** S + L: the same number modulo the group's order (RFC 8032, 5.1). */
function secondEncoding(of: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${of.slice(32).toReversed().toHex()}`) + order;
  const raw = Uint8Array.fromHex(s.toString(16).padStart(64, "0")).toReversed();
  return new Uint8Array([...of.slice(0, 32), ...raw]);
}

const signatures: [string, Uint8Array][] = [
  ["by another key", signBytes(others.privateKey, message)],
  ["of something else", signBytes(privateKey, message.slice(1))],
  ["with S + L", secondEncoding(signature)],
  ["of zeros", new Uint8Array(64)],
  ["of no bytes", new Uint8Array()],
  ["a byte short", signature.slice(0, 63)],
  ["a byte long", new Uint8Array([...signature, 0])],
];
for (const [what, bytes] of signatures) {
  Deno.test(`verifyBytes() refuses a signature ${what}`, () => {
    assertEquals(verifyBytes(publicKey, message, bytes), false);
  });
}

Deno.test("verifyBytes() refuses a signature of which one bit was flipped", () => {
  for (let bit = 0; bit < signature.length * 8; bit++) {
    const changed = signature.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assertEquals(verifyBytes(publicKey, message, changed), false, `bit ${bit}`);
  }
});
