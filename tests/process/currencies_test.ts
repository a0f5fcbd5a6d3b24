/** Payments with many legs, in several currencies; and every refusal in its order of precedence. */

import { assertEquals } from "@std/assert";
import { generate } from "@std/uuid/v7";
import type { Answer } from "./cluster.ts";
import { Cluster, until } from "./cluster.ts";

const openings = {
  alice: ["main=1000.00:USD", "euro=500.00:EUR", "yen=9000:JPY"],
  bob: ["main=0.00:USD", "euro=20.00:EUR"],
  carol: ["main=0.00:USD", "euro=10.00:EUR", "yen=0:JPY"],
};

/** A leg as `main@alice -700 USD`. */
function legOf(text: string) {
  const [account, amount, currency] = text.split(" ");
  return { account, amount, currency };
}

function post(cluster: Cluster, legs: readonly string[], id?: string): Promise<Answer> {
  return cluster.node("alice").post("/v1/payments", { id, legs: legs.map(legOf) });
}

Deno.test("legs over three participants and two currencies commit as one", async (t) => {
  await using cluster = await Cluster.make(openings);
  const posted = async (at: string) => {
    const [account, participant] = at.split("@") as [string, string];
    return (await cluster.node(participant).account(account)).posted;
  };

  await t.step("each currency sums to zero, and every leg is posted", async () => {
    const id = generate();
    const { status, body } = await post(cluster, [
      "main@alice -700 USD",
      "euro@alice -300 EUR",
      "main@bob 500 USD",
      "main@carol 200 USD",
      "euro@carol 300 EUR",
    ], id);
    assertEquals([status, body.state], [201, "committed"]);
    for (const name of cluster.names) {
      await until(`${name} has it committed`, async () => {
        const { body } = await cluster.node(name).get(`/v1/payments/${id}`);
        return body.state === "committed";
      });
    }
    const balances = {
      "main@alice": 993_00,
      "euro@alice": 497_00,
      "main@bob": 5_00,
      "main@carol": 2_00,
      "euro@carol": 13_00,
    };
    for (const [at, amount] of Object.entries(balances)) assertEquals(await posted(at), amount, at);
  });

  await t.step("one leg that is refused refuses all", async () => {
    const { status, body } = await post(cluster, [
      "main@alice -100 USD",
      "yen@alice -9001 JPY",
      "main@bob 100 USD",
      "yen@carol 9001 JPY",
    ]);
    assertEquals([status, body.code], [422, "insufficient_funds"]);
    await cluster.unheld();
    assertEquals([await posted("main@alice"), await posted("main@bob")], [993_00, 5_00]);
  });

  await cluster.stopAndVerify();
});

/** Each with faults of its own code and of some that come later: the first one is told. */
const refusals: readonly (readonly [string, readonly string[]])[] = [
  ["legs_invalid", ["main@alice -100 USD"]],
  ["legs_invalid", ["main@alice -100 USD", "main@alice 90 USD"]],
  ["legs_invalid", ["main@alice -100 USD", "settlement@bob 100 USD"]],
  ["legs_invalid", ["equity@alice -100 USD", "main@nobody 90 XXY"]],
  ["legs_unbalanced", ["main@alice -100 USD", "main@bob 90 USD"]],
  ["legs_unbalanced", ["main@alice -100 USD", "euro@bob 100 EUR"]],
  ["legs_unbalanced", ["main@alice -100 XXY", "main@nobody 90 XXY"]],
  ["currency_unknown", ["main@alice -100 XXY", "main@bob 100 XXY"]],
  ["currency_unknown", ["main@alice -2000000000000000 XXY", "main@nobody 2000000000000000 XXY"]],
  ["amount_out_of_range", ["main@alice -1000000000000001 USD", "main@bob 1000000000000001 USD"]],
  ["amount_out_of_range", ["main@alice 0 USD", "main@nobody 0 USD"]],
  ["participant_unknown", ["main@alice -1 USD", "main@nobody 1 USD"]],
  ["participant_unknown", ["none@alice -9999999 USD", "main@nobody 9999999 USD"]],
  ["account_not_found", ["main@alice -1 USD", "none@bob 1 USD"]],
  ["account_not_found", ["none@alice -1 USD", "euro@alice -1 USD", "main@bob 2 USD"]],
  ["currency_mismatch", ["main@alice -1 USD", "euro@bob 1 USD"]],
  ["currency_mismatch", ["euro@alice -9999999 USD", "main@bob 9999999 USD"]],
  // Two owners: bob did not order it, so his account is not debited.
  ["debit_not_authorized", [
    "euro@alice -100 EUR",
    "euro@bob 100 EUR",
    "main@bob -100 USD",
    "main@alice 100 USD",
  ]],
  ["debit_not_authorized", ["main@alice 100 USD", "main@bob -100 USD"]],
  ["insufficient_funds", ["main@alice -100001 USD", "main@bob 100001 USD"]],
];

Deno.test("a refusal is told by the first code that applies, and for ever", async (t) => {
  await using cluster = await Cluster.make(openings);
  for (const [expected, legs] of refusals) {
    await t.step(`${expected}: ${legs.join(", ")}`, async () => {
      const id = generate();
      const { status, body } = await post(cluster, legs, id);
      assertEquals([status, body.code, body.state, body.id], [422, expected, "aborted", id]);
      const again = await post(cluster, legs, id);
      assertEquals([again.status, again.body.code, again.body.state], [200, expected, "aborted"]);
    });
  }

  const paying = ["main@alice -1 USD", "main@bob 1 USD"];

  await t.step("vote_timeout: a participant that is linked and says nothing", async () => {
    cluster.node("bob").signal("SIGSTOP");
    const { status, body } = await post(cluster, paying);
    cluster.node("bob").signal("SIGCONT");
    assertEquals([status, body.code], [422, "vote_timeout"]);
  });

  await t.step("participant_unreachable: a participant that is known and stopped", async () => {
    await cluster.node("bob").kill();
    const { status, body } = await post(cluster, paying);
    assertEquals([status, body.code], [422, "participant_unreachable"]);
    await cluster.start("bob");
  });

  await t.step("malformed: nothing of it is a payment, and the field is named", async () => {
    const rows = [
      [{ legs: [] }, "legs"],
      [{ legs: [legOf("main@alice -1.5 USD"), legOf("main@bob 1 USD")] }, "legs[0].amount"],
      [{ legs: [legOf("main -1 USD"), legOf("main@bob 1 USD")] }, "legs[0].account"],
      [{ legs: [legOf("main@alice -1 usd"), legOf("main@bob 1 USD")] }, "legs[0].currency"],
      [{ id: "1", from: "main", to: "main@bob", amount: "1", currency: "USD" }, "id"],
      [{ from: "main", to: "main@bob", amount: "-1", currency: "USD" }, "amount"],
    ] as const;
    for (const [body, field] of rows) {
      const answer = await cluster.node("alice").post("/v1/payments", body);
      assertEquals(answer.status, 400, JSON.stringify(body));
      assertEquals(answer.body.field, field, answer.body.detail);
    }
    const ahead = generate(Date.now() + 10 * 60_000);
    assertEquals((await post(cluster, paying, ahead)).status, 400);
    assertEquals((await cluster.node("coordinator").post("/v1/payments", {})).status, 405);
  });

  await cluster.unheld();
  await cluster.stopAndVerify();
});
