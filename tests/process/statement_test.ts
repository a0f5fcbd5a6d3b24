/** Statements of real nodes add up while they pay, and have what their books have. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Random } from "../../src/simulation/random.ts";
import { Cluster, executable, transfer, until } from "./cluster.ts";

interface Line {
  readonly type: string;
  readonly payment?: string;
  readonly accounts?: readonly string[];
  readonly amount: string;
  readonly balance: string;
  readonly posted: string;
  readonly forced?: boolean;
  readonly memo?: string;
  readonly details?: string;
  readonly debits: string;
  readonly credits: string;
}

interface Told {
  readonly opening: bigint;
  readonly closing: bigint;
  readonly lines: readonly Line[];
}

/** Reads JSON lines, and adds them up. */
function added(text: string): Told {
  const parts = text.trimEnd().split("\n").map((line) => JSON.parse(line) as Line)
    .filter(({ type }) => type !== "reading");
  const [first, ...lines] = parts;
  const last = lines.pop();
  assertEquals([first?.type, last?.type], ["opening", "closing"]);
  const [opening, closing] = [BigInt(first!.balance), BigInt(last!.balance)];
  let balance = opening;
  let [debits, credits] = [0n, 0n];
  for (const line of lines) {
    const amount = BigInt(line.amount);
    if (amount < 0n) debits -= amount;
    else credits += amount;
    assertEquals(BigInt(line.balance), balance += amount);
  }
  assertEquals([balance, debits, credits], [closing, BigInt(last!.debits), BigInt(last!.credits)]);
  const payments = lines.flatMap(({ payment }) => payment ?? []);
  assertEquals(new Set(payments).size, payments.length, "each payment once");
  return { opening, closing, lines };
}

/** As the API tells it, which takes less time than to start a command. */
async function statementOf(cluster: Cluster, name: string, query = ""): Promise<Told> {
  const { url } = JSON.parse(await Deno.readTextFile(`${cluster.data(name)}/api.json`));
  const token = (await Deno.readTextFile(`${cluster.data(name)}/token`)).trim();
  const response = await fetch(`${url}/v1/accounts/main/statement${query}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  return added(await response.text());
}

Deno.test("statements add up while payments are made both ways, some refused, some by card", async (t) => {
  const openings = { alice: ["main=100.00:USD"], bob: ["main=100.00:USD", "other=50.00:USD"] };
  await using cluster = await Cluster.make(openings);
  const names = ["alice", "bob"] as const;
  const random = new Random(20260501);
  const posted = async (name: string) => BigInt((await cluster.node(name).account()).posted);
  /** Committed, as their users were told. */
  const committed: string[] = [];
  let refused = 0;
  let middle = "";

  await t.step("each is of one moment, and none loses what an earlier one had", async () => {
    let left = 240;
    const pay = async () => {
      while (left-- > 0) {
        const [from, to] = random.chance(0.5) ? names : names.toReversed();
        // Many are more than there is.
        const amount = random.between([1, 6_000]);
        const memo = random.chance(0.1) ? `Rent ${left}` : undefined;
        const order = {
          from: "main",
          to: `main@${to}`,
          amount: `${amount}`,
          currency: "USD",
          memo,
        };
        const { status, body } = await cluster.node(from!).post("/v1/payments?wait=25", order);
        assert(status === 201 || status === 422, JSON.stringify(body));
        if (status === 201) committed.push(body.id!);
        else refused++;
        if (left === 120) middle = new Date().toISOString();
      }
    };
    let isPaying = true;
    const look = async (name: string) => {
      let count = 0;
      let before: readonly Line[] = [];
      while (isPaying) {
        const { opening, lines } = await statementOf(cluster, name);
        assertEquals(opening, 0n);
        assertEquals(lines.slice(0, before.length), before);
        before = lines;
        count++;
      }
      return count;
    };
    const paying = Promise.all(Array.from({ length: 8 }, pay)).finally(() => isPaying = false);
    const [counts] = await Promise.all([Promise.all(names.map(look)), paying]);
    assert(counts.every((count) => count > 3), `statements while paying: ${counts}`);
    assert(refused > 5 && committed.length > 100, `${refused} refused, ${committed.length} paid`);
  });

  await t.step("afterwards it is the balance, and has every payment", async () => {
    await cluster.unheld();
    for (const name of names) {
      const { closing, lines } = await statementOf(cluster, name);
      assertEquals(closing, await posted(name));
      assertEquals(lines[0]?.type, "opened");
      const payments = lines.slice(1).map(({ payment }) => payment);
      assertEquals(payments.toSorted(), committed.toSorted(), name);
      const credits = lines.filter(({ type, amount }) =>
        type === "payment" && !amount.startsWith("-")
      );
      assert(credits.some(({ memo }) => /^Rent \d+$/.test(memo ?? "")));
      // Who pays is told nothing.
      assert(lines.every(({ memo, amount }) => memo === undefined || !amount.startsWith("-")));
    }
  });

  await t.step("a period begins with what the one before ended with", async () => {
    for (const name of names) {
      const [before, after] = [
        await statementOf(cluster, name, `?to=${middle}`),
        await statementOf(cluster, name, `?from=${middle}`),
      ];
      const all = await statementOf(cluster, name);
      assertEquals(before.closing, after.opening);
      assertEquals([...before.lines, ...after.lines], all.lines);
      assert(before.lines.length > 1 && after.lines.length > 1);
      assert(before.lines.every(({ posted }) => posted < middle));
    }
  });

  await t.step("a charge debits the account behind the card", async () => {
    const at = ["--data", cluster.data("bob")];
    const card = `4929738216503941\n12/${(new Date().getUTCFullYear() + 2) % 100}\n`;
    const add = ["card", "add", "--account", "other", ...at];
    assertEquals((await cluster.runReading(card, ...add)).code, 0);
    const charge = "charge --issuer bob --to main --amount 20.00 --currency USD".split(" ");
    const line = [...charge, "--data", cluster.data("alice")];
    assertEquals((await cluster.runReading(card, ...line)).code, 0);
    await cluster.unheld();
    await until(
      "bob posts",
      async () => (await cluster.node("bob").account("other")).posted === 3000,
    );
    const run = (...flags: string[]) =>
      cluster.run("statement", "--account", "other", ...flags, ...at);
    const { opening, lines } = added((await run("--json")).stdout);
    const parts = lines.map(({ type, amount, accounts }) => [type, amount, accounts]);
    assertEquals([opening, parts], [0n, [
      ["opened", "5000", undefined],
      ["payment", "-2000", ["main@alice"]],
    ]]);
    const csv = await run("--csv");
    assertStringIncludes(csv.stdout, `,main@alice,-20.00,30.00,USD,,,,,bob,other\r\n`);
    const future = await run("--from", "2999-01-01");
    assertEquals(future.code, 1);
    assertStringIncludes(future.stderr, "from: is 2999-01-01T00:00:00.000Z, and now is 2");
    assertStringIncludes((await run()).stdout, "closing balance: 30.00 USD\n");
    const credited = (await statementOf(cluster, "alice")).lines.at(-1);
    assertEquals([credited?.amount, credited?.accounts], ["2000", ["card@bob"]]);
  });

  await t.step("after a restart it is as it was", async () => {
    const before = await statementOf(cluster, "bob");
    await cluster.node("bob").kill();
    await cluster.start("bob");
    assertEquals(await statementOf(cluster, "bob"), before);
  });
});

Deno.test({
  name:
    "a statement has what an operator forced to commit, whatever is decided, and no forced abort",
  // An executable, which is made for real money, halts nowhere.
  ignore: executable !== undefined,
  fn: forced,
});

async function forced(): Promise<void> {
  const openings = { alice: ["main=100.00:USD"], bob: ["main=50.00:USD"] };
  await using cluster = await Cluster.make(openings, false);
  await cluster.start("coordinator", { halt: "before:committed" });
  await Promise.all([cluster.start("alice"), cluster.start("bob")]);
  void cluster.node("alice").post("/v1/payments?wait=0", transfer("alice", "bob", 12_50));
  await cluster.node("coordinator").said("halted");
  await cluster.node("coordinator").kill();
  for (const [name, decision] of [["bob", "--commit"], ["alice", "--abort"]] as const) {
    const { transaction } = await until(`${name} is in doubt`, async () => {
      const [doubt] = await cluster.node(name).inDoubt();
      return doubt?.unreachable.includes("coordinator") && doubt;
    });
    const at = ["--data", cluster.data(name)];
    const { code, stderr } = await cluster.run("resolve", transaction, decision, "--yes", ...at);
    assertEquals(code, 0, stderr);
  }
  const amounts = async (name: string) => {
    const { closing, lines } = await statementOf(cluster, name);
    assertEquals(closing, BigInt((await cluster.node(name).account()).posted));
    return lines.map(({ amount, forced }) => [amount, forced]);
  };
  const ofBob = [["5000", undefined], ["1250", true]];
  assertEquals(await amounts("bob"), ofBob);
  assertEquals(await amounts("alice"), [["10000", undefined]]);
  // Nobody committed it, so it is aborted.
  await cluster.start("coordinator");
  await cluster.node("bob").said("is not atomic");
  assertEquals(await amounts("bob"), ofBob);
  assertEquals(await amounts("alice"), [["10000", undefined]]);
}
