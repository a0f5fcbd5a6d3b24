import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FormatError } from "../../src/errors.ts";
import type { PaymentAnswer, PaymentView, SubmitRejectionCode } from "../../src/http/node_api.ts";
import { OutcomeUnknownError } from "../../src/http/node_api.ts";
import type { PaymentId } from "../../src/protocol/id.ts";
import {
  aborted,
  asker,
  committed,
  FakeNode,
  paymentId,
  post,
  proofBytes,
  transaction,
} from "./fake_node.ts";

const legs = [
  { account: "main@alice", amount: "-12500", currency: "USD" },
  { account: "main@bob", amount: "12500", currency: "USD" },
];
const transfer = { from: "main", to: "main@bob", amount: "12500", currency: "USD" };
const location = `/v1/payments/${paymentId}`;

const view = {
  id: paymentId,
  state: "committed",
  legs,
  originator: "alice",
  transaction: "1-0123456789ab-7",
  clock: { coordinator: 12, alice: 3 },
  at: "2025-01-31T12:00:00.000Z",
};

interface AnswerRow {
  readonly answer: PaymentAnswer;
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly location?: string;
  readonly retryAfter?: string;
}

const rejected = (code: SubmitRejectionCode): PaymentAnswer => ({
  state: "rejected",
  id: paymentId,
  code,
});
const committedAnswer = (replayed: boolean): PaymentAnswer => ({
  state: "committed",
  replayed,
  payment: committed,
});
const abortedAnswer = (replayed: boolean): PaymentAnswer => ({
  state: "aborted",
  replayed,
  payment: aborted,
});
const abortedProblem = { id: paymentId, state: "aborted", code: "insufficient_funds", status: 422 };
const abortedView = { ...view, state: "aborted", code: "insufficient_funds" };

const answers: Record<string, AnswerRow> = {
  "committed": { answer: committedAnswer(false), status: 201, body: view, location },
  "committed before": { answer: committedAnswer(true), status: 200, body: view },
  "committed, and lost here": {
    answer: { state: "committed", replayed: false, payment: { ...committed, isLost: true } },
    status: 201,
    body: { ...view, lost: true },
    location,
  },
  "aborted": { answer: abortedAnswer(false), status: 422, body: abortedProblem },
  "aborted before": { answer: abortedAnswer(true), status: 200, body: abortedView },
  "pending": {
    answer: { state: "pending", id: paymentId },
    status: 202,
    body: { id: paymentId, state: "pending" },
    location,
  },
  "id reused": {
    answer: rejected("id_reused"),
    status: 422,
    body: { code: "id_reused", id: paymentId, payment: paymentId, state: "rejected" },
  },
  "key reused": {
    answer: rejected("key_reused"),
    status: 422,
    body: { code: "key_reused", state: "rejected", id: undefined, payment: paymentId },
  },
  "id in use": { answer: rejected("id_in_use"), status: 409, body: { code: "id_in_use" } },
  "id ahead": {
    answer: rejected("id_ahead"),
    status: 400,
    body: { code: "id_ahead", field: "id" },
  },
  "overloaded": {
    answer: rejected("overloaded"),
    status: 503,
    body: { code: "overloaded", state: "not_started", id: paymentId },
    retryAfter: "1",
  },
  "no coordinator": {
    answer: rejected("coordinator_unreachable"),
    status: 503,
    body: { code: "coordinator_unreachable", state: "not_started", id: paymentId },
    retryAfter: "1",
  },
};

for (const [name, row] of Object.entries(answers)) {
  Deno.test(`POST /v1/payments answers ${row.status}: ${name}`, async () => {
    const node = new FakeNode();
    node.answer = () => Promise.resolve(row.answer);
    const reply = await asker(node)("/v1/payments", post({ legs }));
    assertEquals(reply.status, row.status);
    for (const [member, value] of Object.entries(row.body)) {
      assertEquals(reply.json[member], value, member);
    }
    assertEquals(reply.headers.get("location"), row.location ?? null);
    assertEquals(reply.headers.get("retry-after"), row.retryAfter ?? null);
    const type = row.status < 400 ? "application/json" : "application/problem+json";
    assertEquals(reply.headers.get("content-type"), type);
  });
}

Deno.test("POST /v1/payments never reports a definite failure when the node stops", async () => {
  const lines: string[] = [];
  const node = new FakeNode();
  node.answer = () => Promise.reject(new Error("disk is full"));
  const ask = asker(node, { onError: (line) => lines.push(line) });
  const reply = await ask("/v1/payments", post({ id: paymentId, legs }));
  assertEquals(reply.status, 500);
  assertEquals(reply.json.code, "outcome_unknown");
  assertEquals(reply.json.state, "unknown");
  assertEquals(reply.json.id, paymentId);
  assert(!reply.text.includes("disk"), "nothing of the node's inside is told");
  assertEquals(lines, [`payment ${paymentId}: disk is full`]);
});

Deno.test("POST /v1/payments tells no id where it is unknown by which one a key's payment is known", async () => {
  const node = new FakeNode();
  node.answer = () => Promise.reject(new OutcomeUnknownError(undefined, "disk is full"));
  const ask = asker(node);
  const reply = await ask("/v1/payments", post({ legs }, { "Idempotency-Key": "k" }));
  assertEquals([reply.status, reply.json.code], [500, "outcome_unknown"]);
  assertEquals("id" in reply.json, false);
  assertStringIncludes(String(reply.json.detail), "with the same key");
});

Deno.test("POST /v1/payments hands the node the same order for both forms of a body", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  const upper = paymentId.toUpperCase();
  const key = { "Idempotency-Key": '"a \\"b\\""' };
  await ask("/v1/payments", post({ id: upper, legs }, key));
  await ask("/v1/payments", post({ ...transfer, id: paymentId }, key));
  await ask("/v1/payments", post({ ...transfer, id: paymentId, from: "main@alice" }, key));
  const [first, second, third] = node.requests;
  assertEquals(first?.legs, committed.legs);
  assertEquals(first?.id, paymentId);
  assertEquals(first?.waitMs, 10_000);
  assertEquals(first?.key?.key, 'a "b"');
  assertEquals(second, first);
  assertEquals(third, first);
});

Deno.test("POST /v1/payments tells requests under one key apart", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  const key = { "Idempotency-Key": "k" };
  const bodies = [
    transfer,
    { ...transfer, amount: "12501" },
    { ...transfer, to: "main@carol" },
    { ...transfer, currency: "EUR" },
    { ...transfer, id: paymentId },
  ];
  for (const body of bodies) await ask("/v1/payments", post(body, key));
  const texts = node.requests.map((request) => request.key?.request);
  assertEquals(new Set(texts).size, bodies.length);
});

Deno.test("POST /v1/payments sends unbalanced legs on: the coordinator refuses and records", async () => {
  const node = new FakeNode();
  const body = { legs: [{ account: "settlement@bob", amount: "-007", currency: "ZZZ" }] };
  const reply = await asker(node)("/v1/payments", post(body));
  assertEquals(reply.status, 201);
  assertEquals(node.requests[0]?.legs[0]?.amount, -7n);
});

for (const [wait, waitMs] of [["0", 0], ["2.5", 2500], ["60", 60_000], ["0.001", 1]] as const) {
  Deno.test(`POST /v1/payments?wait=${wait} waits ${waitMs} ms`, async () => {
    const node = new FakeNode();
    await asker(node)(`/v1/payments?wait=${wait}`, post(transfer));
    assertEquals(node.requests[0]?.waitMs, waitMs);
  });
}

const leg = (change: Record<string, unknown>) => ({ legs: [{ ...legs[0], ...change }, legs[1]] });
const malformedBodies: [body: unknown, field: string][] = [
  ["{", "body"],
  ["", "body"],
  ["[]", "body"],
  ["null", "body"],
  [{}, "legs"],
  [{ legs: [] }, "legs"],
  [{ legs: "x" }, "legs"],
  [{ legs: Array(65).fill(legs[0]) }, "legs"],
  [{ legs: [7] }, "legs[0]"],
  [leg({ amount: "1.5" }), "legs[0].amount"],
  [leg({ amount: 12500 }), "legs[0].amount"],
  [leg({ amount: "+1" }), "legs[0].amount"],
  [leg({ amount: "" }), "legs[0].amount"],
  [leg({ amount: "1234567890123456789" }), "legs[0].amount"],
  [leg({ amount: undefined }), "legs[0].amount"],
  [leg({ account: "main" }), "legs[0].account"],
  [leg({ account: "Main@alice" }), "legs[0].account"],
  [leg({ account: "a@b@c" }), "legs[0].account"],
  [leg({ currency: "usd" }), "legs[0].currency"],
  [leg({ note: "x" }), "legs[0].note"],
  [{ legs, note: "x" }, "note"],
  [{ legs, id: "7" }, "id"],
  [{ legs, id: "9d2e1f6a-37e6-4b0e-8a6a-0c6d1c1f7d11" }, "id"],
  [{ ...transfer, amount: "-5" }, "amount"],
  [{ ...transfer, amount: "000" }, "amount"],
  [{ ...transfer, to: "bob" }, "to"],
  [{ ...transfer, from: "a@" }, "from"],
  [{ ...transfer, currency: undefined }, "currency"],
  [{ ...transfer, note: "x" }, "note"],
  [{ ...transfer, id: "x" }, "id"],
  [{ ...transfer, legs }, "legs"],
];

for (const [body, field] of malformedBodies) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  Deno.test(`POST /v1/payments ${text.slice(0, 70)} is malformed: ${field}`, async () => {
    const node = new FakeNode();
    const reply = await asker(node)("/v1/payments", post(body));
    assertEquals(reply.status, 400);
    assertEquals(reply.json.code, "malformed");
    assertEquals(reply.json.field, field);
    assertStringIncludes(String(reply.json.detail), `${field}: `);
    assertEquals(node.requests, []);
  });
}

for (const wait of ["", "-1", "61", "60.001", "1e1", "x", "1&wait=2"]) {
  Deno.test(`POST /v1/payments?wait=${wait} is malformed`, async () => {
    const reply = await asker(new FakeNode())(`/v1/payments?wait=${wait}`, post(transfer));
    assertEquals([reply.status, reply.json.field], [400, "wait"]);
  });
}

const keys: [header: string, key: string | undefined][] = [
  ['"8e03978e-40d5"', "8e03978e-40d5"],
  ["8e03978e-40d5", "8e03978e-40d5"],
  ['"a\\\\b"', "a\\b"],
  ["x".repeat(255), "x".repeat(255)],
  ["x".repeat(256), undefined],
  ["", undefined],
  ['""', undefined],
  ['"a', undefined],
  ['"a"; b=1', undefined],
  ['"a\\x"', undefined],
  ["a, b", undefined],
];

for (const [header, key] of keys) {
  const name = header.slice(0, 20);
  Deno.test(`Idempotency-Key ${name} ${key === undefined ? "is malformed" : "is taken"}`, async () => {
    const node = new FakeNode();
    const headers = { "Idempotency-Key": header };
    const reply = await asker(node)("/v1/payments", post(transfer, headers));
    assertEquals(reply.status, key === undefined ? 400 : 201);
    assertEquals(node.requests[0]?.key?.key, key);
    if (key === undefined) assertEquals(reply.json.field, "idempotency-key");
  });
}

Deno.test("GET /v1/payments/ID shows the payment, in whatever case the id is", async () => {
  const ask = asker(new FakeNode());
  const reply = await ask(`/v1/payments/${paymentId.toUpperCase()}`);
  assertEquals(reply.status, 200);
  assertEquals(reply.json, view);
});

Deno.test("GET /v1/payments/ID says that an unknown id may be sent again", async () => {
  const ask = asker(new FakeNode());
  const reply = await ask(`/v1/payments/${paymentId.replace("5e", "5f")}`);
  assertEquals([reply.status, reply.json.code], [404, "payment_not_found"]);
  assertStringIncludes(String(reply.json.detail), "so the same id may be sent again");
  assertEquals((await ask("/v1/payments/7")).json.field, "id");
});

Deno.test("GET /v1/payments/ID says that nothing was paid by what was given up", async () => {
  const node = new FakeNode();
  const id = paymentId.replace("5e", "5f") as PaymentId;
  node.givenUp.set(id, Date.UTC(2025, 0, 31, 12));
  const reply = await asker(node)(`/v1/payments/${id}`);
  assertEquals([reply.status, reply.json.code], [404, "payment_not_found"]);
  assertEquals(
    reply.json.detail,
    `Nothing was paid here by ${id}: its last attempt was aborted at 2025-01-31T12:00:00.000Z, as ` +
      "nobody had it as committed; the same id may be sent again",
  );
});

Deno.test("GET /v1/payments/ID says that nothing follows from a log that has lost entries", async () => {
  const node = new FakeNode();
  node.isForgetful = true;
  const [id, givenUp] = ["5f", "60"].map((end) => paymentId.replace("5e", end) as PaymentId);
  node.givenUp.set(givenUp!, Date.UTC(2025, 0, 31, 12));
  for (const unknown of [id, givenUp]) {
    const { status, json } = await asker(node)(`/v1/payments/${unknown}`);
    assertEquals([status, json.code], [404, "payment_not_found"]);
    assertEquals(
      json.detail,
      `No outcome of payment ${unknown} is in the log of alice, but this log has lost entries, so nothing ` +
        "follows from that: ask the other nodes that it concerns",
    );
  }
});

Deno.test("GET /v1/payments/ID says that the log has lost what is committed", async () => {
  const node = new FakeNode();
  const id = paymentId.replace("5e", "5f") as PaymentId;
  node.lost.set(id, transaction);
  const { status, json } = await asker(node)(`/v1/payments/${id}`);
  assertEquals([status, json.code, json.state], [404, "payment_not_found", "committed"]);
  assertEquals(
    json.detail,
    `Payment ${id} is committed by ${transaction}, as the coordinator tells, but it is not in the log ` +
      "of alice, whose ledger lacks it: do not make it again by another id",
  );
});

Deno.test("GET /v1/payments/ID/proof gives the payment's certificate in base64", async () => {
  const ask = asker(new FakeNode());
  const reply = await ask(`/v1/payments/${paymentId.toUpperCase()}/proof`);
  assertEquals(reply.status, 200);
  assertEquals(reply.json, { id: paymentId, proof: proofBytes.toBase64() });
  const headers = { authorization: "none" };
  assertEquals((await ask(`/v1/payments/${paymentId}/proof`, { headers })).status, 401);
});

Deno.test("GET /v1/payments/ID/proof says that there is none", async () => {
  const ask = asker(new FakeNode());
  const id = paymentId.replace("5e", "5f");
  const reply = await ask(`/v1/payments/${id}/proof`);
  assertEquals([reply.status, reply.json.code, reply.json.id], [404, "proof_not_found", id]);
  assertEquals((await ask("/v1/payments/7/proof")).json.field, "id");
});

const unproven: readonly [state: PaymentView["state"], forced: Forced, why: string][] = [
  ["prepared", undefined, "it is prepared here"],
  [
    "aborted",
    undefined,
    "it is aborted here; of an abort, participants have one that had voted yes",
  ],
  [
    "prepared",
    { commit: false },
    "it was aborted here by force by ann, and the real decision is not known here",
  ],
  [
    "committed",
    { commit: false, decided: true },
    "it was aborted here by force by ann, but it was committed: ask the coordinator, or others who " +
    "have posted it",
  ],
  [
    "prepared",
    { commit: true, decided: false },
    "it was committed here by force by ann, but it was aborted: ask others who had voted yes",
  ],
];

type Forced = { commit: boolean; decided?: boolean } | undefined;

for (const [state, given, why] of unproven) {
  Deno.test(`GET /v1/payments/ID/proof says where there is none: ${why}`, async () => {
    const node = new FakeNode();
    const forced = given && { ...given, by: "ann", atMs: committed.atMs };
    node.proof = () => Promise.resolve(undefined);
    node.payment = () => Promise.resolve({ ...committed, state, forced });
    const { status, json } = await asker(node)(`/v1/payments/${paymentId}/proof`);
    const detail = `Of payment ${paymentId} no outcome is known here that was signed: ${why}`;
    assertEquals([status, json.detail], [404, detail]);
  });
}

Deno.test("GET /v1/payments lists a page", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  assertEquals((await ask("/v1/payments")).json, { payments: [view], next: "b" });
  await ask("/v1/payments?limit=500&cursor=b&account=main");
  assertEquals(node.queries.map((query) => query.limit), [50, 500]);
  assertEquals(node.queries[1], {
    ...{ limit: 500, cursor: "b", account: "main" },
    hasDetails: undefined,
  });
});

Deno.test("GET /v1/payments?details=true lists them with what they tell the node", async () => {
  const node = new FakeNode();
  const payments = [
    { ...committed, told: { memo: "Rent", reference: "INV-7" } },
    { ...committed, told: "erased" },
    committed,
  ] as const;
  node.page = () => Promise.resolve({ payments });
  const { json } = await asker(node)("/v1/payments?details=true");
  const told = [{ memo: "Rent", reference: "INV-7" }, { details: "erased" }, {}];
  assertEquals(json, { payments: told.map((parts) => ({ ...view, ...parts })) });
  await asker(node)("/v1/payments?details=false");
  assertEquals(node.queries.map(({ hasDetails }) => hasDetails), [true, false]);
});

Deno.test("GET /v1/payments?open=true lists at a coordinator what is open, and who it waits for", async () => {
  const open = { waitingFor: ["bob"], since: "2025-01-31T12:00:00.000Z" };
  const ask = asker(new FakeNode("coordinator"));
  const { json } = await ask("/v1/payments?open=true&limit=5");
  assertEquals(json, { payments: [{ ...view, open }] });
  const paged = await ask("/v1/payments?open=true&cursor=b");
  assertEquals([paged.status, paged.json.field], [400, "open"]);
  const reply = await asker(new FakeNode())("/v1/payments?open=true");
  assertEquals([reply.status, reply.json.field], [400, "open"]);
  assertStringIncludes(reply.json.detail as string, "see /v1/in-doubt");
});

const malformedQueries = ["limit=0", "limit=501", "limit=x", "account=A", "cursor=", "limti=5"];
for (const query of [...malformedQueries, "details=yes"]) {
  Deno.test(`GET /v1/payments?${query} is malformed`, async () => {
    const reply = await asker(new FakeNode())(`/v1/payments?${query}`);
    assertEquals([reply.status, reply.json.field], [400, query.split("=")[0]]);
  });
}

Deno.test("GET /v1/payments tells a cursor that the node does not know from a bug", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  node.page = () => Promise.reject(new FormatError("no cursor"));
  assertEquals((await ask("/v1/payments?cursor=x")).json.field, "cursor");
  node.page = () => Promise.reject(new RangeError("a bug"));
  assertEquals((await ask("/v1/payments?cursor=x")).status, 500);
});
