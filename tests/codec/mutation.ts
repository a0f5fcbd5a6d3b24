/** What every decoder must do with bytes that are not what they should be. */

import { assert, assertEquals } from "@std/assert";
import { FormatError } from "../../src/errors.ts";
import { sameBytes } from "../../src/protocol/order.ts";
import { Random } from "../../src/simulation/random.ts";

/** Decodes and encodes again; throws for what is no encoding. */
export type Again = (bytes: Uint8Array) => Uint8Array;

/** One encoding a value: bytes are refused with a `FormatError`, or are what their value is written as. */
export function assertRefusedOrSame(bytes: Uint8Array, again: Again, what: string): void {
  let encoded: Uint8Array;
  try {
    encoded = again(bytes);
  } catch (thrown) {
    assert(thrown instanceof FormatError, `${what}: ${thrown}`);
    return;
  }
  // Compared so for speed; the difference is shown by the other.
  if (!sameBytes(encoded, bytes)) assertEquals(encoded, bytes, what);
}

/** Every byte from one on, changed in every way. */
export function assertMutationsRefusedOrSame(bytes: Uint8Array, again: Again, from = 0): void {
  const mutated = bytes.slice();
  for (let at = from; at < bytes.length; at++) {
    for (let change = 1; change < 256; change++) {
      mutated[at] = bytes[at]! ^ change;
      assertRefusedOrSame(mutated, again, `byte ${at} is ${mutated[at]}`);
    }
    mutated[at] = bytes[at]!;
  }
}

/** Every beginning: never another error than `FormatError`, and never taken for something else. */
export function assertTruncationsRefusedOrSame(bytes: Uint8Array, again: Again): void {
  for (let length = 0; length < bytes.length; length++) {
    assertRefusedOrSame(bytes.slice(0, length), again, `the first ${length} bytes`);
  }
}

/** Random bytes; `prefix` makes half of them pass for the real thing at first sight. */
export function assertGarbageRefused(prefix: Uint8Array, again: Again, samples = 2_000): void {
  const random = new Random(1);
  for (let sample = 0; sample < samples; sample++) {
    const bytes = new Uint8Array(random.below(200));
    for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
    if (sample % 2) bytes.set(prefix.subarray(0, bytes.length));
    assertRefusedOrSame(bytes, again, `sample ${sample}`);
  }
}
