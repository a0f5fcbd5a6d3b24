/** An issuer, whose cards others charge: only whoever knows a card debits the account behind it. */

import { assert, assertEquals } from "@std/assert";
import {
  cardFailuresMax,
  cardFailuresMs,
  declinesKept,
  merchantFailuresMax,
} from "../../src/limits.ts";
import type { CardClaim, Expiry } from "../../src/protocol/card.ts";
import { cardIdOf } from "../../src/protocol/card.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import { transactionId } from "../../src/protocol/id.ts";
import type { Order, RefusalCode } from "../../src/protocol/order.ts";
import { refusalOfOrder } from "../../src/protocol/order.ts";
import { Participant } from "../../src/protocol/participant.ts";
import type { ParticipantEvent, Reply } from "../../src/protocol/participant_event.ts";
import { ParticipantState } from "../../src/protocol/participant_state.ts";
import type { Found } from "../../src/protocol/step.ts";
import { Output } from "../../src/protocol/step.ts";
import {
  atMs,
  epochs,
  genesisOf,
  orderOf,
  otherPayment,
  payment,
  paymentAt,
  snapshotOf,
  transactions,
  turnOf,
} from "./example.ts";
import { inWords } from "./in_words.ts";

const { T0, T1, T2, Tnext } = transactions;
const hash = "5d".repeat(32);
const otherHash = `${"5d".repeat(6)}${"00".repeat(26)}`;
const expiry: Expiry = { year: 2027, month: 6 };
const masked = "411111******1111";
const claim: CardClaim = {
  hash,
  masked,
  isNumber: true,
  expiry,
  expiresMs: Date.UTC(2027, 6, 1),
  isCvvRight: true,
};

function charge(
  amount = 100,
  id: PaymentId = payment,
  merchant = "alice",
  currency = "USD",
): Order {
  const legs = [`-${amount} ${currency} card@bob`, `${amount} ${currency} main@${merchant}`];
  return orderOf(merchant, legs, id);
}

class Issuer {
  participant = new Participant("bob", "coordinator");
  readonly #records: Found[] = [];
  #number = 0;
  nowMs = 0;

  constructor() {
    this.step({ type: "start", genesis: genesisOf("bob", "participant"), nonce: "eeeeeeeeeeee" });
    this.step({ type: "open", request: 0, account: "main", currency: "USD", opening: 1_000n });
    this.step({ type: "open", request: 0, account: "other", currency: "EUR", opening: 1_000n });
    this.add();
    const epoch = epochs.present;
    this.step({ type: "linkUp", peer: "coordinator", address: "coordinator:7443", epoch });
  }

  step(event: ParticipantEvent): Output<Reply> {
    const out = new Output<Reply>();
    const turn = turnOf("bob", ++this.#number, this.nowMs);
    this.participant.step(event, turn, out);
    for (const record of out.records) this.#records.push([turn, record]);
    return out;
  }

  add(changes: Partial<{ hash: string; account: string; expiry: Expiry }> = {}): string {
    const card = { hash, account: "main", masked, expiry, ...changes };
    return inWords(this.step({ type: "addCard", request: 1, ...card }));
  }

  remove(id = cardIdOf(hash)): string {
    return inWords(this.step({ type: "removeCard", request: 1, id }));
  }

  prepare(order = charge(), card?: CardClaim, transaction: TransactionId = T1): Output<Reply> {
    const message = { type: "prepare", transaction, order } as const;
    return this.step({ type: "message", from: "coordinator", message, card });
  }

  decide(commit: boolean, transaction: TransactionId = T1, code?: RefusalCode, order = charge()) {
    const decided = turnOf("coordinator", 70);
    const { payment, hash: orderHash } = order;
    const message = { type: "decision", transaction, payment, commit, orderHash, code } as const;
    return this.step({ type: "message", from: "coordinator", message: { ...message, decided } });
  }

  force(commit: boolean): Output<Reply> {
    return this.step({ type: "resolve", request: 1, transaction: T1, commit, by: "ann" });
  }

  /** Only the records come back. */
  restart(): void {
    this.participant = new Participant("bob", "coordinator");
    for (const [turn, record] of this.#records) this.participant.state.apply(record, turn);
    const epoch = epochs.present;
    this.step({ type: "linkUp", peer: "coordinator", address: "coordinator:7443", epoch });
  }

  /** Only a checkpoint comes back. */
  recover(): void {
    const snapshot = snapshotOf(this.participant.state, turnOf("bob", this.#number));
    this.participant = new Participant("bob", "coordinator");
    for (const [turn, record] of snapshot) this.participant.state.apply(record, turn);
    const again = snapshotOf(this.participant.state, turnOf("bob", this.#number));
    assertEquals(again, snapshot);
    const epoch = epochs.present;
    this.step({ type: "linkUp", peer: "coordinator", address: "coordinator:7443", epoch });
  }

  get balance(): string {
    const { posted, pendingDebits, pendingCredits } = this.participant.state.ledger.account(
      "main",
    )!;
    return `${posted} -${pendingDebits} +${pendingCredits}`;
  }

  get reasons(): string[] {
    return this.participant.declines.kept.map(({ reason }) => reason);
  }
}

const yes = "prepared T1, sync > coordinator yes T1";
const no = "> coordinator no T1 card_declined";

// Orders

const orders: readonly [string, readonly string[], string | undefined][] = [
  ["a card that pays the merchant", ["-1 USD card@bob", "1 USD main@alice"], undefined],
  [
    "a card that pays several",
    ["-3 USD card@bob", "2 USD main@alice", "1 USD main@carol"],
    undefined,
  ],
  ["a card that is paid", ["-1 USD main@alice", "1 USD card@bob"], "legs_invalid"],
  ["a card that does nothing", ["0 USD card@bob", "0 USD main@alice"], "legs_invalid"],
  [
    "two cards",
    ["-1 USD card@bob", "-1 USD card@carol", "2 USD main@alice"],
    "legs_invalid",
  ],
  [
    "a card that pays and one that is paid",
    ["-1 USD card@bob", "1 USD card@carol"],
    "legs_invalid",
  ],
  [
    "a card and an account that pay",
    ["-1 USD card@bob", "-1 USD main@alice", "2 USD savings@alice"],
    "legs_invalid",
  ],
  ["a card that pays others than the node that orders", [
    "-1 USD card@bob",
    "1 USD main@carol",
  ], "legs_invalid"],
  ["a card of the node that orders", ["-1 USD card@alice", "1 USD main@alice"], "legs_invalid"],
];

for (const [what, legs, expected] of orders) {
  Deno.test(`refusalOfOrder() of ${what}: ${expected ?? "none"}`, () => {
    assertEquals<string | undefined>(refusalOfOrder(orderOf("alice", legs)), expected);
  });
}

// Cards

Deno.test("a card is added once, and removed once; another account or expiry is another card's", () => {
  const issuer = new Issuer();
  assertEquals(issuer.add(), "= 1 card existed");
  assertEquals(issuer.add({ account: "other" }), "= 1 card differs");
  assertEquals(issuer.add({ expiry: { year: 2027, month: 7 } }), "= 1 card differs");
  assertEquals(issuer.add({ hash: otherHash }), "= 1 card differs");
  assertEquals(
    issuer.add({ hash: "00".repeat(32), account: "none" }),
    "= 1 card account_not_found",
  );
  assertEquals(issuer.remove(), "uncarded, sync = 1 card removed");
  assertEquals(issuer.remove(), "= 1 card card_not_found");
  assertEquals(issuer.add({ account: "other" }), "carded, sync = 1 card added");
});

Deno.test("checkpoints carry cards, in the order in which they were added, until they are removed", () => {
  const issuer = new Issuer();
  const third = "77".repeat(32);
  issuer.add({ hash: "11".repeat(32), account: "other" });
  issuer.add({ hash: third });
  issuer.remove(cardIdOf("11".repeat(32)));
  const before = [...issuer.participant.state.cards()];
  issuer.recover();
  assertEquals([...issuer.participant.state.cards()], before);
  assertEquals(before.map((card) => [card.hash, card.account]), [[hash, "main"], [third, "main"]]);
});

Deno.test("ParticipantState.apply() takes no card twice, of no account, and ends none that is not there", () => {
  const carded = { type: "carded", hash, account: "main", masked, expiry } as const;
  for (
    const records of [[carded, carded], [{ ...carded, account: "none" }], [
      carded,
      { type: "uncarded", hash: otherHash } as const,
    ]]
  ) {
    const state = new ParticipantState("bob", "coordinator");
    state.apply(
      { type: "opened", account: "main", currency: "USD", opening: 1n },
      turnOf("bob", 1),
    );
    let thrown;
    try {
      for (const record of records) state.apply(record, turnOf("bob", 2));
    } catch (error) {
      thrown = error;
    }
    assert(thrown instanceof Error && thrown.name === "InvariantError", String(thrown));
  }
});

// Votes

Deno.test("a charge is held on the account behind the card, which no message names", () => {
  const issuer = new Issuer();
  const out = issuer.prepare(charge(), claim);
  assertEquals(inWords(out), yes);
  assertEquals(issuer.balance, "1000 -100 +0");
  const [record] = out.records;
  assert(record?.type === "prepared");
  assertEquals([record.card, record.order.legs[0]?.account], ["main", "card"]);
  assertEquals(JSON.stringify(out.sends).includes("main@"), false);
});

/** What is wrong with a charge, and what the issuer alone is told of it. */
const declined: readonly [reason: string, claim: CardClaim | undefined, order?: Order][] = [
  ["card_unreadable", undefined],
  ["number_malformed", { ...claim, isNumber: false }],
  ["card_unknown", { ...claim, hash: "00".repeat(32) }],
  // Of the same id.
  ["card_unknown", { ...claim, hash: otherHash }],
  ["expiry_wrong", { ...claim, expiry: { year: 2027, month: 7 } }],
  ["expiry_wrong", { ...claim, expiry: { year: 2028, month: 6 } }],
  ["expiry_wrong", { ...claim, expiry: undefined }],
  ["card_expired", { ...claim, expiresMs: atMs }],
  ["cvv_wrong", { ...claim, isCvvRight: false }],
  ["insufficient_funds", claim, charge(1_001)],
  ["currency_mismatch", claim, charge(1, payment, "alice", "EUR")],
];

for (const [reason, given, order = charge()] of declined) {
  Deno.test(`a charge declined for ${reason} is card_declined to all others`, () => {
    const issuer = new Issuer();
    const out = issuer.prepare(order, given);
    assertEquals(inWords(out), no);
    assertEquals(issuer.balance, "1000 -0 +0");
    assertEquals(issuer.reasons, [reason]);
    const [note = ""] = out.notes;
    assert(note.includes(`to alice`) && note.endsWith(reason), note);
    assertEquals(note.includes(masked), given !== undefined);
    assertEquals(JSON.stringify(out.sends).includes(reason), false);
  });
}

Deno.test("a charge whose details can't be read is declined as any", () => {
  const issuer = new Issuer();
  const message = { type: "prepare", transaction: T1, order: charge() } as const;
  const event = { type: "message", from: "coordinator", message } as const;
  assertEquals(inWords(issuer.step({ ...event, details: "unreadable" })), no);
  assertEquals(issuer.reasons, ["card_unreadable"]);
});

Deno.test("what told a card is not stored, sealed or not, and whatever else it told", () => {
  const details = [{
    recipient: "bob",
    hash: new Uint8Array(32),
    sealed: new Uint8Array(300),
  }];
  const paid = orderOf("alice", ["-1 USD main@alice", "1 USD main@bob"]);
  for (const [order, told] of [[charge(), {}], [charge(), { memo: "a" }], [paid, {}]] as const) {
    const issuer = new Issuer();
    const message = { type: "prepare", transaction: T1, order, details } as const;
    const event = { type: "message", from: "coordinator", message } as const;
    const out = issuer.step({ ...event, details: told, card: claim });
    assertEquals(inWords(out), yes);
    assertEquals(out.details.size, 0);
    assert(out.records.every((record) => !("hasDetails" in record)));
  }
});

Deno.test("a card is good until its month is over", () => {
  const issuer = new Issuer();
  assertEquals(inWords(issuer.prepare(charge(), { ...claim, expiresMs: atMs + 1 })), yes);
});

Deno.test("a removed card is declined, and what was prepared with it is posted all the same", () => {
  const issuer = new Issuer();
  issuer.prepare(charge(), claim);
  issuer.remove();
  issuer.decide(true);
  assertEquals(issuer.balance, "900 -0 +0");
  assertEquals(
    inWords(issuer.prepare(charge(100, otherPayment), claim, T2)),
    "> coordinator no T2 card_declined",
  );
  assertEquals(issuer.reasons, ["card_unknown"]);
});

Deno.test("what is wrong with the issuer's other legs is told, before the card is looked at", () => {
  const issuer = new Issuer();
  const legs = ["-3 USD card@bob", "2 USD main@alice", "1 USD fees@bob"];
  const out = issuer.prepare(orderOf("alice", legs), { ...claim, isCvvRight: false });
  assertEquals(inWords(out), "> coordinator no T1 account_not_found");
  assertEquals(issuer.reasons, []);
});

Deno.test("a card pays the account behind another card's merchant, its own too", () => {
  const issuer = new Issuer();
  const legs = ["-3 USD card@bob", "2 USD main@alice", "1 USD main@bob"];
  const order = orderOf("alice", legs);
  assertEquals(inWords(issuer.prepare(order, claim)), yes);
  assertEquals(issuer.balance, "1000 -3 +1");
  issuer.decide(true, T1, undefined, order);
  assertEquals(issuer.balance, "998 -0 +0");
});

Deno.test("without a card in the order, a card in the details debits nothing", () => {
  const issuer = new Issuer();
  const order = orderOf("alice", ["-1 USD main@bob", "1 USD main@alice"]);
  assertEquals(inWords(issuer.prepare(order, claim)), "> coordinator no T1 debit_not_authorized");
});

Deno.test("the merchant votes for its own leg without reading the card", () => {
  const participant = new Participant("alice", "coordinator");
  const step = (event: ParticipantEvent, number: number) => {
    const out = new Output<Reply>();
    participant.step(event, turnOf("alice", number), out);
    return inWords(out);
  };
  const genesis = genesisOf("alice", "participant");
  step({ type: "start", genesis, nonce: "eeeeeeeeeeee" }, 1);
  step({ type: "open", request: 0, account: "main", currency: "USD", opening: 0n }, 2);
  const epoch = epochs.present;
  step({ type: "linkUp", peer: "coordinator", address: "coordinator:7443", epoch }, 3);
  step({ type: "submit", request: 1, order: charge(), deadlineMs: 5_000 }, 4);
  const message = { type: "prepare", transaction: T1, order: charge() } as const;
  assertEquals(step({ type: "message", from: "coordinator", message }, 5), yes);
});

// Every state that a charge can be in

type Way = (issuer: Issuer) => unknown;

const waysOn: readonly [what: string, way: Way][] = [
  ["at once", () => {}],
  ["after a restart", (issuer) => issuer.restart()],
  ["from a checkpoint", (issuer) => issuer.recover()],
];

for (const [when, goOn] of waysOn) {
  const ends: readonly [what: string, end: Way, balance: string][] = [
    ["waits", () => {}, "1000 -100 +0"],
    ["is posted", (issuer) => issuer.decide(true), "900 -0 +0"],
    ["is released", (issuer) => issuer.decide(false, T1, "vote_timeout"), "1000 -0 +0"],
    ["is lost with its attempt", (issuer) => issuer.decide(false), "1000 -0 +0"],
    ["is forced to commit", (issuer) => issuer.force(true), "900 -0 +0"],
    ["is forced to abort", (issuer) => issuer.force(false), "1000 -0 +0"],
  ];
  for (const [what, end, balance] of ends) {
    Deno.test(`a prepared charge ${what}, ${when}: the account behind the card has it`, () => {
      const issuer = new Issuer();
      issuer.prepare(charge(), claim);
      goOn(issuer);
      end(issuer);
      assertEquals(issuer.balance, balance);
      // However it goes on from there.
      issuer.restart();
      assertEquals(issuer.balance, balance);
      issuer.recover();
      assertEquals(issuer.balance, balance);
    });
  }
  for (const [forced, isPosted] of [[true, true], [false, false], [true, false], [false, true]]) {
    const balance = forced ? "900 -0 +0" : "1000 -0 +0";
    Deno.test(`a charge forced to ${forced} and decided to ${isPosted}, ${when}, is ${balance}`, () => {
      const issuer = new Issuer();
      issuer.prepare(charge(), claim);
      issuer.force(forced!);
      goOn(issuer);
      const [, held] = [...issuer.participant.state.allHeld()][0]!;
      assert(held.type === "forced");
      assertEquals(held.card, "main");
      const out = issuer.decide(isPosted!);
      assertEquals(out.alarms.length, forced === isPosted ? 0 : 1);
      assertEquals(issuer.balance, balance);
    });
  }
}

Deno.test("a prepare that comes again is answered as before, with or without the card", () => {
  const issuer = new Issuer();
  issuer.prepare(charge(), claim);
  assertEquals(inWords(issuer.prepare(charge(), claim)), "> coordinator yes T1");
  assertEquals(inWords(issuer.prepare(charge(), undefined)), "> coordinator yes T1");
  issuer.restart();
  assertEquals(inWords(issuer.prepare(charge(), undefined)), "> coordinator yes T1");
  issuer.decide(true);
  assertEquals(inWords(issuer.prepare(charge(), undefined)), "~ coordinator ack T1");
});

Deno.test("a newer attempt is judged anew: its card may be declined where the older one's was not", () => {
  const issuer = new Issuer();
  issuer.prepare(charge(), claim);
  issuer.remove();
  assertEquals(
    inWords(issuer.prepare(charge(), claim, T2)),
    "released T1, sync > coordinator no T2 card_declined",
  );
  assertEquals(issuer.balance, "1000 -0 +0");
  assertEquals(inWords(issuer.prepare(charge(), claim, T0)), "> coordinator no T0");
});

Deno.test("a charge that waits for the index keeps its card", () => {
  const issuer = new Issuer();
  issuer.participant.state.rotate();
  issuer.participant.indexed(otherPayment, false);
  assertEquals(inWords(issuer.prepare(charge(), claim)), "?");
  const out = issuer.step({ type: "lookedUp", key: payment, found: [] });
  assertEquals(inWords(out), yes);
});

Deno.test("in doubt, an issuer tells a peer nothing of the card", () => {
  const issuer = new Issuer();
  issuer.prepare(charge(), claim);
  const message = { type: "inquiry", transaction: T1, payment } as const;
  const out = issuer.step({ type: "message", from: "alice", message });
  assertEquals(inWords(out), "> alice undecided T1 in_doubt");
  assertEquals(Object.keys(out.sends[0]!.message).toSorted(), [
    ...["payment", "transaction", "type", "why"],
  ]);
});

// Failures

const wrong: CardClaim = { ...claim, isCvvRight: false };
const unknown: CardClaim = { ...claim, hash: "00".repeat(32) };

/** Charges one after the other, each a payment of its own; the reasons, or nothing where it was a yes.
 * Of one who goes on trying only the first is told. */
function chargeOften(
  issuer: Issuer,
  charges: readonly (readonly [card: CardClaim | undefined, merchant?: string])[],
  isPaid = true,
): (string | undefined)[] {
  return charges.map(([card, merchant]) => {
    const sequence = ++sequences;
    const transaction = transactionId(epochs.present, 100 + sequence);
    const order = charge(1, paymentAt(atMs - 1_000, sequence), merchant);
    const before = issuer.reasons.length;
    const out = issuer.prepare(order, card, transaction);
    if (out.records.some(({ type }) => type === "prepared")) {
      const code = isPaid ? undefined : "account_not_found" as const;
      issuer.decide(isPaid, transaction, code, order);
      return undefined;
    }
    return issuer.reasons.slice(before).at(-1) ?? "untold";
  });
}
let sequences = 0;

const cardOnly = (card: CardClaim, count: number) =>
  Array.from({ length: count }, (_, i) => [card, `shop-${i}`] as const);
const merchantOnly = (count: number) =>
  Array.from({ length: count }, (_, i) => [{ ...unknown, hash: `${i + 10}`.repeat(32) }] as const);

Deno.test("a card that failed too often is not looked at, whoever charges it", () => {
  const issuer = new Issuer();
  const failed = chargeOften(issuer, cardOnly(wrong, cardFailuresMax));
  assertEquals(failed, Array(cardFailuresMax).fill("cvv_wrong"));
  assertEquals(chargeOften(issuer, [[claim, "carol"], [wrong, "dave"]]), [
    "too_many_failures",
    "too_many_failures",
  ]);
});

Deno.test("a merchant whose charges failed too often is not looked at, whatever the card", () => {
  const issuer = new Issuer();
  const failed = chargeOften(issuer, merchantOnly(merchantFailuresMax));
  assertEquals(failed, Array(merchantFailuresMax).fill("card_unknown"));
  assertEquals(chargeOften(issuer, [[claim], [undefined], [claim, "carol"]]), [
    ...["too_many_failures", "too_many_failures", undefined],
  ]);
});

Deno.test("the first failure counts for ten minutes of a clock that never jumps", () => {
  const issuer = new Issuer();
  chargeOften(issuer, merchantOnly(1));
  issuer.nowMs = 1_000;
  chargeOften(issuer, merchantOnly(merchantFailuresMax - 1));
  issuer.nowMs = cardFailuresMs - 1;
  assertEquals(chargeOften(issuer, [[claim]]), ["too_many_failures"]);
  issuer.nowMs = cardFailuresMs;
  assertEquals(chargeOften(issuer, [[unknown], [claim]]), ["card_unknown", "too_many_failures"]);
});

Deno.test("what was not looked at is no failure: whoever goes on trying is looked at again", () => {
  const issuer = new Issuer();
  chargeOften(issuer, cardOnly(wrong, cardFailuresMax));
  for (let ms = 0; ms < cardFailuresMs; ms += 60_000) {
    issuer.nowMs = ms;
    const told = ms === 0 ? "too_many_failures" : "untold";
    assertEquals(chargeOften(issuer, [[claim, "carol"]]), [told]);
  }
  issuer.nowMs = cardFailuresMs;
  assertEquals(chargeOften(issuer, [[claim, "carol"]]), [undefined]);
});

Deno.test("a card of the merchant's own, paid in between, has none of its other tries forgotten", () => {
  const issuer = new Issuer();
  const tries = merchantOnly(merchantFailuresMax).flatMap((one) => [one, [claim] as const]);
  const reasons = chargeOften(issuer, tries).filter((reason) => reason !== undefined);
  assertEquals(reasons.filter((reason) => reason === "card_unknown").length, merchantFailuresMax);
  assert(chargeOften(issuer, [[claim]])[0] !== undefined, "looked at");
});

Deno.test("what a card lacks in funds is no failure", () => {
  const issuer = new Issuer();
  for (let i = 0; i <= merchantFailuresMax; i++) {
    const order = charge(1_000_000, paymentAt(atMs - 1_000, ++sequences));
    issuer.prepare(order, claim, transactionId(epochs.present, 100 + sequences));
    assertEquals(issuer.reasons.at(-1), "insufficient_funds");
  }
});

Deno.test("a charge that was paid clears the failures of its card; a yes alone does not", () => {
  for (const isPaid of [true, false]) {
    const issuer = new Issuer();
    chargeOften(issuer, Array(cardFailuresMax - 1).fill([wrong]));
    assertEquals(chargeOften(issuer, [[claim]], isPaid), [undefined]);
    assertEquals(chargeOften(issuer, [[wrong], [claim]]), [
      "cvv_wrong",
      isPaid ? undefined : "too_many_failures",
    ]);
  }
});

Deno.test("a card that was charged before it was added is looked at from then on", () => {
  const issuer = new Issuer();
  const other = { ...claim, hash: "77".repeat(32) };
  const failed = chargeOften(issuer, cardOnly(other, cardFailuresMax));
  assertEquals(failed, Array(cardFailuresMax).fill("card_unknown"));
  assertEquals(chargeOften(issuer, [[other]]), ["too_many_failures"]);
  issuer.add({ hash: other.hash });
  assertEquals(chargeOften(issuer, [[other]]), [undefined]);
  // Added once more it is as it was.
  chargeOften(issuer, cardOnly({ ...other, isCvvRight: false }, cardFailuresMax));
  issuer.add({ hash: other.hash });
  assertEquals(chargeOften(issuer, [[other, "carol"]]), ["too_many_failures"]);
});

Deno.test("a prepare that comes twice is declined twice and one failure", () => {
  const issuer = new Issuer();
  for (let i = 0; i < cardFailuresMax; i++) {
    assertEquals(inWords(issuer.prepare(charge(), wrong)), no);
  }
  assertEquals(issuer.reasons, ["cvv_wrong"]);
  assertEquals(chargeOften(issuer, [[claim]]), [undefined]);
});

Deno.test("what was declined is remembered for people, the newest of it, until the node stops", () => {
  const issuer = new Issuer();
  const shops = Array.from({ length: declinesKept + 10 }, (_, i) => [undefined, `s${i}`] as const);
  chargeOften(issuer, shops);
  const { kept } = issuer.participant.declines;
  assertEquals(kept.length, declinesKept);
  assertEquals([kept[0]?.merchant, kept.at(-1)?.merchant], ["s10", `s${declinesKept + 9}`]);
  const { transaction: _, payment: __, ...last } = kept.at(-1)!;
  assertEquals(last, {
    merchant: `s${declinesKept + 9}`,
    masked: undefined,
    amount: 1n,
    currency: "USD",
    reason: "card_unreadable",
    atMs,
  });
  issuer.restart();
  assertEquals(issuer.reasons, []);
});

Deno.test("a coordinator's next epoch prepares a charge as any", () => {
  const issuer = new Issuer();
  assertEquals(
    inWords(issuer.prepare(charge(), claim, Tnext)),
    "joined 3, prepared Tnext, sync > coordinator yes Tnext",
  );
});
