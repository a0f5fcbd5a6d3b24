/** Statements at the command line: as a table, as CSV and as JSON, and never one that does not add up. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fakeNode, record, recordFull, recordWatched } from "./recorder.ts";

const id = "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e";
const posted = "2026-05-02T10:00:00.250Z";
const decided = "2026-05-02T10:00:00.125Z";
const opening = {
  ...{
    type: "opening",
    node: "alice",
    account: "main",
    currency: "USD",
    from: "2026-05-01T00:00:00.000Z",
  },
  ...{ to: "2026-06-01T00:00:00.000Z", at: "2026-07-01T12:00:00.000Z", balance: "100" },
};
const paid = { type: "payment", posted, decided, payment: id };
const lines: readonly object[] = [
  { type: "reading", entries: 5 },
  opening,
  { type: "opened", posted, amount: "900719925474099300", balance: "900719925474099400" },
  {
    ...{
      ...paid,
      accounts: ["main@bob", "fees@carol"],
      amount: "-400",
      balance: "900719925474099000",
    },
    ...{ memo: 'Rent, "May"', reference: "=1+1" },
  },
  { ...paid, accounts: ["main@bob"], amount: "7", balance: "900719925474099007", forced: true },
  {
    ...{ ...paid, accounts: ["main@bob"], amount: "3", balance: "900719925474099010" },
    details: "erased",
  },
  {
    ...{ type: "closing", balance: "900719925474099010", lines: 4 },
    ...{ debits: "400", credits: "900719925474099310" },
  },
];

async function telling(told: readonly unknown[], status = 200) {
  const paths: string[] = [];
  const node = await fakeNode(({ url }) => {
    const { pathname, search } = new URL(url);
    paths.push(pathname + search);
    return new Response(told.map((line) => `${JSON.stringify(line)}\n`).join(""), { status });
  });
  const run = (...flags: string[]) => record("statement", ...flags, ...node.flags);
  return { node, paths, run, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}

Deno.test("statement shows the balances, and what moved the account between them", async () => {
  await using server = await telling(lines);
  const { exit, out, err } = await server.run();
  assertEquals([exit, err, server.paths], [0, [], ["/v1/accounts/main/statement"]]);
  const [day, most] = ["2026-05-02 10:00:00", "9,007,199,254,740,99"];
  assertEquals(out, [
    "main@alice in USD, from 2026-05-01 00:00:00 to 2026-06-01 00:00:00, times in UTC",
    "opening balance: 1.00 USD",
    ...[
      ["posted", "decided", "payment", "with", "amount", "balance", "memo", "reference"],
      [day, "", "opened", "", `${most}3.00 USD`, `${most}4.00 USD`, "", ""],
      [
        ...[day, day, id, "main@bob, fees@carol", "-4.00 USD", `${most}0.00 USD`],
        ...['Rent, "May"', "=1+1"],
      ],
      [day, day, `${id} (forced)`, "main@bob", "0.07 USD", `${most}0.07 USD`, "", ""],
      [day, day, id, "main@bob", "0.03 USD", `${most}0.10 USD`, "(erased)", ""],
    ].map((cells) => cells.join("\t")),
    `debits: 4.00 USD; credits: ${most}3.10 USD`,
    `closing balance: ${most}0.10 USD`,
  ]);
});

Deno.test("statement --csv is CSV by RFC 4180, with nothing that a spreadsheet computes", async () => {
  await using server = await telling(lines);
  const { exit, out } = await server.run("--csv");
  assertEquals([exit, ...out.map((line) => line.replace(/\r$/, "|"))], [
    0,
    "posted,decided,kind,payment,accounts,amount,balance,currency,memo,reference,debits,credits,node,account|",
    "2026-05-01T00:00:00.000Z,,opening,,,,1.00,USD,,,,,alice,main|",
    `${posted},,opened,,,9007199254740993.00,9007199254740994.00,USD,,,,,alice,main|`,
    `${posted},${decided},payment,${id},main@bob fees@carol,-4.00,9007199254740990.00,USD,` +
    `"Rent, ""May""",'=1+1,,,alice,main|`,
    `${posted},${decided},forced,${id},main@bob,0.07,9007199254740990.07,USD,,,,,alice,main|`,
    `${posted},${decided},payment,${id},main@bob,0.03,9007199254740990.10,USD,(erased),,,,alice,main|`,
    `2026-06-01T00:00:00.000Z,,closing,,,,9007199254740990.10,USD,,,4.00,9007199254740993.10,alice,main|`,
  ]);
});

Deno.test("statement --json prints what the node answers, but for how far it has read", async () => {
  await using server = await telling(lines);
  const { exit, out } = await server.run("--json");
  assertEquals([exit, out], [0, lines.slice(1).map((line) => JSON.stringify(line))]);
});

Deno.test("statement says of a period that is not over yet that it is not", async () => {
  const at = "2026-05-20T12:00:00.500Z";
  await using server = await telling(lines.with(1, { ...opening, at }));
  const said = "the period is not over yet: it ends at 2026-06-01 00:00:00, this is as of " +
    "2026-05-20 12:00:00 (UTC)";
  const text = await server.run();
  assertEquals([text.out[1], text.err], [said, []]);
  const csv = await server.run("--csv");
  assertEquals(csv.err, [said]);
  assertStringIncludes(csv.out.at(-1)!, `${at},,closing,`);
  // One without an end ends now, and so is over.
  await using endless = await telling(lines.with(1, { ...opening, to: undefined, at }));
  const { out, err } = await endless.run("--csv");
  assertStringIncludes(out.at(-1)!, `${at},,closing,`);
  assertEquals(err, []);
});

const periods: readonly [flags: string, query: string][] = [
  [
    "--from 2026-05-01 --to 2026-05-31",
    "from=2026-05-01T00:00:00.000Z&to=2026-06-01T00:00:00.000Z",
  ],
  [
    "--from 2026-05-31 --to 2026-05-31",
    "from=2026-05-31T00:00:00.000Z&to=2026-06-01T00:00:00.000Z",
  ],
  ["--to 9999-12-31", ""],
  ["--to 2024-02-28", "to=2024-02-29T00:00:00.000Z"],
  ["--to 2026-05-31T18:00:00Z", "to=2026-05-31T18:00:00.000Z"],
  ["--from 2026-05-01T00:00:00+02:00", "from=2026-04-30T22:00:00.000Z"],
];
for (const [flags, query] of periods) {
  Deno.test(`statement ${flags} asks for ${query}`, async () => {
    await using server = await telling(lines);
    assertEquals((await server.run(..."--account fees".split(" "), ...flags.split(" "))).exit, 0);
    const [path, search = ""] = server.paths[0]?.split("?") ?? [];
    assertEquals([path, decodeURIComponent(search)], ["/v1/accounts/fees/statement", query]);
  });
}

const refused: readonly [flags: string, why: string][] = [
  ["--from 2026-02-30", '--from "2026-02-30" is no day such as'],
  ["--to yesterday", '--to "yesterday" is no day such as'],
  ["--from 2026-06-01 --to 2026-05-30", "--from is later than --to"],
  ["--json --csv", "give one of them"],
];
for (const [flags, why] of refused) {
  Deno.test(`statement ${flags} is wrong usage`, async () => {
    await using server = await telling(lines);
    const { exit, err } = await server.run(...flags.split(" "));
    assertEquals([exit, server.paths], [2, []]);
    assertStringIncludes(err.join(), why);
  });
}

const wrong: readonly [what: string, told: readonly unknown[], why: string][] = [
  ["that breaks off", lines.slice(0, -1), "broke off before its closing balance"],
  ["with a line that is missing", lines.toSpliced(3, 1), "does not add up"],
  [
    "with another closing balance",
    [...lines.slice(0, -1), { ...lines.at(-1), balance: "1" }],
    "does",
  ],
  ["with something else in it", lines.toSpliced(2, 0, { type: "gift" }), "otherwise than with a"],
];
for (const [what, told, why] of wrong) {
  Deno.test(`statement fails on one ${what}`, async () => {
    await using server = await telling(told);
    for (const flag of ["--csv", "--json", "--account=main"]) {
      const { exit, err } = await server.run(flag);
      assertEquals(exit, 1, flag);
      assertStringIncludes(err.join(), why);
    }
  });
}

Deno.test("statement tells why the node refuses, and why it can't be written", async () => {
  const detail = 'There is no account "main" at alice';
  await using server = await telling([{ code: "account_not_found", detail }], 404);
  assertEquals(await server.run(), { exit: 1, out: [], err: [`handfast: ${detail}`] });
  await using full = await telling(lines);
  const { exit, err } = await recordFull("statement", "--csv", ...full.node.flags);
  assertEquals([exit, err], [1, ["handfast: No space left on device"]]);
});

Deno.test("statement says how far it is to who watches, once it has taken a while", async () => {
  const text = (line: unknown) => `${JSON.stringify(line)}\n`;
  await using node = await fakeNode(() => {
    const parts = async function* () {
      yield text({ type: "reading", entries: 1_000 });
      await new Promise((resolve) => setTimeout(resolve, 2_100));
      yield text({ type: "reading", entries: 20_000 });
      yield lines.map(text).join("");
    };
    return new Response(ReadableStream.from(parts()).pipeThrough(new TextEncoderStream()));
  });
  const { exit, err } = await recordWatched("statement", "--csv", ...node.flags);
  assertEquals([exit, err], [0, ["reading the node's log: 20,000 entries so far"]]);
});
