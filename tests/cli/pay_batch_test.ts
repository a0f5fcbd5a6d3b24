import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { paymentBatchUnderWayMax } from "../../src/limits.ts";
import {
  fakeNode,
  record,
  recordFull,
  recordLive,
  recordReading,
  recordWatched,
} from "./recorder.ts";

const idOf = (index: number) => `0190f5d0-7b1a-7c3e-9f00-${index.toString(16).padStart(12, "0")}`;
const [first, second, third] = [idOf(1), idOf(2), idOf(3)];
const transfer = { from: "main", to: "main@bob", amount: "12500", currency: "USD" };
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/;

interface Sent {
  readonly id: string;
  readonly amount: string;
}

/** What of the answer's members a line is told by, its status among them. */
type Answer = (payment: Sent) => Record<string, unknown>;

const committed: Answer = ({ id }) => ({ status: 201, id, state: "committed" });
const ofOthers = "of other legs";
const answers = {
  "committed": committed,
  "committed before": ({ id }) => ({ status: 200, id, state: "committed" }),
  "aborted": ({ id }) => ({ status: 422, id, state: "aborted", code: "insufficient_funds" }),
  "aborted before": ({ id }) => ({ status: 200, id, state: "aborted", code: "vote_timeout" }),
  "id reused": ({ id }) => ({ status: 422, id, state: "rejected", code: "id_reused" }),
  "id reused of other legs": ({ id }) => ({
    ...{ status: 422, id, state: "rejected", code: "id_reused", detail: ofOthers },
  }),
  "overloaded": ({ id }) => ({ status: 503, id, state: "not_started", code: "overloaded" }),
  "malformed": () => ({ status: 400, code: "malformed", field: "memo" }),
  "pending": ({ id }) => ({ status: 202, id, state: "pending" }),
  "unknown": ({ id }) => ({ status: 500, id, state: "unknown", code: "outcome_unknown" }),
  "of another payment": () => ({ status: 201, id: idOf(99), state: "committed" }),
} satisfies Record<string, Answer>;

/** What the id of a line stands for: the legs of that line, or others. */
function standsFor(sent: Sent, { detail }: Record<string, unknown>) {
  const amount = detail === ofOthers ? "99" : sent.amount;
  const legs = [
    { account: "main@alice", amount: `-${amount}`, currency: "USD" },
    { account: "main@bob", amount, currency: "USD" },
  ];
  const at = "2025-01-31T12:00:00.000Z";
  return { id: sent.id, legs, state: "committed", originator: "alice", clock: {}, at };
}

/** Answers each line as the table says, and keeps the lines of every request. */
function batchNode(answer: Answer, parts: Sent[][] = []) {
  return fakeNode(async (request) => {
    const path = new URL(request.url).pathname;
    if (path === "/v1/status") return Response.json({ name: "alice" });
    if (request.method === "GET") {
      const sent = parts.flat().find(({ id }) => path === `/v1/payments/${id}`)!;
      return Response.json(standsFor(sent, answer(sent)));
    }
    const text = await request.text();
    const payments = text.split("\n").map((line) => JSON.parse(line) as Sent);
    parts.push(payments);
    const lines = payments.map((payment, index) =>
      `${JSON.stringify({ line: index + 1, ...answer(payment) })}\n`
    );
    return new Response(lines.join(""), { headers: { "content-type": "application/x-ndjson" } });
  });
}

async function inFile<T>(lines: readonly unknown[], run: (file: string) => Promise<T>): Promise<T> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, textOf(lines));
    return await run(file);
  } finally {
    await Deno.remove(file);
  }
}

function textOf(lines: readonly unknown[]): string {
  return lines.map((line) => typeof line === "string" ? line : JSON.stringify(line)).join("\n");
}

const rows: readonly [readonly (keyof typeof answers)[], exit: number, sum: string][] = [
  [["committed", "committed before"], 0, "2 payments: 2 committed"],
  [["committed", "aborted"], 3, "2 payments: 1 committed, 1 aborted"],
  [["aborted before"], 3, "1 payment: 0 committed, 1 aborted"],
  [["id reused of other legs", "committed"], 1, "2 payments: 1 committed, 1 failed"],
  [["id reused", "committed"], 4, "2 payments: 1 committed, 1 unknown"],
  [["malformed"], 1, "1 payment: 0 committed, 1 failed"],
  [["aborted", "overloaded"], 1, "2 payments: 0 committed, 1 aborted, 1 failed"],
  [["pending", "committed"], 4, "2 payments: 1 committed, 1 unknown"],
  [["of another payment"], 4, "1 payment: 0 committed, 1 unknown"],
  [
    ["overloaded", "unknown", "aborted"],
    4,
    "3 payments: 0 committed, 1 aborted, 1 failed, 1 unknown",
  ],
];
for (const [kinds, exit, sum] of rows) {
  for (const flags of [[], ["--json"]]) {
    Deno.test(`pay --batch ${flags.join()} exits ${exit} on ${kinds.join(", ")}`, async () => {
      const answer: Answer = (payment) => answers[kinds[Number(payment.amount) - 1]!](payment);
      await using node = await batchNode(answer);
      const lines = kinds.map((_, i) => ({ ...transfer, id: idOf(i + 1), amount: `${i + 1}` }));
      const said = await inFile(
        lines,
        (file) => record("pay", "--batch", file, ...node.flags, ...flags),
      );
      assertEquals(said.exit, exit);
      assertEquals(said.err[0], sum);
      assertEquals(said.err.length, exit === 4 ? 2 : 1);
      assertEquals(said.out.length, kinds.length);
      for (const [index, line] of lines.entries()) {
        if (flags.length === 0) continue;
        const told = JSON.parse(said.out[index]!);
        const known = kinds[index] === "id reused" ? { state: "unknown", detail: told.detail } : {};
        assertEquals(told, { id: line.id, ...answer(line), ...known, line: index + 1 });
      }
    });
  }
}

Deno.test("pay --batch tells people each outcome by line and id, and why it is none", async () => {
  const kinds = ["committed", "aborted", "pending"] as const;
  const answer: Answer = (payment) => answers[kinds[Number(payment.amount) - 1]!](payment);
  await using node = await batchNode(answer);
  const lines = [
    { ...transfer, id: first, amount: "1" },
    "",
    { ...transfer, id: second, amount: "2" },
    { ...transfer, id: third, amount: "3" },
  ];
  const { out } = await recordReading(textOf(lines), "pay", "--batch", "-", ...node.flags);
  assertEquals(out, [
    `1: committed ${first}`,
    `3: aborted ${second}: insufficient_funds (the account has less available)`,
    `4: unknown ${third}: it is still pending`,
  ]);
});

Deno.test("pay --batch names the participant that is unknown, where the line has one", async () => {
  const answer: Answer = ({ id }) => ({
    ...{ status: 422, id, state: "aborted", code: "participant_unknown" },
  });
  await using node = await batchNode(answer);
  const legs = [["main@alice", "-2"], ["main@bob", "2"]].map(([account, amount]) => ({
    ...{ account, amount, currency: "USD" },
  }));
  const three = [legs[0], { ...legs[1], amount: "1" }, {
    ...legs[1],
    account: "a@zoe",
    amount: "1",
  }];
  const lines = [{ ...transfer, id: first }, { id: second, legs }, { id: third, legs: three }];
  const { out } = await recordReading(textOf(lines), "pay", "--batch", "-", ...node.flags);
  const one = 'participant_unknown (no participant "bob" is in the network)';
  assertEquals(out.map((line) => line.slice(line.indexOf("part"))), [
    one,
    one,
    "participant_unknown (no participant of that name is in the network)",
  ]);
});

Deno.test("pay --batch sends lines as they are, and an id with those that have none", async () => {
  const parts: Sent[][] = [];
  await using node = await batchNode(answers.aborted, parts);
  const legs = [{ account: "main@alice", amount: "-1", currency: "USD" }];
  const lines = [
    { ...transfer, id: first, memo: "a { b" },
    transfer,
    ` ${JSON.stringify({ legs })}`,
  ];
  const { out } = await recordReading(textOf(lines), "pay", "--batch=-", ...node.flags);
  const [own, made, alsoMade] = parts[0]!;
  assertEquals<unknown>(own, lines[0]);
  assertEquals<unknown>(made, { ...transfer, id: made?.id });
  assertEquals<unknown>(alsoMade, { legs, id: alsoMade?.id });
  for (const [index, payment] of [made!, alsoMade!].entries()) {
    assertMatch(payment.id, uuid7);
    assertStringIncludes(out[index + 1]!, `${index + 2}: aborted ${payment.id}`);
  }
});

const withoutId: readonly [kinds: readonly (keyof typeof answers)[], said?: string][] = [
  [["aborted", "overloaded", "malformed"]],
  [["committed"], "the line without an id the one shown, or the file sent again may pay it"],
  [
    ["unknown", "committed", "aborted"],
    "the 2 lines without an id those shown, or the file sent again may pay them",
  ],
];
for (const [kinds, said] of withoutId) {
  const warns = said === undefined ? "does not warn" : "warns";
  Deno.test(`pay --batch ${warns} of lines without an id that are ${kinds.join(", ")}`, async () => {
    const answer: Answer = (payment) =>
      answers[kinds[Number(payment.amount) - 1] ?? "committed"](payment);
    await using node = await batchNode(answer);
    // What has an id is no reason to warn.
    const lines = [...kinds, ""].map((kind, i) => ({
      ...{ ...transfer, amount: `${i + 1}`, id: kind === "" ? first : undefined },
    }));
    const { err } = await recordReading(textOf(lines), "pay", "--batch=-", ...node.flags);
    assertEquals(
      err.filter((line) => line.includes("without an id")),
      said === undefined ? [] : [`handfast: give ${said} twice`],
    );
  });
}

Deno.test("pay --batch shows the ids that it makes before it sends them, and no others", async () => {
  const err: string[] = [];
  const shownBefore: string[][] = [];
  await using node = await fakeNode(async (request) => {
    shownBefore.push([...err]);
    const sent = (await request.text()).split("\n").map((line) => JSON.parse(line) as Sent);
    return new Response(textOf(sent.map((of, i) => ({ line: i + 1, ...committed(of) }))));
  });
  const lines = Array.from({ length: paymentBatchUnderWayMax }, () => transfer);
  const text = textOf(["", { ...transfer, id: first }, ...lines]);
  const { exit, out } = await recordLive(err, text, "pay", "--batch=-", ...node.flags);
  assertEquals([exit, out.length], [0, paymentBatchUnderWayMax + 1]);
  const made = out.slice(1).map((line) => `line ${line.replace("committed", "payment")}`);
  assertEquals(shownBefore, [made.slice(0, paymentBatchUnderWayMax - 1), made]);
});

Deno.test("pay --batch sends the token and the wait", async () => {
  const seen: unknown[] = [];
  await using node = await fakeNode((request) => {
    const { pathname, search } = new URL(request.url);
    const header = (name: string) => request.headers.get(name);
    seen.push(request.method, pathname + search, header("authorization"), header("content-type"));
    return new Response("", { status: 500 });
  });
  await recordReading(textOf([transfer]), "pay", "--batch", "-", "--wait=2", ...node.flags);
  const path = "/v1/payments/batch?wait=2";
  assertEquals(seen, ["POST", path, "Bearer secret", "application/x-ndjson"]);
});

Deno.test("pay --batch counts the file's lines through all parts that it sends", async () => {
  const parts: Sent[][] = [];
  await using node = await batchNode(committed, parts);
  const count = 2 * paymentBatchUnderWayMax + 1;
  const lines = Array.from({ length: count }, (_, i) => ({ ...transfer, id: idOf(i) }));
  const { exit, out } = await inFile(
    lines,
    (file) => record("pay", "--batch", file, ...node.flags),
  );
  assertEquals(exit, 0);
  assertEquals(out, lines.map(({ id }, index) => `${index + 1}: committed ${id}`));
  assertEquals(parts.map(({ length }) => length), [
    paymentBatchUnderWayMax,
    paymentBatchUnderWayMax,
    1,
  ]);
});

Deno.test("pay --batch sends no more where the outcomes can't be written, and exits 4", async () => {
  const parts: Sent[][] = [];
  await using node = await batchNode(committed, parts);
  const count = paymentBatchUnderWayMax + 1;
  const lines = Array.from({ length: count }, (_, i) => ({ ...transfer, id: idOf(i) }));
  const { exit, err } = await inFile(
    lines,
    (file) => recordFull("pay", "--batch", file, ...node.flags),
  );
  assertEquals([exit, parts.length], [4, 1]);
  assertStringIncludes(err.at(-1)!, "not all outcomes could be written: No space left on device");
});

const malformedFiles: readonly [readonly unknown[], says: string][] = [
  [[transfer, "", "{"], "line 3: body: must be JSON"],
  [[{ ...transfer, amount: "1.50" }], "line 1: amount: must be positive minor units"],
  [
    [transfer, { ...transfer, note: 1 }, {}, "x"],
    "line 2: note: is not a field of this request\n  line 3: ",
  ],
  [[{ ...transfer, id: "7" }], 'line 1: id: must be a UUIDv7, not "7"'],
  [
    [{ ...transfer, id: first }, { ...transfer, id: first.toUpperCase() }],
    "line 2: id: is that of line 1",
  ],
  [
    [transfer, { ...transfer, id: "7" }, { ...transfer, amount: "-1" }],
    'nothing was sent, as 2 lines are wrong in --batch "-":\n  line 2: id: must be a UUIDv7, not ' +
    '"7"\n  line 3: amount: must be',
  ],
  [Array(20).fill("x"), "20 lines are wrong"],
  [[transfer, ...Array(22).fill("x")], "  line 21: body: must be JSON\n  and 2 more"],
  [["x"], 'nothing was sent, as 1 line is wrong in --batch "-":\n  line 1: body: must be JSON'],
  [["", ""], "holds no payment"],
];
for (const [lines, says] of malformedFiles) {
  Deno.test(`pay --batch exits 2 with nothing sent: ${says}`, async () => {
    const parts: Sent[][] = [];
    await using node = await batchNode(committed, parts);
    const said = await recordReading(textOf(lines), "pay", "--batch", "-", ...node.flags);
    assertEquals([said.exit, said.out, parts], [2, [], []]);
    assertStringIncludes(said.err.join("\n"), says);
  });
}

Deno.test("pay --batch exits 2 for a file that is not there", async () => {
  const { exit, err } = await record("pay", "--batch", "/nowhere/payments");
  assertEquals(exit, 2);
  assertStringIncludes(err[0] ?? "", '"/nowhere/payments"');
});

for (const flag of ["to", "amount", "currency", "from", "memo", "reference", "id"]) {
  Deno.test(`pay --batch takes no --${flag}`, async () => {
    const { exit, err } = await record("pay", "--batch", "x", `--${flag}`, "y");
    assertEquals([exit, err], [2, [`handfast: --batch says what is paid: leave out --${flag}`]]);
  });
}

const count = paymentBatchUnderWayMax + 2;
const many = Array.from({ length: count }, (_, i) => ({ ...transfer, id: idOf(i) }));

Deno.test("pay --batch exits 4 where the answer breaks off: what has none is unknown, or unsent", async () => {
  await using node = await fakeNode(() => new Response());
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = answerInPart(listener, idOf(paymentBatchUnderWayMax - 1), [
    JSON.stringify({ line: 1, ...committed({ id: idOf(0), amount: "" }) }),
    '{"line":2,',
  ]);
  const api = `http://127.0.0.1:${listener.addr.port}`;
  const flags = ["--json", "--api", api, "--token-file", node.tokenFile];
  const { exit, out, err } = await inFile(many, (file) => record("pay", "--batch", file, ...flags));
  await served;
  assertEquals([exit, out.length], [4, count]);
  assertEquals(err[0], `${count} payments: 1 committed, 2 failed, ${count - 3} unknown`);
  assertStringIncludes(err[1] ?? "", "send the line again with its id");
  const told = out.map((line) => JSON.parse(line));
  assertEquals([told[0].line, told[0].status, told[0].state], [1, 201, "committed"]);
  assertEquals([told[1].line, told[1].id, told[1].state], [2, idOf(1), "unknown"]);
  const { line, id, state } = told.at(-1);
  assertEquals([line, id, state], [count, idOf(count - 1), "not_started"]);
});

/** Reads one request up to `end`, begins an answer, and breaks off. */
async function answerInPart(
  listener: Deno.Listener,
  end: string,
  lines: readonly string[],
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    using connection = await listener.accept();
    let read = "";
    while (!read.includes(end)) {
      const length = await connection.read(buffer);
      if (length === null) break;
      read += new TextDecoder().decode(buffer.subarray(0, length));
    }
    // A look whether anybody listens sends nothing.
    if (read === "") continue;
    const text = lines.join("\n");
    const chunk = `${text.length.toString(16)}\r\n${text}\r\n`;
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    await connection.write(new TextEncoder().encode(head + chunk));
    return;
  }
}

const problem = (code: string) => JSON.stringify({ title: "", status: 0, code, detail: code });
const wholeAnswers: readonly [what: string, status: number, body: string, exit: number][] = [
  ["401", 401, problem("unauthorized"), 1],
  ["403", 403, problem("token_reads_only"), 1],
  ["405 at a coordinator", 405, problem("method_not_allowed"), 1],
  ["503 overloaded", 503, problem("overloaded"), 1],
  ["503 stopping", 503, problem("stopping"), 1],
  ["503 of a proxy", 503, "unavailable", 4],
  ["502 of a proxy", 502, "bad gateway", 4],
  ["200 of no node", 200, "<html>\n", 4],
];
for (const [what, status, body, exit] of wholeAnswers) {
  Deno.test(`pay --batch exits ${exit} on ${what}, and sends no more`, async () => {
    let requests = 0;
    await using node = await fakeNode(() => {
      requests++;
      return new Response(body, { status });
    });
    const said = await inFile(many, (file) => record("pay", "--batch", file, ...node.flags));
    assertEquals([said.exit, requests, said.out.length], [exit, 1, count]);
    assertStringIncludes(said.out[0]!, exit === 1 ? "1: failed" : "1: unknown");
    assertStringIncludes(
      said.out.at(-1)!,
      `${count}: failed ${idOf(count - 1)}: the payment was not sent`,
    );
  });
}

Deno.test("pay --batch exits 1 where nothing listens: it was certainly not sent", async () => {
  await using node = await fakeNode(() => new Response());
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const api = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const flags = ["--api", api, "--token-file", node.tokenFile];
  const said = await recordReading(textOf([transfer]), "pay", "--batch", "-", ...flags);
  assertEquals([said.exit, said.out.length], [1, 1]);
  assertStringIncludes(said.out[0]!, "was not sent");
});

Deno.test("pay --batch tells whoever watches how far it is", async () => {
  await using node = await fakeNode(() => {
    const encoder = new TextEncoder();
    const line = (number: number, id: string) =>
      encoder.encode(`${JSON.stringify({ line: number, ...committed({ id, amount: "" }) })}\n`);
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(line(1, first));
        await new Promise((resolve) => setTimeout(resolve, 1_200));
        controller.enqueue(line(2, second));
        controller.close();
      },
    });
    return new Response(body);
  });
  const lines = [{ ...transfer, id: first }, { ...transfer, id: second }];
  const { exit, err } = await inFile(
    lines,
    (file) => recordWatched("pay", "--batch", file, ...node.flags),
  );
  assertEquals([exit, err], [0, ["1 of 2 payments answered", "2 payments: 2 committed"]]);
});

Deno.test("help pay tells of batches", async () => {
  const { out } = await record("help", "pay");
  assert(out.join("\n").includes("--batch FILE"));
});

Deno.test("pay --batch says which committed payments this node's ledger lacks", async () => {
  const answer: Answer = ({ id, amount }) => ({
    ...{ status: 201, id, state: "committed", lost: amount === "2" ? true : undefined },
  });
  await using node = await batchNode(answer);
  const lines = [1, 2].map((n) => ({ ...transfer, id: idOf(n), amount: `${n}` }));
  const said = await recordReading(textOf(lines), "pay", "--batch", "-", ...node.flags);
  assertEquals([said.exit, said.out], [0, [`1: committed ${first}`, `2: committed ${second}`]]);
  assertEquals(said.err, [
    `handfast: line 2: payment ${second} is committed, but this node's log has lost it and its ledger ` +
    "lacks it: do not pay it again by another id",
    "2 payments: 2 committed",
  ]);
});

Deno.test("pay --batch tells in order, and what a used id stands for", async () => {
  const kinds = ["id reused", "committed", "id reused of other legs", "committed"] as const;
  const answer: Answer = (payment) => answers[kinds[Number(payment.amount) - 1]!](payment);
  await using node = await batchNode(answer);
  const lines = kinds.map((_, i) => ({ ...transfer, id: idOf(i + 1), amount: `${i + 1}` }));
  const { out } = await recordReading(textOf(lines), "pay", "--batch", "-", ...node.flags);
  assertEquals(out, [
    `1: unknown ${first}: its id was used for a payment of the same legs, which is committed; what that ` +
    "tells, or a key that signed or sealed it, is another than now, so nothing more was sent",
    `2: committed ${second}`,
    `3: failed ${third}: payment id ${third} was used for another payment, which is committed: ` +
    "0.99 USD from main@alice to main@bob, ordered at alice",
    `4: committed ${idOf(4)}`,
  ]);
});

Deno.test("pay --batch --json calls unknown what may be paid by a used id, and advises on it apart", async () => {
  const kinds = ["id reused", "id reused of other legs", "pending"] as const;
  const ofUsed =
    'handfast: where the id was used before, ask "handfast payment ID", here or at the ' +
    "coordinator: by another id it may be paid twice";
  const ofPending =
    'handfast: where the outcome is unknown, ask "handfast payment ID", or send the line ' +
    "again with its id, which pays once";
  const answer: Answer = (payment) => answers[kinds[Number(payment.amount) - 1]!](payment);
  await using node = await batchNode(answer);
  const lines = kinds.map((_, i) => ({ ...transfer, id: idOf(i + 1), amount: `${i + 1}` }));
  const run = (count: number) =>
    recordReading(textOf(lines.slice(0, count)), "pay", "--batch", "-", "--json", ...node.flags);
  const { out, err } = await run(3);
  assertEquals(out.map((line) => JSON.parse(line)), [
    {
      ...{ id: first, status: 422, state: "unknown", code: "id_reused", line: 1 },
      detail:
        "its id was used for a payment of the same legs, which is committed; what that tells, or " +
        "a key that signed or sealed it, is another than now, so nothing more was sent",
    },
    { ...answer(lines[1]!), line: 2 },
    { ...answer(lines[2]!), line: 3 },
  ]);
  assertEquals(err.slice(1), [ofPending, ofUsed]);
  assertEquals((await run(1)).err.slice(1), [ofUsed]);
});
