import { assertEquals } from "@std/assert";
import { Interned } from "../../src/codec/interned.ts";

/** Two bytes for each number. */
function keyOf(number: number): Uint8Array {
  return new Uint8Array([number >> 8, number & 255]);
}

Deno.test("Interned finds the newest that were kept, each by its own bytes, and no others", () => {
  const slots = 64;
  const kept = new Interned<number>(2, slots);
  const most = 1_000;
  for (let i = 0; i < most; i++) {
    kept.keep(keyOf(i), 0, 2, i);
    const found = [i, i - 1, i - slots, i + 1].map((n) => kept.find(keyOf(n), 0, 2));
    assertEquals(found[0], i);
    assertEquals(found.slice(2), [undefined, undefined]);
    // One that has the same hash as a newer one is lost before its time.
    assertEquals(found[1] === undefined || found[1] === i - 1, true);
  }
  const found = Array.from({ length: slots }, (_, i) => kept.find(keyOf(most - 1 - i), 0, 2));
  const right = found.filter((value, i) => value === most - 1 - i).length;
  assertEquals(found.filter((value) => value !== undefined).length, right);
  assertEquals(right > slots / 3, true, `${right} of ${slots} are found`);
});

Deno.test("Interned finds what was kept last for the same bytes, wherever they stand", () => {
  const kept = new Interned<string>(3, 8);
  kept.keep(new Uint8Array([1, 2, 3]), 0, 3, "first");
  kept.keep(new Uint8Array([9, 1, 2, 3, 9]), 1, 3, "second");
  assertEquals(kept.find(new Uint8Array([0, 0, 1, 2, 3]), 2, 3), "second");
  assertEquals(kept.find(new Uint8Array([1, 2]), 0, 2), undefined);
});

Deno.test("Interned keeps nothing that is longer than it may be", () => {
  const kept = new Interned<string>(2, 8);
  const bytes = new Uint8Array([1, 2, 3]);
  assertEquals(kept.keep(bytes, 0, 3, "value"), "value");
  assertEquals(kept.find(bytes, 0, 3), undefined);
});
