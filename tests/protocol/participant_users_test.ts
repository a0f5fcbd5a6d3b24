/** What a participant answers its own users: the rows of `POST /v1/payments` that its core decides. */

import { assert, assertEquals } from "@std/assert";
import {
  orderMemoryMs,
  ordersRepeatedMax,
  ownOrdersMax,
  paymentIdAheadMsMax,
  resendIntervalMs,
} from "../../src/limits.ts";
import { transactionId } from "../../src/protocol/id.ts";
import {
  atMs,
  entryNow,
  epochs,
  order,
  orderOf,
  otherOriginator,
  otherPayment,
  payment,
  paymentAt,
  transactions,
  turnOf,
} from "./example.ts";
import type { Step } from "./participant_example.ts";
import { answerInWords, inWords } from "./in_words.ts";
import {
  Bench,
  decides,
  events,
  from,
  incoming,
  links,
  prepares,
  submits,
  waitMs,
} from "./participant_example.ts";

const { T1 } = transactions;
const dollar = ["-100 USD main@alice", "100 USD main@bob"];

Deno.test("no link to the coordinator: refused only as the order never left", () => {
  const bench = new Bench();
  bench.step({ type: "linkDown", peer: "coordinator" });
  assertEquals(inWords(bench.step(submits(1, order))), "= 1 rejected coordinator_unreachable");
  const ordered = Bench.in("own");
  ordered.step({ type: "linkDown", peer: "coordinator" });
  assertEquals(inWords(ordered.step(submits(2, order))), "");
});

Deno.test("the id is running for another originator: id_in_use", () => {
  const bench = new Bench();
  bench.step(prepares(T1, incoming(5n)));
  const mine = orderOf("alice", dollar, otherPayment);
  assertEquals(inWords(bench.step(submits(1, mine))), "= 1 rejected id_in_use");
});

for (
  const [ms, expected] of [[0, "> coordinator order alice"], [1, "= 1 rejected id_ahead"]] as const
) {
  Deno.test(`an id ${ms} ms past the most it may be ahead: ${expected}`, () => {
    const ahead = orderOf("alice", dollar, paymentAt(atMs + paymentIdAheadMsMax + ms));
    assertEquals(inWords(new Bench().step(submits(1, ahead))), expected);
  });
}

Deno.test("orders past what one participant may have under way are overloaded", () => {
  const bench = new Bench();
  const place = (sequence: number) => {
    const cent = ["-1 USD main@alice", "1 USD main@bob"];
    const placed = orderOf("alice", cent, paymentAt(atMs, sequence));
    const out = bench.step(submits(sequence, placed));
    // It is begun, and comes to no end.
    bench.step(prepares(transactionId(epochs.present, 100 + sequence), placed));
    return out;
  };
  for (let i = 1; i <= ownOrdersMax; i++) place(i);
  assertEquals(bench.participant.ownCount, ownOrdersMax);
  assertEquals(inWords(place(ownOrdersMax + 1)), `= ${ownOrdersMax + 1} rejected overloaded`);
});

Deno.test("who joins an order hears what was decided for the request before", () => {
  const bench = Bench.in("prepared");
  bench.step(submits(2, order));
  assertEquals(
    bench.step(events["commit"]!).earlyReplies.map(({ answer }) => answerInWords(answer)),
    ["committed T1 @then", "committed T1 @then replayed"],
  );
});

Deno.test("who does not wait is answered at once, and the payment goes on", () => {
  const bench = new Bench();
  const now = { ...submits(1, order), deadlineMs: 0 };
  assertEquals(inWords(bench.step(now)), "> coordinator order = 1 pending");
  assertEquals(inWords(bench.step({ ...now, request: 2 })), "= 2 pending");
  bench.step(prepares(T1));
  bench.step(events["commit"]!);
  assertEquals(inWords(bench.step({ ...now, request: 3 })), "= 3 committed T1 @then replayed");
});

Deno.test("an order whose id another's took is told so, whatever becomes of the other", () => {
  const inUse = from("coordinator", {
    type: "outcome",
    payment,
    outcome: { state: "rejected", code: "id_in_use" },
  });
  for (const ending of ["abort from a peer", "abort with a code"]) {
    const bench = Bench.in("own");
    assertEquals(
      inWords(bench.step(prepares(T1, otherOriginator))),
      "prepared T1, sync > coordinator yes T1",
    );
    assertEquals(inWords(bench.step(inUse)), "= 1 rejected id_in_use");
    // Its answer comes after the other has ended.
    const late = Bench.in("own");
    late.step(prepares(T1, otherOriginator));
    late.step({ type: "linkDown", peer: "coordinator" });
    assertEquals(inWords(late.step(events["abort from a peer"]!)), "released T1");
    late.step(links());
    assertEquals(inWords(late.step(events[ending]!)), "");
    assertEquals(inWords(late.step(inUse)), "= 1 rejected id_in_use");
  }
});

Deno.test("an order sent again after a crash waits for its own transaction", () => {
  const bench = Bench.in("restarted");
  assertEquals(inWords(bench.step(submits(2, order))), "");
  assertEquals(
    inWords(bench.step(events["commit"]!)),
    "posted T1 @then ~ coordinator ack T1 =early 2 committed T1 @then",
  );
});

Deno.test("an order for which nobody waits is remembered for a while, then not confirmed", () => {
  const bench = Bench.in("own");
  bench.step({ type: "tick", afterMs: waitMs });
  bench.step({ type: "tick", afterMs: orderMemoryMs - 1 });
  assertEquals(bench.participant.orderOfOwn(payment), order);
  bench.step({ type: "tick", afterMs: orderMemoryMs });
  assertEquals(bench.participant.orderOfOwn(payment), undefined);
  assertEquals(inWords(bench.step(prepares(T1))), "> coordinator no T1");
});

Deno.test("an order voted for is remembered as long as it is in doubt", () => {
  const bench = Bench.in("prepared");
  bench.step({ type: "tick", afterMs: waitMs });
  bench.step({ type: "tick", afterMs: 100 * orderMemoryMs });
  assertEquals(bench.participant.orderOfOwn(payment), order);
});

const claim = { type: "claim", request: 1, key: "aa".repeat(16) } as const;
const content = "bb".repeat(32);
const claimed = [turnOf("alice", 3), {
  type: "keyed",
  key: claim.key,
  request: content,
  payment,
}] as const;

/** Idempotency keys, durable before their order leaves; `indexed`: earlier keys have left memory. */
const claims: readonly [string, boolean, string, string][] = [
  ["a new key", false, content, "keyed, sync = 1 claimed for the same"],
  ["a key of the same content", true, content, "= 1 claimed for the same"],
  ["a key of other content", true, "cc".repeat(32), "= 1 claimed for other content"],
];

for (const [what, isKnown, sent, expected] of claims) {
  Deno.test(`claim of ${what}: ${expected}`, () => {
    const bench = new Bench();
    if (isKnown) bench.step({ ...claim, content, payment });
    const out = bench.step({ ...claim, content: sent, payment: isKnown ? otherPayment : payment });
    assertEquals(inWords(out), expected);
    const { answer } = out.replies[0]!;
    assertEquals(answer.state === "claimed" && answer.payment, payment);
  });

  Deno.test(`claim of ${what} when keys have left memory: asks the index, then the same`, () => {
    const bench = new Bench();
    bench.checkpoint();
    assertEquals(inWords(bench.step({ ...claim, content: sent, payment })), "?");
    assertEquals(inWords(bench.step({ ...claim, request: 2, content: sent, payment })), "");
    const found = isKnown ? [claimed] : [];
    const [first, second] = bench.step({ type: "lookedUp", key: claim.key, found }).replies;
    assertEquals(`= 1 ${answerInWords(first!.answer)}`, expected.replace("keyed, sync ", ""));
    assertEquals(answerInWords(second!.answer), answerInWords(first!.answer));
  });
}

const opens: readonly [string, string, string][] = [
  ["savings", "USD", "opened, sync = 1 account opened"],
  ["main", "USD", "= 1 account existed"],
  ["main", "EUR", "= 1 account differs"],
];

for (const [account, currency, expected] of opens) {
  Deno.test(`open ${account} in ${currency}: ${expected}`, () => {
    const event = { type: "open", request: 1, account, currency, opening: 5n } as const;
    assertEquals(inWords(new Bench().step(event, entryNow)), expected);
  });
}

Deno.test("a rejection of what was not ordered, or of a payment long told, is nothing", () => {
  const bench = new Bench();
  const outcome = { state: "rejected", code: "id_reused" } as const;
  assertEquals(inWords(bench.step(from("coordinator", { type: "outcome", payment, outcome }))), "");
});

Deno.test("another's order that took the id is not told as the outcome of one's own", () => {
  const bench = Bench.in("attempt lost");
  const others = { ...incoming(5n, payment), originator: "bob" };
  assertEquals(bench.participant.orderOfOwn(payment), order);
  bench.step(prepares(transactions.T2, others));
  const { earlyReplies } = bench.step(
    from("coordinator", {
      type: "decision",
      transaction: transactions.T2,
      payment,
      commit: true,
      orderHash: others.hash,
      decided: turnOf("coordinator", 80),
    }),
  );
  assertEquals(earlyReplies.map(({ answer }) => answerInWords(answer)), ["rejected id_reused"]);
});

Deno.test("a node about to stop answers what is known and begins nothing new", () => {
  const bench = Bench.in("posted");
  bench.step({ type: "drain" });
  assertEquals(inWords(bench.step(submits(2, order))), "= 2 committed T1 @then replayed");
  const fresh = orderOf("alice", dollar, otherPayment);
  assertEquals(inWords(bench.step(submits(3, fresh))), "= 3 rejected overloaded");
});

for (const state of ["released against the decision", "posted against the decision"]) {
  Deno.test(`${state}, the payment may be committed: nobody is told that it was not begun`, () => {
    const away = Bench.in(state);
    away.step({ type: "linkDown", peer: "coordinator" });
    assertEquals(inWords(away.step(submits(2, order))), "");
    assertEquals(inWords(away.step({ type: "tick", afterMs: waitMs })), "= 2 pending");

    const stopping = Bench.in(state);
    stopping.step({ type: "drain" });
    assertEquals(inWords(stopping.step(submits(2, order))), "> coordinator order");
    const outcome = { state: "rejected", code: "overloaded" } as const;
    const message = { type: "outcome", payment, outcome } as const;
    assertEquals(inWords(stopping.step(from("coordinator", message))), "");
  });
}

Deno.test("a replay is looked up before the clock is asked: one set back refuses nothing known", () => {
  const bench = Bench.in("indexed");
  // Ten minutes before the id's own time.
  const { lookUps, replies } = bench.step({ ...submits(2, order), afterMs: -600_000 });
  assertEquals([lookUps, replies], [[payment], []]);
});

Deno.test("what the coordinator has forgotten goes again for a while, also where nobody waits", () => {
  const bench = Bench.in("own");
  const at = (afterMs: number, event: Step) => inWords(bench.step({ ...event, afterMs }));
  const tick: Step = { type: "tick" };
  assertEquals(at(waitMs, tick), "= 1 pending");
  assertEquals(at(waitMs + 2_000, tick), "");
  const linkedMs = waitMs + 3_000;
  assertEquals(at(linkedMs, links()), "> coordinator order");
  // Until it is begun, as a frame may be lost, and a coordinator have no room.
  const outcome = { state: "rejected", code: "overloaded" } as const;
  at(linkedMs + 100, from("coordinator", { type: "outcome", payment, outcome }));
  assertEquals(at(linkedMs + 200, tick), "");
  assertEquals(at(linkedMs + resendIntervalMs, tick), "> coordinator order");
  at(linkedMs + 2_000, prepares(transactions.T2, order));
  at(linkedMs + 3_000, tick);
  at(linkedMs + 3_100, decides("coordinator", false, transactions.T2));
  assertEquals(at(linkedMs + 4_000, tick), "> coordinator order");
});

Deno.test("what nobody waits for does not go again for ever, however often the link comes back", () => {
  const bench = Bench.in("own");
  let sent = 0;
  for (let afterMs = waitMs; afterMs < waitMs + 10 * orderMemoryMs; afterMs += 5_000) {
    for (const event of [{ type: "linkDown", peer: "coordinator" }, links(), { type: "tick" }]) {
      sent += bench.step({ ...event as Step, afterMs }).sends.length;
    }
  }
  assertEquals(sent <= orderMemoryMs / 5_000 + 1, true, `sent ${sent} times`);
  assertEquals(bench.participant.orderOfOwn(payment), undefined);
});

Deno.test("a coordinator that comes back is not sent all at once that it has forgotten", () => {
  const bench = new Bench();
  const count = 2 * ordersRepeatedMax + 1;
  for (let n = 0; n < count; n++) {
    bench.step(submits(n, orderOf("alice", dollar, paymentAt(n))));
  }
  bench.step({ type: "linkDown", peer: "coordinator" });
  const ordersIn = (event: Step, afterMs: number) =>
    bench.step({ ...event, afterMs }).sends.filter(({ message }) => message.type === "order")
      .length;
  assertEquals(ordersIn(links(), 2_000), ordersRepeatedMax);
  assertEquals(ordersIn({ type: "tick" }, 2_000), ordersRepeatedMax);
  assertEquals(ordersIn({ type: "tick" }, 2_000), 1);
});

const outcomeCommitted = events["outcome committed"]!;

Deno.test("a payment of its own that is committed, and not in its log, is an alarm and remembered", () => {
  const bench = Bench.in("own");
  assertEquals(bench.participant.lostIn(payment), undefined);
  const { alarms, records, earlyReplies } = bench.step(outcomeCommitted);
  assertEquals(alarms.map(({ text }) => text), [
    `payment ${payment} is committed by ${T1}, but this log has not posted it: it has lost entries, ` +
    "and the ledger here lacks the payment",
  ]);
  assertEquals([records, earlyReplies.length], [[], 1]);
  const { answer } = earlyReplies[0]!;
  assert(answer.state === "committed" && answer.isLost);
  assertEquals(bench.participant.lostIn(payment), T1);
  // A commit of what was never prepared tells the same.
  const other = new Bench();
  assertEquals(inWords(other.step(events["commit"]!)), "!");
  assertEquals(other.participant.lostIn(payment), T1);
});

Deno.test("no alarm of what an operator forced otherwise, also where that has left memory meanwhile", () => {
  const bench = Bench.in("released against the decision");
  assertEquals(inWords(bench.step(submits(2, order))), "> coordinator order");
  bench.checkpoint();
  bench.checkpoint();
  assertEquals(inWords(bench.step(outcomeCommitted)), "?");
  const [at1, at2, at3] = [3, 4, 5].map((number) => turnOf("alice", number));
  const found = [
    [at1!, { type: "prepared", transaction: T1, order }],
    [at2!, { type: "forced", transaction: T1, order, commit: false, by: "ann" }],
    [at3!, { type: "mismatch", transaction: T1, payment, commit: true }],
  ] as const;
  const out = bench.step({ type: "lookedUp", key: payment, found });
  assertEquals(inWords(out), "=early 2 committed T1 @then replayed");
  assertEquals(bench.participant.lostIn(payment), undefined);
});

Deno.test("no alarm of what has no leg here", () => {
  const bench = new Bench();
  const others = orderOf("alice", ["-100 USD main@bob", "100 USD main@carol"]);
  bench.step(submits(1, others));
  assertEquals(inWords(bench.step(outcomeCommitted)), "=early 1 committed T1 @then replayed");
});
