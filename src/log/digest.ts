/** Values of the log's storage that say themselves whether they are what was written. */

import type { Writer } from "../bytes.ts";
import { toHex } from "../bytes.ts";
import { IntegrityError } from "../errors.ts";
import { sha256 } from "../sha256.ts";

const digestBytes = 16;

/** Ends a value with the digest of what was written so far. */
export function writeDigest(w: Writer): void {
  w.raw(digestOf(w.view()));
}

/**
 * What comes before the digest.
 *
 * @throws {IntegrityError} if the value is not what was written
 */
export function undigested(value: Uint8Array, what: string): Uint8Array {
  const length = Math.max(0, value.length - digestBytes);
  const bytes = value.subarray(0, length);
  if (toHex(digestOf(bytes)) !== toHex(value.subarray(length))) {
    throw new IntegrityError(`${what} is damaged`);
  }
  return bytes;
}

function digestOf(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, digestBytes);
}
