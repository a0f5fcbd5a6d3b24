import { assert, assertEquals } from "@std/assert";
import { requestBytesMax } from "../../src/limits.ts";
import { asker, FakeNode, paymentId, post, token, transaction } from "./fake_node.ts";

const transfer = { from: "main", to: "main@bob", amount: "12500", currency: "USD" };

const wrongTokens: Record<string, string> = {
  "missing": "none",
  "of another length": "Bearer short",
  "of the same length": `Bearer ${token.replace("s", "S")}`,
  "with more behind it": `Bearer ${token}x`,
  "two of them": `Bearer ${token} ${token}`,
  "of another scheme": `Basic ${token}`,
  "empty": "Bearer ",
};

for (const [name, authorization] of Object.entries(wrongTokens)) {
  Deno.test(`the API answers 401 to a token that is ${name}`, async () => {
    const node = new FakeNode();
    const ask = asker(node);
    const reply = await ask("/v1/payments", post(transfer, { authorization }));
    assertEquals([reply.status, reply.json.code], [401, "unauthorized"]);
    assert(reply.headers.get("www-authenticate")?.startsWith('Bearer realm="handfast"'));
    assertEquals(node.requests, []);
  });
}

Deno.test("the API takes the token whatever the case of the scheme", async () => {
  const reply = await asker(new FakeNode())("/v1/status", {
    headers: { authorization: `bearer ${token}` },
  });
  assertEquals(reply.status, 200);
});

// Status without a token on a loopback address, and on any other.
const openness: [path: string, onLoopback: number, elsewhere: number][] = [
  ["/", 200, 200],
  ["/page/page.js", 200, 200],
  ["/page/style.css", 200, 200],
  ["/page/uplot-licence.txt", 200, 200],
  ["/healthz", 200, 200],
  ["/readyz", 200, 200],
  [`/page/payments/${paymentId}`, 200, 401],
  ["/page/payments/none", 404, 401],
  ["/metrics", 200, 401],
  ["/v1/events", 401, 401],
  ["/v1/in-doubt", 401, 401],
  ["/openapi.json", 200, 401],
  ["/nothing", 404, 401],
  ["/v1", 401, 401],
  ["/v1/nothing", 401, 401],
  ["/v1/status", 401, 401],
  ["/v1/accounts", 401, 401],
  ["/v1/accounts/main", 401, 401],
  ["/v1/payments", 401, 401],
  [`/v1/payments/${paymentId}`, 401, 401],
  ["/%761/status", 401, 401],
  ["//v1/status", 404, 401],
  ["/V1/status", 404, 401],
];

for (const [path, onLoopback, elsewhere] of openness) {
  Deno.test(`${path} without a token: ${onLoopback} on loopback, ${elsewhere} elsewhere`, async () => {
    const init = { headers: { authorization: "none" } };
    for (const [loopback, status] of [[true, onLoopback], [false, elsewhere]] as const) {
      assertEquals((await asker(new FakeNode(), { loopback })(path, init)).status, status);
    }
  });
}

const hosts: [host: string, status: number][] = [
  ["localhost:7080", 200],
  ["LOCALHOST:7080", 200],
  ["127.0.0.1:7080", 200],
  ["localhost:7081", 421],
  ["localhost", 421],
  ["evil.example:7080", 421],
  ["localhost:7080.evil.example", 421],
  ["", 421],
];

for (const [host, status] of hosts) {
  Deno.test(`Host "${host}" is answered ${status}`, async () => {
    for (const path of ["/healthz", "/", "/metrics", "/v1/status"]) {
      const reply = await asker(new FakeNode())(path, { headers: { host } });
      assertEquals(reply.status, status, path);
      if (status === 421) assertEquals(reply.json.code, "misdirected");
    }
  });
}

Deno.test("a Host without a port is that of the scheme's own port", async () => {
  const ask = asker(new FakeNode(), { hosts: () => ["localhost:80"] });
  assertEquals((await ask("/healthz", { headers: { host: "localhost" } })).status, 200);
});

const methods: [method: string, path: string, allow: string][] = [
  ["DELETE", "/v1/payments", "POST, GET, HEAD"],
  ["OPTIONS", "/v1/payments", "POST, GET, HEAD"],
  ["PUT", `/v1/payments/${paymentId}`, "GET, HEAD"],
  ["PUT", "/v1/accounts", "GET, HEAD, POST"],
  ["POST", "/v1/status", "GET, HEAD"],
  ["POST", `/v1/payments/${paymentId}/proof`, "GET, HEAD"],
  ["POST", "/v1/peers/bob", "GET, HEAD"],
  ["GET", "/v1/peers/bob/readmit", "POST"],
  ["HEAD", "/v1/peers/bob/readmit", "POST"],
  ["POST", "/v1/in-doubt", "GET, HEAD"],
  ["GET", "/v1/in-doubt/retry", "POST"],
  ["GET", `/v1/in-doubt/${transaction}`, "POST"],
  ["GET", `/v1/mismatches/${transaction}/acknowledge`, "POST"],
  ["POST", "/", "GET, HEAD"],
  ["POST", "/healthz", "GET, HEAD"],
];

for (const [method, path, allow] of methods) {
  Deno.test(`${method} ${path} is answered 405`, async () => {
    const reply = await asker(new FakeNode())(path, { method });
    assertEquals([reply.status, reply.headers.get("allow")], [405, allow]);
    if (method !== "HEAD") assertEquals(reply.json.code, "method_not_allowed");
  });
}

for (const [path, body] of [["/v1/payments", transfer], ["/v1/accounts", {}]] as const) {
  Deno.test(`POST ${path} at a coordinator is answered 405`, async () => {
    const node = new FakeNode("coordinator");
    const reply = await asker(node)(path, post(body));
    assertEquals([reply.status, reply.headers.get("allow")], [405, "GET, HEAD"]);
    assertEquals([node.requests, node.opened], [[], []]);
    assertEquals((await asker(node)(path)).status, 200);
  });
}

for (
  const [path, body] of [
    ["/v1/in-doubt/retry", {}],
    [`/v1/in-doubt/${transaction}`, { decision: "commit" }],
    [`/v1/mismatches/${transaction}/acknowledge`, {}],
  ] as const
) {
  Deno.test(`POST ${path} at a coordinator is answered 405, as nothing else is there`, async () => {
    const node = new FakeNode("coordinator");
    const reply = await asker(node)(path, post(body));
    assertEquals([reply.status, reply.headers.get("allow")], [405, ""]);
    assertEquals(node.operated, []);
  });
}

Deno.test("a coordinator has no accounts, and is in doubt about nothing", async () => {
  const ask = asker(new FakeNode("coordinator"));
  assertEquals((await ask("/v1/accounts")).json, { accounts: [], books: [] });
  const { status, json } = await ask("/v1/accounts/main");
  assertEquals([status, json.code], [404, "account_not_found"]);
  assertEquals((await ask("/v1/in-doubt")).json, { inDoubt: [], mismatches: [] });
});

const contentTypes: [type: string, status: number][] = [
  ["application/json", 201],
  ["application/json; charset=utf-8", 201],
  ["application/vnd.api+json", 201],
  ["application/json;", 415],
  ["application/json; charset", 415],
  ["application/jsonlines", 415],
  ["text/plain; application/json", 415],
  ["text/plain", 415],
  ["application/x-www-form-urlencoded", 415],
  ["multipart/form-data; boundary=x", 415],
];

for (const [type, status] of contentTypes) {
  Deno.test(`a body of ${type} is answered ${status}`, async () => {
    const ask = asker(new FakeNode());
    assertEquals(
      (await ask("/v1/payments", post(transfer, { "content-type": type }))).status,
      status,
    );
  });
}

Deno.test("a body without a content type is answered 415", async () => {
  const body = new TextEncoder().encode(JSON.stringify(transfer));
  const reply = await asker(new FakeNode())("/v1/payments", { method: "POST", body });
  assertEquals([reply.status, reply.json.code], [415, "unsupported_media_type"]);
});

Deno.test("a body that is too long is answered 413, with its length given or not", async () => {
  const ask = asker(new FakeNode());
  const padded = (bytes: number) => JSON.stringify(transfer).padEnd(bytes, " ");
  for (const [bytes, status] of [[requestBytesMax, 201], [requestBytesMax + 1, 413]] as const) {
    const text = padded(bytes);
    const length = { "content-length": String(text.length) };
    assertEquals((await ask("/v1/payments", post(text))).status, status);
    assertEquals((await ask("/v1/payments", post(text, length))).status, status);
    // Where it comes in pieces, what it says of its length counts for nothing.
    const inPieces = { "content-length": "1", "transfer-encoding": "chunked" };
    assertEquals((await ask("/v1/payments", post(text, inPieces))).status, status);
  }
});

Deno.test("no answer lets a page of another site read it, or be kept", async () => {
  const ask = asker(new FakeNode());
  for (
    const path of ["/v1/status", "/v1/nothing", "/metrics", "/", "/healthz", "/openapi.json"]
  ) {
    const { headers } = await ask(path, { headers: { origin: "https://evil.example" } });
    assertEquals(headers.get("access-control-allow-origin"), null, path);
    assertEquals(headers.get("cache-control"), "no-store", path);
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("cross-origin-resource-policy"), "same-origin", path);
    assertEquals(headers.get("x-frame-options"), "DENY", path);
    assertEquals(headers.get("referrer-policy"), "no-referrer", path);
  }
});

Deno.test("an uncaught error is told to the node's log and not to the client", async () => {
  const lines: string[] = [];
  const node = new FakeNode();
  node.page = () => Promise.reject(new Error("secret path"));
  const reply = await asker(node, { onError: (line) => lines.push(line) })("/v1/payments");
  assertEquals([reply.status, reply.json.code], [500, "internal"]);
  assert(!reply.text.includes("secret"));
  assertEquals(lines, ["GET /v1/payments: secret path"]);
});
