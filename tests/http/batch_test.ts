import { assert, assertEquals } from "@std/assert";
import { createApp } from "../../src/http/app.ts";
import type { PaymentAnswer } from "../../src/http/node_api.ts";
import {
  paymentBatchBytesMax,
  paymentBatchesMax,
  paymentBatchLinesMax,
  paymentBatchRetryMs,
  paymentBatchUnderWayMax,
} from "../../src/limits.ts";
import type { Reply } from "./fake_node.ts";
import {
  aborted,
  asker,
  committed,
  FakeNode,
  paymentId,
  post,
  postLines,
  token,
} from "./fake_node.ts";

const path = "/v1/payments/batch";
const transfer = { from: "main", to: "main@bob", amount: "12500", currency: "USD" };
const committedAnswer: PaymentAnswer = { state: "committed", replayed: false, payment: committed };

interface Outcome {
  readonly line: number;
  readonly status: number;
  readonly [member: string]: unknown;
}

function outcomesIn({ text }: Pick<Reply, "text">): Outcome[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line) as Outcome);
}

/** What a payment of `amount` minor units is answered, once the test says so. */
function answersByAmount(node: FakeNode): Map<bigint, (answer: PaymentAnswer) => void> {
  const answers = new Map<bigint, (answer: PaymentAnswer) => void>();
  node.answer = ({ legs }) => new Promise((resolve) => void answers.set(legs[1]!.amount, resolve));
  return answers;
}

const rejections = [
  ...["id_reused", "id_in_use", "id_ahead", "overloaded", "coordinator_unreachable"] as const,
  "participant_unknown" as const,
];
const answers: Readonly<Record<string, () => Promise<PaymentAnswer>>> = {
  "committed": () => Promise.resolve(committedAnswer),
  "committed before": () => Promise.resolve({ ...committedAnswer, replayed: true }),
  "aborted": () => Promise.resolve({ state: "aborted", replayed: false, payment: aborted }),
  "aborted before": () => Promise.resolve({ state: "aborted", replayed: true, payment: aborted }),
  "pending": () => Promise.resolve({ state: "pending", id: paymentId }),
  "unknown": () => Promise.reject(new Error("disk is full")),
  ...Object.fromEntries(rejections.map((code) => [
    code,
    () => Promise.resolve({ state: "rejected", id: paymentId, code }),
  ])),
};

for (const [name, answer] of Object.entries(answers)) {
  Deno.test(`a line of a batch is told as a request of its own would be: ${name}`, async () => {
    const node = new FakeNode();
    node.answer = answer;
    const ask = asker(node);
    // As it is in the end: there is no time to try it again.
    const single = await ask("/v1/payments?wait=0", post({ ...transfer, id: paymentId }));
    const batch = await ask(`${path}?wait=0`, postLines([{ ...transfer, id: paymentId }]));
    assertEquals(batch.status, 200);
    assertEquals(batch.headers.get("content-type"), "application/x-ndjson");
    assertEquals(outcomesIn(batch), [{ line: 1, status: single.status, ...single.json }]);
    assertEquals(node.requests[1], node.requests[0]);
  });
}

Deno.test("a line that finds too much under way is tried again within its wait", async () => {
  const node = new FakeNode();
  const overloaded = { state: "rejected", id: paymentId, code: "overloaded" } as const;
  const coming: PaymentAnswer[] = [overloaded, overloaded, committedAnswer];
  node.answer = () => Promise.resolve(coming.shift()!);
  const [told] = outcomesIn(await asker(node)(path, postLines([transfer])));
  assertEquals(told!.status, 201);
  assertEquals(node.requests.length, 3);
  const waits = node.requests.map(({ waitMs }) => waitMs);
  assertEquals(waits.toSorted((a, b) => b - a), waits);
  assert(waits[0]! - waits[2]! > paymentBatchRetryMs, String(waits));
});

Deno.test("a line is not tried again by a node that stops", async () => {
  const node = new FakeNode();
  node.ready = false;
  node.answer = () => Promise.resolve({ state: "rejected", id: paymentId, code: "overloaded" });
  const [told] = outcomesIn(await asker(node)(path, postLines([transfer])));
  assertEquals(told!.status, 503);
  assertEquals(node.requests.length, 1);
});

Deno.test("a malformed line is told as such, and stops no other", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  const wrong = [
    "{",
    "7",
    "[]",
    {},
    { ...transfer, amount: "1.5" },
    { ...transfer, note: "x" },
    { ...transfer, to: "main@alice", memo: "for nobody" },
    { legs: [{ account: "main@alice", amount: "x", currency: "USD" }] },
  ];
  const reply = await ask(path, postLines([...wrong, transfer]));
  const outcomes = outcomesIn(reply);
  for (const [index, body] of wrong.entries()) {
    const single = await ask("/v1/payments", post(body));
    assertEquals(single.status, 400);
    assertEquals(outcomes[index], { line: index + 1, status: 400, ...single.json });
  }
  assertEquals(outcomes.at(-1)?.status, 201);
  assertEquals(node.requests.length, 1);
});

Deno.test("lines are counted as an editor does; blank ones have no outcome", async () => {
  const node = new FakeNode();
  const line = JSON.stringify(transfer);
  const reply = await asker(node)(path, postLines(["", `${line}\r`, "  \r", "{", line, "", ""]));
  assertEquals(outcomesIn(reply).map(({ line }) => line), [2, 4, 5]);
});

for (const [query, waitMs] of [["", 10_000], ["?wait=2.5", 2_500]] as const) {
  Deno.test(`POST ${path}${query} waits ${waitMs} ms for each line`, async () => {
    const node = new FakeNode();
    await asker(node)(path + query, postLines([transfer, transfer]));
    assertEquals(node.requests.map((request) => request.waitMs), [waitMs, waitMs]);
  });
}

Deno.test("an outcome is told as soon as those before it are", async () => {
  const node = new FakeNode();
  const answers = answersByAmount(node);
  const hosts = () => ["localhost:7080"];
  const app = createApp(node, { token, hosts, loopback: true });
  const lines = ["1", "2", "3", "4"].map((amount) => ({ ...transfer, amount }));
  const headers = { authorization: `Bearer ${token}` };
  const response = await app.request(`http://localhost:7080${path}`, postLines(lines, headers));
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const told = async () => outcomesIn({ text: (await reader.read()).value! });

  answers.get(2n)?.(committedAnswer);
  answers.get(1n)?.(committedAnswer);
  assertEquals((await told()).map(({ line }) => line), [1, 2]);
  answers.get(4n)?.(committedAnswer);
  answers.get(3n)?.({ state: "pending", id: paymentId });
  assertEquals((await told()).map(({ line, status }) => [line, status]), [[3, 202], [4, 201]]);
  assert((await reader.read()).done);
});

Deno.test("a batch has so many payments under way at a time, and a slow one holds up none", async () => {
  const node = new FakeNode();
  const slow = Promise.withResolvers<PaymentAnswer>();
  let [underWay, most] = [0, 0];
  node.answer = async ({ legs }) => {
    most = Math.max(most, ++underWay);
    // The first answers when all others have.
    if (legs[1]!.amount === 1n) await slow.promise;
    else await new Promise((resolve) => setTimeout(resolve, 1));
    underWay--;
    if (node.requests.length === count && underWay === 1) slow.resolve(committedAnswer);
    return committedAnswer;
  };
  const count = 3 * paymentBatchUnderWayMax;
  const lines = Array.from({ length: count }, (_, i) => ({ ...transfer, amount: `${i + 1}` }));
  const outcomes = outcomesIn(await asker(node)(path, postLines(lines)));
  assertEquals(most, paymentBatchUnderWayMax);
  assertEquals(outcomes.map(({ line }) => line), lines.map((_, index) => index + 1));
});

Deno.test("a batch is carried out also where its client goes away", async () => {
  const node = new FakeNode();
  const answers = answersByAmount(node);
  const app = createApp(node, { token, hosts: () => ["localhost:7080"], loopback: true });
  const count = paymentBatchUnderWayMax + 1;
  const lines = Array.from({ length: count }, (_, i) => ({ ...transfer, amount: `${i + 1}` }));
  const headers = { authorization: `Bearer ${token}` };
  const response = await app.request(`http://localhost:7080${path}`, postLines(lines, headers));
  const reader = response.body!.getReader();
  const reading = reader.read();
  await reader.cancel();
  assert((await reading).done);
  for (const answer of answers.values()) answer(committedAnswer);
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(node.requests.length, count);
});

const tooLarge: readonly [what: string, lines: readonly unknown[]][] = [
  [`more than ${paymentBatchLinesMax} lines`, Array(paymentBatchLinesMax + 1).fill(transfer)],
  [`more than ${paymentBatchBytesMax} bytes`, [transfer, " ".repeat(paymentBatchBytesMax)]],
];
for (const [what, lines] of tooLarge) {
  Deno.test(`a batch of ${what} is refused, with nothing started`, async () => {
    const node = new FakeNode();
    const reply = await asker(node)(path, postLines(lines));
    assertEquals([reply.status, reply.json.code], [413, "too_large"]);
    assertEquals(node.requests, []);
  });
}

Deno.test(`a batch of ${paymentBatchLinesMax} lines is taken`, async () => {
  const lines = Array(paymentBatchLinesMax).fill(transfer);
  const reply = await asker(new FakeNode())(path, postLines(lines));
  assertEquals(outcomesIn(reply).length, paymentBatchLinesMax);
});

const refused: readonly [string, RequestInit, number, Record<string, unknown>][] = [
  ["without a payment", postLines(["", " "]), 400, { code: "malformed", field: "body" }],
  ["as one JSON value", post([transfer]), 415, { code: "unsupported_media_type" }],
  [
    "with an Idempotency-Key, which would not hold for it",
    postLines([transfer], { "Idempotency-Key": "k" }),
    400,
    { code: "malformed", field: "idempotency-key" },
  ],
  ["without a token", postLines([transfer], { authorization: "none" }), 401, {}],
];
for (const [what, request, status, members] of refused) {
  Deno.test(`a batch ${what} is answered ${status}`, async () => {
    const node = new FakeNode();
    const reply = await asker(node)(path, request);
    assertEquals(reply.status, status);
    for (const [member, value] of Object.entries(members)) assertEquals(reply.json[member], value);
    assertEquals(node.requests, []);
  });
}

Deno.test("a coordinator takes no batch", async () => {
  const reply = await asker(new FakeNode("coordinator"))(path, postLines([transfer]));
  assertEquals([reply.status, reply.headers.get("allow")], [405, ""]);
});

Deno.test("batches past the most at a time are overloaded, until one of them has ended", async () => {
  const node = new FakeNode();
  const answers = answersByAmount(node);
  const ask = asker(node);
  const running = Array.from(
    { length: paymentBatchesMax },
    (_, i) => ask(path, postLines([{ ...transfer, amount: `${i + 1}` }])),
  );
  while (answers.size < paymentBatchesMax) await new Promise((resolve) => setTimeout(resolve));
  const { status, json, headers } = await ask(path, postLines([transfer]));
  assertEquals([status, json.code, json.state], [503, "overloaded", "not_started"]);
  assertEquals(headers.get("retry-after"), "1");
  assertEquals(node.requests.length, paymentBatchesMax);

  answers.get(1n)?.(committedAnswer);
  await running[0];
  node.answer = () => Promise.resolve(committedAnswer);
  assertEquals((await ask(path, postLines([transfer]))).status, 200);
  for (const answer of answers.values()) answer(committedAnswer);
  await Promise.all(running);
});
