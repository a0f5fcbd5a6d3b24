/** The hash of whatever is too long, or too often named, to be told itself. */

import { createHash } from "node:crypto";

/** 32 bytes; of a text's UTF-8. */
export function sha256(bytes: Uint8Array | string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
