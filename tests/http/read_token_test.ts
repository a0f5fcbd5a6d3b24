import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DataFolder } from "../../src/node/data_folder.ts";
import { asker, committed, FakeNode, paymentId, post, transaction } from "./fake_node.ts";

const readToken = "reading-token-of-the-tests";
const authorization = `Bearer ${readToken}`;
const headers = { authorization };

const looks: readonly string[] = [
  "/metrics",
  "/openapi.json",
  `/page/payments/${paymentId}`,
  "/v1/accounts",
  "/v1/accounts/main",
  "/v1/accounts/main/statement",
  "/v1/in-doubt",
  "/v1/payments",
  "/v1/payments?details=false",
  `/v1/payments/${paymentId}`,
  `/v1/payments/${paymentId}/proof`,
  "/v1/peers/bob",
  "/v1/status",
];

for (const path of looks) {
  Deno.test(`the token that only looks opens GET ${path}`, async () => {
    const ask = asker(new FakeNode(), { readToken, loopback: false });
    assertEquals((await ask(path, { headers })).status, 200);
    assertEquals((await ask(path, { headers, method: "HEAD" })).status, 200);
  });
}

for (const path of ["/events", "/v1/events"]) {
  Deno.test(`the token that only looks opens the events at ${path}`, async () => {
    const stopping = AbortSignal.timeout(50);
    const ask = asker(new FakeNode(), { readToken, loopback: false, stopping });
    const { status, headers: answered } = await ask(path, { headers });
    assertEquals([status, answered.get("content-type")], [200, "text/event-stream"]);
  });
}

const acts: readonly (readonly [method: string, path: string, body?: unknown])[] = [
  ["POST", "/v1/payments", { from: "main", to: "main@bob", amount: "1", currency: "USD" }],
  ["POST", "/v1/payments/batch", {}],
  ["POST", `/v1/payments/${paymentId}/erase`, {}],
  ["POST", "/v1/charges", {}],
  ["POST", "/v1/accounts", { account: "new", currency: "USD" }],
  ["POST", "/v1/cards", {}],
  ["POST", "/v1/cards/remove", {}],
  ["DELETE", "/v1/cards/5d1f0c9a7b3e"],
  ["POST", "/v1/in-doubt/retry", {}],
  ["POST", `/v1/in-doubt/${transaction}`, { decision: "commit" }],
  ["POST", `/v1/mismatches/${transaction}/acknowledge`, {}],
  ["POST", "/v1/peers/bob/readmit", {}],
  ["PUT", "/v1/status", {}],
  ["POST", "/v1/nothing", {}],
];

for (const [method, path, body] of acts) {
  Deno.test(`the token that only looks is answered 403 to ${method} ${path}`, async () => {
    for (const loopback of [true, false]) {
      const node = new FakeNode();
      const ask = asker(node, { readToken, loopback });
      const reply = await ask(path, { ...post(body, headers), method });
      assertEquals([reply.status, reply.json.code], [403, "token_reads_only"]);
      assertStringIncludes(String(reply.json.detail), `${method} needs the one in the file token`);
      assertStringIncludes(reply.headers.get("www-authenticate")!, 'error="insufficient_scope"');
      const { requests, opened, operated, cardsAdded, cardsRemoved } = node;
      assertEquals([requests, opened, operated, cardsAdded, cardsRemoved], [[], [], [], [], []]);
    }
  });
}

for (const path of ["/v1/cards", `/v1/payments/${paymentId}/proof?entry=true`]) {
  Deno.test(`the token that only looks is answered 403 to GET ${path}`, async () => {
    const reply = await asker(new FakeNode(), { readToken })(path, { headers });
    assertEquals([reply.status, reply.json.code], [403, "token_reads_only"]);
  });
}

Deno.test("the token that only looks gets proofs without the log's entry", async () => {
  const node = new FakeNode();
  const ask = asker(node, { readToken });
  for (const init of [{ headers }, {}]) await ask(`/v1/payments/${paymentId}/proof`, init);
  assertEquals(node.proofs, [false, true]);
});

Deno.test("without a token that only looks, none is taken for it", async () => {
  const reply = await asker(new FakeNode())("/v1/status", { headers });
  assertEquals([reply.status, reply.json.code], [401, "unauthorized"]);
});

Deno.test("the token that only looks is not shown what payments tell", async () => {
  const node = new FakeNode();
  const told = { memo: "Rent", reference: "INV-7" };
  node.payment = () => Promise.resolve({ ...committed, told });
  const { id, atMs } = committed;
  const line = { payment: id, others: ["main@bob"], amount: -1n, balance: 1n, isForced: false };
  node.statementParts = [
    { type: "payment", postedMs: atMs, decidedMs: atMs, told, ...line },
    { type: "payment", postedMs: atMs, decidedMs: atMs, told: "erased", ...line },
    { type: "payment", postedMs: atMs, decidedMs: atMs, ...line },
  ];
  const ask = asker(node, { readToken });
  const toldIn = ({ memo, reference, details }: Record<string, unknown>) => ({
    memo,
    reference,
    details,
  });
  const none = { memo: undefined, reference: undefined, details: undefined };

  for (
    const [init, shown] of [
      [{}, { ...none, ...told }],
      [{ headers }, { ...none, details: "withheld" }],
    ] as const
  ) {
    assertEquals(toldIn((await ask(`/v1/payments/${paymentId}`, init)).json), shown);
    const { text } = await ask("/v1/accounts/main/statement", init);
    const lines = text.trimEnd().split("\n").map((line) => toldIn(JSON.parse(line)));
    assertEquals(lines, [shown, { ...none, details: "erased" }, none]);
  }

  const list = await ask("/v1/payments?details=true", { headers });
  assertEquals([list.status, list.json.code], [403, "token_reads_only"]);
  assertStringIncludes(String(list.json.detail), "?details=true needs the one in the file token");
  assertEquals(node.queries, []);
});

Deno.test("/openapi.json says what the token that only looks opens", async () => {
  const { json } = await asker(new FakeNode())("/openapi.json");
  const all = { token: [] };
  assertEquals(json.security, [all]);
  assertEquals(
    Object.keys((json.components as Record<string, object>).securitySchemes!),
    ["token", "readToken"],
  );
  const paths = json.paths as Record<
    string,
    Record<string, { security?: unknown; responses: Record<string, unknown> }>
  >;
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { security, responses }] of Object.entries(operations)) {
      const isLook = method === "get";
      assertEquals(security, isLook ? [all, { readToken: [] }] : undefined, path);
      if (!isLook) assert("403" in responses, `${method} ${path}`);
    }
  }
});

Deno.test("a data folder makes both tokens, and makes anew the one that was deleted", async () => {
  const path = await Deno.makeTempDir({ prefix: "handfast-tokens-" });
  const read = async () => {
    const folder = await DataFolder.open(path);
    const tokens = [await folder.token(), await folder.readToken()];
    await folder.close();
    for (const file of ["token", "token.read"]) {
      assertEquals((await Deno.stat(`${path}/${file}`)).mode! & 0o777, 0o600, file);
    }
    return tokens;
  };
  try {
    const [first, firstToRead] = await read();
    assert(first !== firstToRead);
    assertEquals(await read(), [first, firstToRead]);
    await Deno.remove(`${path}/token.read`);
    const [second, secondToRead] = await read();
    assertEquals(second, first);
    assert(secondToRead !== firstToRead);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
