/** What participants and the coordinator do with details: carry them, keep them, refuse what is unreadable. */

import { assert, assertEquals } from "@std/assert";
import { detailsHashOf, encodeStoredDetails, sealedFor } from "../../src/codec/details.ts";
import { encodeOrder } from "../../src/codec/order.ts";
import {
  kvCommitBytesMax,
  kvCommitMutationsMax,
  sealedDetailsBytesMax,
  sealedOverheadBytes,
} from "../../src/limits.ts";
import type { Details, OpenedDetails } from "../../src/protocol/details.ts";
import { creditedBy, isDetails, shownTo } from "../../src/protocol/details.ts";
import type { Prepare } from "../../src/protocol/message.ts";
import type { Prepared } from "../../src/protocol/record.ts";
import { Output } from "../../src/protocol/step.ts";
import { leg, order, payment, transactions } from "./example.ts";
import { Bench as CoordinatorBench } from "./coordinator_example.ts";
import { inWords } from "./in_words.ts";
import { Bench, decides, from, submits } from "./participant_example.ts";

const { T0, T1, T2 } = transactions;
const sealed = [
  sealedFor("alice", new Uint8Array(300).fill(1)),
  sealedFor("carol", new Uint8Array(300).fill(2)),
];
const shown = shownTo("alice", sealed);
/** Bob pays alice and carol. */
const telling = encodeOrder({
  payment,
  originator: "bob",
  legs: ["-3 USD main@bob", "2 USD main@alice", "1 USD main@carol"].map(leg),
  detailsHash: detailsHashOf(sealed),
});

function prepareOf(transaction = T1): Prepare {
  return { type: "prepare", transaction, order: telling, details: shown };
}

function told(
  details: OpenedDetails | undefined,
  transaction = T1,
  message = prepareOf(transaction),
) {
  return { type: "message", from: "coordinator", message, details } as const;
}

Deno.test("what a payment tells is stored with the record by which it is voted for", () => {
  const out = new Bench().step(told({ memo: "Rent" }));
  assertEquals(inWords(out), "prepared T1 told, sync > coordinator yes T1");
  assertEquals([...out.details], [[out.records[0]!, shown!]]);
});

Deno.test("an order that tells only others is prepared as any", () => {
  const out = new Bench().step(told(undefined));
  assertEquals(inWords(out), "prepared T1, sync > coordinator yes T1");
  assertEquals(out.details.size, 0);
});

Deno.test("what can't be read is refused, and nothing is held", () => {
  const bench = new Bench();
  const out = bench.step(told("unreadable"));
  assertEquals(inWords(out), "> coordinator no T1 details_unreadable");
  assertEquals(
    inWords(bench.step(told({ memo: "Rent" }))),
    "prepared T1 told, sync > coordinator yes T1",
  );
});

Deno.test("a reason that stands before it is told first", () => {
  const unknown = encodeOrder({
    ...telling,
    legs: ["-2 USD main@bob", "2 USD savings@alice"].map(leg),
  });
  const out = new Bench().step(told("unreadable", T1, { ...prepareOf(), order: unknown }));
  assertEquals(inWords(out), "> coordinator no T1 account_not_found");
});

Deno.test("a second prepare changes nothing of what is stored, be it unreadable", () => {
  const bench = new Bench();
  bench.step(told({ memo: "Rent" }));
  assertEquals(inWords(bench.step(told("unreadable"))), "> coordinator yes T1");
});

Deno.test("details of what is over are erased, by a record that is durable before it is told", () => {
  const erase = { type: "erase", request: 9, payment, by: "ann" } as const;
  const bench = new Bench();
  bench.step(told({ memo: "Rent" }, T0));
  assertEquals(inWords(bench.step(erase)), "= 9 erased nothing: under way");
  bench.step(decides("coordinator", false, T0));
  assertEquals(inWords(bench.step(erase)), "erased by ann, sync = 9 erased");
  // An attempt brings them again.
  assertEquals(
    inWords(bench.step(told({ memo: "Rent" }, T2))),
    "prepared T2 told, sync > coordinator yes T2",
  );
});

Deno.test("an originator sends its order with what it tells, again and again", () => {
  const bench = new Bench();
  const details = [sealedFor("bob", new Uint8Array(300))];
  const own = encodeOrder({ ...order, detailsHash: detailsHashOf(details) });
  const sent = bench.step({ ...submits(1, own), details }).sends;
  const again = bench.step({ type: "linkUp", peer: "coordinator", address: "c:1" }).sends;
  for (const sends of [sent, again]) {
    assertEquals(sends.map(({ message }) => message), [{ type: "order", order: own, details }]);
  }
});

Deno.test("a coordinator shows each participant its own alone, and records nothing of it", () => {
  const bench = new CoordinatorBench();
  bench.step({ type: "linkUp", peer: "carol", address: "carol:1" });
  const out = bench.step(from("bob", { type: "order", order: telling, details: sealed }));
  assertEquals(out.records, []);
  const [alice, carol] = sealed;
  const shownAs = Object.fromEntries(
    out.sends.map((
      { to, message },
    ) => [to, (message as Prepare).details!.map((one) => one.sealed)]),
  );
  assertEquals(shownAs, {
    bob: [undefined, undefined],
    alice: [alice!.sealed, undefined],
    carol: [undefined, carol!.sealed],
  });
});

Deno.test("creditedBy() names each other participant that is credited, once", () => {
  const legs = [
    "-9 USD main@alice",
    "1 USD a@bob",
    "1 USD b@bob",
    "6 USD c@carol",
    "1 USD d@alice",
  ];
  assertEquals(creditedBy("alice", legs.map(leg)), ["bob", "carol"]);
  assertEquals(creditedBy("alice", [leg("-1 USD a@alice"), leg("1 USD b@alice")]), []);
});

Deno.test("isDetails() wants something in it, and each of it in order", () => {
  const card = { number: "4".repeat(16), expiry: "11/29" };
  for (
    const details of [{ memo: "a" }, { reference: "b" }, { card }, {
      card: { ...card, cvv: "123" },
    }]
  ) {
    assert(isDetails(details));
  }
  const wrong: readonly Details[] = [
    {},
    { memo: "" },
    { memo: "a".repeat(141) },
    { reference: "a".repeat(36) },
    { memo: "a", reference: "a\u0007" },
    { card: { ...card, number: "4".repeat(11) } },
    { card: { ...card, expiry: "1/29" } },
    { card: { ...card, cvv: "12" } },
  ];
  for (const details of wrong) assert(!isDetails(details), JSON.stringify(details));
});

Deno.test("a turn ends before its details fill a commit", () => {
  for (const sealed of [new Uint8Array(1), new Uint8Array(sealedDetailsBytesMax)]) {
    const details = [sealedFor("alice", sealed)];
    const value = encodeStoredDetails({ payment, details });
    const out = new Output<never>();
    let count = 0;
    for (; !out.isFull; count++) {
      const prepared = { type: "prepared", transaction: T1, order: telling, hasDetails: true };
      out.add(prepared as Prepared, true, details);
    }
    // Each may wipe those of an earlier attempt.
    assert(2 * count + 20 < kvCommitMutationsMax, `${count}`);
    assert(2 * count * (value.length + sealedOverheadBytes) < kvCommitBytesMax - 200_000);
  }
  const out = new Output<never>();
  let count = 0;
  for (; !out.isFull; count++) out.add({ type: "erased", payment, by: "ann" }, true);
  assert(count + 20 < kvCommitMutationsMax);
});
