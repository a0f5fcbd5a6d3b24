import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Reader, Writer } from "../../src/bytes.ts";
import {
  areDetailsOf,
  decodeDetails,
  decodeStoredDetails,
  detailsBinding,
  detailsHashOf,
  encodeDetails,
  encodeStoredDetails,
  readDetails,
  sealedFor,
  writeDetails,
} from "../../src/codec/details.ts";
import { FormatError } from "../../src/errors.ts";
import { detailsBytesMax, detailsPadBytes, sealedDetailsBytesMax } from "../../src/limits.ts";
import type { Details, SealedDetails } from "../../src/protocol/details.ts";
import { shownTo } from "../../src/protocol/details.ts";
import { order, otherLegs, otherPayment, payment } from "../protocol/example.ts";

const card = { number: "4000000000000002", expiry: "11/29", cvv: "123" };
const biggest: Details = {
  memo: "€".repeat(140),
  reference: '"'.repeat(35),
  card: { number: "9".repeat(19), expiry: "11/29", cvv: "9999" },
};
const samples: readonly Details[] = [
  { memo: "Rent for May" },
  { memo: "\ufeff" },
  { reference: "INV-2041" },
  { memo: "😀", reference: " ", card },
  { card: { number: "400000000000", expiry: "01/30" } },
  biggest,
];

for (const details of samples) {
  Deno.test(`decodeDetails() reads ${JSON.stringify(details).slice(0, 40)} as it was written`, () => {
    const bytes = encodeDetails(details);
    assertEquals(JSON.parse(JSON.stringify(decodeDetails(bytes))), details);
    assertEquals(bytes.length % detailsPadBytes, 0);
    assert(bytes.length <= detailsBytesMax);
  });
}

Deno.test("the length of details tells little of them", () => {
  const lengths = ["a", "a".repeat(140)].map((memo) => encodeDetails({ memo }).length);
  assertEquals(lengths, [detailsPadBytes, detailsPadBytes]);
});

function padded(text: string): Uint8Array {
  return new TextEncoder().encode(text.padEnd(detailsPadBytes));
}

const refused: readonly [string, Uint8Array][] = [
  ["nothing", new Uint8Array()],
  ["no JSON", padded("memo")],
  ["null", padded("null")],
  ["a list", padded('["memo"]')],
  ["no details", padded("{}")],
  ["a memo that is a list", padded('{"memo":["a"]}')],
  ["a memo with a length", padded('{"memo":{"length":"1","x":"a"}}')],
  ["a memo that is a number", padded('{"memo":5}')],
  ["an empty memo", padded('{"memo":""}')],
  ["a memo of two lines", padded('{"memo":"a\\nb"}')],
  ["a memo that hides what follows", padded('{"memo":"a\\u202eb"}')],
  ["a memo too long", padded(`{"memo":"${"a".repeat(141)}"}`)],
  ["half a character", padded('{"memo":"\\ud800"}')],
  ["a card's number that is none", padded('{"card":{"number":"1234","expiry":"11/29"}}')],
  ["a card's number as a number", padded('{"card":{"number":400000000000,"expiry":"11/29"}}')],
  [
    "a card's number that is a list",
    padded('{"card":{"number":["4000000000000002"],"expiry":"11/29"}}'),
  ],
  ["a card that is text", padded('{"card":"4000000000000002"}')],
  ["what is not known", padded('{"memo":"a","colour":"red"}')],
  ["another order", padded('{"reference":"b","memo":"a"}')],
  ["another escape", padded('{"memo":"\\u0061"}')],
  ["other padding", new TextEncoder().encode('{"memo":"a"}')],
  ["more padding", new TextEncoder().encode('{"memo":"a"}'.padEnd(2 * detailsPadBytes))],
  ["what is not UTF-8", new Uint8Array(detailsPadBytes).fill(255)],
];

for (const [what, bytes] of refused) {
  Deno.test(`decodeDetails() refuses ${what}, and quotes nothing of it`, () => {
    const error = assertThrows(() => decodeDetails(bytes), FormatError);
    assertEquals(error.message, "details that are none");
  });
}

Deno.test("details are bound to the payment, its legs and their recipient, not to their own hash", () => {
  const bound = detailsBinding(order, "bob");
  assertEquals(
    detailsBinding({ ...order, detailsHash: new Uint8Array(32) } as typeof order, "bob"),
    bound,
  );
  assertNotEquals(detailsBinding(order, "carol"), bound);
  assertNotEquals(detailsBinding(otherLegs, "bob"), bound);
  assertNotEquals(detailsBinding({ ...order, payment: otherPayment }, "bob"), bound);
  assertNotEquals(detailsBinding({ ...order, originator: "bob" }, "bob"), bound);
});

const both: readonly SealedDetails[] = [
  sealedFor("bob", new Uint8Array(300).fill(1)),
  sealedFor("carol", new Uint8Array(300).fill(2)),
];
const [toBob, toCarol] = both as [SealedDetails, SealedDetails];
const telling = { detailsHash: detailsHashOf(both) };

Deno.test("an order's details are those alone that it was sent with", () => {
  assert(areDetailsOf(telling, both));
  assert(areDetailsOf(telling, shownTo("bob", both)));
  assert(areDetailsOf({}, undefined));
  const others: readonly (readonly SealedDetails[] | undefined)[] = [
    undefined,
    [],
    [toBob],
    [toCarol],
    [toBob, sealedFor("carol", toBob.sealed!)],
    [toBob, sealedFor("dave", toCarol.sealed!)],
    [toBob, toCarol, sealedFor("dave", new Uint8Array())],
  ];
  for (const other of others) assert(!areDetailsOf(telling, other));
  assert(!areDetailsOf({}, []));
});

function written(details: readonly SealedDetails[]): Uint8Array {
  const w = new Writer();
  writeDetails(w, details);
  return w.slice();
}

Deno.test("readDetails() gives each its own hash, whatever was told", () => {
  const lying = { ...toBob, hash: toCarol.hash };
  assertEquals(readDetails(new Reader(written([lying, toCarol]))), [...both]);
  assertEquals(readDetails(new Reader(written(shownTo("bob", both)!))), [...shownTo("bob", both)!]);
});

const named = (...names: string[]) => names.map((name) => ({ ...toBob, recipient: name }));
const wrong: readonly [string, readonly SealedDetails[], string][] = [
  ["more recipients than there may be", named("a", "b", "c", "d", "e"), "5 recipients"],
  ["a recipient twice", named("bob", "bob"), "twice"],
  ["recipients out of order", named("carol", "bob"), "not in order"],
  ["a name that is none", named("Bob"), 'name "Bob"'],
  ["more than a recipient may be told", [
    sealedFor("bob", new Uint8Array(sealedDetailsBytesMax + 1)),
  ], "bytes"],
];

for (const [what, details, why] of wrong) {
  Deno.test(`readDetails() refuses ${what}`, () => {
    assertThrows(() => readDetails(new Reader(written(details))), FormatError, why);
  });
}

Deno.test("decodeStoredDetails() reads what was stored, and nothing longer", () => {
  const stored = { payment, details: shownTo("bob", both)! };
  const value = encodeStoredDetails(stored);
  assertEquals(decodeStoredDetails(value), stored);
  assertThrows(() => decodeStoredDetails(new Uint8Array([...value, 0])), FormatError);
  assertThrows(() => decodeStoredDetails(value.subarray(1)), FormatError);
});
