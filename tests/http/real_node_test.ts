/** What the HTTP server asks of a node, asked of real ones. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { FormatError } from "../../src/errors.ts";
import type { NodeEvent } from "../../src/http/node_api.ts";
import { pay, startNetwork } from "../page/browser.ts";
import { Cluster, until } from "../process/cluster.ts";

Deno.test("events are told live as the log gives them back, also from the middle on", async () => {
  const network = await startNetwork();
  const { coordinator, alice, bob } = network;
  try {
    const nodes = [coordinator, alice, bob].map(({ node }) => {
      const live: NodeEvent[] = [];
      const unsubscribe = node.subscribe((event) => live.push(event));
      return { node, live, unsubscribe };
    });
    await Promise.all(Array.from({ length: 20 }, () => pay(alice, "bob", "100")));
    await pay(bob, "alice", "99999999999", 422);
    await until("all has ended", async () => {
      const counts = await Promise.all(nodes.map(({ node }) => node.status()));
      return counts.every(({ open }) => open === 0);
    });
    for (const { node, live } of nodes) {
      const logged = await node.eventsAfter(undefined, 1_000);
      assertEquals(live, logged, node.name);
      assert(live.every(({ legs, originator }) => legs.length === 2 && originator !== ""));
      const middle = Math.floor(live.length / 2);
      assertEquals(await node.eventsAfter(live[middle]!.id, 3), live.slice(middle + 1, middle + 4));
      const { entry } = live.at(-1)!;
      assertEquals(await node.eventsAfter(String(entry), 10), []);
      await assertRejects(() => node.eventsAfter("1.x", 1), FormatError);
      // After it nothing would ever be told, as long as the log does not reach it.
      await assertRejects(() => node.eventsAfter(String(entry + 1_000), 1), FormatError);
    }
    const kinds = nodes.map(({ live }) => [...new Set(live.map(({ type }) => type))].sort());
    assertEquals(kinds[0], ["aborted", "committed", "ended"]);
    assertEquals(kinds[1], ["posted", "prepared", "released"]);
    nodes[0]!.unsubscribe();
    const before = nodes[0]!.live.length;
    await pay(alice, "bob", "100");
    assertEquals(nodes[0]!.live.length, before);
  } finally {
    await network.stop();
  }
});

Deno.test("a listener that fails is told no more, and the node goes on", async () => {
  const network = await startNetwork();
  try {
    let told = 0;
    network.alice.node.subscribe(() => {
      told++;
      throw new Error("a listener's bug");
    });
    await pay(network.alice, "bob", "100");
    await pay(network.alice, "bob", "100");
    assertEquals(told, 1);
  } finally {
    await network.stop();
  }
});

Deno.test("every node measures itself while nobody looks", async () => {
  const network = await startNetwork();
  const { coordinator, alice, bob } = network;
  try {
    for (let i = 0; i < 3; i++) await pay(alice, "bob", "100");
    for (const { node } of [coordinator, alice, bob]) {
      // No user of bob's waited for any of them.
      const isAnswered = () => node.samples(0).some(({ latencyMs }) => latencyMs.p50 !== null);
      await until(`${node.name} has measured it`, () => {
        const isSeen = node.samples(0).some(({ throughput }) => throughput > 0);
        return Promise.resolve(isSeen && isAnswered() === (node !== bob.node));
      });
      const { atMs } = node.samples(0).at(-1)!;
      assert(Math.abs(Date.now() - atMs) < 5_000, node.name);
    }
  } finally {
    await network.stop();
  }
});

Deno.test("a payment is followed from order to acks, with each vote and its reason", async () => {
  const network = await startNetwork();
  const { coordinator, alice } = network;
  try {
    const id = await pay(alice, "bob", "100");
    await until("all acks are in", async () => {
      const [trace] = await coordinator.node.recent();
      return trace?.stage === "done";
    });
    const [trace] = await coordinator.node.recent();
    assertEquals(trace?.payment.id, id);
    assertEquals(trace?.votes, [
      { participant: "alice", vote: "yes", code: undefined, isAcked: true },
      { participant: "bob", vote: "yes", code: undefined, isAcked: true },
    ]);
    const steps = trace?.steps.map(({ what }) => what) ?? [];
    assertEquals([...steps].sort(), [
      ...["alice acks", "alice votes yes", "bob acks", "bob votes yes"],
      ...["committed", "ended", "order from alice"],
    ]);
    assert(steps.indexOf("bob votes yes") < steps.indexOf("committed"));
    assert(steps.indexOf("committed") < steps.indexOf("bob acks"));

    const refused = await pay(alice, "bob", "99999999999", 422);
    const [newest, older] = await coordinator.node.recent();
    assertEquals([newest?.payment.id, older?.payment.id], [refused, id]);
    assertEquals([newest?.stage, newest?.payment.code], ["done", "insufficient_funds"]);
    assertEquals(newest?.votes.find(({ participant }) => participant === "alice"), {
      participant: "alice",
      vote: "no",
      code: "insufficient_funds",
      isAcked: false,
    });
  } finally {
    await network.stop();
  }
});

Deno.test("/v1/in-doubt shows what waits for a coordinator that is gone", async () => {
  await using cluster = await Cluster.make({
    alice: ["main=200.00:USD"],
    bob: ["main=100.00:USD"],
  }, false);
  await cluster.start("coordinator", { halt: "before:committed" });
  await Promise.all([cluster.start("alice"), cluster.start("bob")]);
  const legs = [
    { account: "main@alice", amount: "-12500", currency: "USD" },
    { account: "main@bob", amount: "12500", currency: "USD" },
  ];
  const answering = cluster.node("alice").post("/v1/payments?wait=60", { legs });
  // Whatever fails before it is waited for is what is told.
  answering.catch(() => {});
  await cluster.node("coordinator").said("halted");
  await cluster.node("coordinator").kill();

  const ask = async () => {
    const { body } = await cluster.node("bob").get("/v1/in-doubt");
    const [doubt] = (body as unknown as { inDoubt: Record<string, unknown>[] }).inDoubt;
    return doubt;
  };
  const doubt = await until("bob misses the coordinator", async () => {
    const found = await ask();
    return (found?.unreachable as string[] | undefined)?.includes("coordinator") && found;
  });
  const { transaction, payment, age, participants, held } = doubt;
  assertEquals([participants, held], [["alice", "bob"], [legs[1]]]);
  assert(typeof transaction === "string" && typeof age === "number" && age >= 0);

  await cluster.start("coordinator");
  await until("nothing is in doubt", async () => await ask() === undefined);

  // Alice's order came again and committed. Of what bob did, a restart leaves what the log says.
  const answer = await answering;
  assertEquals([answer.status, answer.body.id], [201, payment]);
  assertEquals(await cluster.node("bob").terminate(), 0);
  const bob = await cluster.start("bob");
  const { body } = await bob.get(`/page/payments/${payment}`);
  const { stage, steps } = body as unknown as { stage: string; steps: Record<string, unknown>[] };
  assertEquals([stage, steps.at(-1)?.what], ["done", "posted"]);
  assert(steps.every(({ entry }) => typeof entry === "number"));
});
