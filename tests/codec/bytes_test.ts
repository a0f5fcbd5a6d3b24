import { assertEquals, assertThrows } from "@std/assert";
import { fromHex, Reader, toHex, Writer } from "../../src/bytes.ts";
import { FormatError } from "../../src/errors.ts";

function written(write: (w: Writer) => void): Uint8Array {
  const w = new Writer(1);
  write(w);
  return w.slice();
}

const varints: readonly [number, string][] = [
  [0, "00"],
  [127, "7f"],
  [128, "8001"],
  [300, "ac02"],
  [2 ** 32, "8080808010"],
  [Number.MAX_SAFE_INTEGER, "ffffffffffffff0f"],
];

for (const [value, digits] of varints) {
  Deno.test(`varint ${value} is ${digits}, and nothing else`, () => {
    assertEquals(toHex(written((w) => w.varint(value))), digits);
    const r = new Reader(fromHex(digits));
    assertEquals([r.varint(), r.done], [value, true]);
  });
}

for (const digits of ["", "80", "8000", "ff00", "ffffffffffffff10", "ffffffffffffffff01"]) {
  Deno.test(`varint() refuses "${digits}"`, () => {
    assertThrows(() => new Reader(fromHex(digits)).varint(), FormatError);
  });
}

const texts = [
  "",
  "a",
  "a".repeat(127),
  "a".repeat(128),
  "é",
  `${"a".repeat(40)}é`,
  "\ufeffa",
  "😀",
];

for (const text of texts) {
  Deno.test(`text ${JSON.stringify(text.slice(0, 50))} (${text.length}) is read as it was`, () => {
    const bytes = written((w) => w.text(text));
    assertEquals(new Reader(bytes).text(), text);
  });
}

for (const digits of ["01ff", "02c080", "03eda080", "05", "ff"]) {
  Deno.test(`text() refuses "${digits}"`, () => {
    assertThrows(() => new Reader(fromHex(digits)).text(), FormatError);
  });
}

for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
  Deno.test(`i64 ${value} is read as it was`, () => {
    assertEquals(new Reader(written((w) => w.i64(value))).i64(), value);
  });
}

Deno.test("Reader reads a part of a buffer, and no byte past it", () => {
  const whole = new Uint8Array([9, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const r = new Reader(whole.subarray(1, 9));
  assertEquals([r.i64(), r.done], [0x0102030405060708n, true]);
  for (const read of [() => r.u8(), () => r.i64(), () => r.hex(1), () => r.raw(2 ** 52)]) {
    assertThrows(read, FormatError, "too early");
  }
});

Deno.test("truncate() forgets, and slice() copies", () => {
  const w = new Writer(2);
  w.hex("0197f2c0-1a2b");
  const before = w.slice();
  w.truncate(2);
  w.u8(255);
  assertEquals([toHex(before), toHex(w.slice())], ["0197f2c01a2b", "0197ff"]);
});

Deno.test("repeat() repeats what was written, also where the buffer grows for it", () => {
  const w = new Writer(3);
  w.hex("010203");
  w.repeat(1, 2);
  w.repeat(0, 5);
  assertEquals(toHex(w.slice()), "01020302030102030203");
});
