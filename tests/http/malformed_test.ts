/** What is said against requests whose shape alone is wrong, in words of ours and not the library's. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { asker, FakeNode, paymentId, post, transaction } from "./fake_node.ts";

const repeated: readonly [method: string, query: string, field: string][] = [
  ["GET", "/v1/payments?limit=1&limit=2", "limit"],
  ["GET", "/v1/payments?cursor=a&cursor=a", "cursor"],
  ["GET", "/v1/accounts?limit=1&limit=1", "limit"],
  ["GET", "/v1/events?after=1.1&after=2.1", "after"],
  ["GET", `/v1/payments/${paymentId}/proof?entry=true&entry=false`, "entry"],
  ["POST", "/v1/payments?wait=1&wait=2", "wait"],
  ["POST", "/v1/payments/batch?wait=1&wait=2", "wait"],
  ["POST", "/v1/charges?wait=1&wait=2", "wait"],
];

for (const [method, path, field] of repeated) {
  Deno.test(`${method} ${path} is told that ${field} must be given once`, async () => {
    const { status, json } = await asker(new FakeNode())(path, { method });
    assertEquals([status, json.field, json.detail], [400, field, `${field}: must be given once`]);
  });
}

Deno.test("a parameter that there is not is not to be given once", async () => {
  const { json } = await asker(new FakeNode())("/v1/payments?limti=1&limti=2");
  assertEquals(json.detail, "limti: is not a field of this request");
});

Deno.test("a proof's entry is true or false", async () => {
  const { json } = await asker(new FakeNode())(`/v1/payments/${paymentId}/proof?entry=x`);
  assertEquals(json.detail, 'entry: must be true or false, not "x"');
});

const paths = [
  "/v1/payments",
  `/v1/payments/${paymentId}/erase`,
  "/v1/accounts",
  "/v1/charges",
  "/v1/cards",
  "/v1/cards/remove",
  `/v1/in-doubt/${transaction}`,
  `/v1/mismatches/${transaction}/acknowledge`,
  "/v1/peers/bob/readmit",
];

for (const path of paths) {
  for (const body of ["null", "[]", "7", '"x"']) {
    Deno.test(`POST ${path} of ${body} is told to send a JSON object`, async () => {
      const { status, json } = await asker(new FakeNode())(path, post(body));
      assertEquals([status, json.detail], [400, "body: must be a JSON object"]);
    });
  }
}

Deno.test("bytes that are no UTF-8 are refused, and not replaced in what is paid", async () => {
  const order = { from: "main", to: "main@bob", amount: "1", currency: "USD", memo: "M" };
  const bytes = new TextEncoder().encode(JSON.stringify(order));
  bytes[bytes.indexOf("M".charCodeAt(0))] = 0xff;
  for (
    const [path, type, status] of [
      ["/v1/payments", "application/json", 400],
      ["/v1/payments/batch", "application/x-ndjson", 200],
    ] as const
  ) {
    const node = new FakeNode();
    const headers = { "content-type": type };
    const reply = await asker(node)(path, { method: "POST", headers, body: bytes });
    assertEquals([reply.status, node.requests], [status, []]);
    assertStringIncludes(reply.text, "body: must be UTF-8");
  }
});

Deno.test("what is long is repeated only as far as tells what it was", async () => {
  const long = "x".repeat(2_000);
  const { json } = await asker(new FakeNode())(
    "/v1/payments",
    post({ legs: [], id: long, [long]: 1 }),
  );
  const detail = String(json.detail);
  assertEquals(detail.includes(`must be a UUIDv7, not "${"x".repeat(64)}…"`), true);
  assertEquals(detail.includes(`${"x".repeat(64)}…: is not a field`), true);
  assertEquals(detail.includes("x".repeat(65)), false);
});

Deno.test("a leg that is none is told to be a JSON object", async () => {
  const { json } = await asker(new FakeNode())("/v1/payments", post({ legs: [null] }));
  assertEquals(json.detail, "legs[0]: must be a JSON object");
});
