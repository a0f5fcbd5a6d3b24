/** What a participant makes of the details that come with a prepare, by real keys. */

import { createHash } from "node:crypto";
import { assertEquals, assertNotEquals } from "@std/assert";
import { detailsHashOf, sealedFor } from "../../src/codec/details.ts";
import { decodeFrame, encodeFrames } from "../../src/codec/frame.ts";
import { encodeOrder } from "../../src/codec/order.ts";
import type { Identity } from "../../src/keys/identity.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { introductionMsMax } from "../../src/limits.ts";
import { Log } from "../../src/log/log.ts";
import { cardKeeping } from "../../src/simulation/cards.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { IdentitySealing } from "../../src/node/identity_sealing.ts";
import { IdentityTrust } from "../../src/node/identity_trust.ts";
import { ParticipantNode } from "../../src/node/participant_node.ts";
import { openDetails, sealOrder } from "../../src/node/sealing.ts";
import { machine } from "../../src/node/surroundings.ts";
import { Statements } from "../../src/node/trust.ts";
import type { Details, SealedDetails } from "../../src/protocol/details.ts";
import { shownTo } from "../../src/protocol/details.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { Introduction, Message, Vote } from "../../src/protocol/message.ts";
import type { Order } from "../../src/protocol/order.ts";
import { leg, otherLegs, otherPayment, payment } from "../protocol/example.ts";

const names = ["coordinator", "alice", "bob", "carol"] as const;
type Name = typeof names[number];

const certs = await Deno.makeTempDir({ prefix: "handfast-details-" });
const identities = {} as Record<Name, Identity>;
try {
  await initCertificates({ dir: certs, nodes: names });
  for (const name of names) identities[name] = await loadIdentity({ certs, name });
} finally {
  await Deno.remove(certs, { recursive: true });
}

const introductionOf = (name: string): Introduction => {
  const { certDer: certificate, voucher } = identities[name as Name];
  return { certificate, voucher };
};
const sealingOf = (name: Name) => new IdentitySealing(identities[name]);

const legs = ["-3 USD main@alice", "2 USD main@bob", "1 USD main@carol"].map(leg);
const unsealed = { payment, originator: "alice", legs };
const memo = "Rent for May";
const both = ["bob", "carol"].map((recipient) => ({ recipient, details: { memo } }));
const { order, details } = await sealOrder(sealingOf("alice"), introductionOf, unsealed, both);
const [toBob, toCarol] = details as [SealedDetails, SealedDetails];

function opened(
  by: Name,
  given: readonly SealedDetails[] | undefined,
  of: Order = order,
): Promise<Details | "unreadable" | undefined> {
  return openDetails(sealingOf(by), by, of, given);
}

Deno.test("each recipient reads its own details, and the others see a hash", async () => {
  assertEquals(await opened("bob", shownTo("bob", details)), { memo });
  assertEquals(await opened("carol", shownTo("carol", details)), { memo });
  assertEquals(await opened("alice", shownTo("alice", details)), undefined);
});

Deno.test("the same details are sealed as the same bytes, also after a restart, others as others", async () => {
  const again = await sealOrder(sealingOf("alice"), introductionOf, unsealed, both.toReversed());
  assertEquals(again, { order, details });
  const other = [{ recipient: "bob", details: { memo: "Rent for June" } }, both[1]!];
  const changed = await sealOrder(sealingOf("alice"), introductionOf, unsealed, other);
  assertNotEquals(changed.order.hash, order.hash);
  assertNotEquals(changed.details![0]!.sealed!.slice(0, 32), toBob.sealed!.slice(0, 32));
  assertEquals(changed.details![1], toCarol);
});

Deno.test("a card is sealed as other bytes each time, so that nobody can try what it is", async () => {
  const card = { number: "4000000000000002", expiry: "11/29", cvv: "123" };
  const toBobAlone = [{ recipient: "bob", details: { card } }];
  const seal = () => sealOrder(sealingOf("alice"), introductionOf, unsealed, toBobAlone);
  const [one, other] = [await seal(), await seal()];
  assertNotEquals(one.order.hash, other.order.hash);
  for (const { order, details } of [one, other]) {
    assertEquals(await opened("bob", details, order), { card });
  }
});

/** As whoever can sign for alice could send it: with a hash that fits. */
function moved(to: Omit<Order, "bytes" | "hash">, given = [toBob]): Order {
  return encodeOrder({ ...to, detailsHash: detailsHashOf(given) });
}

const elsewhere: readonly [string, Omit<Order, "bytes" | "hash">][] = [
  ["payment", { ...unsealed, payment: otherPayment }],
  ["amount", { ...unsealed, legs: otherLegs.legs }],
  ["payer", { ...unsealed, originator: "carol" }],
];

for (const [what, to] of elsewhere) {
  Deno.test(`moved to another ${what}, details do not open`, async () => {
    assertEquals(await opened("bob", [toBob], moved(to)), "unreadable");
  });
}

Deno.test("moved to another recipient, or to another network, details do not open", async () => {
  const toBobAsCarol = [sealedFor("carol", toBob.sealed!)];
  assertEquals(await opened("carol", toBobAsCarol, moved(unsealed, toBobAsCarol)), "unreadable");
  const abroad = new IdentitySealing({ ...identities.bob, network: "00".repeat(32) });
  assertEquals(await openDetails(abroad, "bob", order, details), "unreadable");
});

const forged = sealedFor("bob", new Uint8Array(toBob.sealed!.length));
const tampered: readonly [string, readonly SealedDetails[] | undefined][] = [
  ["swaps them", [forged, toCarol]],
  ["swaps another's", [toBob, { ...toCarol, hash: forged.hash, sealed: undefined }]],
  ["drops them", [toCarol]],
  ["drops what is sealed", [{ ...toBob, sealed: undefined }, toCarol]],
  ["drops another's", [toBob]],
  ["drops all", []],
];

for (const [what, given] of tampered) {
  Deno.test(`a coordinator that ${what} makes them unreadable`, async () => {
    assertEquals(await opened("bob", given), "unreadable");
  });
}

/** Bob, linked to nobody but this test. */
class Bob implements AsyncDisposable {
  readonly said: Message[] = [];
  readonly node: ParticipantNode;
  #number = 1;

  private constructor(readonly log: Log) {
    this.node = new ParticipantNode({
      cards: cardKeeping,
      identity: identities.bob,
      coordinator: "coordinator",
      surroundings: {
        ...machine,
        trust: new IdentityTrust(identities.bob),
        sealing: sealingOf("bob"),
        links: () => ({
          listen: (at) => at,
          dial: () => {},
          hangUp: () => {},
          hurry: () => {},
          closeLink: () => {},
          send: (_, payload) => this.said.push(...decodeFrame(payload, "bob").messages) > 0,
          close: () => Promise.resolve(),
        }),
      },
      log,
      listen: { hostname: "127.0.0.1", port: 0 },
      print: () => {},
    });
  }

  static async start(): Promise<Bob> {
    const bob = new Bob(await Log.open(new MemoryStorage()));
    await bob.node.start();
    bob.#link("coordinator");
    bob.#link("alice");
    await bob.node.openAccount({ account: "main", currency: "USD", opening: 100n });
    return bob;
  }

  #link(name: Name): void {
    const epoch = name === "coordinator" ? { counter: 1, nonce: "aaaaaaaaaaaa" } : undefined;
    const role = name === "coordinator" ? "coordinator" : "participant";
    const clock = new Map<string, number>();
    const introduction = introductionOf(name);
    this.node.linkUp(name, role, { address: `${name}:1`, clock, epoch, introduction });
  }

  /** The coordinator sends it something. */
  receive(...messages: Message[]): void {
    const number = ++this.#number;
    const header = { number, hash: new Uint8Array(32), clock: new Map([["coordinator", number]]) };
    for (const frame of encodeFrames(header, messages, statementsOf("coordinator").sign)) {
      this.node.received("coordinator", frame);
    }
  }

  async votes(count: number): Promise<Vote[]> {
    for (;;) {
      const votes = this.said.filter((message) => message.type === "vote");
      if (votes.length >= count) return votes;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.stop();
  }
}

function statementsOf(name: Name): Statements {
  return new Statements({
    name,
    network: identities[name].network,
    trust: new IdentityTrust(identities[name]),
    introductionOf,
    isRevoked: () => false,
    alarm: () => {},
  });
}

/** With alice's signature of the order, as the coordinator has it from her. */
function prepareOf(given: readonly SealedDetails[], sequence: number): Message {
  const header = { number: 1, hash: new Uint8Array(32), clock: new Map() };
  const message: Message = { type: "order", order, details };
  const [frame] = encodeFrames(header, [message], statementsOf("alice").sign);
  const [sent] = decodeFrame(frame!, "alice").messages;
  if (sent?.type !== "order") throw new Error("an order was sent");
  const transaction = `1-aaaaaaaaaaaa-${sequence}` as TransactionId;
  return { type: "prepare", transaction, order, proof: sent.proof, details: given };
}

Deno.test("a node votes no to tampered details, yes to the real ones, and reads them until they are erased", async () => {
  await using bob = await Bob.start();
  let count = 0;
  for (const [what, given] of tampered) {
    bob.receive(prepareOf(given ?? [], ++count));
    const vote = (await bob.votes(count)).at(-1);
    assertEquals([vote?.yes, vote?.code], [false, "details_unreadable"], what);
    assertEquals(await bob.node.payment(payment), undefined, what);
  }
  const prepare = prepareOf(shownTo("bob", details)!, ++count);
  bob.receive(prepare);
  assertEquals((await bob.votes(count)).at(-1)?.yes, true);
  const told = async () => (await bob.node.payment(payment))?.told;
  assertEquals(await told(), { memo, reference: undefined });
  // What comes with it where no token is asked for, or in a list that is not to, tells nothing.
  assertEquals((await bob.node.trace(payment))?.payment.told, undefined);
  const { payments } = await bob.node.payments({ limit: 9 });
  assertEquals(payments.map(({ id, told }) => [id, told]), [[payment, undefined]]);
  const listed = async () => {
    const { payments } = await bob.node.payments({ limit: 9, hasDetails: true });
    return payments.map(({ id, told }) => [id, told]);
  };
  assertEquals(await listed(), [[payment, { memo, reference: undefined }]]);

  assertEquals(await bob.node.erase(payment, "ann"), { result: "under_way" });
  const transaction = `1-aaaaaaaaaaaa-${count}` as TransactionId;
  bob.receive({ type: "decision", transaction, payment, commit: false });
  assertEquals((await bob.node.erase(payment, "ann")).result, "erased");
  const again = await bob.node.erase(payment, "ben");
  assertEquals([again.result, "by" in again && again.by], ["was_erased", "ann"]);
  assertEquals(await bob.node.erase(otherPayment, "ann"), { result: "none" });
  // The attempt is over, and another brings them again.
  bob.receive(prepareOf(shownTo("bob", details)!, ++count));
  assertEquals((await bob.votes(count)).at(-1)?.yes, true);
  assertEquals(await told(), { memo, reference: undefined });
  const aborted = {
    ...transactionOf(count),
    payment,
    commit: false,
    code: "vote_timeout",
  } as const;
  bob.receive({
    type: "decision",
    ...aborted,
    decided: { number: 1, atMs: 1_700_000_000_000, clock: new Map() },
  });
  assertEquals((await bob.node.erase(payment, "ben")).result, "erased");
  assertEquals(await told(), "erased");
  assertEquals(await listed(), [[payment, "erased"]]);
});

function transactionOf(sequence: number): { readonly transaction: TransactionId } {
  return { transaction: `1-aaaaaaaaaaaa-${sequence}` as TransactionId };
}

Deno.test("an order that tells somebody unknown something does not leave", async () => {
  await using bob = await Bob.start();
  const told = (recipient: string) => ({ recipient, details: { memo } });
  const request = {
    legs: ["-1 USD main@bob", "1 USD main@dave"].map(leg),
    waitMs: 1,
    details: [told("dave")],
  };
  const begunMs = performance.now();
  const answer = await bob.node.submit(request);
  assertEquals([answer.state, "code" in answer && answer.code], [
    "rejected",
    "participant_unknown",
  ]);
  // Somebody new would have been introduced by then.
  assertEquals(performance.now() - begunMs >= introductionMsMax, true);
  assertEquals(bob.said.filter(({ type }) => type === "order"), []);
});

Deno.test("an idempotency key's record tells nothing of a memo to who reads the log", async () => {
  const recorded = async (memo?: string) => {
    await using bob = await Bob.start();
    await bob.node.submit({
      legs: ["-1 USD main@bob", "1 USD main@alice"].map(leg),
      waitMs: 1,
      details: memo === undefined ? undefined : [{ recipient: "alice", details: { memo } }],
      key: { key: "invoice 7", request: "the same text" },
    });
    for await (const { entry } of bob.log.entries()) {
      for (const record of entry.records) if (record.type === "keyed") return record.request;
    }
  };
  const hash = createHash("sha256").update("the same text").digest("hex");
  assertEquals(await recorded(), hash);
  const told = await recorded(memo);
  assertNotEquals(told, hash);
  assertEquals(await recorded(memo), told);
});
