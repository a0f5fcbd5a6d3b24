import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { legsText } from "../../src/cli/legs.ts";
import { terminalStyle } from "../../src/cli/style.ts";
import { durationText, timeText } from "../../src/cli/times.ts";
import { fakeNode, record } from "./recorder.ts";

const id = "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e";

Deno.test("payments asks for limit and account, and shows who paid whom", async () => {
  const paths: string[] = [];
  const found = {
    id,
    state: "aborted",
    code: "insufficient_funds",
    legs: [
      { account: "main@a", amount: "-123450", currency: "USD" },
      { account: "main@b", amount: "123450", currency: "USD" },
    ],
    originator: "a",
    clock: {},
    at: "2025-01-31T12:00:00Z",
  };
  await using node = await fakeNode((request) => {
    const { pathname, search } = new URL(request.url);
    paths.push(pathname + search);
    // A page may have fewer than were asked for.
    return Response.json({ payments: [found], next: "x" });
  });
  const { exit, out, err } = await record(
    ..."payments --limit 2 --account main".split(" "),
    ...node.flags,
  );
  assertEquals([exit, err, paths], [0, [], [
    "/v1/payments?account=main&limit=2",
    "/v1/payments?account=main&limit=1&cursor=x",
  ]]);
  assertEquals(out.length, 3);
  const [, state, what, shownId] = out[1]?.split("\t") ?? [];
  assertEquals([state, what, shownId], [
    "aborted insufficient_funds",
    "1,234.50 USD from main@a to main@b",
    id,
  ]);
  const json = await record("payments", "--json", "--limit", "3", ...node.flags);
  assertEquals(json.out, [JSON.stringify({ payments: [found, found, found], next: "x" })]);
});

Deno.test("payments asks for as many pages as its limit takes, up to 10,000 payments", async () => {
  const limits: (string | null)[] = [];
  await using node = await fakeNode(({ url }) => {
    const limit = new URL(url).searchParams.get("limit");
    limits.push(limit);
    const payment = { id, state: "committed", legs: [], originator: "a", clock: {}, at: "" };
    return Response.json({ payments: Array(Number(limit)).fill(payment), next: "x" });
  });
  const { exit, out } = await record("payments", "--limit", "1200", ...node.flags);
  assertEquals([exit, out.length, limits], [0, 1_201, ["500", "500", "200"]]);
  const help = (await record("payments", "--help")).out.join("\n");
  assertStringIncludes(help, "how many, up to 10000 (default: 50)");
  const { err } = await record("payments", "--limit", "10001", ...node.flags);
  assertStringIncludes(err.join(), "from 1 to 10000");
});

Deno.test("payments marks what was forced, unless it was so decided", async () => {
  const by = { by: "ann", at: "2025-01-31T12:00:00Z" };
  const payments = [
    { state: "committed", forced: { decision: "abort", ...by, decided: "commit" } },
    { state: "aborted", forced: { decision: "commit", ...by, decided: "abort" } },
    { state: "prepared", forced: { decision: "abort", ...by } },
    { state: "committed", forced: { decision: "commit", ...by, decided: "commit" } },
  ].map((found) => ({ ...found, id, legs: [], originator: "a", clock: {}, at: "" }));
  await using node = await fakeNode(() => Response.json({ payments }));
  const { out } = await record("payments", ...node.flags);
  assertEquals(out.slice(1).map((line) => line.split("\t")[1]), [
    "aborted here by force, decided otherwise: commit",
    "committed here by force, decided otherwise: abort",
    "aborted here by force, decision unknown",
    "committed",
  ]);
});

Deno.test("payments --details asks for memo and reference, and shows them in columns", async () => {
  const searches: string[] = [];
  const parts = [{ memo: "Rent", reference: "INV-7" }, { details: "erased" }, {}];
  const payments = parts.map((told) => ({
    ...{ id, state: "committed", legs: [], originator: "a", clock: {}, at: "", ...told },
  }));
  await using node = await fakeNode(({ url }) => {
    searches.push(new URL(url).search);
    return Response.json({ payments });
  });
  const cells = async (...flags: string[]) => {
    const { out } = await record("payments", ...flags, ...node.flags);
    return out.map((line) => line.split("\t").slice(3));
  };
  assertEquals(await cells(), [["id"], [id], [id], [id]]);
  const told = [["Rent", "INV-7"], ["(erased)", ""], ["", ""]];
  assertEquals(await cells("--details"), [
    ["id", "memo", "reference"],
    ...told.map((texts) => [id, ...texts]),
  ]);
  assertEquals(searches, ["?limit=50", "?details=true&limit=50"]);
});

Deno.test("payments --open lists who keeps what open, since when", async () => {
  const searches: string[] = [];
  const legs = [
    { account: "main@a", amount: "-500", currency: "USD" },
    { account: "main@b", amount: "500", currency: "USD" },
  ];
  const of = (state: string, waitingFor: string[]) => ({
    ...{ id, state, legs, originator: "a", clock: {}, at: "" },
    open: { waitingFor, since: "2025-01-31T12:00:00Z" },
  });
  let payments = [of("committed", ["b"]), of("pending", ["a", "b"])];
  await using node = await fakeNode(({ url }) => {
    searches.push(new URL(url).search);
    return Response.json({ payments });
  });
  const { out } = await record("payments", "--open", ...node.flags);
  assertEquals(searches, ["?open=true&limit=50"]);
  assertEquals(out[0], "since\tstate\tpayment\tid\twaits for");
  assertMatch(out[1]!, /^2025-01-3.*\tcommitted\t5.00 USD from main@a to main@b\t.*\tack of b$/);
  assertMatch(out[2]!, /\tpending\t.*\tvote of a, b$/);
  payments = [];
  assertEquals((await record("payments", "--open", ...node.flags)).out, ["no payment is open"]);
  for (const other of [["--details"], ["--account", "main"], ["--limit", "501"]]) {
    assertEquals((await record("payments", "--open", ...other, ...node.flags)).exit, 2);
  }
});

Deno.test("payments tells an account that there is not from one without payments", async () => {
  const detail = 'There is no account "nope" at alice';
  const refusal = { code: "account_not_found", detail };
  await using node = await fakeNode(({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/v1/payments") return Response.json({ payments: [] });
    return pathname === "/v1/accounts/main"
      ? Response.json({ account: "main" })
      : Response.json(refusal, { status: 404 });
  });
  const run = (...flags: string[]) => record("payments", ...flags, ...node.flags);
  assertEquals(await run("--account", "main"), { exit: 0, out: ["no payments"], err: [] });
  assertEquals(await run(), { exit: 0, out: ["no payments"], err: [] });
  const err = [`handfast: ${detail}`];
  assertEquals(await run("--account", "nope"), { exit: 1, out: [], err });
  const out = [JSON.stringify(refusal)];
  assertEquals(await run("--account", "nope", "--json"), { exit: 1, out, err });
});

Deno.test("in-doubt shows what is held, since when and who is unreachable", async () => {
  const doubt = {
    transaction: "1-abc-7",
    payment: id,
    age: 200.4,
    participants: ["a", "b"],
    unreachable: ["b"],
    held: [{ account: "main@a", amount: "-500", currency: "USD" }],
  };
  const forced = {
    ...doubt,
    held: [],
    forced: { decision: "abort", by: "ann", at: "2025-01-31T12:00:00Z", legs: doubt.held },
  };
  const answer = { inDoubt: [doubt, forced], mismatches: [] };
  await using node = await fakeNode(() => Response.json(answer));
  const { out } = await record("in-doubt", ...node.flags);
  assertEquals(out[1], `1-abc-7\t${id}\t3 min 20 s\tmain@a -5.00 USD\ta, b\tb`);
  assertMatch(out[2]!, /\tforced to abort by ann, 2025-01-.*: released main@a -5\.00 USD\ta, b\tb/);
  assertEquals(out.slice(3), [
    "1 in doubt, the oldest for 3 min 20 s; 1 forced; held: 5.00 USD of debits; not reached: b",
  ]);
  assertEquals((await record("in-doubt", "--json", ...node.flags)).out, [JSON.stringify(answer)]);
  await using one = await fakeNode(() => Response.json({ ...answer, inDoubt: [doubt] }));
  assertEquals((await record("in-doubt", ...one.flags)).out.length, 2);
  await using calm = await fakeNode(() => Response.json({ inDoubt: [], mismatches: [] }));
  assertEquals((await record("in-doubt", ...calm.flags)).out, ["nothing is in doubt"]);
});

Deno.test("a terminal's table sets amounts to the right, in colour or without", () => {
  const rows = [["name", "available"], ["a", "1.00 USD"], ["long", "-1,000.00 USD"]];
  assertEquals(terminalStyle(false).table(rows), [
    "name      available",
    "a          1.00 USD",
    "long  -1,000.00 USD",
  ]);
  const { paint, table } = terminalStyle(true);
  assertStringIncludes(paint("good", "x"), "\x1b[32mx");
  assertEquals(table([[paint("bad", "x"), "b"], ["yy", "c"]], false)[0], "\x1b[31mx\x1b[39m   b");
});

Deno.test("durations and times are for people, with their zone", () => {
  const texts = [0.4, 59, 60, 200, 7_500, 90_000].map(durationText);
  assertEquals(texts, ["0 s", "59 s", "1 min", "3 min 20 s", "2 h 5 min", "1 d 1 h"]);
  assertMatch(timeText("2025-01-31T12:00:00Z"), /^2025-\d\d-\d\d \d\d:00:00 [A-Z]/);
  assertEquals(timeText("never"), "never");
});

Deno.test("legs that are no plain transfer are shown one by one", () => {
  const leg = (account: string, amount: bigint) => ({ account, amount, currency: "USD" });
  assertEquals(
    legsText([leg("m@a", -300n), leg("m@b", 100n), leg("m@c", 200n)]),
    "m@a -3.00 USD, m@b 1.00 USD, m@c 2.00 USD",
  );
});
