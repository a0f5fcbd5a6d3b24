/** `proof NAME` writes what a participant is restored from; `restore` sends it, and says what is missing. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fakeNode, record, recordReading } from "./recorder.ts";
import { inFolder } from "../keys/in_folder.ts";

const ids = ["1", "2", "3"].map((digit) => `0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5${digit}`);
const at = "2026-01-01T00:00:00.000Z";

function paymentOf(id: string, other: string, state = "committed") {
  const legs = [
    { account: `main@${other}`, amount: "-5", currency: "USD" },
    { account: "main@bob", amount: "5", currency: "USD" },
  ];
  return { id, state, legs, originator: other, clock: {}, at };
}

function peersOf(...names: string[]) {
  return names.map((name) => ({ name, address: `${name}:1`, link: "up" }));
}

function coordinator(role = "coordinator") {
  return fakeNode((request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/v1/status") {
      const rest = {
        ready: true,
        clock: {},
        peers: peersOf("alice", "bob", "dave"),
        mismatches: [],
        alarms: [],
      };
      const counts = { open: 0, inDoubt: 0, committed: 0, aborted: 0, throughput: 0 };
      const latency = { p50ms: null, p99ms: null };
      return Response.json({
        name: "hub",
        role,
        network: "",
        epoch: "1-a",
        ...rest,
        ...counts,
        latency,
      });
    }
    if (pathname === "/v1/payments") {
      const [first, second, third] = ids as [string, string, string];
      return searchParams.get("cursor") === null
        ? Response.json({
          payments: [paymentOf(third, "alice"), paymentOf(second, "carol")],
          next: "2.0",
        })
        : Response.json({
          payments: [paymentOf(second, "alice", "aborted"), paymentOf(first, "alice")],
        });
    }
    const id = pathname.split("/")[3]!;
    assertEquals(searchParams.get("entry"), "false");
    return Response.json({ id, proof: btoa(id) });
  });
}

const countOf = (of: string, payments: number) => JSON.stringify({ of, payments });
const lineOf = (id: string) => JSON.stringify({ id, proof: btoa(id) });

Deno.test("proof NAME writes all that was committed with a participant, the oldest first", () =>
  inFolder(async (folder) => {
    await using node = await coordinator();
    const file = `${folder}/alice.proofs`;
    const { exit, out, err } = await record("proof", "alice", "--out", file, ...node.flags);
    assertEquals([exit, out, err], [0, [`wrote ${file}: 2 payments of alice`], []]);
    const text = await Deno.readTextFile(file);
    assertEquals(text, `${lineOf(ids[0]!)}\n${lineOf(ids[2]!)}\n${countOf("alice", 2)}\n`);
    const again = await record("proof", "alice", "--out", file, ...node.flags);
    assertEquals([again.exit, await Deno.readTextFile(file)], [2, text]);
    for (const flag of ["--without-entry", "--out=-"]) {
      const { exit, err } = await record("proof", "alice", flag, ...node.flags);
      assertEquals(exit, 2);
      assertStringIncludes(err.join(), `does not go with the payments of "alice"`);
    }
  }));

Deno.test("proof NAME asks no participant", () =>
  inFolder(async (folder) => {
    await using node = await coordinator("participant");
    const file = `${folder}/alice.proofs`;
    const { exit, err } = await record("proof", "alice", "--out", file, ...node.flags);
    assertEquals(exit, 2);
    assertStringIncludes(err.join(), '"hub" is a participant, which has not what others signed');
  }));

/** A participant at which payments come to these results, one after the other. */
function participant(
  results: Record<string, (string | { result: string; why: string })[]>,
  cards: unknown[] = [],
) {
  return fakeNode(async (request) => {
    if (request.method === "GET") return Response.json({ accounts });
    const { proofs, card } = await request.json() as { proofs: string[]; card?: string };
    if (card !== undefined) cards.push(card);
    const answers = proofs.map((proof) => {
      const result = results[atob(proof)]!.shift()!;
      return typeof result === "string" ? { id: atob(proof), result } : result;
    });
    return Response.json({ results: answers });
  });
}

const file = (...of: string[]) => [...of.map(lineOf), countOf("alice", of.length)].join("\n");
const accounts = [
  {
    account: "main",
    currency: "USD",
    posted: "125",
    pendingDebits: "0",
    pendingCredits: "0",
    available: "125",
  },
];
const balances = "balances now: main 1.25 USD";
const [a, b, c] = ids as [string, string, string];

Deno.test("restore tries again what another payment has to bring first", async () => {
  const poor = "insufficient_funds";
  await using node = await participant({
    [a]: [poor, poor, "restored"],
    [b]: [poor, "restored"],
    [c]: ["restored"],
  });
  const { exit, out, err } = await recordReading(file(a, b, c), "restore", "-", ...node.flags);
  assertEquals([exit, out, err], [
    0,
    ["restored 3 payments; 0 more were in the ledger already", balances],
    [],
  ]);
});

Deno.test("restore says of each payment that is left why it is, and exits 1", async () => {
  await using node = await participant({
    [a]: ["insufficient_funds", "insufficient_funds"],
    [b]: [{ result: "no_proof", why: "it can't be read" }],
    [c]: ["known"],
  });
  const { exit, out, err } = await recordReading(file(a, b, c), "restore", "-", ...node.flags);
  assertEquals([exit, out], [
    1,
    [
      "restored 0 payments; 1 more was in the ledger already, and 2 could not be restored",
      balances,
    ],
  ]);
  assertEquals(err, [
    `handfast: ${b}: it can't be read`,
    `handfast: ${a}: its account has not what it pays: was it opened with its first balance?`,
  ]);
});

Deno.test("proof NAME of somebody who is no participant writes nothing", () =>
  inFolder(async (folder) => {
    await using node = await coordinator();
    const file = `${folder}/alise.proofs`;
    const { exit, err } = await record("proof", "alise", "--out", file, ...node.flags);
    assertEquals([exit, [...Deno.readDirSync(folder)]], [2, []]);
    assertStringIncludes(err.join(), 'knows no participant "alise", but alice, bob, dave');
    // Of one without payments the file says so.
    assertEquals((await record("proof", "dave", "--out", file, ...node.flags)).exit, 0);
    assertEquals(await Deno.readTextFile(file), `${countOf("dave", 0)}\n`);
  }));

Deno.test("restore reads a file as often as it has to, and says from which account cards have paid", async () => {
  await inFolder(async (folder) => {
    const poor = "insufficient_funds";
    const cards: unknown[] = [];
    await using node = await participant({ [a]: [poor, "restored"], [b]: ["restored"] }, cards);
    const path = `${folder}/it`;
    await Deno.writeTextFile(path, file(a, b));
    const { exit, out } = await record("restore", path, "--card", "main", ...node.flags);
    assertEquals([exit, out[0]], [0, "restored 2 payments; 0 more were in the ledger already"]);
    assertEquals(cards, ["main", "main"]);
  });
});

Deno.test("restore --json has a line for each payment", async () => {
  await using node = await participant({ [a]: ["restored"], [b]: ["of_card"] });
  const { exit, out } = await recordReading(file(a, b), "restore", "-", "--json", ...node.flags);
  assertEquals([exit, out.map((line) => JSON.parse(line))], [
    1,
    [{ id: a, result: "restored" }, { id: b, result: "of_card" }],
  ]);
});

for (
  const [what, text, said] of [
    ["that is none", `${lineOf(a)}\n{"id":1}`, "line 2 is none of those that"],
    ["of no JSON", "hello", "line 1 is none of those that"],
    ["that was broken off", `${lineOf(a)}\n${lineOf(b)}`, '"-" is not whole'],
    ["that lacks a line", `${lineOf(a)}\n${countOf("alice", 2)}`, '"-" is not whole'],
    ["that goes on", `${countOf("alice", 0)}\n${lineOf(a)}`, "line 2 is none of those that"],
    ["without anything", "", '"-" is not whole'],
  ] as const
) {
  Deno.test(`restore of a file ${what} restores nothing`, async () => {
    await using node = await participant({});
    const { exit, out, err } = await recordReading(text, "restore", "-", ...node.flags);
    assertEquals([exit, out], [2, []]);
    assertStringIncludes(err.join(), said);
  });
}
