import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Api, Outcome, Payer } from "../../src/bench/payer.ts";
import { byBatch, overHttp } from "../../src/bench/payer.ts";
import { fakeNode } from "../cli/recorder.ts";

const payment = {
  legs: [
    { account: "a1", participant: "p1", amount: -5n, currency: "USD" },
    { account: "a2", participant: "p2", amount: 5n, currency: "USD" },
  ],
  memo: "Rent",
};

interface Asked {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** What one request comes to, and what it was, where a node answers so. */
async function paid(payerOf: (api: Api) => Payer, count: number, answer: Response) {
  const asked: Asked[] = [];
  await using node = await fakeNode(async (request) => {
    const { pathname, search } = new URL(request.url);
    asked.push({ path: pathname + search, headers: request.headers, body: await request.text() });
    return answer;
  });
  const outcomes: Outcome[] = [];
  const payer = payerOf({ name: "p1", url: node.url, token: "secret" });
  const payments = Array.from({ length: count }, () => payment);
  await payer.pay(payments, (outcome) => outcomes.push(outcome));
  return { asked: asked[0]!, outcomes };
}

function assertIsPayment(text: string): void {
  const { id, ...rest } = JSON.parse(text);
  assert(typeof id === "string");
  assertEquals(rest, {
    legs: [
      { account: "a1@p1", amount: "-5", currency: "USD" },
      { account: "a2@p2", amount: "5", currency: "USD" },
    ],
    memo: "Rent",
  });
}

function lines(...answers: unknown[]): Response {
  return new Response(answers.map((answer) => `${JSON.stringify(answer)}\n`).join(""));
}

Deno.test("a payment over HTTP is the request that clients make", async () => {
  const { asked, outcomes } = await paid(
    overHttp,
    1,
    Response.json({ state: "committed" }, { status: 201 }),
  );
  assertEquals(asked.path, "/v1/payments?wait=30");
  assertEquals(asked.headers.get("authorization"), "Bearer secret");
  assertEquals(asked.headers.get("content-type"), "application/json");
  assertIsPayment(asked.body);
  assertEquals(outcomes, [{ state: "committed" }]);
});

Deno.test("payments by batch are lines of one request, and each has its outcome", async () => {
  const answer = lines({ state: "committed" }, { state: "aborted" }, {
    state: "not_started",
    code: "overloaded",
  });
  const { asked, outcomes } = await paid(byBatch, 3, answer);
  assertEquals(asked.path, "/v1/payments/batch?wait=30");
  assertEquals(asked.headers.get("content-type"), "application/x-ndjson");
  const bodies = asked.body.split("\n");
  assertEquals(bodies.length, 3);
  bodies.forEach(assertIsPayment);
  const rejected = { state: "rejected" as const, code: "overloaded" };
  assertEquals(outcomes, [{ state: "committed" }, { state: "aborted" }, rejected]);
});

Deno.test("a batch that is refused is refused for each of its payments", async () => {
  const problem = { state: "not_started", code: "overloaded" };
  const { outcomes } = await paid(byBatch, 2, Response.json(problem, { status: 503 }));
  const rejected = { state: "rejected" as const, code: "overloaded" };
  assertEquals(outcomes, [rejected, rejected]);
});

Deno.test("an answer that tells no outcome is no measurement", async () => {
  const malformed = () => Response.json({ status: 400, code: "malformed" }, { status: 400 });
  await assertRejects(() => paid(overHttp, 1, malformed()), Error, "malformed");
  await assertRejects(() => paid(byBatch, 1, malformed()), Error, "malformed");
  const short = lines({ state: "committed" });
  await assertRejects(() => paid(byBatch, 2, short), Error, "1 lines of a batch for p1");
});
