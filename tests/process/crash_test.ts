/**
 * AC1, AC3 and AC4 (Bernstein, Hadzilacos and Goodman, ch. 7) with nodes that lose their power at every
 * step of the protocol: all that decide decide the same, and decide once.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { generate } from "@std/uuid/v7";
import type { Answer } from "./cluster.ts";
import { Cluster, executable, transfer, until } from "./cluster.ts";

const opening = 1_000_00;
const openings = { alice: ["main=1000.00:USD"], bob: ["main=1000.00:USD"] };

/** What a payment has come to by the word of one node. */
type Outcome = "committed" | "aborted" | "open" | "unknown here";

function outcomeOf({ status, body }: Answer): Outcome {
  if (status === 404) return "unknown here";
  return body.state === "committed" || body.state === "aborted" ? body.state : "open";
}

/**
 * The outcome, once all of these nodes, or of all nodes, tell the same; a node that holds nothing for
 * a payment that was aborted need not have heard of it.
 */
function settled(cluster: Cluster, id: string, ...names: string[]) {
  return until(`one outcome of ${id}`, async () => {
    const asked = names.length > 0 ? names : cluster.names;
    const answers = await Promise.all(
      asked.map((name) => cluster.node(name).get(`/v1/payments/${id}`)),
    );
    const outcomes = answers.map(outcomeOf);
    if (outcomes.every((outcome) => outcome === "committed")) return "committed";
    const isOver = outcomes.every((o) => o === "aborted" || o === "unknown here");
    return isOver && outcomes.includes("aborted") && "aborted";
  });
}

interface Point {
  readonly victim: string;
  readonly halt: string;
  /** It comes back only when the coordinator has given it up. */
  readonly isLate?: true;
  /** What it must come to, where the protocol leaves no choice. */
  readonly outcome?: "committed" | "aborted";
}

const points: readonly Point[] = [
  // Nobody has the vote, and the coordinator waits for it until it gives up.
  { victim: "alice", halt: "after:prepared" },
  { victim: "bob", halt: "after:prepared" },
  { victim: "alice", halt: "after:prepared", isLate: true, outcome: "aborted" },
  { victim: "bob", halt: "after:prepared", isLate: true, outcome: "aborted" },
  // Presumed aborted, which says nothing of the payment: alice sends its order again.
  { victim: "coordinator", halt: "before:committed", outcome: "committed" },
  // From the commit point on there is no way back.
  { victim: "coordinator", halt: "after:committed", outcome: "committed" },
  { victim: "alice", halt: "before:posted", outcome: "committed" },
  { victim: "alice", halt: "after:posted", outcome: "committed" },
  { victim: "bob", halt: "before:posted", outcome: "committed" },
  { victim: "bob", halt: "after:posted", outcome: "committed" },
];

Deno.test({
  name: "a payment has one outcome whichever node dies at whichever step",
  ignore: executable !== undefined,
  fn: async (t) => {
    await using cluster = await Cluster.make(openings);
    let paid = 0;
    for (const { victim, halt, isLate, outcome } of points) {
      const point = halt.replace(":", " ");
      await t.step(`${victim} dies ${point}${isLate ? ", and comes late" : ""}`, async () => {
        assertEquals(await cluster.node(victim).terminate(), 0);
        const doomed = await cluster.start(victim, { halt });
        await cluster.linked("alice", "bob");
        const id = generate();
        const paying = cluster.pay("alice", "bob", "1.00", "--id", id);
        await doomed.said(`halted ${point}`);
        await doomed.kill();
        if (isLate) await settled(cluster, id, "coordinator");
        await cluster.start(victim);

        const found = await settled(cluster, id);
        if (found === "committed") paid += 1_00;
        if (outcome) assertEquals(found, outcome);
        const { code, stderr } = await paying;
        const possible = found === "committed" ? [0, 4] : [3, 4];
        assert(possible.includes(code), `pay exits ${code} for one ${found}: ${stderr}`);
        if (victim !== "alice") assertEquals(code, found === "committed" ? 0 : 3, stderr);

        // By its id it is found and, sent again, replayed.
        const again = await cluster.pay("alice", "bob", "1.00", "--id", id);
        assertEquals(again.code, found === "committed" ? 0 : 3, again.stderr);
        await cluster.unheld();
        assertEquals((await cluster.node("alice").account()).posted, opening - paid);
        assertEquals((await cluster.node("bob").account()).posted, opening + paid);
      });
    }
    await cluster.stopAndVerify();
  },
});

Deno.test({
  name: "of a payment that was given up a node says that nothing was paid, and so does verify",
  ignore: executable !== undefined,
  fn: async () => {
    await using cluster = await Cluster.make(openings, false);
    const coordinator = await cluster.start("coordinator", { halt: "before:committed" });
    await Promise.all([cluster.start("alice"), cluster.start("bob")]);
    const id = generate();
    await cluster.node("alice").post("/v1/payments?wait=0", transfer("alice", "bob", 1_00, id));
    await coordinator.said("halted before committed");
    // Nobody waits for it any more, so nobody sends it again.
    await cluster.node("alice").kill();
    await coordinator.kill();
    await cluster.start("coordinator");
    await cluster.start("alice");
    await cluster.unheld();
    for (const name of ["alice", "bob"]) {
      const { code, stderr } = await cluster.run("payment", id, "--data", cluster.data(name));
      assertEquals(code, 1);
      assertMatch(
        stderr,
        new RegExp(`Nothing was paid here by ${id}: its last attempt was aborted at 2`),
      );
    }
    for (const name of cluster.names.toReversed()) await cluster.node(name).terminate();
    const dirs = cluster.names.flatMap((name) => ["--data", cluster.data(name)]);
    const { code, stdout } = await cluster.run("verify", ...dirs);
    assertEquals(code, 0);
    assertMatch(stdout, /^bob: .* 1 payment: 0 committed, 0 aborted, 0 open, 1 given up;/m);
  },
});

Deno.test("money is conserved under load while nodes are killed at random", async () => {
  await using cluster = await Cluster.make(openings);
  const killingMs = 8_000;
  const endMs = performance.now() + killingMs;
  const told = new Map<string, { from: string; to: string; outcome: string }>();
  const clients = ["alice", "alice", "alice", "bob", "bob", "bob"].map(async (from) => {
    const to = from === "alice" ? "bob" : "alice";
    while (performance.now() < endMs) {
      const id = generate();
      const outcome = await payOnce(cluster, from, to, id);
      told.set(id, { from, to, outcome });
      if (outcome === "unknown") await pause(50);
    }
  });
  let kills = 0;
  while (performance.now() < endMs) {
    await pause(100 + Math.random() * 500);
    const victim = cluster.names[kills++ % cluster.names.length]!;
    await cluster.node(victim).kill();
    await cluster.start(victim);
  }
  await Promise.all(clients);
  await cluster.linked("alice", "bob");

  let alicePaid = 0;
  const counts: Record<string, number> = {};
  await inTurn([...told], 16, async ([id, { from, to, outcome }]) => {
    // Whoever had no answer sends the same id again until there is one.
    const final = await until(`an outcome of ${id}`, async () => {
      const outcome = await payOnce(cluster, from, to, id);
      return outcome !== "unknown" && outcome;
    });
    if (outcome !== "unknown") assertEquals(final, outcome, `${id} was told otherwise before`);
    if (final === "committed") alicePaid += from === "alice" ? 1 : -1;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  });
  await cluster.unheld();
  assertEquals((await cluster.node("alice").account()).posted, opening - alicePaid);
  assertEquals((await cluster.node("bob").account()).posted, opening + alicePaid);
  assert((counts.committed ?? 0) > 100, `too little was paid between ${kills} kills`);
  for (const name of cluster.names) {
    assertEquals((await cluster.node(name).get("/v1/status")).body.alarms, [], name);
  }
  await cluster.stopAndVerify();
});

/** What the caller knows after one request: without a definite answer nothing. */
async function payOnce(cluster: Cluster, from: string, to: string, id: string): Promise<string> {
  try {
    const { body } = await cluster.node(from).post(
      "/v1/payments?wait=3",
      transfer(from, to, 1, id),
    );
    return body.state === "committed" || body.state === "aborted" ? body.state : "unknown";
  } catch {
    return "unknown";
  }
}

/** Does `work` on all items, `width` at a time. */
async function inTurn<T>(items: T[], width: number, work: (item: T) => Promise<void>) {
  await Promise.all(Array.from({ length: width }, async () => {
    for (let item = items.pop(); item !== undefined; item = items.pop()) await work(item);
  }));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
