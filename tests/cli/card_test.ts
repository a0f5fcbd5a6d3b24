/** Cards at the command line: asked for without echo or read from stdin, and never repeated. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fakeNode, record, recordReading, recordTyping } from "./recorder.ts";

const number = "4111111111111111";
const id = "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e";
const cardId = "5d1f0c9a7b3e";
const added = {
  id: cardId,
  account: "main",
  masked: "411111******1111",
  expiry: "12/29",
  at: "2026-01-01T00:00:00.000Z",
};
const order = ["--issuer", "bob", "--to", "main", "--amount", "20.00", "--currency", "USD"];

type Sent = [method: string, path: string, body: unknown];

async function keeping(answer: unknown, status = 200) {
  const sent: Sent[] = [];
  const node = await fakeNode(async (request) => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    sent.push([request.method, pathname + search, text === "" ? undefined : JSON.parse(text)]);
    return Response.json(answer, { status });
  });
  return { node, sent, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}

const committed = { id, state: "committed" };
const whole = { number, expiry: "12/29", cvv: "123" };

/** A card on stdin, and what is sent of it. */
const readable: readonly [what: string, stdin: string, card: unknown][] = [
  ["lines", `${number}\n12/29\n123\n`, whole],
  ["lines with spaces", " 4111 1111 1111 1111 \r\n 12/29\r\n123\r\n", whole],
  ["lines without a CVV", `${number}\n12/29`, { number, expiry: "12/29" }],
  ["lines with an empty CVV", `${number}\n12/29\n\n`, { number, expiry: "12/29" }],
  ["JSON", JSON.stringify(whole), whole],
  ["JSON with more in it", `\n ${JSON.stringify({ ...whole, name: "Ann" }, null, 2)}\n`, whole],
];

for (const [what, stdin, card] of readable) {
  Deno.test(`charge takes the card from ${what} on stdin`, async () => {
    await using server = await keeping(committed, 201);
    const said = await recordReading(stdin, "charge", ...order, "--id", id, ...server.node.flags);
    assertEquals(said.exit, 0, said.err.join());
    assertEquals(said.err, [`payment ${id}`]);
    assertEquals(said.out, [`committed ${id}: 20.00 USD by a card of bob to main`]);
    const body = { id, issuer: "bob", to: "main", amount: "2000", currency: "USD", card };
    assertEquals(server.sent, [["POST", "/v1/charges?wait=10", body]]);
  });
}

for (
  const [issuer, said] of [
    ["bob", 'no participant "bob" in this network as far as this node knows'],
    ["alice", `a card can't be charged at its own issuer, as "alice" is`],
  ] as const
) {
  Deno.test(`charge --issuer ${issuer} at alice, who does not know of it, says why`, async () => {
    const refusal = { code: "participant_unknown", id, state: "not_started" };
    await using node = await fakeNode(({ method }) =>
      method === "GET" ? Response.json({ name: "alice" }) : Response.json(refusal, { status: 422 })
    );
    const args = ["charge", "--issuer", issuer, ...order.slice(2), "--id", id, ...node.flags];
    const { exit, err } = await recordReading(JSON.stringify(whole), ...args);
    assertEquals(exit, 1);
    assertStringIncludes(err[1]!, said);
    assertStringIncludes(err[1]!, `payment ${id} was not started`);
  });
}

const unreadable: readonly [what: string, stdin: string, said: string][] = [
  ["nothing", "", "card number must be"],
  ["no number", "12/29\n123\n", "card number must be"],
  ["a number too long", `${number}11111\n12/29\n`, "card number must be"],
  ["no expiry", `${number}\n`, "expiry must be"],
  ["another expiry", `${number}\n2029-12\n`, "expiry must be"],
  ["a number for a CVV", `${number}\n12/29\n${number}\n`, "CVV must be"],
  ["broken JSON", `{"number":"${number}"`, "JSON on stdin"],
  ["JSON of numbers", `{"number":${number},"expiry":"12/29"}`, "JSON on stdin"],
];

for (const [what, stdin, words] of unreadable) {
  Deno.test(`charge refuses ${what} on stdin with exit 2, sends nothing and repeats nothing`, async () => {
    await using server = await keeping(committed, 201);
    const said = await recordReading(stdin, "charge", ...order, ...server.node.flags);
    assertEquals([said.exit, said.out, server.sent], [2, [], []]);
    assertStringIncludes(said.err.join(), words);
    assert(!/4111|1111|2029/.test(said.err.join()), said.err.join());
  });
}

Deno.test("charge asks a person for the card without echo, and for the id's sake first", async () => {
  await using server = await keeping(committed, 201);
  const typed = [number, "12/29", ""];
  const said = await recordTyping(typed, "charge", ...order, "--id", id, ...server.node.flags);
  assertEquals(said.err, [
    ...["card number", "expiry, MM/YY", "CVV, or Enter for none", `payment ${id}`],
  ]);
  const [[, , body] = []] = server.sent;
  assertEquals((body as { card: unknown }).card, { number, expiry: "12/29" });
});

Deno.test("charge takes the currency of the account that is paid", async () => {
  await using node = await fakeNode(async (request) => {
    if (request.method === "POST") {
      assertEquals((await request.json()).amount, "20000");
      return Response.json(committed, { status: 201 });
    }
    const amounts = { posted: "0", pendingDebits: "0", pendingCredits: "0", available: "0" };
    return Response.json({ account: "main", currency: "KWD", ...amounts });
  });
  const stdin = `${number}\n12/29\n`;
  const said = await recordReading(
    stdin,
    ...["charge", ...order.slice(0, -2), "--id", id, ...node.flags],
  );
  assertEquals(said.out, [`committed ${id}: 20.000 KWD by a card of bob to main`]);
});

Deno.test("charge exits 3 where the card is declined, and knows no reason", async () => {
  const problem = { id, state: "aborted", code: "card_declined", detail: "card_declined" };
  await using server = await keeping(problem, 422);
  const stdin = `${number}\n12/29\n`;
  const said = await recordReading(stdin, "charge", ...order, "--id", id, ...server.node.flags);
  assertEquals(said.exit, 3);
  assertStringIncludes(said.err[1] ?? "", "card_declined (the card's issuer does not say why)");
});

Deno.test("card add sends number and expiry, and shows the CVV once", async () => {
  await using server = await keeping({ ...added, cvv: "007" }, 201);
  const args = ["card", "add", "--account", "main", ...server.node.flags];
  for (
    const add of [
      () => recordReading(`${number}\n12/29\n`, ...args),
      () => recordTyping([number, "12/29"], ...args),
    ]
  ) {
    const { exit, out } = await add();
    assertEquals(exit, 0);
    assertEquals(out, [
      `card ${cardId}, 411111******1111, pays from main until 12/29`,
      "CVV 007: it is shown here only, and kept nowhere",
    ]);
  }
  const body = { account: "main", number, expiry: "12/29" };
  assertEquals(server.sent, [["POST", "/v1/cards", body], ["POST", "/v1/cards", body]]);
});

Deno.test("card remove takes an id, or reads a number", async () => {
  await using server = await keeping({ removed: cardId });
  const { flags } = server.node;
  const byId = await record("card", "remove", "--id", cardId, ...flags);
  assertEquals(byId.out, [`removed card ${cardId}: it pays no more`]);
  await recordReading(`${number}\n`, "card", "remove", ...flags);
  await recordTyping([number], "card", "remove", ...flags);
  assertEquals(server.sent, [
    ["DELETE", `/v1/cards/${cardId}`, undefined],
    ["POST", "/v1/cards/remove", { number }],
    ["POST", "/v1/cards/remove", { number }],
  ]);
});

Deno.test("card list shows cards, and what was declined and why", async () => {
  const declined = {
    payment: id,
    merchant: "alice",
    masked: "411111******1111",
    amount: "2000",
    currency: "USD",
    reason: "expiry_wrong",
    at: "2026-01-02T00:00:00.000Z",
  };
  await using server = await keeping({ cards: [added], declined: [declined] });
  const { out } = await record("card", "list", ...server.node.flags);
  assertEquals(out, [
    "card\tnumber\taccount\texpiry\tadded",
    `${cardId}\t411111******1111\tmain\t12/29\t2026-01-01T00:00:00.000Z`,
    "",
    "declined\tnumber\tmerchant\tamount\twhy\tpayment",
    `2026-01-02T00:00:00.000Z\t411111******1111\talice\t20.00 USD\texpiry_wrong\t${id}`,
  ]);
  await using empty = await keeping({ cards: [], declined: [] });
  assertEquals((await record("card", "list", ...empty.node.flags)).out, ["no cards"]);
});

Deno.test("a card as an argument is refused with exit 2, and not repeated", async () => {
  const lines = [
    ["charge", ...order, number],
    ["charge", ...order, "--number", number],
    ["charge", ...order, `--card=${number}`],
    ["card", number],
    ["card", "add", "--account", "main", number],
    ["card", "add", "--account", "main", `--pan=${number}`],
    ["card", "remove", number],
    ["card", "remove", "--id", number],
  ];
  for (const line of lines) {
    const { exit, out, err } = await record(...line);
    assertEquals([exit, out], [2, []]);
    assert(!err.join().includes(number), err.join());
  }
  assertMatch(
    (await record("charge", ...order, number)).err.join(),
    /asked for, or read from stdin/,
  );
});

Deno.test("card remove names the command that lists cards, where there is no such card", async () => {
  const detail = "This node has issued no such card; see GET /v1/cards";
  await using server = await keeping({ code: "card_not_found", detail }, 404);
  const { exit, err } = await record("card", "remove", "--id", cardId, ...server.node.flags);
  assertEquals(exit, 1);
  const said = 'handfast: This node has issued no such card; see "handfast card list"';
  assertEquals(err, [said]);
});
