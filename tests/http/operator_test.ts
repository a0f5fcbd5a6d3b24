/** What operators do: heuristic decisions, asking again, acknowledging, and who is recorded. */

import { assertEquals, assertMatch } from "@std/assert";
import { operatorLengthMax, requestBytesMax } from "../../src/limits.ts";
import type { ResolveAnswer } from "../../src/protocol/participant_event.ts";
import {
  asker,
  committed,
  FakeNode,
  forcedDoubt,
  mismatch,
  paymentId,
  post,
  transaction,
} from "./fake_node.ts";

const at = "2025-01-31T12:00:00.000Z";
const held = [{ account: "main@alice", amount: "-12500", currency: "USD" }];
const resolution = { payment: paymentId, commit: false, by: "ann", atMs: committed.atMs };
const mismatchJson = {
  transaction,
  payment: paymentId,
  forced: { decision: "abort", by: "ann" },
  decision: "commit",
  at,
};

Deno.test("GET /v1/in-doubt says what an operator has forced, by whom and when", async () => {
  const node = new FakeNode();
  node.doubts.push(forcedDoubt);
  node.mismatches = [mismatch];
  const { json } = await asker(node)("/v1/in-doubt");
  const [doubt, forced] = json.inDoubt as Record<string, unknown>[];
  assertEquals([doubt!.held, "forced" in doubt!], [held, false]);
  assertEquals([forced!.held, forced!.forced], [[], {
    decision: "abort",
    by: "ann",
    at,
    legs: held,
  }]);
  assertEquals(json.mismatches, [mismatchJson]);
});

const answers: readonly [ResolveAnswer, status: number, json: Record<string, unknown>][] = [
  [
    { state: "resolved", result: "forced", resolution },
    200,
    { transaction, payment: paymentId, decision: "abort", by: "ann", at },
  ],
  [
    { state: "resolved", result: "was_forced", resolution },
    409,
    {
      code: "already_forced",
      detail: `Transaction ${transaction} was forced to abort by ann at ${at}, and that stands`,
    },
  ],
  [
    { state: "resolved", result: "not_in_doubt" },
    404,
    {
      code: "transaction_not_found",
      detail: `Transaction ${transaction} is not in doubt at alice: it was not prepared here, or ` +
        "its decision is known",
    },
  ],
];

for (const [answer, status, expected] of answers) {
  Deno.test(`POST /v1/in-doubt/TRANSACTION is answered ${status} where it is ${answer.result}`, async () => {
    const node = new FakeNode();
    node.resolved = answer;
    const body = { decision: "abort", by: "ann" };
    const reply = await asker(node)(`/v1/in-doubt/${transaction}`, post(body));
    assertEquals(reply.status, status);
    for (const [member, value] of Object.entries(expected)) {
      assertEquals(reply.json[member], value, member);
    }
    assertEquals(node.operated, [{ transaction, commit: false, by: "ann" }]);
  });
}

Deno.test("POST /v1/in-doubt/TRANSACTION records an operator without a name as one", async () => {
  const node = new FakeNode();
  await asker(node)(`/v1/in-doubt/${transaction}`, post({ decision: "commit" }));
  assertEquals(node.operated, [{ transaction, commit: true, by: "operator" }]);
});

const malformed: readonly [path: string, body: unknown, field: string, said: RegExp][] = [
  [transaction, {}, "decision", /is missing; it must be commit or abort/],
  [transaction, { decision: "Commit" }, "decision", /must be commit or abort, not "Commit"/],
  [transaction, { decision: true }, "decision", /must be commit or abort, as a string/],
  [transaction, { decision: "abort", by: "" }, "by", /1 to 64 characters .*, not ""/],
  [transaction, { decision: "abort", by: "a\nb" }, "by", /control characters, not "a\\nb"/],
  [transaction, { decision: "abort", by: "a".repeat(operatorLengthMax + 1) }, "by", /1 to 64/],
  [transaction, { decision: "abort", force: true }, "force", /is not a field/],
  [transaction, "", "body", /must be JSON/],
  ["17", { decision: "abort" }, "transaction", /must be a transaction id, .*, not "17"/],
];

for (const [path, body, field, said] of malformed) {
  const sent = JSON.stringify(body).slice(0, 60);
  Deno.test(`POST /v1/in-doubt/${path} ${sent} is malformed: ${field}`, async () => {
    const node = new FakeNode();
    const reply = await asker(node)(`/v1/in-doubt/${path}`, post(body));
    assertEquals([reply.status, reply.json.field], [400, field]);
    assertMatch(String(reply.json.detail), said);
    assertEquals(node.operated, []);
  });
}

Deno.test("POST /v1/in-doubt/retry says about how many transactions was asked", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  for (const init of [{ method: "POST" }, post({}), post("")]) {
    const { status, json } = await ask("/v1/in-doubt/retry", init);
    assertEquals([status, json], [200, { asked: 1 }]);
  }
});

Deno.test("GET /v1/status and /metrics show mismatches until they are acknowledged", async () => {
  const node = new FakeNode();
  node.mismatches = [mismatch];
  const ask = asker(node);
  assertEquals((await ask("/v1/status")).json.mismatches, [mismatchJson]);
  assertMatch((await ask("/metrics")).text, /^handfast_mismatches 1$/m);
});

Deno.test("POST /v1/mismatches/TRANSACTION/acknowledge ends one that is there, once", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  const path = `/v1/mismatches/${transaction}/acknowledge`;
  const missing = await ask(path, post({ by: "ben" }));
  assertEquals([missing.status, missing.json.code], [404, "mismatch_not_found"]);
  node.mismatches = [mismatch];
  const { status, json } = await ask(path, post({ by: "ben" }));
  assertEquals([status, json], [200, { acknowledged: transaction, payment: paymentId, by: "ben" }]);
  assertEquals(node.operated.length, 2);
  const bad = await ask("/v1/mismatches/x/acknowledge", post({}));
  assertEquals([bad.status, bad.json.field], [400, "transaction"]);
});

for (const path of [`/v1/mismatches/${transaction}/acknowledge`, "/v1/peers/bob/readmit"]) {
  Deno.test(`the body of POST ${path} may be left out, and is read where it is not`, async () => {
    const node = new FakeNode();
    node.mismatches = [mismatch];
    const ask = asker(node);
    const json = { "content-type": "application/json" };
    for (const init of [{ method: "POST" }, { method: "POST", headers: json }, post("")]) {
      assertEquals((await ask(path, init)).status, 200);
    }
    assertEquals(node.operated.map((done) => (done as { by: string }).by), [
      ...["operator", "operator", "operator"],
    ]);
    const refused: [RequestInit, number, string?][] = [
      [post({ by: "\t" }), 400, "by"],
      [post({ bye: "ann" }), 400, "bye"],
      [post("{"), 400, "body"],
      [post({ by: "ann" }, { "content-type": "text/plain" }), 415],
      [post("{}".padEnd(requestBytesMax + 1)), 413],
    ];
    for (const [init, status, field] of refused) {
      const reply = await ask(path, init);
      assertEquals([reply.status, reply.json.field], [status, field]);
    }
    assertEquals(node.operated.length, 3);
  });
}
