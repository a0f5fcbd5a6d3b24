import { assert, assertEquals } from "@std/assert";
import { encodeOrder } from "../../src/codec/order.ts";
import { amountMax, legsMax } from "../../src/limits.ts";
import {
  legsOf,
  participantsOf,
  refusalOfOrder,
  sameOrder,
  sameRequest,
} from "../../src/protocol/order.ts";
import { order, orderOf, otherLegs, otherPayment, payment } from "./example.ts";

function manyLegs(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i % 2 ? 1 : -1} USD a${i}@alice`);
}

/** By precedence: each row is wrong in every way that comes after its code, too. */
const refusals: readonly [string, readonly string[], string | undefined][] = [
  ["two legs", ["-1 USD main@alice", "1 USD main@bob"], undefined],
  ["no legs", [], "legs_invalid"],
  ["one leg", ["1 XXX main@alice"], "legs_invalid"],
  ["as many legs as may be", manyLegs(legsMax), undefined],
  ["more", manyLegs(legsMax + 2), "legs_invalid"],
  ["an account twice", ["0 XXX main@alice", "1 XXX main@alice"], "legs_invalid"],
  [
    "an account twice of three",
    ["1 XXX main@alice", "1 USD main@bob", "1 XXX main@alice"],
    "legs_invalid",
  ],
  ["the same account name at two", ["-1 USD main@alice", "1 USD main@bob"], undefined],
  ["settlement", ["-1 USD settlement@alice", "2 XXX main@bob"], "legs_invalid"],
  ["equity", ["-1 USD main@alice", "2 XXX equity@bob"], "legs_invalid"],
  ["a sum above zero", ["-1 XXX main@alice", "2 XXX main@bob"], "legs_unbalanced"],
  ["two currencies of one sum", ["-1 USD main@alice", "1 EUR main@bob"], "legs_unbalanced"],
  [
    "each currency at zero",
    ["-1 USD a@alice", "1 USD a@bob", "-2 EUR b@alice", "2 EUR b@bob"],
    undefined,
  ],
  [
    "one of two currencies not",
    ["-1 USD a@alice", "1 USD a@bob", "-2 EUR b@alice", "1 EUR b@bob"],
    "legs_unbalanced",
  ],
  ["no currency", ["0 XXX main@alice", "0 XXX main@bob"], "currency_unknown"],
  ["nothing", ["0 USD main@alice", "0 USD main@bob"], "amount_out_of_range"],
  ["the most", [`-${amountMax} USD main@alice`, `${amountMax} USD main@bob`], undefined],
  [
    "more than the most",
    [`-${amountMax + 1n} USD main@alice`, `${amountMax + 1n} USD main@bob`],
    "amount_out_of_range",
  ],
];

for (const [what, legs, expected] of refusals) {
  Deno.test(`refusalOfOrder() of ${what}: ${expected ?? "none"}`, () => {
    assertEquals<string | undefined>(refusalOfOrder(orderOf("alice", legs)), expected);
  });
}

Deno.test("sameRequest() takes a charge for the same, however its card was sealed", () => {
  const legs = (amount: bigint) => [
    { account: "card", participant: "bob", amount: -amount, currency: "USD" },
    { account: "main", participant: "alice", amount, currency: "USD" },
  ];
  const sealed = (hash: number, amount = 1n, id = payment) =>
    encodeOrder({
      payment: id,
      originator: "alice",
      legs: legs(amount),
      detailsHash: new Uint8Array(32).fill(hash),
    });
  assert(sameRequest(sealed(1), sealed(2)));
  assert(!sameRequest(sealed(1), sealed(1, 2n)));
  assert(!sameRequest(sealed(1), sealed(1, 1n, otherPayment)));
  // A memo is part of what was asked for.
  const memo = (hash: number) =>
    encodeOrder({ ...order, detailsHash: new Uint8Array(32).fill(hash) });
  assert(sameRequest(memo(1), memo(1)));
  assert(!sameRequest(memo(1), memo(2)));
});

Deno.test("sameOrder() compares bytes", () => {
  const copy = orderOf("alice", ["-100 USD main@alice", "100 USD main@bob"]);
  const turned = orderOf("alice", ["100 USD main@bob", "-100 USD main@alice"]);
  assertEquals([copy, otherLegs, turned].map((other) => sameOrder(order, other)), [
    true,
    false,
    false,
  ]);
});

Deno.test("participantsOf() names each once, in the order of its legs", () => {
  const legs = ["-2 USD main@carol", "1 USD main@bob", "1 USD savings@carol"];
  const three = orderOf("carol", legs);
  assertEquals(participantsOf(three), ["carol", "bob"]);
  assertEquals(legsOf(three, "carol").map(({ account }) => account), ["main", "savings"]);
});
