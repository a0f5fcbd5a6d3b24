import { assertEquals, assertMatch } from "@std/assert";
import { parseArguments } from "../../src/cli/arguments.ts";
import { operatorFlags, operatorIn } from "../../src/cli/operator.ts";
import { timeText } from "../../src/cli/times.ts";
import { operatorDefault } from "../../src/http/schema.ts";
import { renewalDays } from "../../src/limits.ts";
import { fakeNode, record, recordAnswering } from "./recorder.ts";

const transaction = "1-0123456789ab-7";
const payment = "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e";
const at = "2025-01-31T12:00:00.000Z";
const doubt = {
  transaction,
  payment,
  age: 200,
  participants: ["alice", "bob"],
  unreachable: ["coordinator"],
  held: [{ account: "main@bob", amount: "-12500", currency: "USD" }],
};
const mismatch = {
  transaction,
  payment,
  forced: { decision: "commit", by: "ann" },
  decision: "abort",
  at,
};
const status = {
  name: "bob",
  role: "participant",
  epoch: "1-0123456789ab",
  clock: { bob: 3 },
  peers: [],
  open: 0,
  inDoubt: 0,
  committed: 1,
  aborted: 0,
  throughput: 0,
  latency: { p50ms: null, p99ms: null },
  mismatches: [mismatch],
  alarms: [],
};

/** Answers as a node with one transaction in doubt and one mismatch; keeps what it is sent. */
async function startNode(inDoubt: readonly unknown[] = [doubt], memory = {}) {
  const sent: unknown[] = [];
  const node = await fakeNode(async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "GET") {
      if (pathname === "/v1/peers/alice") return Response.json({ name: "alice", ...memory });
      const answer = pathname === "/v1/status" ? status : { inDoubt, mismatches: [mismatch] };
      return Response.json(answer);
    }
    const text = await request.text();
    sent.push([pathname, text && JSON.parse(text)]);
    switch (pathname) {
      case "/v1/in-doubt/retry":
        return Response.json({ asked: inDoubt.length });
      case `/v1/in-doubt/${transaction}`:
        return Response.json({ transaction, payment, decision: "abort", by: "ann", at });
      case "/v1/peers/alice/readmit":
        return Response.json({ readmitted: "alice", ...memory });
      default:
        return Response.json({ acknowledged: transaction, payment, by: "ann" });
    }
  });
  return { node, sent, flags: node.flags };
}

Deno.test("resolve sends the decision and who took it", async () => {
  const { node, sent, flags } = await startNode();
  await using _node = node;
  const line = ["resolve", transaction, "--abort", "--yes", "--by", "ann"];
  const { exit, out, err } = await record(...line, ...flags);
  assertEquals([exit, err], [0, []]);
  assertEquals(out, [`forced ${transaction} of payment ${payment} to abort, by ann; recorded`]);
  assertEquals(sent, [[`/v1/in-doubt/${transaction}`, { decision: "abort", by: "ann" }]]);
});

for (const answer of [true, false]) {
  Deno.test(`resolve at a terminal tells what it risks, and ${answer ? "acts" : "stops"} on the answer`, async () => {
    const { node, sent, flags } = await startNode();
    await using _node = node;
    const line = ["resolve", transaction, "--commit", "--json", "--by", "ann"];
    const { exit, err, out } = await recordAnswering(answer, ...line, ...flags);
    assertEquals(err, [
      `${transaction} of payment ${payment}: in doubt for 3 min 20 s`,
      "held here: main@bob -125.00 USD",
      "participants: alice, bob; not reached: coordinator",
      "If the real decision is abort, this ledger will differ from the others, until people put it " +
      'right. Ask again before: "handfast in-doubt --retry".',
      `Force ${transaction} to commit all the same?`,
    ]);
    assertEquals([exit, sent.length, out.length], answer ? [0, 1, 1] : [1, 0, 0]);
  });
}

Deno.test("resolve at a terminal asks nothing of what is not in doubt, or forced before", async () => {
  const forced = { decision: "abort", by: "ben", at, legs: [] };
  const cases = [[[], /not in doubt at/], [[{ ...doubt, forced }], /forced to abort by ben at/]];
  for (const [inDoubt, said] of cases as [unknown[], RegExp][]) {
    const { node, sent, flags } = await startNode(inDoubt);
    await using _node = node;
    const { exit, err } = await recordAnswering(true, "resolve", transaction, "--abort", ...flags);
    assertEquals([exit, sent, err.length], [1, [], 1]);
    assertMatch(err[0]!, said);
  }
});

const [second, third] = ["1-0123456789ab-8", "1-0123456789ab-9"];
const ann = { decision: "abort", by: "ann" };

/** One of these is not in doubt where it is asked about. */
async function startNodeOf(inDoubt: readonly string[]) {
  const sent: unknown[] = [];
  const node = await fakeNode(async (request) => {
    const asked = new URL(request.url).pathname.slice("/v1/in-doubt/".length);
    if (request.method === "GET") {
      const held = inDoubt.map((transaction) => ({ ...doubt, transaction }));
      return Response.json({ inDoubt: held, mismatches: [] });
    }
    sent.push([asked, await request.json()]);
    if (asked === third) return new Response("nonsense");
    if (inDoubt.includes(asked)) return Response.json({ transaction: asked, payment, ...ann, at });
    const problem = { code: "transaction_not_found", detail: `${asked} is not in doubt at bob` };
    return Response.json(problem, { status: 404 });
  });
  return { node, sent };
}

Deno.test("resolve of several tries each, tells of each, and fails if one does", async () => {
  const { node, sent } = await startNodeOf([second]);
  await using _node = node;
  const line = ["resolve", transaction, third, second, "--abort", "--yes", "--by", "ann"];
  const { exit, out, err } = await record(...line, ...node.flags);
  assertEquals(exit, 1);
  assertEquals(sent, [transaction, third, second].map((one) => [one, ann]));
  assertEquals(out, [`forced ${second} of payment ${payment} to abort, by ann; recorded`]);
  assertEquals(err.length, 2);
  assertEquals(err[0], `handfast: ${transaction}: ${transaction} is not in doubt at bob`);
  assertMatch(err[1]!, new RegExp(`^handfast: ${third}: http.* answered 200, not as a node does`));

  const json = await record(...line, "--json", ...node.flags);
  assertEquals(json.exit, 1);
  const [refused, ...others] = json.out.map((line) => JSON.parse(line));
  assertEquals([refused.transaction, refused.code], [transaction, "transaction_not_found"]);
  assertEquals(Object.keys(others[0]), ["transaction", "detail"]);
  assertEquals(others[1], { transaction: second, payment, ...ann, at });

  const all = await startNodeOf([transaction, second]);
  await using _all = all.node;
  const both = ["resolve", transaction, second, "--abort", "--yes", ...all.node.flags];
  assertEquals((await record(...both)).exit, 0);
});

for (const answer of [true, false]) {
  Deno.test(`resolve of several asks once at a terminal, and ${answer ? "acts" : "stops"} on the answer`, async () => {
    const { node, sent } = await startNodeOf([transaction, second]);
    await using _node = node;
    const line = ["resolve", transaction, second, "--abort", "--by", "ann", ...node.flags];
    const { exit, out, err } = await recordAnswering(answer, ...line);
    assertEquals(err, [
      "2 in doubt, the oldest for 3 min 20 s; held: 250.00 USD of debits; not reached: coordinator",
      "If a real decision is commit, this ledger will differ from the others, until people put it " +
      'right. Ask again before: "handfast in-doubt --retry".',
      "Force all 2 to abort all the same?",
    ]);
    assertEquals([exit, out.length, sent.length], answer ? [0, 2, 2] : [1, 0, 0]);
  });
}

Deno.test("resolve of several forces no more than what the question was about", async () => {
  const { node, sent } = await startNodeOf([second]);
  await using _node = node;
  const line = ["--abort", "--by", "ann", ...node.flags];
  const one = await recordAnswering(true, "resolve", transaction, second, ...line);
  assertMatch(one.err[0]!, /^handfast: transaction 1-0123456789ab-7 is not in doubt at/);
  assertMatch(one.err[1]!, /^1 in doubt, /);
  assertEquals([one.exit, one.err.at(-1)], [1, "Force it to abort all the same?"]);
  assertEquals(sent, [[second, ann]]);
  const none = await recordAnswering(true, "resolve", transaction, third, ...line);
  assertEquals([none.exit, none.err.at(-1)], [1, "handfast: none of the 2 can be forced"]);
  assertEquals(sent.length, 1);
});

const severalRefused: readonly [words: readonly string[], said: RegExp][] = [
  [[], /"resolve" needs TRANSACTION: handfast resolve TRANSACTION\.\.\. --commit\|--abort --yes/],
  [[transaction, "7"], /TRANSACTION "7" is no transaction id/],
  [[transaction, second, transaction], /names 1-0123456789ab-7 twice: give it once/],
];
for (const [words, said] of severalRefused) {
  Deno.test(`resolve ${words.join(" ")} is a usage error, and nothing is sent`, async () => {
    const { node, sent } = await startNodeOf([transaction, second]);
    await using _node = node;
    const { exit, err } = await record("resolve", ...words, "--abort", "--yes", ...node.flags);
    assertEquals([exit, sent], [2, []]);
    assertMatch(err.join(), said);
  });
}

Deno.test("acknowledge shows the mismatch to a person before it asks, and is recorded", async () => {
  const { node, sent, flags } = await startNode();
  await using _node = node;
  const line = ["acknowledge", transaction, "--by", "ann"];
  const refused = await recordAnswering(false, ...line, ...flags);
  assertEquals([refused.exit, sent], [1, []]);
  assertMatch(refused.err[0]!, /is not atomic: .* forced to commit by ann, but decided to abort/);
  assertMatch(refused.err[1]!, /put right/);
  const { exit, out } = await recordAnswering(true, ...line, ...flags);
  assertEquals([exit, sent], [0, [[`/v1/mismatches/${transaction}/acknowledge`, { by: "ann" }]]]);
  assertMatch(out[0]!, /^acknowledged the mismatch of .*, by ann; recorded$/);
  const other = await recordAnswering(true, "acknowledge", "1-0123456789ab-8", ...flags);
  assertEquals([other.exit, sent.length], [1, 1]);
  assertMatch(other.err.join(), /no mismatch of 1-0123456789ab-8 waits/);
});

Deno.test("readmit sends who does it", async () => {
  const { node, sent, flags } = await startNode();
  await using _node = node;
  const { exit } = await record("readmit", "alice", "--yes", "--by", "ann", ...flags);
  assertEquals([exit, sent], [0, [["/v1/peers/alice/readmit", { by: "ann" }]]]);
});

const payments = { count: 4, all: true, since: at, among: 9 };
const since = `since ${timeText(at)}`;
const noneFound =
  "no payment that alice may lack was found by what it tells of itself, which need not be all: " +
  'compare the logs with "handfast verify"';
const memories: readonly [memory: object, ...said: string[]][] = [
  [{}],
  [
    { seen: 57 },
    "alice was seen up to entry 57 of its log; what it has come back with is known once it " +
    "has been refused here",
  ],
  [
    { seen: 57, forgotten: { ends: 60 } },
    "alice was seen up to entry 57 of its log, but now has another " +
    "entry 57: it lacks what it did since, less what was restored",
  ],
  ...([
    [
      payments,
      `${since}, 4 payments of alice were committed here that it may lack, listed among others ` +
      "by: handfast payments --limit 9",
    ],
    [
      { ...payments, count: 1, all: false, among: 20_000 },
      `${since}, at least 1 payment of alice was ` +
      "committed here that it may lack, listed among others by: handfast payments --limit 10000",
    ],
    [
      { ...payments, count: 0 },
      noneFound,
    ],
    [{ count: 0, all: true, among: 0 }, noneFound],
  ] as const).map(([payments, said]): [object, string, string] => [
    { seen: 57, forgotten: { ends: 12, payments } },
    "alice was seen up to entry 57 of its log, which now ends at entry 12: it lacks what it did since, less what was restored",
    said,
  ]),
];

Deno.test("readmit tells what the peer lacks, before it asks and when it is done", async () => {
  for (const [memory, ...said] of memories) {
    const { node, flags } = await startNode([], memory);
    await using _node = node;
    const lines = said.map((line) =>
      / --limit \d+$/.test(line) ? `${line} ${flags.join(" ")}` : line
    );
    const asked = await recordAnswering(false, "readmit", "alice", ...flags);
    const question = 'Take back "alice", giving up what its lost log could prove?';
    assertEquals([asked.exit, asked.err], [1, [...lines, question]]);
    const { exit, out } = await record("readmit", "alice", "--yes", ...flags);
    assertEquals([exit, out], [0, ["readmitted alice; recorded", ...lines]]);
  }
});

Deno.test("in-doubt --retry says how many were asked about", async () => {
  for (
    const [inDoubt, said] of [[[doubt], /^asked about 1 /], [[], /^nothing is in doubt/]] as const
  ) {
    const { node, sent, flags } = await startNode(inDoubt);
    await using _node = node;
    const { exit, out } = await record("in-doubt", "--retry", ...flags);
    assertEquals([exit, sent], [0, [["/v1/in-doubt/retry", ""]]]);
    assertMatch(out[0]!, said);
    const json = await record("in-doubt", "--retry", "--json", ...flags);
    assertEquals(json.out, [JSON.stringify({ asked: inDoubt.length })]);
  }
});

Deno.test("status and in-doubt show a mismatch, and what to do about it", async () => {
  const { node, flags } = await startNode([]);
  await using _node = node;
  const remedy = `handfast acknowledge ${transaction} --yes ${flags.join(" ")}`;
  for (const command of ["status", "in-doubt"]) {
    const { out } = await record(command, ...flags);
    assertMatch(out[1]!, /^MISMATCH: payment .* forced to commit by ann, .*; .*: /);
    assertEquals(out[1]!.slice(out[1]!.indexOf("handfast ")), remedy);
  }
});

Deno.test("status says since when payments are counted: a restart begins anew", async () => {
  const { node, flags } = await startNode([]);
  await using _node = node;
  const { out } = await record("status", ...flags);
  assertEquals(
    out.find((line) => line.startsWith("payments: ")),
    "payments: 0 open, 0 of them in doubt; since it started 1 committed, 0 aborted",
  );
});

Deno.test("status says that no payments are taken, why, and how long some have been in doubt", async () => {
  const counts = { open: 3, inDoubt: 2, longestDoubt: 75, forced: 1 };
  const troubled = { ...status, ...counts, mismatches: [] };
  await using node = await fakeNode(() =>
    Response.json({ ...troubled, ready: false, notReady: "no link to the coordinator" })
  );
  const { out } = await record("status", ...node.flags);
  assertEquals([out[1], out[3]], [
    "takes no payments: no link to the coordinator",
    "payments: 3 open, 2 of them in doubt, the longest for 1 min 15 s, 1 forced and not " +
    "confirmed; since it started 1 committed, 0 aborted",
  ]);
});

const clocks: readonly [offset: number | undefined, said?: string][] = [
  [undefined],
  [59.9],
  [-60],
  [7_260, "its clock was 2 h 1 min ahead of its coordinator's at the last decision"],
  [-60.1, "its clock was 1 min behind its coordinator's at the last decision"],
];
for (const [clockOffset, said] of clocks) {
  Deno.test(`status of a clock that is off by ${clockOffset} s says ${said ?? "nothing"}`, async () => {
    await using node = await fakeNode(() => Response.json({ ...status, clockOffset }));
    const { out } = await record("status", ...node.flags);
    const found = out.filter((line) => line.startsWith("its clock was"));
    assertEquals(found.map((line) => line.split(":")[0]), said === undefined ? [] : [said]);
  });
}

Deno.test("status says who has not acknowledged, for how long, and where to see what", async () => {
  const unacknowledged = [{ participant: "dave", payments: 2, longest: 200 }];
  const found = { ...status, mismatches: [], unacknowledged };
  await using node = await fakeNode(() => Response.json(found));
  const { out } = await record("status", ...node.flags);
  assertEquals(
    out[1],
    "dave has not acknowledged 2 committed, the first for 3 min 20 s: " +
      `see handfast payments --open ${node.flags.join(" ")}`,
  );
});

for (
  const [days, said] of [
    [100, /^certificate valid until 2.* UTC$/],
    [renewalDays - 1, /^certificate valid until 2.* UTC: have it signed again$/],
    [-1, /^certificate expired 2.* UTC: have it signed again$/],
  ] as const
) {
  Deno.test(`status of a node whose certificate ends in ${days} days says so`, async () => {
    const certificateNotAfter = new Date(Date.now() + days * 86_400_000).toISOString();
    const found = { ...status, mismatches: [], certificateNotAfter };
    await using node = await fakeNode(() => Response.json(found));
    const { out } = await record("status", ...node.flags);
    assertMatch(out.at(-1)!, said);
  });
}

Deno.test("help says who is recorded where nobody says who they are", async () => {
  const { out } = await record("help", "resolve");
  assertMatch(out.join(" "), new RegExp(`default: your login name, else ${operatorDefault}\\)`));
});

const logins: readonly [typed: readonly string[], env: Record<string, string>, by?: string][] = [
  [["--by", "ann"], { USER: "root" }, "ann"],
  [[], { USER: "root", LOGNAME: "ann" }, "root"],
  [[], { LOGNAME: "ann" }, "ann"],
  [[], { USER: "a\nb", LOGNAME: "ann" }, "ann"],
  [[], { USER: "" }],
  [[], {}],
];

for (const [typed, env, by] of logins) {
  Deno.test(`operatorIn() of ${JSON.stringify([typed, env])} is ${by ?? "left to the node"}`, () => {
    const syntax = { name: "x", usage: ["x"], flags: operatorFlags };
    const args = parseArguments(typed, syntax);
    assertEquals(operatorIn(args, (name) => env[name]), by);
  });
}

Deno.test({
  name: "operatorIn() leaves it to the node where the environment may not be read",
  permissions: { env: false },
  fn: () => {
    const args = parseArguments([], { name: "x", usage: ["x"], flags: operatorFlags });
    assertEquals(operatorIn(args), undefined);
  },
});
