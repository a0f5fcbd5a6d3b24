/** What of a card gets past the edge of its issuer's node. */

import { assert, assertEquals } from "@std/assert";
import { CardKey } from "../../src/keys/card_key.ts";
import { claimOf, endOf } from "../../src/node/cards.ts";

const key = new CardKey(new Uint8Array(32).fill(7));
const number = "4929738216503941";
const cvv = key.cvvOf(number, "12/29");
const wrong = `${(Number(cvv) + 1) % 1000}`.padStart(3, "0");

Deno.test("claimOf() tells what is known of a card, and not its number", () => {
  const claim = claimOf(key, { number, expiry: "12/29", cvv });
  assertEquals(claim, {
    hash: key.hashOf(number),
    masked: "492973******3941",
    isNumber: true,
    expiry: { year: 2029, month: 12 },
    expiresMs: Date.UTC(2030, 0, 1),
    isCvvRight: true,
  });
  assert(!JSON.stringify(claim).includes("738216"));
});

const rows: readonly [what: string, card: Parameters<typeof claimOf>[1], found: unknown[]][] = [
  ["without a CVV", { number, expiry: "12/29" }, [true, true, true]],
  ["with another CVV", { number, expiry: "12/29", cvv: wrong }, [true, true, false]],
  ["with the CVV of another month", { number, expiry: "11/29", cvv }, [
    ...[true, true, key.cvvOf(number, "11/29") === cvv],
  ]],
  ["without its check digit", { number: "4929738216503942", expiry: "12/29" }, [false, true, true]],
  ["with no expiry", { number, expiry: "99/99" }, [true, false, true]],
  ["with no expiry and a CVV", { number, expiry: "99/99", cvv }, [true, false, false]],
];

for (const [what, card, found] of rows) {
  Deno.test(`claimOf() of a card ${what}`, () => {
    const { isNumber, expiry, isCvvRight } = claimOf(key, card);
    assertEquals([isNumber, expiry !== undefined, isCvvRight], found);
  });
}

Deno.test("endOf() is when the next month begins, in UTC", () => {
  assertEquals(endOf({ year: 2027, month: 2 }), Date.UTC(2027, 2, 1));
  assertEquals(endOf({ year: 2027, month: 12 }), Date.UTC(2028, 0, 1));
});
