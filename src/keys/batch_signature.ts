/**
 * One Ed25519 signature (RFC 8032) over many hashes, as a signature costs as much as hashing many
 * kilobytes. Synchronous, so that a turn of the loop can sign what it sends.
 */

import { type KeyObject, sign, verify } from "node:crypto";
import { Writer } from "../bytes.ts";

/** Bytes of a SHA-256 hash. */
const hashBytes = 32;
export const signatureBytes = 64;

/**
 * Signs the hashes (32 bytes each) in this order, with an Ed25519 private key. The signature (64 bytes)
 * says nothing of who signed, or for which network: what was hashed must.
 *
 * Throws `RangeError` for a hash of another length.
 */
export function signHashes(signingKey: KeyObject, hashes: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(sign(null, encodeHashes(hashes), signingKey));
}

/**
 * Whether the signature is the key's, over exactly these hashes in this order. Of what a key signed there is
 * one signature that is accepted: S below the group's order (RFC 8032, 5.1.7), which the platform
 * checks.
 *
 * Throws `RangeError` for a hash of another length.
 */
export function verifyHashes(
  publicKey: KeyObject,
  hashes: readonly Uint8Array[],
  signature: Uint8Array,
): boolean {
  return verify(null, encodeHashes(hashes), publicKey, signature);
}

/** Never what else is signed with the same key: that begins with other words. */
const domain = "handfast batch signature 1";

function encodeHashes(hashes: readonly Uint8Array[]): Uint8Array {
  const w = new Writer(64 + hashes.length * hashBytes);
  w.text(domain);
  w.varint(hashes.length);
  for (const hash of hashes) {
    if (hash.length !== hashBytes) throw new RangeError(`a hash of ${hash.length} bytes`);
    w.raw(hash);
  }
  return w.slice();
}
