/**
 * Nothing is told before it is durable (promise 2): no vote before `prepared`, no ack before `posted`,
 * no decision before `committed` (the forced writes of Mohan, Lindsay and Obermarck's presumed abort).
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { lookUpsMax, turnBytesMax, turnEventsMax } from "../../src/limits.ts";
import type { CoordinatorEvent } from "../../src/protocol/coordinator.ts";
import { Coordinator } from "../../src/protocol/coordinator.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { Leg } from "../../src/protocol/order.ts";
import type { Output, Turn } from "../../src/protocol/step.ts";
import { LoopRig, order, startCoordinator, startParticipant } from "./loop_rig.ts";

const transaction = "1-0123456789ab-1" as TransactionId;
const decided = { number: 3, atMs: 1_700_000_000_000, clock: new Map([["coordinator", 3]]) };
const inAMinuteMs = 60_000;

Deno.test("a vote leaves when its prepared record is durable", async () => {
  const bob = await startParticipant("bob");
  bob.storage.hold();
  bob.message("coordinator", { type: "prepare", transaction, order: order() });
  await bob.idle();
  assertEquals([bob.sent, bob.recorded], [[], []]);

  bob.storage.release();
  await bob.idle();
  const [vote] = bob.sentOf("vote");
  assertEquals(vote?.message.yes, true);
  // The frame names the very entry that holds it.
  const entry = await bob.log.entry(vote!.frame.number);
  assertEquals(entry.records.at(-1)?.type, "prepared");
  assertEquals(vote!.frame.hash, bob.log.head.hash);
  await bob.stop();
});

Deno.test("an ack leaves when its posted record is durable", async () => {
  const bob = await startParticipant("bob");
  const paid = order();
  const { payment, hash: orderHash } = paid;
  bob.message("coordinator", { type: "prepare", transaction, order: paid });
  await bob.idle();
  const { commits } = bob.storage;
  const commit = { type: "decision", transaction, payment, commit: true, orderHash } as const;
  bob.message("coordinator", { ...commit, decided });
  // Nobody waits for it, so it waits for the next append.
  await bob.idle();
  assertEquals([bob.storage.commits, bob.sentOf("ack")], [commits, []]);
  // What is told meanwhile of something else does not take the ack along.
  bob.message("alice", { type: "inquiry", transaction, payment });
  await bob.idle();
  assertEquals([bob.sentOf("decision").length, bob.sentOf("ack").length], [1, 0]);

  bob.storage.hold();
  bob.loop.enqueue({ type: "tick" });
  await bob.idle();
  assertEquals([bob.storage.commits, bob.sentOf("ack")], [commits + 1, []]);
  bob.storage.release();
  await bob.idle();
  assertEquals(bob.sentOf("ack").length, 1);
  assertEquals(bob.recorded.at(-1)?.type, "posted");
  await bob.stop();
});

Deno.test("decisions leave when the committed record is durable", async () => {
  const coordinator = await startCoordinator();
  const ordered = order();
  const { payment, hash: orderHash } = ordered;
  coordinator.message("alice", { type: "order", order: ordered });
  await coordinator.idle();
  const { transaction } = coordinator.sentOf("prepare")[0]!.message;
  coordinator.storage.hold();
  for (const from of ["alice", "bob"]) {
    coordinator.message(from, { type: "vote", transaction, payment, orderHash, yes: true });
  }
  await coordinator.idle();
  assertEquals(coordinator.sentOf("decision"), []);
  coordinator.message("bob", { type: "inquiry", transaction, payment });
  await coordinator.idle();
  assertEquals(coordinator.sentOf("decision"), []);

  coordinator.storage.release();
  await coordinator.idle();
  const decisions = coordinator.sentOf("decision");
  assertEquals(decisions.map(({ to }) => to).toSorted(), ["alice", "bob", "bob"]);
  for (const { message, frame } of decisions) {
    assert(message.commit);
    assert(frame.number >= message.decided!.number);
  }
  const { records } = await coordinator.log.entry(decisions[0]!.message.decided!.number);
  assert(records.some(({ type }) => type === "committed"));
  await coordinator.stop();
});

Deno.test("what comes together goes together, though no disk is waited for", async () => {
  const coordinator = await startCoordinator();
  // As from two sockets: the first has woken the loop when the second is read.
  for (const ordered of [order(), order()]) {
    coordinator.message("alice", { type: "order", order: ordered });
    await Promise.resolve();
    await Promise.resolve();
  }
  await coordinator.idle();
  const frames = new Set(coordinator.sentOf("prepare").map(({ frame }) => frame));
  assertEquals([coordinator.sentOf("prepare").length, frames.size], [4, 2]);
  await coordinator.stop();
});

Deno.test("an aborted outcome leaves when it is recorded under the payment's id", async () => {
  const coordinator = await startCoordinator();
  const legs = (order().legs as Leg[]).map((leg) => ({ ...leg, amount: leg.amount + 1n }));
  coordinator.storage.hold();
  coordinator.message("alice", { type: "order", order: order(legs) });
  await coordinator.idle();
  assertEquals(coordinator.sent, []);

  coordinator.storage.release();
  await coordinator.idle();
  assertEquals(coordinator.sentOf("outcome")[0]?.message.outcome.state, "aborted");
  assertEquals(coordinator.recorded.at(-1)?.type, "aborted");
  await coordinator.stop();
});

Deno.test("only what was decided elsewhere is told early, and only to the user", async () => {
  const alice = await startParticipant("alice");
  const paid = order();
  const { payment, hash: orderHash } = paid;
  alice.loop.enqueue({ type: "submit", request: 1, order: paid, deadlineMs: inAMinuteMs });
  alice.message("coordinator", { type: "prepare", transaction, order: paid });
  await alice.idle();
  assertEquals(alice.sentOf("vote").length, 1);
  alice.storage.hold();
  const commit = { type: "decision", transaction, payment, commit: true, orderHash } as const;
  alice.message("coordinator", { ...commit, decided });
  alice.loop.enqueue({ type: "open", request: 2, account: "new", currency: "USD", opening: 0n });
  const content = "00".repeat(32);
  alice.loop.enqueue({ type: "claim", request: 3, key: "ab".repeat(16), content, payment });
  await alice.idle();
  assertEquals(alice.replies.map(({ request, answer }) => [request, answer.state]), [
    [1, "committed"],
  ]);
  assertEquals(alice.sentOf("ack"), []);

  alice.storage.release();
  await alice.idle();
  assertEquals(alice.replies.map(({ request }) => request), [1, 2, 3]);
  assertEquals(alice.sentOf("ack").length, 1);
  await alice.stop();
});

Deno.test("a read sees nothing that is not durable", async () => {
  const alice = await startParticipant("alice");
  const told: unknown[] = [];
  const read = () =>
    alice.loop.read(() => alice.core.state.ledger.account("new")?.posted).then((posted) =>
      told.push(posted)
    );
  alice.storage.hold();
  alice.loop.enqueue({ type: "open", request: 1, account: "new", currency: "USD", opening: 7n });
  const first = read();
  await alice.idle();
  const second = read();
  await alice.idle();
  assertEquals(told, []);
  alice.storage.release();
  await Promise.all([first, second]);
  assertEquals(told, [7n, 7n]);
  await alice.stop();
});

Deno.test("a read makes records durable that could have waited", async () => {
  const alice = await startParticipant("alice");
  const { number } = alice.log.head;
  const nodes = [{ name: "carol", address: "carol:1" }];
  alice.message("coordinator", { type: "directory", nodes });
  await alice.idle();
  assertEquals(alice.log.head.number, number);
  assertEquals(await alice.loop.read(() => alice.core.state.membership.knows("carol")), true);
  assertEquals((await alice.log.entry(number + 1)).records, [
    { type: "introduced", ...nodes[0]!, introduction: undefined },
  ]);
  await alice.stop();
});

Deno.test("a tick makes records durable that could have waited", async () => {
  const alice = await startParticipant("alice");
  const nodes = [{ name: "carol", address: "carol:1" }];
  alice.message("coordinator", { type: "directory", nodes });
  await alice.idle();
  assertEquals(alice.recorded, []);
  alice.loop.enqueue({ type: "tick" });
  await alice.idle();
  assertEquals(alice.recorded.map(({ type }) => type), ["introduced"]);
  await alice.stop();
});

Deno.test("what arrives during an append makes one entry", async () => {
  const alice = await startParticipant("alice");
  const { number } = alice.log.head;
  const open = (account: string) =>
    alice.loop.enqueue({ type: "open", request: 1, account, currency: "USD", opening: 1n });
  alice.storage.hold();
  open("first");
  await alice.idle();
  for (let i = 0; i < 50; i++) open(`later${i}`);
  await alice.idle();
  alice.storage.release();
  await alice.idle();
  const entries = (await alice.entries()).slice(number);
  assertEquals(entries.map(({ records }) => records.length), [1, 50]);
  assertEquals(alice.replies.length, 51);
  await alice.stop();
});

Deno.test("a turn stops at the bytes and the events that one commit holds", async (t) => {
  await t.step("bytes", async () => {
    const coordinator = await startCoordinator();
    const { number } = coordinator.log.head;
    const count = 400;
    const legs = Array.from({ length: 64 }, (_, i) => ({
      account: `${"a".repeat(28)}${i}`,
      participant: "n".repeat(31),
      amount: i < 32 ? 1n : -1n,
      currency: "USD",
    }));
    coordinator.storage.hold();
    for (let i = 0; i < count; i++) {
      coordinator.message("alice", { type: "order", order: order(legs) });
    }
    coordinator.storage.release();
    await coordinator.loop.read(() => {});
    const entries = (await coordinator.entries()).slice(number);
    const orderBytes = order(legs).bytes.length;
    assert(entries.length > 1);
    for (const { records } of entries) assert(records.length * orderBytes <= turnBytesMax);
    assertEquals(entries.reduce((sum, { records }) => sum + records.length, 0), count);
    assertEquals(coordinator.sentOf("outcome").length, count);
    await coordinator.stop();
  });

  await t.step("events", async () => {
    const alice = await startParticipant("alice");
    const { number } = alice.log.head;
    const open = (account: string) =>
      alice.loop.enqueue({ type: "open", request: 1, account, currency: "USD", opening: 1n });
    alice.storage.hold();
    open("first");
    await alice.idle();
    // Of these only the first and the last make a record, the ones between fill the turn.
    open("second");
    for (let i = 1; i < turnEventsMax; i++) open("main");
    open("third");
    alice.storage.release();
    await alice.loop.read(() => {});
    const entries = (await alice.entries()).slice(number);
    assertEquals(entries.map(({ records }) => records.length), [1, 1, 1]);
    assertEquals(alice.replies.length, turnEventsMax + 2);
    await alice.stop();
  });
});

Deno.test("a failed append stops the node, and nothing of its turn is told", async () => {
  const bob = await startParticipant("bob");
  bob.storage.hold();
  bob.message("coordinator", { type: "prepare", transaction, order: order() });
  bob.loop.enqueue({ type: "open", request: 1, account: "new", currency: "USD", opening: 1n });
  const waiting = bob.loop.read(() => "seen");
  await bob.idle();
  const early = assertRejects(() => waiting, Error, "disk is full");
  bob.storage.fail(new Error("disk is full"));
  await assertRejects(() => bob.running, Error, "disk is full");
  await early;

  const { commits } = bob.storage;
  bob.message("coordinator", { type: "prepare", transaction, order: order() });
  await assertRejects(() => bob.loop.read(() => "seen"), Error, "disk is full");
  await assertRejects(() => bob.loop.settled({ type: "tick" }), Error, "disk is full");
  await bob.idle();
  assertEquals([bob.sent, bob.replies, bob.recorded], [[], [], []]);
  assertEquals(bob.storage.commits, commits);
});

Deno.test("keepWitnesses() stores what was seen of peers, once", async () => {
  const alice = await startParticipant("alice");
  const { number } = alice.log.head;
  const hash = new Uint8Array(32).fill(7);
  const frame = { number: 9, hash, clock: new Map([["coordinator", 9]]), messages: [] };
  alice.loop.receive("coordinator", frame, frame.messages);
  await alice.idle();
  assertEquals(alice.log.head.number, number);

  alice.loop.keepWitnesses();
  await alice.idle();
  alice.loop.keepWitnesses();
  await alice.idle();
  assertEquals(alice.log.head.number, number + 1);
  const entry = await alice.log.entry(number + 1);
  assertEquals(entry.witnesses.get("coordinator"), { number: 9, hash });
  assertEquals([...entry.clock].toSorted(), [["alice", number + 1], ["coordinator", 9]]);

  // What is older than what was seen changes nothing.
  alice.loop.receive("coordinator", { ...frame, number: 8, hash: new Uint8Array(32) }, []);
  alice.loop.keepWitnesses();
  await alice.idle();
  assertEquals(alice.log.head.number, number + 1);
  assertEquals(alice.loop.seenOf("coordinator"), { number: 9, hash });
  await alice.stop();
});

Deno.test("of a clock that is not known in whole only the sender's own component is taken over", async () => {
  const alice = await startParticipant("alice");
  const { number } = alice.log.head;
  const { payment } = order();
  const hash = new Uint8Array(32).fill(7);
  const clock = new Map([["coordinator", 9], ["mallory", 4]]);
  const inquiry = { type: "inquiry", transaction, payment } as const;
  alice.loop.receive("bob", { number: 5, hash, clock: new Map([["bob", 5]]) }, []);
  alice.loop.receive("coordinator", { number: 9, hash, clock }, [], false);
  assertEquals([...alice.loop.clock].toSorted(), [
    ["alice", number],
    ["bob", 5],
    ["coordinator", 9],
  ]);
  // Cited it would have to be with its whole past.
  assertEquals(alice.loop.seenOf("coordinator"), undefined);
  alice.loop.keepWitnesses();
  await alice.idle();
  const entry = await alice.log.entry(number + 1);
  assertEquals([...entry.witnesses.keys()], ["bob"]);
  assertEquals([...entry.clock.keys()].toSorted(), ["alice", "bob", "coordinator"]);

  // Alone it is no reason for an entry; what the frame says is heard all the same.
  const frame = { number: 6, hash, clock: new Map([["bob", 6], ["mallory", 4]]) };
  alice.loop.receive("bob", frame, [inquiry], false);
  await alice.idle();
  assertEquals(alice.loop.seenOf("bob")?.number, 5);
  assertEquals(alice.recorded.map(({ type }) => type), ["refused"]);
  assertEquals(alice.sentOf("decision").map(({ to }) => to), ["bob"]);
  await alice.stop();
});

Deno.test("a turn knows how long the first of its events has been queued", async () => {
  let nowMs = 0;
  const waits: number[] = [];
  class Watched extends Coordinator {
    override step(event: CoordinatorEvent, turn: Turn, out: Output<never>): void {
      waits.push(turn.waitedMs);
      super.step(event, turn, out);
    }
  }
  const core = new Watched();
  const rig = await LoopRig.start<CoordinatorEvent, never>(
    "coordinator",
    "coordinator",
    core,
    () => nowMs,
  );
  waits.length = 0;
  rig.storage.hold();
  const link = (peer: string) => rig.loop.enqueue({ type: "linkUp", peer, address: `${peer}:1` });
  link("alice");
  await rig.idle();
  // These wait until that one is on the disk.
  link("bob");
  nowMs += 30;
  link("carol");
  nowMs += 70;
  rig.storage.release();
  await rig.idle();
  assertEquals(waits, [0, 100, 100]);
  link("dave");
  await rig.idle();
  assertEquals(waits.at(-1), 0);
  await rig.stop();
});

/** A core that has the index asked for a key an event, and each time records something. */
function asking():
  & { keys: string[]; step: Coordinator["step"] }
  & Pick<Coordinator, "state" | "indexed"> {
  const core = new Coordinator();
  const keys: string[] = [];
  return {
    keys,
    state: core.state,
    indexed: core.indexed,
    step: (event: CoordinatorEvent, turn: Turn, out: Output<never>) => {
      if (event.type !== "message") return core.step(event, turn, out);
      out.lookUps.push(...keys.splice(0));
      out.add({ type: "readmitted", name: "alice", by: "operator" }, true);
    },
  };
}

const inquiry = { type: "inquiry", transaction, payment: order().payment } as const;

Deno.test("a look-up that fails stops the node before another turn begins", async () => {
  const core = asking();
  const rig = await LoopRig.start<CoordinatorEvent, never>("coordinator", "coordinator", core);
  rig.log.lookUp = () => Promise.reject(new Error("a page is missing"));
  rig.storage.hold();
  core.keys.push("key");
  for (let turns = 0; turns < 3; turns++) {
    for (let i = 0; i < turnEventsMax; i++) rig.message("alice", inquiry);
  }
  await rig.idle();
  const { number } = rig.log.head;
  rig.storage.release();
  await assertRejects(() => rig.running, Error, "a page is missing");
  // The turn whose entry was on its way, and the one that was stepped meanwhile.
  assert(rig.log.head.number <= number + 2, `${rig.log.head.number - number} entries`);
});

Deno.test("the index is asked for few keys at once, and for all in the end", async () => {
  const core = asking();
  const rig = await LoopRig.start<CoordinatorEvent, never>("coordinator", "coordinator", core);
  let [underWay, most, all] = [0, 0, 0];
  rig.log.lookUp = async () => {
    all++;
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 0));
    underWay--;
    return [];
  };
  core.keys.push(...Array.from({ length: 5 * lookUpsMax }, (_, i) => `key ${i}`));
  rig.message("alice", inquiry);
  await rig.idle();
  assertEquals([most, all], [lookUpsMax, 5 * lookUpsMax]);
  await rig.stop();
});

Deno.test("a look-up that fails during an append stops the node without another event", async () => {
  const core = asking();
  const rig = await LoopRig.start<CoordinatorEvent, never>("coordinator", "coordinator", core);
  const { promise, reject } = Promise.withResolvers<never>();
  rig.log.lookUp = () => promise;
  core.keys.push("key");
  rig.message("alice", inquiry);
  await rig.idle();
  rig.storage.hold();
  rig.message("alice", inquiry);
  await rig.idle();
  reject(new Error("a page is missing"));
  await rig.idle();
  rig.storage.release();
  await assertRejects(() => rig.running, Error, "a page is missing");
});

Deno.test("after a failure nothing more is looked up", async () => {
  const core = asking();
  const rig = await LoopRig.start<CoordinatorEvent, never>("coordinator", "coordinator", core);
  let all = 0;
  rig.log.lookUp = async () => {
    all++;
    await new Promise((resolve) => setTimeout(resolve, 0));
    throw new Error("a page is missing");
  };
  core.keys.push(...Array.from({ length: 5 * lookUpsMax }, (_, i) => `key ${i}`));
  rig.message("alice", inquiry);
  await assertRejects(() => rig.running, Error, "a page is missing");
  await rig.idle();
  assert(all < 2 * lookUpsMax, `${all} look-ups`);
});

Deno.test("a look is told up to which record the state is the fold of the log", async () => {
  const bob = await startParticipant("bob");
  const looked: unknown[] = [];
  const look = () =>
    bob.loop.read(({ number, at }) => {
      looked.push({ number, at, accounts: bob.core.state.ledger.accountCount });
    });
  const open = (account: string, request: number) =>
    bob.loop.enqueue({ type: "open", request, account, currency: "USD", opening: 0n });
  const next = bob.log.head.number + 1;
  await look();
  assertEquals(looked, [{ number: next, at: 0, accounts: 1 }]);
  // What is pending counts, and what follows in the same turn does not.
  const paid = order();
  bob.message("coordinator", { type: "prepare", transaction, order: paid });
  await bob.idle();
  const { payment, hash: orderHash } = paid;
  const commit = { type: "decision", transaction, payment, commit: true, orderHash } as const;
  bob.message("coordinator", { ...commit, decided });
  await bob.idle();
  open("second", 1);
  const looks = [look()];
  open("third", 2);
  looks.push(look());
  await Promise.all(looks);
  const { number } = bob.log.head;
  assertEquals(looked.slice(1), [{ number, at: 2, accounts: 2 }, { number, at: 3, accounts: 3 }]);
  const { records } = await bob.log.entry(number);
  assertEquals(records.map(({ type }) => type), ["posted", "opened", "opened"]);
  await bob.stop();
});
