import { assertEquals, assertThrows } from "@std/assert";
import { decodeOrder, encodeOrder } from "../../src/codec/order.ts";
import { FormatError } from "../../src/errors.ts";
import { leg, order, orderOf, payment } from "../protocol/example.ts";
import {
  assertGarbageRefused,
  assertMutationsRefusedOrSame,
  assertTruncationsRefusedOrSame,
} from "./mutation.ts";
import { most, orderBiggest } from "./samples.ts";

const detailed = encodeOrder({ ...order, detailsHash: new Uint8Array(32).fill(3) });

function again(bytes: Uint8Array): Uint8Array {
  return encodeOrder(decodeOrder(bytes)).bytes;
}

for (const [what, given] of Object.entries({ order, detailed, orderBiggest })) {
  Deno.test(`decodeOrder() reads ${what} from its bytes as it was`, () => {
    assertEquals(decodeOrder(given.bytes), { ...given, detailsHash: given.detailsHash });
    assertEquals(again(given.bytes), given.bytes);
  });
}

for (const amount of [0n, 1n, -1n, most, -most - 1n]) {
  Deno.test(`an amount of ${amount} is kept`, () => {
    const { bytes } = orderOf("alice", [`${amount} USD main@alice`]);
    assertEquals(decodeOrder(bytes).legs[0]!.amount, amount);
  });
}

for (const amount of [most + 1n, -most - 2n, 2n ** 64n + 5n]) {
  Deno.test(`encodeOrder() throws at ${amount}, which would become another amount`, () => {
    const legs = [leg(`${amount} USD main@alice`)];
    assertThrows(() => encodeOrder({ payment, originator: "alice", legs }), RangeError, "64 bits");
  });
}

Deno.test("decodeOrder() refuses any changed byte, or reads it as what it now says", () => {
  for (const { bytes } of [order, detailed]) assertMutationsRefusedOrSame(bytes, again);
});

Deno.test("decodeOrder() refuses every beginning of an order, and anything behind it", () => {
  for (const { bytes } of [order, detailed]) {
    for (let length = 0; length < bytes.length; length++) {
      assertThrows(() => decodeOrder(bytes.slice(0, length)), FormatError);
    }
    assertThrows(() => decodeOrder(new Uint8Array([...bytes, 0])), FormatError, "too many");
    assertTruncationsRefusedOrSame(bytes, again);
  }
});

Deno.test("decodeOrder() throws nothing but FormatError for garbage", () => {
  assertGarbageRefused(order.bytes.slice(0, 24), again);
});
