/** Accounts opened at the command line. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fakeNode, record } from "./recorder.ts";

const there = {
  ...{ account: "savings", currency: "USD", posted: "700", available: "700" },
  ...{ pendingDebits: "0", pendingCredits: "0" },
};

async function keeping(status: number, answer: unknown = there) {
  const sent: unknown[] = [];
  const node = await fakeNode(async (request) => {
    sent.push(request.method, new URL(request.url).pathname, await request.json());
    return Response.json(answer, { status });
  });
  return { node, sent, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}

const line = "account open savings --currency USD".split(" ");

Deno.test("account open says with what an account was opened", async () => {
  await using server = await keeping(201);
  const said = await record(...line, "--opening", "7.00", ...server.node.flags);
  assertEquals(said, { exit: 0, out: ["opened savings with 7.00 USD"], err: [] });
  const body = { account: "savings", currency: "USD", opening: "700" };
  assertEquals(server.sent, ["POST", "/v1/accounts", body]);
});

Deno.test("account open says of an account that existed that its opening was not changed", async () => {
  await using server = await keeping(200);
  const bare = await record(...line, ...server.node.flags);
  assertEquals(bare, { exit: 0, out: ["savings existed already, with 7.00 USD"], err: [] });
  assertEquals(server.sent.at(-1), { account: "savings", currency: "USD" });
  const unchanged = "its opening balance was not changed to 12.50 USD";
  const given = await record(...line, "--opening", "12.5", ...server.node.flags);
  assertEquals(given.out, [`savings existed already, with 7.00 USD: ${unchanged}`]);
  assertEquals([given.exit, given.err], [0, []]);
  const json = await record(...line, "--opening", "12.50", "--json", ...server.node.flags);
  const err = [`handfast: savings existed already: ${unchanged}`];
  assertEquals(json, { exit: 0, out: [JSON.stringify(there)], err });
});

Deno.test("account open fails where the account has another currency", async () => {
  const detail = 'Account "savings" exists, with another currency than USD';
  await using server = await keeping(409, { code: "account_exists", detail });
  const said = await record(...line, ...server.node.flags);
  assertEquals(said, { exit: 1, out: [], err: [`handfast: ${detail}`] });
});

const refused: readonly [typed: string, why: string][] = [
  ["account open", "needs NAME"],
  ["account list main --currency USD", 'accounts are listed by "balance"'],
  ["account open main", "needs --currency CODE"],
  ["account open card --currency USD", '"card" is reserved'],
  ["account open main --currency usd", "no currency"],
  ["account open main --currency USD --opening=-1", '--opening "-1" must not be below zero'],
  ["account open main --currency JPY --opening 1.5", "JPY has none"],
];
for (const [typed, why] of refused) {
  Deno.test(`${typed} is wrong usage: ${why}`, async () => {
    const { exit, err } = await record(...typed.split(" "));
    assertEquals(exit, 2);
    assertStringIncludes(err.join("\n"), why);
  });
}
