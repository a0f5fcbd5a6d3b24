/** A statement as the API tells it: JSON lines, of the period that was asked for. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { StatementPart } from "../../src/http/node_api.ts";
import { parseDate, parseTime } from "../../src/http/time_text.ts";
import { asker, committed, FakeNode, paymentId } from "./fake_node.ts";

const path = "/v1/accounts/main/statement";
const postedMs = Date.UTC(2026, 4, 31, 23, 59, 59, 999);
const movement = { postedMs, amount: -125n, balance: 9_007_199_254_740_993n };
const payment = {
  ...movement,
  type: "payment",
  ...{ payment: paymentId, decidedMs: postedMs - 1, others: ["main@bob"] },
} as const;

const parts: readonly StatementPart[] = [
  { type: "reading", entries: 7 },
  { type: "opening", balance: 0n },
  { type: "opened", ...movement, amount: 9_007_199_254_741_118n },
  { ...payment, isForced: false, told: { memo: "Rent", reference: undefined } },
  { ...payment, isForced: true, told: "erased" },
  { type: "closing", balance: 5n, debits: 6n, credits: 7n, lines: 3 },
];

Deno.test("GET /v1/accounts/NAME/statement answers a line for each part, amounts as digits", async () => {
  const node = new FakeNode();
  node.statementParts = [...parts];
  const query = "?from=2025-01-01T00:00:00%2B02:00&to=2025-01-31T11:00:00Z";
  const { status, text, headers } = await asker(node)(path + query);
  assertEquals([status, headers.get("content-type")], [200, "application/x-ndjson"]);
  const posted = "2026-05-31T23:59:59.999Z";
  const paid = {
    ...{ type: "payment", posted, decided: "2026-05-31T23:59:59.998Z", payment: paymentId },
    ...{ accounts: ["main@bob"], amount: "-125", balance: "9007199254740993" },
  };
  assertEquals(text.trimEnd().split("\n").map((line) => JSON.parse(line)), [
    { type: "reading", entries: 7 },
    {
      ...{ type: "opening", node: "alice", account: "main", currency: "USD" },
      ...{ from: "2024-12-31T22:00:00.000Z", to: "2025-01-31T11:00:00.000Z" },
      ...{ at: "2025-01-31T12:00:00.000Z", balance: "0" },
    },
    { type: "opened", posted, amount: "9007199254741118", balance: "9007199254740993" },
    { ...paid, memo: "Rent" },
    { ...paid, forced: true, details: "erased" },
    {
      type: "closing",
      at: "2025-01-31T11:00:00.000Z",
      balance: "5",
      debits: "6",
      credits: "7",
      lines: 3,
    },
  ]);
  const [fromMs, toMs] = [Date.UTC(2024, 11, 31, 22), Date.UTC(2025, 0, 31, 11)];
  assertEquals(node.statements, [{ account: "main", fromMs, toMs }]);
});

Deno.test("a statement that ends later than now closes now, and none begins much later", async () => {
  const node = new FakeNode();
  node.statementParts = [...parts];
  const ask = asker(node);
  // Of who asks, the clock may be five minutes ahead.
  const queries = ["", "?from=2025-01-31T12:05:00Z", "?to=2025-02-01T00:00:00Z"];
  for (const query of [...queries, "?from=2025-01-31T12:00:01Z&to=2025-01-31T12:00:01Z"]) {
    const { status, text } = await ask(path + query);
    const { type, at } = JSON.parse(text.trimEnd().split("\n").at(-1)!);
    assertEquals([status, type, at], [200, "closing", "2025-01-31T12:00:00.000Z"], query);
  }
  const { status, json } = await ask(`${path}?from=2025-01-31T12:05:00.001Z`);
  assertEquals([status, json.field, json.detail], [
    ...[400, "from"],
    "from: is 2025-01-31T12:05:00.001Z, and now is 2025-01-31T12:00:00.000Z: a statement can't " +
    "begin more than 5 minutes later than now",
  ]);
});

Deno.test("a statement of no account is 404, also at a coordinator", async () => {
  const { status, json } = await asker(new FakeNode())("/v1/accounts/none/statement");
  const detail = 'There is no account "none" at alice';
  assertEquals([status, json.code, json.detail], [404, "account_not_found", detail]);
});

const malformed: readonly [query: string, field: string][] = [
  ["from=2026-05-01", "from"],
  ["to=2026-02-30T00:00:00Z", "to"],
  ["to=", "to"],
  ["from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", "from"],
  ["form=2026-05-01T00:00:00Z", "form"],
];
for (const [query, field] of malformed) {
  Deno.test(`a statement with ${query} is malformed`, async () => {
    const reply = await asker(new FakeNode())(`${path}?${query}`);
    assertEquals([reply.status, reply.json.field], [400, field]);
  });
}

Deno.test("a statement that can't be told to its end breaks off, and the node's log says why", async () => {
  const node = new FakeNode();
  node.statement = () =>
    Promise.resolve({
      ...{ currency: "USD", atMs: committed.atMs },
      parts: (async function* (): AsyncGenerator<StatementPart> {
        yield* parts.slice(0, 2);
        throw await Promise.resolve(new RangeError("the log is closed"));
      })(),
    });
  const errors: string[] = [];
  const ask = asker(node, { onError: (line) => errors.push(line) });
  await assertRejects(() => ask(path), RangeError);
  assertEquals(errors.length, 1);
  assertMatch(errors[0]!, /^GET \/v1\/accounts\/main\/statement: .*the log is closed/);
});

const times: readonly [text: string, ms: number | undefined][] = [
  ["2026-05-01T00:00:00Z", Date.UTC(2026, 4, 1)],
  ["2026-05-01t00:00:00.5z", Date.UTC(2026, 4, 1, 0, 0, 0, 500)],
  ["2024-02-29T23:30:00-01:00", Date.UTC(2024, 2, 1, 0, 30)],
  ["2026-02-29T00:00:00Z", undefined],
  ["2026-05-01T24:00:00Z", undefined],
  ["2026-05-01T00:00:60Z", undefined],
  ["2026-05-01T00:00:00.0005Z", undefined],
  ["2026-05-01T00:00:00", undefined],
  ["2026-05-01 00:00:00Z", undefined],
  ["2026-05-01", undefined],
];
for (const [text, ms] of times) {
  Deno.test(`parseTime(${JSON.stringify(text)}) is ${ms}`, () => assertEquals(parseTime(text), ms));
}

Deno.test("parseDate() takes the days that there are", () => {
  const days = ["2026-05-01", "2026-02-29", "2026-04-31", "2026-13-01", "26-05-01", "2026-5-1"];
  const [first, ...others] = days.map(parseDate);
  assertEquals([first, ...others], [Date.UTC(2026, 4, 1), ...others.map(() => undefined)]);
});
