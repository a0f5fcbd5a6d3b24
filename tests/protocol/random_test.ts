/** A smoke test of all rules together. A failure names its seed, and runs again with it. */

import { assert, assertEquals } from "@std/assert";
import { availableOf } from "../../src/protocol/ledger.ts";
import { Participant } from "../../src/protocol/participant.ts";
import { legsOf } from "../../src/protocol/order.ts";
import { Network, opening, participants } from "./random_network.ts";

const seeds = 200;
const disturbances = 1_000;

function run(seed: number): Network {
  const network = new Network(seed);
  for (let i = 0; i < disturbances; i++) network.disturb();
  network.heal();
  return network;
}

/** By the coordinator's log: payments committed, and aborted under their id. */
function outcomesOf(network: Network): Map<string, "committed" | "aborted"> {
  const outcomes = new Map<string, "committed" | "aborted">();
  for (const [, record] of network.node("coordinator").log) {
    if (record.type !== "committed" && record.type !== "aborted") continue;
    assert(!outcomes.has(record.order.payment), `${record.order.payment} decided twice`);
    outcomes.set(record.order.payment, record.type);
  }
  return outcomes;
}

function check(network: Network): void {
  const outcomes = outcomesOf(network);
  for (const [payment, { order, sends, answers }] of network.asked) {
    const outcome = outcomes.get(payment);
    for (const name of participants) {
      const posts = network.node(name).log.filter(([, record]) =>
        record.type === "posted" && record.payment === payment
      );
      const due = outcome === "committed" && legsOf(order, name).length > 0 ? 1 : 0;
      assertEquals(posts.length, due, `${payment} ${outcome} and posted at ${name}`);
    }
    for (const { state } of answers) {
      if (state === "committed" || state === "aborted") assertEquals(outcome, state, payment);
    }
    const isRefused = answers.filter(({ state }) => state === "rejected").length === sends;
    assert(!isRefused || outcome !== "committed", `${payment} was rejected each time, and paid`);
  }
  let sum = 0n;
  let settlements = 0n;
  for (const name of participants) {
    const { role } = network.node(name);
    assert(role instanceof Participant);
    for (const account of role.state.ledger.accounts()) {
      assertEquals(account.pendingDebits + account.pendingCredits, 0n, `held at ${name}`);
      assert(availableOf(account) >= 0n);
      sum += account.posted;
    }
    for (const { settlement } of role.state.ledger.books()) settlements += settlement;
  }
  assertEquals([sum, settlements], [opening * BigInt(participants.length), 0n]);
}

Deno.test(`${seeds} seeds: atomic, durable, exactly once, conserved, and no hold is left`, () => {
  let committed = 0;
  let aborted = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      const network = run(seed);
      check(network);
      for (const outcome of outcomesOf(network).values()) {
        if (outcome === "committed") committed++;
        else aborted++;
      }
    } catch (thrown) {
      throw new Error(`seed ${seed}`, { cause: thrown });
    }
  }
  assert(
    committed > 2 * seeds && aborted > 2 * seeds,
    `${committed} committed, ${aborted} aborted`,
  );
});

Deno.test("the same seed gives the same logs", () => {
  const [first, second] = [run(7), run(7)];
  for (const [name, node] of first.nodes) assertEquals(node.log, second.node(name).log);
});
