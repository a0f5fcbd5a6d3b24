import { assertEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../../src/errors.ts";
import { availableOf, Ledger } from "../../src/protocol/ledger.ts";
import { leg } from "./example.ts";

function books(): Ledger {
  const ledger = new Ledger();
  ledger.open("main", "USD", 1_000n);
  ledger.open("savings", "USD", 0n);
  ledger.open("euro", "EUR", 50n);
  return ledger;
}

type Operation = readonly ["hold" | "release" | "post", ...string[]];

/** What is done, then main's posted, pending debits and credits, and what can be spent. */
const operations: readonly [readonly Operation[], readonly bigint[]][] = [
  [[], [1_000n, 0n, 0n, 1_000n]],
  [[["hold", "-400 USD main@a"]], [1_000n, 400n, 0n, 600n]],
  [[["hold", "400 USD main@a"]], [1_000n, 0n, 400n, 1_000n]],
  [[["hold", "-1000 USD main@a"]], [1_000n, 1_000n, 0n, 0n]],
  [[["hold", "-400 USD main@a"], ["release", "-400 USD main@a"]], [1_000n, 0n, 0n, 1_000n]],
  [[["hold", "-400 USD main@a"], ["post", "-400 USD main@a"]], [600n, 0n, 0n, 600n]],
  [[["hold", "400 USD main@a"], ["post", "400 USD main@a"]], [1_400n, 0n, 0n, 1_400n]],
  [
    [["hold", "-400 USD main@a", "400 USD savings@a"], [
      "post",
      "-400 USD main@a",
      "400 USD savings@a",
    ]],
    [600n, 0n, 0n, 600n],
  ],
];

for (const [steps, [posted, debits, credits, available]] of operations) {
  const what = steps.map((step) => step.join(" ")).join(", then ") || "nothing";
  Deno.test(`Ledger after ${what}: ${posted} -${debits} +${credits}, books at zero`, () => {
    const ledger = books();
    for (const [does, ...legs] of steps) ledger[does](legs.map(leg));
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
  ["a release of what is not held", [["release", "-1 USD main@a"]]],
  ["a post of what is not held", [["post", "1 USD main@a"]]],
  ["a post in another currency", [["hold", "1 USD euro@a"], ["post", "1 USD euro@a"]]],
];

for (const [what, steps] of bugs) {
  Deno.test(`Ledger throws at ${what}`, () => {
    const ledger = books();
    const run = () => steps.forEach(([does, ...legs]) => ledger[does](legs.map(leg)));
    assertThrows(run, InvariantError);
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
