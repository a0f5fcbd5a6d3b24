import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import type { PeerMemory } from "../../src/http/node_api.ts";
import { accountsLimit } from "../../src/limits.ts";
import { asker, FakeNode, introduction, paymentId, post } from "./fake_node.ts";

const main = {
  account: "main",
  currency: "USD",
  posted: "2000000",
  pendingDebits: "12500",
  pendingCredits: "0",
  available: "1987500",
};

Deno.test("GET /v1/accounts shows accounts and books in digits", async () => {
  const { json } = await asker(new FakeNode())("/v1/accounts");
  assertEquals((json.accounts as unknown[])[0], main);
  assertEquals(json.books, [
    { currency: "USD", accounts: "2000000", settlement: "0", equity: "-2000000" },
  ]);
});

Deno.test("GET /v1/accounts shows as many as asked for, and where to go on", async () => {
  const ask = asker(new FakeNode());
  const first = (await ask("/v1/accounts?limit=1")).json;
  assertEquals((first.accounts as unknown[]).length, 1);
  assertEquals(first.next, "1");
  const { json } = await ask("/v1/accounts?limit=1&cursor=1");
  assertEquals((json.accounts as { account: string }[]).map(({ account }) => account), ["savings"]);
  assertEquals(json.next, undefined);
  assertEquals(json.books, first.books);
  assertEquals((await ask("/v1/accounts?cursor=2")).json.accounts, []);
  assertEquals((await ask("/v1/accounts")).json.next, undefined);
});

for (const query of ["limit=0", "limit=1001", "limit=x", "cursor=-1", "cursor=x", "page=1"]) {
  Deno.test(`GET /v1/accounts?${query} is malformed`, async () => {
    const reply = await asker(new FakeNode())(`/v1/accounts?${query}`);
    assertEquals([reply.status, reply.json.code], [400, "malformed"]);
  });
}

Deno.test("GET /v1/accounts/NAME shows one", async () => {
  const ask = asker(new FakeNode());
  assertEquals((await ask("/v1/accounts/main")).json, main);
  const missing = await ask("/v1/accounts/none");
  assertEquals([missing.status, missing.json.code], [404, "account_not_found"]);
  assertEquals((await ask("/v1/accounts/A")).json.field, "name");
});

for (const [outcome, status] of [["opened", 201], ["existed", 200], ["differs", 409]] as const) {
  Deno.test(`POST /v1/accounts answers ${status} where the account ${outcome}`, async () => {
    const node = new FakeNode();
    node.openOutcome = outcome;
    const body = { account: "main", currency: "USD", opening: "2000000" };
    const reply = await asker(node)("/v1/accounts", post(body));
    assertEquals(reply.status, status);
    assertEquals(node.opened, [{ account: "main", currency: "USD", opening: 2_000_000n }]);
    if (outcome !== "differs") assertEquals(reply.json, main);
    else {
      assertEquals(reply.json.code, "account_exists");
      assertEquals(reply.json.detail, 'Account "main" exists, with another currency than USD');
    }
    const location = outcome === "opened" ? "/v1/accounts/main" : null;
    assertEquals(reply.headers.get("location"), location);
  });
}

Deno.test("POST /v1/accounts opens with nothing unless told", async () => {
  const node = new FakeNode();
  await asker(node)("/v1/accounts", post({ account: "savings", currency: "JPY" }));
  assertEquals(node.opened[0]?.opening, 0n);
});

for (const count of [accountsLimit, accountsLimit + 1, 2 * accountsLimit, 5 * accountsLimit + 7]) {
  Deno.test(`GET /v1/accounts shows all of ${count}, each once, and lets others in between`, async () => {
    const node = new FakeNode();
    const [view] = await node.accounts();
    const names = Array.from({ length: count }, (_, i) => `a${i}`);
    node.accounts = () => Promise.resolve(names.map((account) => ({ ...view!, account })));
    let turns = 0;
    const counting = setInterval(() => turns++);
    const { status, headers, json } = await asker(node)("/v1/accounts");
    clearInterval(counting);
    const accounts = json.accounts as { account: string }[];
    assertEquals([status, headers.get("content-type")], [200, "application/json"]);
    assertEquals(accounts.map(({ account }) => account), names);
    assertEquals(accounts.at(-1), { ...main, account: `a${count - 1}` });
    assertEquals([json.next, (json.books as unknown[]).length], [
      undefined,
      (await node.books()).length,
    ]);
    if (count > 2 * accountsLimit) assert(turns > 0, "nothing else came in between");
  });
}

const account = { account: "main", currency: "USD" };
const malformedAccounts: [body: unknown, field: string][] = [
  [{}, "account"],
  [{ ...account, account: "Main" }, "account"],
  [{ ...account, account: "settlement" }, "account"],
  [{ ...account, account: "equity" }, "account"],
  [{ ...account, currency: "ZZZ" }, "currency"],
  [{ ...account, opening: "-1" }, "opening"],
  [{ ...account, opening: "1.00" }, "opening"],
  [{ ...account, opening: 1 }, "opening"],
  [{ ...account, opening: "1000000000000001" }, "opening"],
  [{ ...account, balance: "1" }, "balance"],
];

for (const [body, field] of malformedAccounts) {
  Deno.test(`POST /v1/accounts ${JSON.stringify(body)} is malformed: ${field}`, async () => {
    const node = new FakeNode();
    const reply = await asker(node)("/v1/accounts", post(body));
    assertEquals([reply.status, reply.json.field], [400, field]);
    assertEquals(node.opened, []);
  });
}

Deno.test("GET /v1/status shows the node", async () => {
  const { json } = await asker(new FakeNode())("/v1/status");
  assertEquals(json, {
    name: "alice",
    role: "participant",
    ready: true,
    network: "ab".repeat(32),
    epoch: "1-0123456789ab",
    clock: { alice: 3 },
    peers: [{ name: "bob", address: "127.0.0.1:7444", link: "up" }],
    open: 2,
    inDoubt: 1,
    longestDoubt: 33,
    forced: 3,
    clockOffset: -90.5,
    unacknowledged: [{ participant: "dave", payments: 2, longest: 61 }],
    committed: 5,
    aborted: 4,
    throughput: 1.5,
    latency: { p50ms: 2.5, p99ms: null },
    certificateNotAfter: "2028-01-31T00:00:00.000Z",
    revocationList: 2,
    mismatches: [],
    alarms: ["late abort"],
  });
});

Deno.test("GET /v1/in-doubt shows what is held, since when, and who is not reached", async () => {
  const { json } = await asker(new FakeNode())("/v1/in-doubt");
  assertEquals(json.inDoubt, [{
    transaction: "1-0123456789ab-7",
    payment: paymentId,
    age: 2,
    participants: ["alice", "bob"],
    unreachable: ["coordinator"],
    held: [{ account: "main@alice", amount: "-12500", currency: "USD" }],
  }]);
});

Deno.test("GET /metrics tells Prometheus of the node", async () => {
  const node = new FakeNode();
  const status = await node.status();
  const carol = { name: "carol", address: "127.0.0.1:7445", link: "not_needed" } as const;
  // A link that nobody needs is not down: no alert may go off.
  node.status = () => Promise.resolve({ ...status, peers: [...status.peers, carol] });
  const { headers, text } = await asker(node)("/metrics");
  assertEquals(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  for (
    const line of [
      "# TYPE handfast_payments_total counter",
      'handfast_payments_total{outcome="committed"} 5',
      'handfast_payments_total{outcome="aborted"} 4',
      "handfast_payments_open 2",
      "handfast_payments_in_doubt 1",
      "handfast_longest_doubt_seconds 33.5",
      "handfast_clock_offset_seconds -90.5",
      `handfast_node_info{name="alice",role="participant",version="${config.version}"} 1`,
      "# TYPE handfast_forced gauge",
      "handfast_forced 3",
      "# TYPE handfast_mismatches gauge",
      "handfast_mismatches 0",
      'handfast_links{state="up"} 1',
      'handfast_links{state="down"} 0',
      'handfast_links{state="not_needed"} 1',
      "handfast_log_entries_total 3",
      "# TYPE handfast_certificate_not_after_seconds gauge",
      "handfast_certificate_not_after_seconds 1832889600",
      "handfast_revocation_list 2",
      'handfast_payment_seconds_bucket{le="0.001"} 2',
      'handfast_payment_seconds_bucket{le="0.005"} 5',
      'handfast_payment_seconds_bucket{le="+Inf"} 6',
      "handfast_payment_seconds_sum 0.02",
      "handfast_payment_seconds_count 6",
    ]
  ) assert(text.split("\n").includes(line), line);
  assert(text.endsWith("\n"));
});

Deno.test("GET /metrics tells what is free on the disk, where that is known", async () => {
  const node = new FakeNode();
  const status = await node.status();
  for (const dataFreeBytes of [undefined, 0, 123_456_789]) {
    node.status = () => Promise.resolve({ ...status, dataFreeBytes });
    const { text } = await asker(node)("/metrics");
    const lines = text.split("\n").filter((line) => line.startsWith("handfast_data_free_bytes"));
    const told = dataFreeBytes === undefined ? [] : [`handfast_data_free_bytes ${dataFreeBytes}`];
    assertEquals(lines, told);
  }
});

Deno.test("GET /v1/peers/NAME tells by what a peer is known, in base64", async () => {
  const ask = asker(new FakeNode());
  const known = await ask("/v1/peers/bob");
  assertEquals(known.status, 200);
  assertEquals(known.json, {
    name: "bob",
    certificate: introduction.certificate.toBase64(),
    voucher: introduction.voucher.toBase64(),
  });
  const unknown = await ask("/v1/peers/carol");
  assertEquals([unknown.status, unknown.json.code], [404, "peer_not_found"]);
  assertEquals((await ask("/v1/peers/Bob")).status, 400);
  const headers = { authorization: "none" };
  assertEquals((await ask("/v1/peers/bob", { headers })).status, 401);
});

Deno.test("GET /v1/peers/NAME, and its readmission, tell what was seen of it and what it lacks", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  const told = async (memory: PeerMemory) => {
    node.memories.set("bob", memory);
    const { seen, forgotten } = (await ask("/v1/peers/bob")).json;
    const { json } = await ask("/v1/peers/bob/readmit", { method: "POST" });
    assertEquals(json, { readmitted: "bob", seen, ...forgotten ? { forgotten } : {} });
    return { seen, forgotten };
  };
  assertEquals(await told({ seen: 57 }), { seen: 57, forgotten: undefined });
  assertEquals(await told({ seen: 57, forgotten: { ends: 12 } }), {
    seen: 57,
    forgotten: { ends: 12 },
  });
  const sinceMs = Date.UTC(2025, 0, 31, 12);
  const payments = { count: 4, isAll: false, sinceMs, among: 9 };
  assertEquals((await told({ seen: 57, forgotten: { ends: 12, payments } })).forgotten, {
    ends: 12,
    payments: { count: 4, all: false, since: "2025-01-31T12:00:00.000Z", among: 9 },
  });
});

Deno.test("POST /v1/peers/NAME/readmit takes back a known peer only", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  const known = await ask("/v1/peers/bob/readmit", { method: "POST" });
  assertEquals([known.status, known.json], [200, { readmitted: "bob" }]);
  const unknown = await ask("/v1/peers/carol/readmit", { method: "POST" });
  assertEquals([unknown.status, unknown.json.code], [404, "peer_not_found"]);
  const linked = await ask("/v1/peers/dave/readmit", { method: "POST" });
  assertEquals([linked.status, linked.json.code], [409, "peer_linked"]);
  node.operated.splice(-1);
  await ask("/v1/peers/bob/readmit", post({ by: "ann" }));
  assertEquals(node.operated, [
    { name: "bob", by: "operator" },
    { name: "carol", by: "operator" },
    { name: "bob", by: "ann" },
  ]);
});

Deno.test("a node that cannot take payments is healthy but not ready", async () => {
  const node = new FakeNode();
  const ask = asker(node);
  assertEquals((await ask("/readyz")).status, 200);
  node.ready = false;
  const reply = await ask("/readyz");
  assertEquals([reply.status, reply.json.code], [503, "not_ready"]);
  assertStringIncludes(String(reply.json.detail), "no link to the coordinator");
  assertEquals((await ask("/healthz")).status, 200);
});

Deno.test("/openapi.json describes the routes under /v1, health and figures, and no others", async () => {
  const { json } = await asker(new FakeNode())("/openapi.json");
  assertEquals(json.openapi, "3.1.0");
  const paths = json.paths as Record<string, Record<string, unknown>>;
  const operations = Object.entries(paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  assertEquals(operations.sort(), [
    "delete /v1/cards/{id}",
    "get /healthz",
    "get /metrics",
    "get /readyz",
    "get /v1/accounts",
    "get /v1/accounts/{name}",
    "get /v1/accounts/{name}/statement",
    "get /v1/cards",
    "get /v1/events",
    "get /v1/in-doubt",
    "get /v1/payments",
    "get /v1/payments/{id}",
    "get /v1/payments/{id}/proof",
    "get /v1/peers/{name}",
    "get /v1/status",
    "post /v1/accounts",
    "post /v1/cards",
    "post /v1/cards/remove",
    "post /v1/charges",
    "post /v1/in-doubt/retry",
    "post /v1/in-doubt/{transaction}",
    "post /v1/mismatches/{transaction}/acknowledge",
    "post /v1/payments",
    "post /v1/payments/batch",
    "post /v1/payments/{id}/erase",
    "post /v1/peers/{name}/readmit",
    "post /v1/restore",
  ]);
});

Deno.test("/openapi.json describes amounts as strings of digits", async () => {
  const { text } = await asker(new FakeNode())("/openapi.json");
  const { components } = JSON.parse(text);
  assertEquals(components.schemas.Leg.properties.amount.type, "string");
  assertEquals(components.schemas.Leg.properties.amount.pattern, "^-?\\d{1,18}$");
  assertEquals(components.schemas.Leg.additionalProperties, false);
});
