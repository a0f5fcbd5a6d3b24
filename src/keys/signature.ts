/** Ed25519 (RFC 8032), synchronous, so that a turn of the loop can sign what it sends. */

import { type KeyObject, sign, verify } from "node:crypto";

export const signatureBytes = 64;

/** 64 bytes. They say nothing of who signed, or for which network: what is signed must. */
export function signBytes(signingKey: KeyObject, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, bytes, signingKey));
}

/**
 * Whether the signature is the key's, over exactly these bytes. There is one that is accepted of what a key
 * signed: S below the group's order (RFC 8032, 5.1.7), which the platform checks.
 */
export function verifyBytes(
  publicKey: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(null, bytes, publicKey, signature);
}
