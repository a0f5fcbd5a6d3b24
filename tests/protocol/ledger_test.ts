import { assertEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../../src/errors.ts";
import type { FrozenAccounts, Held } from "../../src/protocol/ledger.ts";
import { availableOf, Ledger } from "../../src/protocol/ledger.ts";
import { leg } from "./example.ts";

function books(): Ledger {
  const ledger = new Ledger();
  ledger.open("main", "USD", 1_000n);
  ledger.open("savings", "USD", 0n);
  ledger.open("euro", "EUR", 50n);
  return ledger;
}

/** Releases and posts are of what was held last. */
type Operation = readonly ["hold", ...string[]] | readonly ["release"] | readonly ["post"];

function does(ledger: Ledger, steps: readonly Operation[]): void {
  let held: readonly Held[] = [];
  for (const [step, ...legs] of steps) {
    if (step === "hold") held = ledger.hold(legs.map(leg));
    else ledger[step](held);
  }
}

/** What is done, then main's posted, pending debits and credits, and what can be spent. */
const operations: readonly [readonly Operation[], readonly bigint[]][] = [
  [[], [1_000n, 0n, 0n, 1_000n]],
  [[["hold", "-400 USD main@a"]], [1_000n, 400n, 0n, 600n]],
  [[["hold", "400 USD main@a"]], [1_000n, 0n, 400n, 1_000n]],
  [[["hold", "-1000 USD main@a"]], [1_000n, 1_000n, 0n, 0n]],
  [[["hold", "-400 USD main@a"], ["release"]], [1_000n, 0n, 0n, 1_000n]],
  [[["hold", "-400 USD main@a"], ["post"]], [600n, 0n, 0n, 600n]],
  [[["hold", "400 USD main@a"], ["post"]], [1_400n, 0n, 0n, 1_400n]],
  [[["hold", "-400 USD main@a", "400 USD savings@a"], ["post"]], [600n, 0n, 0n, 600n]],
];

for (const [steps, [posted, debits, credits, available]] of operations) {
  const what = steps.map((step) => step.join(" ")).join(", then ") || "nothing";
  Deno.test(`Ledger after ${what}: ${posted} -${debits} +${credits}, books at zero`, () => {
    const ledger = books();
    does(ledger, steps);
    const account = ledger.account("main")!;
    assertEquals(account.posted, posted!);
    assertEquals([account.pendingDebits, account.pendingCredits], [debits!, credits!]);
    assertEquals(availableOf(account), available!);
    for (const { accounts, settlement, equity } of ledger.books()) {
      assertEquals(accounts + settlement + equity, 0n);
    }
  });
}

const bugs: readonly [string, readonly Operation[]][] = [
  ["a hold of more than there is", [["hold", "-1001 USD main@a"]]],
  ["a hold on no account", [["hold", "1 USD none@a"]]],
  ["a hold in another currency", [["hold", "1 USD euro@a"]]],
  ["a release of what is not held", [["hold", "-1 USD main@a"], ["release"], ["release"]]],
  ["a post of what is not held", [["hold", "1 USD main@a"], ["post"], ["post"]]],
  ["a post of what was released", [["hold", "-1 USD main@a"], ["release"], ["post"]]],
];

for (const [what, steps] of bugs) {
  Deno.test(`Ledger throws at ${what}`, () => {
    assertThrows(() => does(books(), steps), InvariantError);
  });
}

/** By precedence: the worst leg decides, wherever it stands. */
const refusals: readonly [readonly string[], boolean, string | undefined][] = [
  [["-1000 USD main@a"], true, undefined],
  [["1000 USD main@a"], false, undefined],
  [["-1001 USD main@a"], true, "insufficient_funds"],
  [["-1 USD main@a"], false, "debit_not_authorized"],
  [["-1001 USD main@a"], false, "debit_not_authorized"],
  [["-1 EUR main@a"], false, "currency_mismatch"],
  [["-1001 USD main@a", "1 EUR savings@a"], true, "currency_mismatch"],
  [["1 EUR savings@a", "-1001 USD main@a"], false, "currency_mismatch"],
  [["1 EUR savings@a", "1 USD none@a"], true, "account_not_found"],
  [["-1001 USD main@a", "1 USD none@a"], false, "account_not_found"],
  [["-1 USD main@a", "-1 USD savings@a"], true, "insufficient_funds"],
];

for (const [legs, mayDebit, expected] of refusals) {
  const who = mayDebit ? "the owner's order" : "another's order";
  Deno.test(`Ledger.refusalOf() ${legs.join(", ")} by ${who}: ${expected ?? "none"}`, () => {
    assertEquals<string | undefined>(books().refusalOf(legs.map(leg), mayDebit), expected);
  });
}

Deno.test("Ledger.refusalOf() counts what is held, and no credit before it is posted", () => {
  const ledger = books();
  ledger.hold([leg("-400 USD main@a"), leg("500 USD savings@a")]);
  const refusalOf = (text: string) => ledger.refusalOf([leg(text)], true);
  assertEquals(refusalOf("-600 USD main@a"), undefined);
  assertEquals(refusalOf("-601 USD main@a"), "insufficient_funds");
  assertEquals(refusalOf("-1 USD savings@a"), "insufficient_funds");
});

function pay(ledger: Ledger, ...legs: string[]): void {
  ledger.post(ledger.hold(legs.map(leg)));
}

function told({ count, accounts }: FrozenAccounts): string[] {
  const all = [...accounts].map(({ name, posted }) => `${name} ${posted}`);
  assertEquals(all.length, count);
  return all;
}

Deno.test("Ledger.accounts() tells a part of them, in the order in which they were opened", () => {
  const ledger = books();
  const named = (...part: number[]) => ledger.accounts(...part).map(({ name }) => name);
  assertEquals(ledger.accountCount, 3);
  assertEquals(named(), ["main", "savings", "euro"]);
  assertEquals(named(1), ["savings", "euro"]);
  assertEquals(named(1, 1), ["savings"]);
  assertEquals([named(3), named(9, 2)], [[], []]);
});

Deno.test("Ledger.freeze() tells balances as they were, whenever they are read", () => {
  const ledger = books();
  const { all, changed } = ledger.freeze();
  pay(ledger, "-400 USD main@a", "400 USD savings@a");
  ledger.open("late", "USD", 7n);
  pay(ledger, "-1 USD main@a", "1 USD late@a");
  assertEquals(told(all), ["main 1000", "savings 0", "euro 50"]);
  assertEquals(told(changed), ["main 1000", "savings 0", "euro 50"]);
});

Deno.test("Ledger.freeze() tells what has changed since the time before, in its order", () => {
  const ledger = books();
  ledger.freeze();
  ledger.thaw();
  assertEquals(told(ledger.freeze().changed), []);
  ledger.thaw();
  pay(ledger, "400 USD savings@a", "-400 USD main@a");
  pay(ledger, "-100 USD main@a", "100 USD savings@a");
  ledger.open("late", "USD", 7n);
  // What is only held is no balance.
  ledger.hold([leg("-50 EUR euro@a")]);
  const { all, changed } = ledger.freeze();
  assertEquals(told(changed), ["savings 500", "main 500", "late 7"]);
  assertEquals(told(all), ["main 500", "savings 500", "euro 50", "late 7"]);
});

Deno.test("Ledger.freeze() tells again what was not stored the last time", () => {
  const ledger = books();
  ledger.freeze();
  ledger.thaw();
  pay(ledger, "1 USD savings@a");
  ledger.freeze();
  pay(ledger, "1 USD main@a");
  pay(ledger, "1 USD savings@a");
  assertEquals(told(ledger.freeze().changed), ["savings 2", "main 1001"]);
  ledger.thaw();
  assertEquals(told(ledger.freeze().changed), []);
});

Deno.test("Ledger.freeze() does not let what it gave before be read any more", () => {
  const ledger = books();
  const { all } = ledger.freeze();
  ledger.freeze();
  assertThrows(() => told(all), InvariantError, "read after the next");
});

Deno.test("Ledger.carry() makes balances of several checkpoints one, and nothing of it a change", () => {
  const ledger = new Ledger();
  for (const [name, posted] of [["main", 5n], ["savings", 1n], ["main", 3n]] as const) {
    ledger.carry(name, "USD", posted);
  }
  ledger.carry("settlement", "USD", -1n);
  ledger.carry("equity", "USD", -3n);
  const { all, changed } = ledger.freeze();
  assertEquals([told(all), told(changed)], [["main 3", "savings 1"], []]);
  assertThrows(() => ledger.carry("equity", "USD", -4n), InvariantError, "add up to zero");
});
