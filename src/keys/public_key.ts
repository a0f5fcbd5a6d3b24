/**
 * Public keys on Curve25519 as 32 raw bytes: Ed25519 (RFC 8032, 5.1.5) and X25519 (RFC 7748, 5).
 *
 * Of a key of small order everyone knows as much as its owner: signatures by it fit messages that nobody
 * signed, and everyone can open what is sealed to it. Such a key is refused, and one of which there
 * is a second encoding too. The platform takes both.
 */

import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject } from "node:crypto";
import { FormatError } from "../errors.ts";

export const publicKeyBytes = 32;

/** The public half of an Ed25519 or X25519 key. */
export function rawPublicKey(key: KeyObject): Uint8Array<ArrayBuffer> {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  const spki = publicKey.export({ type: "spki", format: "der" });
  return new Uint8Array(spki.subarray(-publicKeyBytes));
}

/** An Ed25519 public key. Throws {@linkcode FormatError} for bytes that are none, or a weak one. */
export function readSigningPublicKey(raw: Uint8Array): KeyObject {
  // The highest bit is the sign of the other coordinate.
  check(raw, coordinate(raw) & ~highestBit, smallOrderY, "signing");
  try {
    const spki = Buffer.concat([ed25519SpkiPrefix, raw]);
    return createPublicKey({ key: spki, format: "der", type: "spki" });
  } catch {
    throw new FormatError(`the signing key ${raw.toHex()} is no point of the curve`);
  }
}

/** Throws {@linkcode FormatError} for bytes that are no X25519 public key, or a weak one. */
export function checkSealingPublicKey(raw: Uint8Array): void {
  check(raw, coordinate(raw), smallOrderU, "sealing");
}

const prime = 2n ** 255n - 19n;
const highestBit = 2n ** 255n;

/** Coordinates of the points whose order divides 8, the cofactor. */
const orderEightY = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const smallOrderY = new Set([0n, 1n, prime - 1n, orderEightY, prime - orderEightY]);
const smallOrderU = new Set([
  0n,
  1n,
  prime - 1n,
  0x00b8495f16056286fdb1329ceb8d09da6ac49ff1fae35616aeb8413b7c7aebe0n,
  0x57119fd0dd4e22d8868e1c58c45c44045bef839c55b1d0b1248c50a3bc959c5fn,
]);

/** What comes before the raw bytes in a SubjectPublicKeyInfo (RFC 8410, 4). */
const ed25519SpkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

function coordinate(raw: Uint8Array): bigint {
  return BigInt(`0x${raw.toReversed().toHex() || "0"}`);
}

function check(raw: Uint8Array, value: bigint, small: ReadonlySet<bigint>, what: string): void {
  if (raw.length !== publicKeyBytes) {
    throw new FormatError(`a ${what} key of ${raw.length} bytes: it has ${publicKeyBytes}`);
  }
  if (value >= prime) throw new FormatError(`the ${what} key ${raw.toHex()} is not canonical`);
  if (small.has(value)) throw new FormatError(`the ${what} key ${raw.toHex()} is of small order`);
}
