import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { send } from "../../src/cli/node_client.ts";
import { payOutcome } from "../../src/cli/pay_outcome.ts";
import type { PaymentId } from "../../src/protocol/id.ts";
import { fakeNode, record, recordFull, recordLeft } from "./recorder.ts";

const id = "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e";
const otherId = "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5f";
const order = ["--to", "bob", "--amount", "125.00", "--currency", "USD", "--id", id];
const problem = (code: string, more = {}) => ({
  title: "",
  status: 0,
  code,
  detail: code,
  ...more,
});

const rows: readonly [claim: string, status: number, body: unknown, exit: number][] = [
  ["201 committed", 201, { id, state: "committed" }, 0],
  ["200 committed before", 200, { id, state: "committed" }, 0],
  ["200 aborted before", 200, { id, state: "aborted", code: "insufficient_funds" }, 3],
  ["422 aborted", 422, problem("insufficient_funds", { id, state: "aborted" }), 3],
  ["422 aborted, another payment", 422, problem("x", { id: otherId, state: "aborted" }), 4],
  ["422 of no node", 422, "no", 4],
  ["201 of another payment", 201, { id: otherId, state: "committed" }, 4],
  ["201 without a state", 201, {}, 4],
  ["201 that is no JSON", 201, undefined, 4],
  ["202 pending", 202, { id, state: "pending" }, 4],
  ["400 malformed", 400, problem("malformed"), 2],
  ["400 of no node", 400, "bad", 4],
  ["401", 401, problem("unauthorized"), 1],
  ["403", 403, problem("token_reads_only"), 1],
  ["405 at a coordinator", 405, problem("method_not_allowed"), 1],
  ["404 of no node", 404, "nothing here", 4],
  ["409 running for another", 409, problem("id_in_use", { id, state: "rejected" }), 1],
  ["421", 421, problem("misdirected"), 1],
  ["500 unknown", 500, problem("outcome_unknown", { id, state: "unknown" }), 4],
  ["503 overloaded", 503, problem("overloaded", { id, state: "not_started" }), 1],
  ["503 unreachable", 503, problem("coordinator_unreachable", { id, state: "not_started" }), 1],
  ["503 stopping", 503, problem("stopping", { state: "not_started" }), 1],
  ["503 of a proxy", 503, "unavailable", 4],
  ["502 of a proxy", 502, "bad gateway", 4],
  ["307", 307, undefined, 4],
];

Deno.test("pay is not ended by a terminal that is closed while it waits", async () => {
  const committed = { id, state: "committed" };
  await using node = await fakeNode(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    return Response.json(committed, { status: 201 });
  });
  const { exit, out } = await recordLeft("pay", ...order, ...node.flags, "--json");
  assertEquals([exit, out], [0, [JSON.stringify(committed)]]);
});

for (const [claim, status, body, exit] of rows) {
  if (exit !== 0 && exit !== 3) continue;
  Deno.test(`pay --json exits ${exit} on ${claim} also where that can't be written`, async () => {
    await using node = await fakeNode(() => new Response(JSON.stringify(body), { status }));
    const said = await recordFull("pay", ...order, ...node.flags, "--json");
    assertEquals(said.exit, exit);
    const how = `the outcome of payment ${id} could not be written: No space left on device`;
    assertEquals(said.err, [`payment ${id}`, `handfast: ${how}`]);
  });
}

for (const [claim, status, body, exit] of rows) {
  for (const json of [false, true]) {
    Deno.test(`pay${json ? " --json" : ""} exits ${exit} on ${claim}`, async () => {
      const text = body === undefined ? "<html>" : JSON.stringify(body);
      await using node = await fakeNode(() => new Response(text, { status }));
      const said = await record("pay", ...order, ...node.flags, ...json ? ["--json"] : []);
      assertEquals(said.exit, exit);
      assertEquals(said.err[0], `payment ${id}`);
      assertEquals(said.err.length, exit === 0 ? 1 : 2);
      if (json) assertEquals(said.out, body === undefined ? [] : [text]);
      else assertEquals(said.out.length, exit === 0 ? 1 : 0);
    });
  }
}

Deno.test("pay says of a committed payment that this node's ledger lacks it, on stderr", async () => {
  const body = { id, state: "committed", lost: true };
  await using node = await fakeNode(() => Response.json(body, { status: 201 }));
  const lacks =
    `payment ${id} is committed, but this node's log has lost it and its ledger lacks it: ` +
    "do not pay it again by another id";
  for (const flags of [[], ["--json"]]) {
    const { exit, out, err } = await record("pay", ...order, ...node.flags, ...flags);
    assertEquals([exit, err], [0, [`payment ${id}`, `handfast: ${lacks}`]]);
    assertEquals(out.length, 1);
  }
});

Deno.test("pay says that nothing was paid, unless an operator has posted something by hand", async () => {
  for (const [code, isNothing] of [["insufficient_funds", true], ["forced_otherwise", false]]) {
    const body = problem(code as string, { id, state: "aborted" });
    await using node = await fakeNode(() => Response.json(body, { status: 422 }));
    const { err } = await record("pay", ...order, ...node.flags);
    assertStringIncludes(err[1]!, `was aborted: ${code}`);
    assertEquals(err[1]!.includes("nothing was paid"), isNothing);
  }
});

Deno.test("pay says once that it was not started, and how to run it again", async () => {
  const detail =
    `There is no link to the coordinator; payment ${id} was not started, so send it again`;
  const body = problem("coordinator_unreachable", { detail, id, state: "not_started" });
  await using node = await fakeNode(() => Response.json(body, { status: 503 }));
  const { err } = await record("pay", ...order, ...node.flags);
  assertEquals(err.slice(1), [
    `handfast: payment ${id} was not started: there is no link to the coordinator ` +
    `(coordinator_unreachable); run it again with --id ${id}`,
  ]);
});

Deno.test("send() says how long nothing was answered", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using node = await fakeNode(() => promise);
  const address = { url: node.url, token: "secret", source: "--api" };
  const reply = await send(address, { method: "GET", path: "/", timeoutMs: 1_500 });
  resolve(new Response());
  assertEquals(reply, { type: "silent", reason: "no answer within 1.5 s" });
  const outcome = payOutcome(id as PaymentId, reply);
  assertEquals(outcome, { state: "unknown", reason: "no answer within 1.5 s" });
});

/** What a node answers that is called alice and has an account "save". */
function aliceNode(answer: unknown, status: number) {
  return fakeNode((request) => {
    if (request.method === "POST") return Response.json(answer, { status });
    const { pathname } = new URL(request.url);
    if (pathname === "/v1/status") return Response.json({ name: "alice" });
    if (pathname === "/v1/accounts/save") return Response.json(account("USD"));
    return Response.json(problem("account_not_found"), { status: 404 });
  });
}

const aborted = (code: string) => problem(code, { id, state: "aborted" });
const notStarted = problem("participant_unknown", { id, state: "not_started" });
const named: readonly [to: string, body: unknown, said: string][] = [
  [
    "zoe",
    aborted("participant_unknown"),
    `payment ${id} was aborted: participant_unknown (no participant "zoe" is in the network); ` +
    "nothing was paid",
  ],
  [
    "main@bob",
    aborted("participant_unreachable"),
    `payment ${id} was aborted: participant_unreachable (participant "bob" could not be reached); ` +
    "nothing was paid",
  ],
  [
    "zoe",
    notStarted,
    'no participant "zoe" in this network as far as this node knows; ' +
    `payment ${id} was not started`,
  ],
  [
    "save",
    aborted("participant_unknown"),
    `payment ${id} was aborted: participant_unknown (no participant "save" is in the network; ` +
    "this node's own account is save@alice); nothing was paid",
  ],
];
for (const [to, body, said] of named) {
  const { code, state } = body as { code: string; state: string };
  Deno.test(`pay --to ${to} names the participant where it is ${state}: ${code}`, async () => {
    await using node = await aliceNode(body, 422);
    const { err } = await record("pay", "--to", to, ...order.slice(2), ...node.flags);
    assertEquals(err[1], `handfast: ${said}`);
  });
}

Deno.test("pay from and to the same account is refused before anything is sent", async () => {
  const root = await Deno.makeTempDir({ prefix: "handfast-pay-" });
  const methods: string[] = [];
  await using node = await fakeNode(({ method, url }) => {
    methods.push(method);
    if (url.endsWith("/v1/status")) return Response.json({ name: "alice" });
    return Response.json(aborted("legs_invalid"), { status: 422 });
  });
  try {
    // A folder may have another name than its node.
    for (const [folder, exit] of [["alice", 2], ["bob", 3]] as const) {
      const data = `${root}/${folder}`;
      await Deno.mkdir(data);
      await Deno.writeTextFile(`${data}/api.json`, JSON.stringify({ url: node.url }));
      await Deno.writeTextFile(`${data}/token`, "secret");
      for (const to of ["alice", "main@alice", "bob", "save@alice"]) {
        const said = await record("pay", "--to", to, ...order.slice(2), "--data", data);
        const isSelf = folder === "alice" && to.endsWith("alice") && !to.startsWith("save");
        assertEquals(said.exit, isSelf ? exit : 3, `${folder} ${to}`);
        const text = "handfast: from and to are the same account, main@alice: nothing was sent";
        if (isSelf) assertEquals(said.err, [text]);
        assertEquals(methods.splice(0).includes("POST"), !isSelf);
      }
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("pay sends minor units of the paying account's currency, the token and the wait", async () => {
  const seen: unknown[] = [];
  await using node = await fakeNode(async (request) => {
    const { pathname, search } = new URL(request.url);
    seen.push([pathname + search, request.headers.get("authorization")]);
    if (request.method === "GET") return Response.json(account("KWD"));
    const body = await request.json();
    seen.push(body);
    return Response.json({ id: body.id, state: "committed" }, { status: 201 });
  });
  const said = await record("pay", "--to=bob", "--amount=5", "--id", id, "--wait=2", ...node.flags);
  assertEquals(said.out, [`committed ${id}: 5.000 KWD from main to main@bob`]);
  assertEquals(seen, [
    ["/v1/accounts/main", "Bearer secret"],
    ["/v1/payments?wait=2", "Bearer secret"],
    { id, from: "main", to: "main@bob", amount: "5000", currency: "KWD" },
  ]);
});

Deno.test("pay makes a UUIDv7 and says it before it sends", async () => {
  await using node = await fakeNode(() => new Response("", { status: 500 }));
  const said = await record("pay", ...order.slice(0, -2), ...node.flags);
  assert(/^payment [0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/.test(said.err[0] ?? ""));
});

Deno.test("pay exits 1 where the paying account is not found, with nothing sent", async () => {
  const methods: string[] = [];
  await using node = await fakeNode((request) => {
    methods.push(request.method);
    return Response.json(problem("account_not_found"), { status: 404 });
  });
  const said = await record("pay", "--to=bob", "--amount=5", "--from=nix", ...node.flags);
  assertEquals(said.exit, 1);
  assertStringIncludes(said.err[0] ?? "", '"nix"');
  assertEquals(methods, ["GET"]);
});

Deno.test("pay exits 2 for more decimals than the currency has, with nothing sent", async () => {
  await using node = await fakeNode(() => Response.json(account("JPY")));
  assertEquals((await record("pay", "--to=bob", "--amount=5.5", ...node.flags)).exit, 2);
});

Deno.test("pay exits 1 where nothing listens: it was certainly not sent", async () => {
  await using node = await fakeNode(() => new Response());
  const flags = ["--api", freeUrl(), "--token-file", node.tokenFile];
  const said = await record("pay", ...order, ...flags);
  assertEquals(said.exit, 1);
  assertStringIncludes(said.err.join(), "was not sent");
  assertEquals((await record("balance", ...flags)).exit, 1);
});

for (
  const [claim, answer] of [
    ["before", ""],
    ["in the middle of", 'HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{"id":"'],
  ] as const
) {
  Deno.test(`pay exits 4 where the connection breaks ${claim} the answer`, async () => {
    await using node = await fakeNode(() => new Response());
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const served = answerOnce(listener, answer);
    const api = `http://127.0.0.1:${listener.addr.port}`;
    const said = await record("pay", ...order, "--api", api, "--token-file", node.tokenFile);
    await served;
    assertEquals(said.exit, 4);
    assertStringIncludes(said.err[1] ?? "", `handfast payment ${id}`);
  });
}

Deno.test("payment exits 0 for every state and 1 where it is not known", async () => {
  for (const state of ["pending", "prepared", "committed", "aborted"]) {
    const found = {
      id,
      state,
      legs: [],
      originator: "alice",
      clock: {},
      at: "2025-01-31T12:00:00Z",
    };
    await using node = await fakeNode(() => Response.json(found));
    assertEquals((await record("payment", id, ...node.flags)).exit, 0);
    const { out } = await record("payment", id, "--json", ...node.flags);
    assertEquals(out, [JSON.stringify(found)]);
  }
  await using node = await fakeNode(() =>
    Response.json(problem("payment_not_found"), { status: 404 })
  );
  const said = await record("payment", id, "--json", ...node.flags);
  assertEquals([said.exit, said.out.length, said.err.length], [1, 1, 1]);
});

Deno.test("balance groups digits and shows decimals", async () => {
  const accounts = [{ ...account("USD"), available: "-123450", posted: "123456789" }];
  await using node = await fakeNode(() => Response.json({ accounts, books: [] }));
  const { out } = await record("balance", ...node.flags);
  assertStringIncludes(out[1] ?? "", "-1,234.50 USD");
  assertStringIncludes(out[1] ?? "", "1,234,567.89 USD");
});

Deno.test("balance shows the accounts of all pages, and their JSON as one answer", async () => {
  const paths: string[] = [];
  const pages = ["main", "savings", "till"].map((name, i) => ({
    accounts: [{ ...account("USD"), account: name, since: 7 }],
    books: [{ currency: "USD" }],
    ...i < 2 ? { next: `${i + 1}` } : {},
  }));
  await using node = await fakeNode((request) => {
    const { pathname, search, searchParams } = new URL(request.url);
    paths.push(pathname + search);
    return Response.json(pages[Number(searchParams.get("cursor") ?? 0)]);
  });
  const { out } = await record("balance", ...node.flags);
  assertEquals(out.slice(1).map((line) => line.split("\t")[0]), ["main", "savings", "till"]);
  assertEquals(paths, ["", "&cursor=1", "&cursor=2"].map((at) => `/v1/accounts?limit=1000${at}`));
  const json = await record("balance", "--json", ...node.flags);
  assertEquals(JSON.parse(json.out.join()), {
    accounts: pages.flatMap(({ accounts }) => accounts),
    books: [{ currency: "USD" }],
  });
});

function account(currency: string) {
  return {
    account: "main",
    currency,
    posted: "0",
    pendingDebits: "0",
    pendingCredits: "0",
    available: "0",
  };
}

/** Of a port on which nothing listens any more. */
function freeUrl(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `http://127.0.0.1:${listener.addr.port}`;
}

/** Reads one request, says what is to be said, and breaks off; nobody listens after that. */
async function answerOnce(listener: Deno.Listener, answer: string): Promise<void> {
  for (;;) {
    using connection = await listener.accept();
    // A look whether anybody listens sends nothing.
    if (await connection.read(new Uint8Array(65_536)) === null) continue;
    listener.close();
    if (answer !== "") await connection.write(new TextEncoder().encode(answer));
    return;
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`pay that is ended by ${signal} says that the outcome is unknown`, async () => {
    const asked = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    await using node = await fakeNode(async () => {
      asked.resolve();
      await over.promise;
      return new Response();
    });
    const root = new URL("../../", import.meta.url);
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "main.ts", "pay", ...order, ...node.flags],
      cwd: root,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    await asked.promise;
    process.kill(signal);
    const { code, stderr } = await process.output();
    over.resolve();
    assertEquals(code, 4);
    const said = new TextDecoder().decode(stderr);
    assertStringIncludes(said, `outcome unknown: interrupted; ask "handfast payment ${id}"`);
  });
}

const legs = [
  { account: "main@alice", amount: "-12500", currency: "USD" },
  { account: "main@bob", amount: "12500", currency: "USD" },
];
const otherLegs = legs.map((leg) => ({ ...leg, amount: leg.amount.replace("125", "126") }));
const view = {
  ...{ id, legs, state: "committed", originator: "alice", clock: {} },
  at: "2025-01-31T12:00:00.000Z",
};
const unknown = "handfast: outcome unknown: its id";
const same = (state: string) =>
  `${unknown} was used for a payment of the same legs, which is ${state}; what that tells, or a key that ` +
  `signed or sealed it, is another than now, so nothing more was sent; ask "handfast payment ${id}"`;
const another = (state: string, what: string) =>
  `handfast: payment id ${id} was used for another payment, which is ${state}: ${what}; for a new payment ` +
  "leave out --id";
const lost = "Payment is committed, but not in the log";
const notTold = `; ask "handfast payment ${id}" at the coordinator`;

const reused: readonly [stands: string, known: object, exit: number, said: string][] = [
  ["the same legs", view, 4, same("committed")],
  ["the same legs the other way round", { ...view, legs: legs.toReversed() }, 4, same("committed")],
  [
    "the same legs, aborted",
    { ...view, state: "aborted", code: "vote_timeout" },
    4,
    same("aborted vote_timeout"),
  ],
  [
    "other legs",
    { ...view, legs: otherLegs },
    1,
    another("committed", "126.00 USD from main@alice to main@bob, ordered at alice"),
  ],
  [
    "another's payment",
    { ...view, state: "prepared", originator: "bob" },
    1,
    another("prepared", "125.00 USD from main@alice to main@bob, ordered at bob"),
  ],
  [
    "what the log has not",
    { code: "payment_not_found", detail: "not here" },
    4,
    `${unknown} was used before: for a payment that is not in this node's log${notTold}`,
  ],
  [
    "what the log has lost",
    { code: "payment_not_found", detail: lost, state: "committed" },
    4,
    `${unknown} was used before: ${lost}${notTold}`,
  ],
];

for (const [stands, known, exit, said] of reused) {
  Deno.test(`pay exits ${exit} where the id stands for ${stands}`, async () => {
    await using node = await fakeNode((request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/status") return Response.json({ name: "alice" });
      if (request.method === "GET") {
        return Response.json(known, { status: "code" in known && !("id" in known) ? 404 : 200 });
      }
      return Response.json(problem("id_reused", { id, state: "rejected" }), { status: 422 });
    });
    const { exit: code, err } = await record("pay", ...order, ...node.flags);
    assertEquals([code, err], [exit, [`payment ${id}`, said]]);
    const { out: [line = ""] } = await record("pay", ...order, ...node.flags, "--json");
    const answer = problem("id_reused", { id, state: "rejected" });
    const { detail, ...told } = JSON.parse(line);
    const state = exit === 4 ? "unknown" : "rejected";
    assertEquals({ ...told, detail }, { ...answer, state, detail });
    if (exit === 4) assertStringIncludes(said, `: ${detail}; ask `);
  });
}
