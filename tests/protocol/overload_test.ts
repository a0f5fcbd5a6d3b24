/** More than can be done is rejected early, and one who holds payments up holds up its own alone. */

import { assert, assertEquals } from "@std/assert";
import {
  orderDelayMsMax,
  orderMemoryMs,
  ordersOutAtFirst,
  orderWaitMsMax,
  orderWaitStandsMs,
  resendIntervalMs,
  unvotedMax,
  voteTimeoutMs,
} from "../../src/limits.ts";
import { transactionId } from "../../src/protocol/id.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Order } from "../../src/protocol/order.ts";
import type { Output } from "../../src/protocol/step.ts";
import { Bench as Coordinator, orders } from "./coordinator_example.ts";
import { atMs, entryNow, epochs, orderOf, paymentAt, turnOf } from "./example.ts";
import { inWords } from "./in_words.ts";
import { Bench as Participant, from, prepares, submits, waitMs } from "./participant_example.ts";

let sequence = 0;

/** Alice pays somebody a cent, each time another. */
function cent(to = "bob"): Order {
  const legs = ["-1 USD main@alice", `1 USD main@${to}`];
  return orderOf("alice", legs, paymentAt(atMs, ++sequence));
}

const rejected = "> alice outcome rejected overloaded";

/** What the coordinator does about a new order: the type of the first message. */
function firstOf({ sends: [first] }: Output<unknown>): Message["type"] | undefined {
  return first?.message.type;
}

Deno.test("the coordinator begins nothing new once all orders have waited too long for long", () => {
  const bench = new Coordinator();
  const placed: Order[] = [];
  const place = (afterMs: number, isLate: boolean) => {
    placed.push(cent());
    const waitedMs = orderWaitMsMax + (isLate ? 1 : 0);
    return bench.step({ ...orders("alice", placed.at(-1)!), afterMs, waitedMs });
  };
  // A pause, and then a queue.
  assertEquals(firstOf(place(0, true)), "prepare");
  assertEquals(firstOf(place(orderWaitStandsMs - 1, true)), "prepare");
  assertEquals(inWords(place(orderWaitStandsMs, true)), rejected);
  const late = { afterMs: orderWaitStandsMs, waitedMs: orderWaitMsMax + 1 };
  assertEquals(inWords(bench.step({ ...orders("alice", placed[0]!), ...late })), "", "known");
  // One that has not waited long shows that the queue has been worked off.
  assertEquals(firstOf(place(orderWaitStandsMs, false)), "prepare");
  assertEquals(firstOf(place(orderWaitStandsMs, true)), "prepare");
  // So does a tick, where no order comes.
  bench.step({ type: "tick", afterMs: orderWaitStandsMs + 1 });
  assertEquals(firstOf(place(2 * orderWaitStandsMs, true)), "prepare");
  assertEquals(inWords(place(3 * orderWaitStandsMs, true)), rejected);
});

Deno.test("a participant that does not vote leaves room to payments that do not need it", () => {
  const bench = new Coordinator();
  bench.step({ type: "linkUp", peer: "carol", address: "carol:7443" });
  const place = (to: string) => bench.step(orders("alice", cent(to)));
  const vote = (prepare: Message, from: string, yes = true) => {
    assert(prepare.type === "prepare");
    const { transaction, order: { payment, hash: orderHash } } = prepare;
    const code = yes ? undefined : "account_not_found";
    const message = { type: "vote", transaction, payment, orderHash, yes, code } as const;
    bench.step({ type: "message", from, message });
  };
  const fill = () => {
    const prepares: Message[] = [];
    for (;;) {
      const out = place("bob");
      if (firstOf(out) !== "prepare") return { prepares, out };
      prepares.push(out.sends[0]!.message);
      vote(prepares.at(-1)!, "alice");
    }
  };
  const { prepares, out } = fill();
  assertEquals(prepares.length, unvotedMax);
  assertEquals(inWords(out), rejected);
  assertEquals(firstOf(place("carol")), "prepare");

  // Each vote makes room for one more, be it yes, no, or only that the attempt is lost.
  vote(prepares[0]!, "bob");
  vote(prepares[1]!, "bob", false);
  const { transaction, order: { payment, hash: orderHash } } = prepares[2] as Message & {
    type: "prepare";
  };
  const lost = { type: "vote", transaction, payment, orderHash, yes: false } as const;
  bench.step({ type: "message", from: "bob", message: lost });
  assertEquals(fill().prepares.length, 3);
  // Nothing is left of what has timed out.
  const ticks = 10;
  for (let i = 0; i < ticks; i++) bench.step({ type: "tick", afterMs: voteTimeoutMs });
  assertEquals(fill().prepares.length, unvotedMax);
});

Deno.test("a participant bounds the orders that are not begun; what is known is answered", () => {
  const bench = new Participant();
  const [first, more] = [cent(), cent()];
  const { payment } = first;
  bench.step(submits(1, first));
  for (let i = 1; i < ordersOutAtFirst; i++) bench.step(submits(1, cent()));
  assertEquals(bench.participant.room(0), 0);
  assertEquals(inWords(bench.step(submits(2, more))), "= 2 rejected overloaded");
  const claim = { type: "claim", request: 3, content: "c", payment: more.payment } as const;
  assertEquals(inWords(bench.step({ ...claim, key: "new" })), "= 3 rejected overloaded");
  assertEquals(inWords(bench.step(submits(4, first))), "", "it joins the first");

  const decided = turnOf("coordinator", entryNow);
  const outcome = { state: "aborted", code: "vote_timeout", decided, replayed: false } as const;
  bench.step(from("coordinator", { type: "outcome", payment, outcome }));
  assertEquals(inWords(bench.step(submits(5, first))), "= 5 aborted vote_timeout @now replayed");
  assertEquals(inWords(bench.step(submits(6, more))), "> coordinator order alice");
});

Deno.test("payments that wait for another's vote do not count as on their way", () => {
  const bench = new Participant();
  for (let i = 1; i <= 10; i++) {
    const placed = cent();
    bench.step(submits(i, placed));
    bench.step(prepares(transactionId(epochs.present, 100 + i), placed));
  }
  assertEquals(bench.participant.room(10_000), ordersOutAtFirst);
});

Deno.test("an order is on its way until it is begun, answered or given up", () => {
  const decided = turnOf("coordinator", entryNow);
  const transaction = transactionId(epochs.present, 100);
  const aborted = { state: "aborted", code: "vote_timeout", decided, replayed: false } as const;
  const decision = { type: "decision", transaction, commit: false, code: "vote_timeout" } as const;
  const ways: Record<string, (bench: Participant, order: Order) => void> = {
    "begun": (bench, order) => bench.step(prepares(transaction, order)),
    "answered": (bench, { payment }) =>
      bench.step(from("coordinator", { type: "outcome", payment, outcome: aborted })),
    "decided, and its prepare was lost": (bench, { payment }) =>
      bench.step(from("coordinator", { ...decision, payment, decided })),
    "given up": (bench) => {
      bench.step({ type: "tick", afterMs: waitMs });
      bench.step({ type: "tick", afterMs: orderMemoryMs });
    },
  };
  for (const [way, happen] of Object.entries(ways)) {
    const bench = new Participant();
    const placed = cent();
    bench.step(submits(1, placed));
    assertEquals(bench.participant.room(0), ordersOutAtFirst - 1);
    happen(bench, placed);
    assertEquals(bench.participant.room(0), ordersOutAtFirst, way);
  }
  // Nobody is asked to prepare what has no leg here.
  const bench = new Participant();
  const legs = ["-1 USD card@carol", "1 USD main@bob"];
  bench.step(submits(1, orderOf("alice", legs, paymentAt(atMs, ++sequence))));
  assertEquals(bench.participant.room(10_000), ordersOutAtFirst);
});

Deno.test("a link that breaks is no sign of too many orders", () => {
  const bench = new Participant();
  bench.step(submits(1, cent()));
  const afterMs = 2 * orderDelayMsMax + 1;
  assertEquals(bench.participant.room(afterMs), 0);
  bench.step({ type: "linkDown", peer: "bob" });
  assertEquals(bench.participant.room(afterMs), 0);
  bench.step({ type: "linkDown", peer: "coordinator" });
  assertEquals(bench.participant.room(afterMs), ordersOutAtFirst - 1);
});

Deno.test("an order of which nothing is heard does not keep others from leaving for long", () => {
  const bench = new Participant();
  // Nobody waits for it, so it is not sent again.
  bench.step({ ...submits(1, cent()), deadlineMs: 1 });
  assertEquals(bench.participant.room(resendIntervalMs), 0);
  const afterMs = resendIntervalMs + 1;
  bench.step({ type: "tick", afterMs });
  assertEquals(bench.participant.room(afterMs), ordersOutAtFirst - 1);
});

Deno.test("a user is told that there is too much only where the order can't be begun any more", () => {
  const bench = new Participant();
  // A charge: nothing of alice's own is debited.
  const charge = orderOf("alice", ["-1 USD card@bob", "1 USD main@alice"], paymentAt(atMs, 1));
  const outcome = { state: "rejected", code: "overloaded" } as const;
  const { payment } = charge;
  const rejects = from("coordinator", { type: "outcome", payment, outcome });
  bench.step(submits(1, charge));
  const again = bench.step({ type: "tick", afterMs: resendIntervalMs });
  assertEquals(inWords(again), "> coordinator order alice");
  assertEquals(inWords(bench.step(rejects)), "");

  const [other, transaction] = [new Participant(), transactionId(epochs.present, 100)];
  other.step(submits(1, charge));
  assertEquals(inWords(other.step(rejects)), "= 1 rejected overloaded");
  // A copy of it that is begun all the same is not voted for.
  const [vote] = other.step(prepares(transaction, charge)).sends;
  assert(vote?.message.type === "vote" && !vote.message.yes && !vote.message.code);
});

Deno.test("answers that come late count as orders that are begun late", () => {
  const bench = new Participant();
  const afterMs = orderDelayMsMax + 1;
  for (let i = 0; i < 2; i++) {
    const placed = cent();
    bench.step(submits(1, placed));
    const outcome = { state: "rejected", code: "overloaded" } as const;
    const { payment } = placed;
    bench.step({ ...from("coordinator", { type: "outcome", payment, outcome }), afterMs });
  }
  assertEquals(bench.participant.room(afterMs), ordersOutAtFirst / 2);
});

Deno.test("what an order waits in its own node's queue counts as delay", () => {
  const bench = new Participant();
  const place = (transaction: number, afterMs: number, waitedMs: number) => {
    const placed = cent();
    bench.step({ ...submits(1, placed), afterMs, waitedMs });
    bench.step({ ...prepares(transactionId(epochs.present, transaction), placed), afterMs });
  };
  const lateMs = orderDelayMsMax + 1;
  for (const transaction of [101, 102]) place(transaction, lateMs, lateMs);
  assert(bench.participant.room(lateMs) < ordersOutAtFirst);
});
