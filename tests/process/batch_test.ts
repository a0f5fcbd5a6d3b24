/** Batches of payments: each line is paid once, however often the batch is sent, and whatever dies. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { generate } from "@std/uuid/v7";
import { paymentBatchUnderWayMax } from "../../src/limits.ts";
import { Cluster, until } from "./cluster.ts";

const opening = 1_000_00;
const openings = { alice: ["main=1000.00:USD"], bob: ["main=1000.00:USD"] };

function line(amount: number, to = "main@bob", id: string | undefined = generate()): string {
  return JSON.stringify({ id, from: "main", to, amount: String(amount), currency: "USD" });
}

/** What `pay --batch` sends in one request. */
const part = paymentBatchUnderWayMax;

/** How many of each. */
function tally(values: readonly (string | number | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value ?? ""] = (counts[value ?? ""] ?? 0) + 1;
  return counts;
}

async function assertPaid(cluster: Cluster, paid: number): Promise<void> {
  await cluster.unheld();
  const accounts = ["alice", "bob"].map((name) => cluster.node(name).account());
  const posted = (await Promise.all(accounts)).map((account) => account.posted);
  assertEquals(posted, [opening - paid, opening + paid]);
}

Deno.test("a batch pays what it can, and sent again pays nothing twice", async (t) => {
  await using cluster = await Cluster.make(openings);
  const alice = cluster.node("alice");
  const payable = Array.from({ length: 200 }, (_, i) => {
    if (i % 20 === 7) return line(opening + 1);
    if (i % 20 === 13) return line(5, "nobody@bob");
    return line(i + 1);
  });
  const paid = payable.map((_, i) => i % 20 === 7 || i % 20 === 13 ? 0 : i + 1)
    .reduce((sum, amount) => sum + amount, 0);
  const malformed = ["{", line(-1), line(1, "bob"), line(1, "main@bob", "7")];

  await t.step("each line is told in its place", async () => {
    const answers = await alice.postLines("/v1/payments/batch", [...payable, ...malformed]);
    assertEquals(answers.map(({ line }) => line), Array.from({ length: 204 }, (_, i) => i + 1));
    assertEquals(tally(answers.map(({ status }) => status)), { 201: 180, 422: 20, 400: 4 });
    assertEquals(
      tally(answers.map(({ code }) => code)),
      { "": 180, insufficient_funds: 10, account_not_found: 10, malformed: 4 },
    );
    const fields = answers.slice(200).map(({ field }) => field);
    assertEquals(fields, ["body", "amount", "to", "id"]);
    for (const [index, { id }] of answers.slice(0, 200).entries()) {
      assertEquals(id, JSON.parse(payable[index]!).id);
    }
    await assertPaid(cluster, paid);
  });

  await t.step("sent again it is answered as before", async () => {
    const again = await alice.postLines("/v1/payments/batch", [...payable, ...malformed]);
    assertEquals(tally(again.map(({ status }) => status)), { 200: 200, 400: 4 });
    assertEquals(tally(again.map(({ state }) => state)), { committed: 180, aborted: 20, "": 4 });
    await assertPaid(cluster, paid);
  });

  const file = `${cluster.folder}/payments.jsonl`;
  const pay = (...flags: string[]) => cluster.run("pay", "--data", alice.data, ...flags);
  await t.step("the command sends nothing of a file with a malformed line", async () => {
    await Deno.writeTextFile(file, [line(3), ...malformed].join("\n"));
    const { code, stdout, stderr } = await pay("--batch", file);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, "nothing was sent, as 4 lines are wrong");
    await assertPaid(cluster, paid);
  });

  await t.step("the command tells the same outcomes, and pays nothing twice", async () => {
    await Deno.writeTextFile(file, payable.join("\n"));
    const { code, stdout, stderr } = await pay("--json", "--batch", file);
    assertEquals([code, stderr], [3, "200 payments: 180 committed, 20 aborted\n"]);
    const told = stdout.trimEnd().split("\n").map((text) => JSON.parse(text));
    assertEquals(tally(told.map(({ state }) => state)), { committed: 180, aborted: 20 });
    assertEquals(told.map(({ id }) => id), payable.map((text) => JSON.parse(text).id));
    await assertPaid(cluster, paid);
  });

  await t.step("the command gives ids to lines from stdin that have none", async () => {
    const text = [`{"from":"main","to":"main@bob","amount":"3","currency":"USD"}`, line(4)];
    const args = ["pay", "--data", alice.data, "--batch", "-"];
    const { code, stdout } = await cluster.runReading(text.join("\n"), ...args);
    assertEquals(code, 0);
    const id = /^1: committed (\S+)\n2: committed \S+\n$/.exec(stdout)?.[1];
    assertEquals((await alice.get(`/v1/payments/${id}`)).body.state, "committed");
    await assertPaid(cluster, paid + 7);
  });

  await cluster.stopAndVerify();
});

Deno.test("a batch whose node dies is unknown, and paid once when it is sent again", async () => {
  await using cluster = await Cluster.make(openings);
  const payments = Array.from({ length: 3_000 }, () => line(1));
  const file = `${cluster.folder}/payments.jsonl`;
  const pay = async (lines: readonly string[]) => {
    await Deno.writeTextFile(file, lines.join("\n"));
    return await cluster.run("pay", "--data", cluster.data("alice"), "--batch", file);
  };
  assertEquals((await pay(payments.slice(0, part))).code, 0);

  // What has been paid is told by alice alone; what comes next waits for a coordinator that is silent.
  cluster.node("coordinator").signal("SIGSTOP");
  const paying = pay(payments);
  const { id } = JSON.parse(payments[part]!);
  await until("the next part is under way", async () => {
    return (await cluster.node("alice").get(`/v1/payments/${id}`)).body.state === "pending";
  });
  await cluster.node("alice").kill();
  const { code, stdout, stderr } = await paying;
  assertEquals(code, 4, stderr);
  assertEquals(
    tally(stdout.trimEnd().split("\n").map((text) => text.split(" ")[1])),
    { committed: part, unknown: part, failed: payments.length - 2 * part },
  );

  cluster.node("coordinator").signal("SIGCONT");
  await cluster.start("alice");
  const again = await pay(payments);
  assertEquals([again.code, again.stderr], [
    0,
    `${payments.length} payments: ${payments.length} committed\n`,
  ]);
  await assertPaid(cluster, payments.length);
  await cluster.stopAndVerify();
});
