/** A participant whose coordinator is away: whom it links to, and which refusal ends it. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeFrames } from "../../src/codec/frame.ts";
import { IntegrityError } from "../../src/errors.ts";
import type { PaymentRequest } from "../../src/http/node_api.ts";
import { OutcomeUnknownError } from "../../src/http/node_api.ts";
import { listOf, orderStatement, signedBytes } from "../../src/codec/statement.ts";
import {
  inquiryAnswerMsMax,
  inquiryIntervalMs,
  ordersOutAtFirst,
  reconnectMsMax,
} from "../../src/limits.ts";
import type { LinkHost, LinkLayer } from "../../src/link/host.ts";
import { Log } from "../../src/log/log.ts";
import type { Storage } from "../../src/log/storage.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { ParticipantNode } from "../../src/node/participant_node.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Order } from "../../src/protocol/order.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import { cardKeeping } from "../../src/simulation/cards.ts";
import { Random } from "../../src/simulation/random.ts";
import { SimulatedSealing } from "../../src/simulation/sealing.ts";
import { SimulatedTrust } from "../../src/simulation/trust.ts";
import { HeldStorage } from "./held_storage.ts";
import { nowMs, order } from "./loop_rig.ts";

const epoch = { counter: 1, nonce: "0123456789ab" };
const transaction = "1-0123456789ab-1" as TransactionId;
const network = "00".repeat(32);
const random = new Random(1);
const trusts = {
  coordinator: new SimulatedTrust("coordinator", "coordinator", network, random),
  alice: new SimulatedTrust("alice", "participant", network, random),
  bob: new SimulatedTrust("bob", "participant", network, random),
};

function signList(signer: keyof typeof trusts, list: Uint8Array): Uint8Array {
  return trusts[signer].sign(signedBytes(network, { signer, list }));
}

function proofByAlice(order: Order): Proof {
  const list = listOf(orderStatement(order));
  return { batch: { signer: "alice", list, signature: signList("alice", list) }, index: 0 };
}

/** Links that only say what they were told. */
class ToldLinks implements LinkLayer {
  /** `dial NAME ADDRESS`, `hang up NAME` and `close NAME: REASON`, until they are taken. */
  told: string[] = [];

  listen(at: { readonly hostname: string; readonly port: number }) {
    return at;
  }

  dial(name: string, _role: string, address: string): void {
    this.told.push(`dial ${name} ${address}`);
  }

  hurry(): void {}

  closeLink(peer: string, reason?: string): void {
    this.told.push(`close ${peer}: ${reason}`);
  }

  hangUp(name: string): void {
    this.told.push(`hang up ${name}`);
  }

  send(): boolean {
    return true;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Bob, who is in doubt about a payment of alice's. Time is what the test makes it. */
class Rig {
  readonly links = new ToldLinks();
  readonly node: ParticipantNode;
  readonly payment = order();
  readonly printed: string[] = [];
  /** Those whose certificates the CA has revoked. */
  readonly revoked = new Set<string>();
  /** The last that the node made. */
  newId: PaymentId | undefined;
  #tick: () => void = () => {};
  #nowMs = 0;
  #number = 0;

  private constructor(log: Log, name: "bob" | "alice" = "bob") {
    this.node = new ParticipantNode({
      cards: cardKeeping,
      identity: { name, network },
      surroundings: {
        time: {
          wallMs: () => nowMs + this.#nowMs,
          monotonicMs: () => this.#nowMs,
          sleep: (ms) => {
            this.#nowMs += ms;
            return new Promise((resolve) => setTimeout(resolve, 0));
          },
          every: (_, run) => {
            this.#tick = run;
            return () => {};
          },
          nextPoll: () => Promise.resolve(),
        },
        nonce: () => "ab".repeat(6),
        newPaymentId: () => this.newId = order().payment,
        trust: {
          introduction: trusts[name].introduction,
          sign: (bytes) => trusts[name].sign(bytes),
          hasSigned: (...signed) => trusts[name].hasSigned(...signed),
          check: (peer, introduction) => trusts[name].check(peer, introduction),
          isRevoked: ({ certificate }) => this.revoked.has(new TextDecoder().decode(certificate)),
        },
        sealing: new SimulatedSealing(trusts[name].introduction),
        links: (_host: LinkHost) => this.links,
      },
      log,
      listen: { hostname: name, port: 1 },
      print: (level, line) => this.printed.push(`${level} ${line}`),
      coordinator: "coordinator",
    });
  }

  static async start(storage: Storage = new MemoryStorage()): Promise<Rig> {
    const rig = new Rig(await Log.open(storage));
    const { node, payment } = rig;
    await node.start();
    node.listen();
    await node.openAccount({ account: "main", currency: "USD", opening: 0n });
    node.dial("coordinator:1");
    rig.links.told = [];
    rig.linkCoordinator();
    const { introduction } = trusts.alice;
    rig.receive({
      type: "directory",
      nodes: [{ name: "alice", address: "alice:1", introduction }],
    });
    // Certificates are checked in their own time.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(await node.introduction("alice"), introduction);
    rig.receive({
      type: "prepare",
      transaction,
      order: payment,
      proof: proofByAlice(payment),
    });
    assertEquals((await node.inDoubt()).map(({ participants }) => participants), [
      ["alice", "bob"],
    ]);
    return rig;
  }

  /** Bob again, who only looks. */
  static async offline(storage: Storage): Promise<Rig> {
    const rig = new Rig(await Log.open(storage));
    await rig.node.start();
    return rig;
  }

  /** Alice, over a log that may not be hers. */
  static async alice(storage: Storage): Promise<ParticipantNode> {
    return new Rig(await Log.open(storage), "alice").node;
  }

  linkCoordinator(): void {
    const clock = new Map([["coordinator", ++this.#number]]);
    const { introduction } = trusts.coordinator;
    const greeted = { address: "coordinator:1", epoch, clock, introduction };
    this.node.linkUp("coordinator", "coordinator", greeted);
  }

  receive(message: Message): void {
    const number = ++this.#number;
    const clock = new Map([["coordinator", number]]);
    const header = { number, hash: new Uint8Array(32), clock };
    const sign = (list: Uint8Array) => signList("coordinator", list);
    for (const frame of encodeFrames(header, [message], sign)) {
      this.node.received("coordinator", frame);
    }
  }

  receiveFrom(name: "alice", number: number, message: Message): void {
    const header = { number, hash: new Uint8Array(32), clock: new Map([[name, number]]) };
    const sign = (list: Uint8Array) => signList(name, list);
    for (const frame of encodeFrames(header, [message], sign)) this.node.received(name, frame);
  }

  /** What the links are told with the next tick. */
  async tick(afterMs: number): Promise<string[]> {
    // What is queued has been stepped.
    await this.node.inDoubt();
    this.pass(afterMs);
    return this.links.told.splice(0);
  }

  /** As `tick`, where nothing that is queued can be stepped. */
  pass(afterMs: number): void {
    this.#nowMs += afterMs;
    this.#tick();
  }
}

Deno.test("peers are dialled once the coordinator is away, and hung up when it is back", async () => {
  const rig = await Rig.start();
  assertEquals(await rig.tick(100), []);
  rig.node.linkDown("coordinator", "for the test");
  assertEquals(await rig.tick(100), ["dial alice alice:1"]);
  assertEquals(await rig.tick(100), []);
  rig.linkCoordinator();
  assertEquals(await rig.tick(100), ["hang up alice"]);
  assertEquals(await rig.tick(100), []);
  await rig.node.stop();
});

Deno.test("peers are dialled, too, and said not to be reached, while the coordinator is silent", async () => {
  const rig = await Rig.start();
  const missing = async () => {
    const [view] = await rig.node.inDoubt();
    return [view?.unreachable, view?.unanswered];
  };
  await rig.tick(inquiryIntervalMs);
  assertEquals(await rig.tick(inquiryAnswerMsMax - 1), []);
  assertEquals(await missing(), [[], undefined]);
  assertEquals(await rig.tick(1), ["dial alice alice:1"]);
  assertEquals(await missing(), [["alice"], ["coordinator"]]);
  const { introduction } = trusts.alice;
  const clock = new Map([["alice", 1]]);
  rig.node.linkUp("alice", "participant", { address: "alice:1", clock, introduction });
  assertEquals(await missing(), [[], ["coordinator"]]);
  rig.receive({
    type: "undecided",
    transaction,
    payment: rig.payment.payment,
    why: "voting",
  });
  assertEquals(await rig.tick(100), ["hang up alice"]);
  assertEquals(await missing(), [[], undefined]);
  await rig.node.stop();
});

Deno.test("the status says since when a link is lost, until it is back", async () => {
  const rig = await Rig.start();
  const downSince = async () => {
    const { peers } = await rig.node.status();
    return peers.find(({ name }) => name === "coordinator")?.downSinceMs;
  };
  assertEquals(await downSince(), undefined);
  await rig.tick(100);
  rig.node.linkDown("coordinator", "for the test");
  assertEquals(await downSince(), nowMs + 100);
  rig.linkCoordinator();
  assertEquals(await downSince(), undefined);
  await rig.node.stop();
});

Deno.test("a log of another node is refused for that, and not as its books do not fit", async () => {
  const storage = new MemoryStorage();
  const rig = await Rig.start(storage);
  await rig.node.stop();
  const alice = await Rig.alice(storage);
  const said = 'The log is of name "bob", but this node is of name "alice": name the right data';
  await assertRejects(() => alice.start(), IntegrityError, said);
});

const others: readonly [name: string, counter: number, said: string | undefined][] = [
  ["coordinator", 2, undefined],
  ["coordinator", 1, "it comes in epoch 1, but epoch 1 was seen: it is out of date, or a copy"],
  ["hub2", 1, 'it comes in epoch 1, but epoch 1 of "coordinator" was seen, which was this node\'s'],
  ["hub2", 1, 'or have the new one run as "coordinator": with the data folder of the old one'],
];
for (const [name, counter, said] of others) {
  Deno.test(`${name} in another epoch ${counter} is ${said ? `told: ${said}` : "taken"}`, async () => {
    const { node } = await Rig.start();
    const clock = new Map([[name, 1]]);
    const greeting = { address: "elsewhere:1", clock, epoch: { counter, nonce: "ba9876543210" } };
    const objection = node.objection(name, "coordinator", greeting);
    if (said === undefined) assertEquals(objection, undefined);
    else assertStringIncludes(objection ?? "", said);
    await node.stop();
  });
}

Deno.test("a node without links dials no peer, whatever is in doubt", async () => {
  const storage = new MemoryStorage();
  const linked = await Rig.start(storage);
  await linked.node.stop();
  const offline = await Rig.offline(storage);
  assertEquals([(await offline.node.status()).inDoubt, await offline.tick(100)], [1, []]);
  await offline.node.stop();
});

Deno.test("peers are hung up once nothing is in doubt any more", async () => {
  const rig = await Rig.start();
  rig.node.linkDown("coordinator", "for the test");
  assertEquals(await rig.tick(100), ["dial alice alice:1"]);
  const { payment } = rig.payment;
  rig.receive({ type: "decision", transaction, payment, commit: false });
  assertEquals(await rig.tick(100), ["hang up alice"]);
  await rig.node.stop();
});

Deno.test("a link that comes up is told, as is one that goes down", async () => {
  const rig = await Rig.start();
  rig.node.linkDown("coordinator", "for the test");
  rig.linkCoordinator();
  assertEquals(rig.printed, [
    "info link with coordinator is up",
    "info link with coordinator is down: for the test",
    "info link with coordinator is up",
  ]);
  await rig.node.stop();
});

Deno.test("a node that has lost entries, as a peer's clock shows, refuses nothing of before", async () => {
  const rig = await Rig.start();
  const { introduction } = trusts.alice;
  const { payment } = order();
  const asks = async (number: number, known: number) => {
    const clock = new Map([["alice", number], ["bob", known], ["coordinator", 1]]);
    rig.node.linkUp("alice", "participant", { address: "alice:1", clock, introduction });
    const asked = `1-0123456789ab-${number + 10}` as TransactionId;
    rig.receiveFrom("alice", number, { type: "inquiry", transaction: asked, payment });
    await rig.tick(100);
    return (await rig.node.history(payment)).map(([, { type }]) => type);
  };
  assertEquals(await asks(1, 1_000), []);
  assertEquals(rig.printed.filter((line) => line.includes("lack what was done since")).length, 1);
  await rig.node.stop();
  const other = await Rig.start();
  other.node.linkUp("alice", "participant", {
    ...{ address: "alice:1", clock: new Map([["alice", 1]]), introduction },
  });
  const transaction = "1-0123456789ab-11" as TransactionId;
  other.receiveFrom("alice", 2, { type: "inquiry", transaction, payment });
  await other.tick(100);
  assertEquals((await other.node.history(payment)).map(([, { type }]) => type), ["refused"]);
  await other.node.stop();
});

Deno.test("a link with a peer that the CA has revoked is closed, and no other", async () => {
  const rig = await Rig.start();
  const { introduction } = trusts.alice;
  const clock = new Map([["alice", 1]]);
  rig.node.linkUp("alice", "participant", { address: "alice:1", clock, introduction });
  rig.node.dropRevoked();
  assertEquals(rig.links.told, []);
  rig.revoked.add("alice");
  rig.node.dropRevoked();
  assertEquals(rig.links.told, ["close alice: its certificate was revoked by the network's CA"]);
  await rig.node.stop();
});

Deno.test("what somebody has signed whom the CA has revoked is not believed, whoever passes it on", async () => {
  const rig = await Rig.start();
  const prepare = async (number: number) => {
    const payment = order();
    const proof = proofByAlice(payment);
    const next = `1-0123456789ab-${number}` as TransactionId;
    rig.receive({ type: "prepare", transaction: next, order: payment, proof });
    return (await rig.node.inDoubt()).length;
  };
  assertEquals(await prepare(2), 2);
  rig.revoked.add("alice");
  assertEquals(await prepare(3), 2);
  rig.revoked.clear();
  assertEquals(await prepare(4), 3);
  await rig.node.stop();
});

for (const code of ["name_in_use", "wrong_role"]) {
  Deno.test(`${code} from a peer is no reason to end: it is dialled again after a while`, async () => {
    const rig = await Rig.start();
    rig.node.linkDown("coordinator", "for the test");
    assertEquals(await rig.tick(100), ["dial alice alice:1"]);
    rig.node.refused("alice", code, "for the test");
    assertEquals(await rig.tick(reconnectMsMax - 1), []);
    assertEquals(await rig.tick(1), ["dial alice alice:1"]);
    assertEquals((await rig.node.status()).inDoubt, 1);
    await rig.node.stop();
  });

  Deno.test(`${code} from its coordinator ends a participant, with the reason`, async () => {
    const rig = await Rig.start();
    rig.node.refused("coordinator", code, "for the test");
    const reason = `there can be no link with coordinator (${code}): for the test`;
    await assertRejects(() => rig.node.failed, Error, reason);
    await rig.node.stop();
  });
}

Deno.test("a peer that refused as it had dialled itself is dialled once it has hung up", async () => {
  const rig = await Rig.start();
  rig.node.linkDown("coordinator", "for the test");
  assertEquals(await rig.tick(100), ["dial alice alice:1"]);
  const { introduction } = trusts.alice;
  const clock = new Map([["alice", 1]]);
  rig.node.linkUp("alice", "participant", { address: "alice:1", clock, introduction });
  rig.node.refused("alice", "name_in_use", "for the test");
  assertEquals(await rig.tick(100), []);
  rig.node.linkDown("alice", "for the test");
  assertEquals(await rig.tick(100), ["dial alice alice:1"]);
  await rig.node.stop();
});

Deno.test("only what was taken on counts for the latency", async () => {
  const rig = await Rig.start();
  const { node } = rig;
  const { legs } = order();
  const counted = async () => (await node.status()).latencies.counts.reduce((a, b) => a + b);
  rig.node.linkDown("coordinator", "for the test");
  assertEquals((await node.submit({ legs, waitMs: 0 })).state, "rejected");
  assertEquals(await counted(), 0);
  rig.linkCoordinator();
  const answer = node.submit({ legs, waitMs: 0 });
  await node.status();
  await rig.tick(100);
  assertEquals((await answer).state, "pending");
  assertEquals(await counted(), 1);
  await node.stop();
});

Deno.test("payments past what may be on its way are rejected before any turn of the loop", async () => {
  const rig = await Rig.start();
  const { node } = rig;
  const { legs, payment } = order();
  let rejected = 0;
  const pay = (id?: PaymentId) =>
    void node.submit({ id, legs, waitMs: 1_000 }).then(({ state }) => {
      if (state === "rejected") rejected++;
    });
  pay(payment);
  await node.status();
  for (let i = 0; i < ordersOutAtFirst + 2; i++) pay();
  // What is rejected waits for nothing; the others wait for the loop.
  await Promise.resolve().then(() => {});
  assertEquals(rejected, 3);
  // Beside them there is what bob is in doubt about.
  assertEquals((await node.status()).open, ordersOutAtFirst + 1);
  const decided = { number: 1, atMs: 1_700_000_000_000, clock: new Map([["coordinator", 1]]) };
  const outcome = { state: "aborted", code: "vote_timeout", decided, replayed: false } as const;
  rig.receive({ type: "outcome", payment, outcome });
  await node.status();
  // There is room again.
  pay();
  assertEquals((await node.status()).open, ordersOutAtFirst + 1);
  assertEquals(rejected, 3);
  await node.stop();
});

const { legs } = order();
const ownId = order().payment;
const details = [{ recipient: "alice", details: { memo: "Rent" } }];
const key = { key: "a key", request: "a request" };
const failing: readonly [string, Partial<PaymentRequest>, PaymentId | "new" | undefined][] = [
  ["without an id", {}, "new"],
  ["with an id", { id: ownId }, ownId],
  ["that tells something", { details }, "new"],
  ["by a key", { key }, undefined],
  ["by a key and with an id", { key, id: ownId }, ownId],
];

/** Its disk fails, and the node with it. */
async function fail(rig: Rig, storage: HeldStorage): Promise<void> {
  storage.fail(new Error("the disk is gone"));
  await assertRejects(() => rig.node.openAccount({ account: "b", currency: "USD", opening: 0n }));
}

async function assertUnknown(answer: Promise<unknown>, id: PaymentId | undefined): Promise<void> {
  const error = await assertRejects(() => answer, OutcomeUnknownError, "the disk is gone");
  assertEquals(error.id, id);
}

for (const [what, request, id] of failing) {
  Deno.test(`a payment ${what} that is under way when its node fails is of unknown outcome`, async () => {
    const storage = new HeldStorage();
    const rig = await Rig.start(storage);
    storage.hold();
    const answer = rig.node.submit({ legs, waitMs: 60_000, ...request });
    const isUnknown = assertUnknown(answer, id === "new" ? rig.newId : id);
    await fail(rig, storage);
    await isUnknown;
  });

  Deno.test(`a payment ${what} to a node that has failed is of unknown outcome`, async () => {
    const storage = new HeldStorage();
    const rig = await Rig.start(storage);
    await fail(rig, storage);
    const answer = rig.node.submit({ legs, waitMs: 60_000, ...request });
    await assertUnknown(answer, id === "new" ? rig.newId : id);
  });
}

Deno.test("a payment by a key that was claimed is told by the id that the key stands for", async () => {
  const storage = new HeldStorage();
  const rig = await Rig.start(storage);
  const first = rig.node.submit({ legs, waitMs: 60_000, key, id: ownId });
  await rig.node.status();
  const again = rig.node.submit({ legs, waitMs: 60_000, key });
  const areUnknown = [assertUnknown(first, ownId), assertUnknown(again, ownId)];
  await rig.node.status();
  await fail(rig, storage);
  await Promise.all(areUnknown);
});

Deno.test("a payment of an amount that no order can hold is refused by rejecting", async () => {
  const rig = await Rig.start();
  const [leg] = legs;
  const unheld = [{ ...leg!, amount: 2n ** 63n }];
  await assertRejects(() => rig.node.submit({ legs: unheld, waitMs: 0 }), OutcomeUnknownError);
  await rig.node.stop();
});

Deno.test("a node that drains answers that what is under way is pending", async () => {
  const rig = await Rig.start();
  const answer = rig.node.submit({ legs, waitMs: 60_000, id: ownId });
  await rig.node.status();
  await rig.node.drain();
  assertEquals(await answer, { state: "pending", id: ownId });
  await rig.node.stop();
});

Deno.test("nobody waits for a disk that does not answer", async () => {
  const storage = new HeldStorage();
  const rig = await Rig.start(storage);
  storage.hold();
  const opened = rig.node.openAccount({ account: "savings", currency: "USD", opening: 0n });
  await new Promise((resolve) => setTimeout(resolve, 0));
  const answer = rig.node.submit({ legs, waitMs: 1_000, id: ownId });
  const keyed = rig.node.submit({ legs, waitMs: 0, key });
  const isUnknown = assertRejects(() => keyed, OutcomeUnknownError, "not answered in time");
  rig.pass(1_000);
  assertEquals(await answer, { state: "pending", id: ownId });
  assertEquals(rig.node.whyNotReady(), undefined);
  rig.pass(2_000);
  await isUnknown;
  assertEquals(rig.node.whyNotReady(), "the disk has not answered for 3 s");
  storage.release();
  assertEquals(await opened, "opened");
  assertEquals(rig.node.whyNotReady(), undefined);
  await rig.node.stop();
});

Deno.test("a participant says why it takes no payments", async () => {
  const rig = await Rig.start();
  await rig.node.inDoubt();
  assertEquals([rig.node.isReady(), rig.node.whyNotReady()], [true, undefined]);
  rig.node.linkDown("coordinator", "for the test");
  await rig.node.inDoubt();
  assertEquals([rig.node.isReady(), rig.node.whyNotReady()], [false, "no link to the coordinator"]);
  await rig.node.stop();
});
