/** Cards and charges over HTTP: what is wrong with a request is said without anything of the card. */

import { assert, assertEquals } from "@std/assert";
import type { CardView } from "../../src/http/node_api.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import { aborted, asker, committed, FakeNode, paymentId, post } from "./fake_node.ts";

const number = "4111111111111111";
const spaced = "4111 1111-1111 1111";
const id = "5d1f0c9a7b3e";
const view: CardView = {
  id,
  account: "main",
  masked: "411111******1111",
  expiry: { year: 2029, month: 12 },
  atMs: committed.atMs,
};
const viewJson = {
  id,
  account: "main",
  masked: "411111******1111",
  expiry: "12/29",
  at: "2025-01-31T12:00:00.000Z",
};
const card = { number: spaced, expiry: "12/29", cvv: "123" };
const charge = { id: paymentId, issuer: "bob", to: "main", amount: "2000", currency: "USD", card };
const newCard = { account: "main", number: spaced, expiry: "12/29" };

Deno.test("POST /v1/cards adds a card, and answers its CVV but not its number", async () => {
  for (const [result, status] of [["added", 201], ["existed", 200]] as const) {
    const node = new FakeNode();
    node.cardAdded = { result, card: view, cvv: "007" };
    const reply = await asker(node)("/v1/cards", post(newCard));
    assertEquals([reply.status, reply.json], [status, { ...viewJson, cvv: "007" }]);
    assertEquals(node.cardsAdded, [{ account: "main", number, expiry: view.expiry }]);
  }
});

for (
  const [result, status, code] of [
    ["differs", 409, "card_exists"],
    ["account_not_found", 404, "account_not_found"],
    ["expired", 400, "malformed"],
  ] as const
) {
  Deno.test(`POST /v1/cards answers ${status} where the card is ${result}`, async () => {
    const node = new FakeNode();
    node.cardAdded = { result };
    const reply = await asker(node)("/v1/cards", post(newCard));
    assertEquals([reply.status, reply.json.code], [status, code]);
  });
}

Deno.test("GET /v1/cards shows cards, and what was declined and why", async () => {
  const node = new FakeNode();
  const transaction = committed.transaction as TransactionId;
  const decline = {
    transaction,
    payment: paymentId,
    merchant: "alice",
    masked: "411111******1111",
    amount: 2_000n,
    currency: "USD",
    reason: "expiry_wrong",
    atMs: committed.atMs,
  } as const;
  node.issued = { cards: [view], declined: [decline] };
  const { json } = await asker(node)("/v1/cards");
  const { transaction: _, atMs, ...shown } = decline;
  const at = new Date(atMs).toISOString();
  assertEquals(json, { cards: [viewJson], declined: [{ ...shown, amount: "2000", at }] });
});

Deno.test("a card is removed by its id or by its number", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  const remove = [
    () => ask(`/v1/cards/${id}`, { method: "DELETE" }),
    () => ask("/v1/cards/remove", post({ number: spaced })),
  ];
  for (const send of remove) {
    node.removable = undefined;
    const missing = await send();
    assertEquals([missing.status, missing.json.code], [404, "card_not_found"]);
    node.removable = id;
    const removed = await send();
    assertEquals([removed.status, removed.json], [200, { removed: id }]);
  }
  assertEquals(node.cardsRemoved, [{ id }, { id }, { number }, { number }]);
});

Deno.test("POST /v1/charges orders a payment by card, and answers as payments do", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  const reply = await ask("/v1/charges?wait=2", post(charge, { "idempotency-key": "k" }));
  assertEquals([reply.status, reply.json.state], [201, "committed"]);
  const { key, ...request } = node.requests[0]!;
  assertEquals(request, {
    id: paymentId,
    legs: [
      { account: "card", participant: "bob", amount: -2_000n, currency: "USD" },
      { account: "main", participant: "alice", amount: 2_000n, currency: "USD" },
    ],
    waitMs: 2_000,
    details: [{
      recipient: "bob",
      details: { card: { number, expiry: "12/29", cvv: "123" } },
    }],
  });
  // A hash of it is kept.
  assert(!JSON.stringify(key).includes("1111"), JSON.stringify(key));

  node.answer = () =>
    Promise.resolve({
      state: "aborted",
      replayed: false,
      payment: { ...aborted, code: "card_declined" },
    });
  const declined = await ask("/v1/charges", post(charge));
  assertEquals([declined.status, declined.json.code, declined.json.state], [
    ...[422, "card_declined", "aborted"],
  ]);
  node.answer = () => Promise.resolve({ state: "pending", id: paymentId });
  assertEquals((await ask("/v1/charges", post(charge))).status, 202);
  node.answer = () => Promise.reject(new Error("the node stops"));
  const unknown = await ask("/v1/charges", post(charge));
  assertEquals([unknown.status, unknown.json.code], [500, "outcome_unknown"]);
});

Deno.test("a charge may name the node asked as the one that is paid", async () => {
  const node = new FakeNode();
  const { status } = await asker(node)("/v1/charges", post({ ...charge, to: "main@alice" }));
  assertEquals([status, node.requests[0]?.legs[1]?.participant], [201, "alice"]);
});

Deno.test("a card without a CVV is charged, and no card at all is not", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  const { cvv: _, ...without } = card;
  assertEquals((await ask("/v1/charges", post({ ...charge, card: without }))).status, 201);
  assertEquals(node.requests[0]?.details?.[0]?.details, { card: { number, expiry: "12/29" } });
  const { card: __, ...none } = charge;
  assertEquals((await ask("/v1/charges", post(none))).json.field, "card");
});

Deno.test("a coordinator issues no cards and is paid by none", async () => {
  const ask = asker(new FakeNode("coordinator"));
  const requests = [
    ask("/v1/cards"),
    ask("/v1/cards", post(newCard)),
    ask("/v1/cards/remove", post({ number })),
    ask(`/v1/cards/${id}`, { method: "DELETE" }),
    ask("/v1/charges", post(charge)),
  ];
  for (const { status, json } of await Promise.all(requests)) {
    assertEquals([status, json.code], [405, "method_not_allowed"]);
  }
});

const badNumber = "4111111111111112";
/** Malformed in one way each, with a number in it. */
const malformed: readonly [path: string, body: unknown, field: string][] = [
  ["/v1/cards", { ...newCard, number: badNumber }, "number"],
  ["/v1/cards", { ...newCard, number: number + "00000" }, "number"],
  ["/v1/cards", { ...newCard, number: Number(number) }, "number"],
  ["/v1/cards", { ...newCard, number: [number] }, "number"],
  ["/v1/cards", { ...newCard, account: number }, "account"],
  ["/v1/cards", { ...newCard, expiry: number }, "expiry"],
  ["/v1/cards", { ...newCard, expiry: "13/29" }, "expiry"],
  ["/v1/cards", { ...newCard, pan: number }, "body"],
  ["/v1/cards", { ...newCard, [number]: "x" }, "body"],
  ["/v1/cards", number, "body"],
  ["/v1/cards", `{"number":"${number}"`, "body"],
  ["/v1/cards", [number], "body"],
  ["/v1/cards/remove", { number: badNumber }, "number"],
  ["/v1/cards/remove", { [number]: number }, "number"],
  ["/v1/charges", { ...charge, card: { ...card, number: `${number}x` } }, "card.number"],
  ["/v1/charges", { ...charge, card: { ...card, number: Number(number) } }, "card.number"],
  ["/v1/charges", { ...charge, card: { ...card, expiry: number } }, "card.expiry"],
  ["/v1/charges", { ...charge, card: { ...card, cvv: number } }, "card.cvv"],
  ["/v1/charges", { ...charge, card: { ...card, cvv: 123 } }, "card.cvv"],
  ["/v1/charges", { ...charge, card: { ...card, [number]: 1 } }, "card"],
  ["/v1/charges", { ...charge, card: number }, "card"],
  ["/v1/charges", { ...charge, card: [number] }, "card"],
  ["/v1/charges", { ...charge, id: number }, "id"],
  ["/v1/charges", { ...charge, issuer: number }, "issuer"],
  ["/v1/charges", { ...charge, to: number }, "to"],
  // Of another node, where nobody would hear what became of it.
  ["/v1/charges", { ...charge, to: "main@carol" }, "to"],
  ["/v1/charges", { ...charge, amount: `-${number}` }, "amount"],
  ["/v1/charges", { ...charge, currency: number }, "currency"],
  ["/v1/charges", { ...charge, [number]: card }, "body"],
  ["/v1/charges?wait=" + number, charge, "wait"],
  ["/v1/charges?number=" + number, charge, "body"],
];

for (const [path, body, field] of malformed) {
  Deno.test(`POST ${path} of ${JSON.stringify(body)} is malformed, and not repeated`, async () => {
    const node = new FakeNode();
    const errors: string[] = [];
    const ask = asker(node, { onError: (line) => errors.push(line) });
    const reply = await ask(path, post(body));
    assertEquals([reply.status, reply.json.field], [400, field], reply.text);
    assert(!/4111|111/.test(reply.text), reply.text);
    assertEquals([node.cardsAdded, node.cardsRemoved, node.requests, errors], [[], [], [], []]);
  });
}

Deno.test("an id of a card is no place for a number", async () => {
  const reply = await asker(new FakeNode())(`/v1/cards/${number}`, { method: "DELETE" });
  assertEquals([reply.status, reply.json.field], [400, "id"]);
  assert(!reply.text.includes("1111"), reply.text);
});
