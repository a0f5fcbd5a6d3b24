/** What a node believes of what it is told: only what its author has signed, whoever passes it on. */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { decodeFrame, encodeFrames } from "../../src/codec/frame.ts";
import { signatureBytes } from "../../src/codec/values.ts";
import { FormatError } from "../../src/errors.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import type { Identity } from "../../src/keys/identity.ts";
import { IdentityTrust } from "../../src/node/identity_trust.ts";
import { startNode } from "../../src/node/run.ts";
import { Statements } from "../../src/node/trust.ts";
import type { Trust } from "../../src/node/trust.ts";
import type { Address, Decision, Introduction, Message } from "../../src/protocol/message.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import { Random } from "../../src/simulation/random.ts";
import { SimulatedTrust } from "../../src/simulation/trust.ts";
import { makeNetwork } from "../link/network.ts";
import { order, orderOf, otherLegs, payment, transactions } from "../protocol/example.ts";

const { T1, T2 } = transactions;
const { hash: orderHash } = order;
const network = "ab".repeat(32);
const hash = new Uint8Array(32);
const random = new Random(1);

const names = ["alice", "bob", "carol", "coordinator", "mallory"] as const;
type Name = typeof names[number];
const trusts = new Map(
  names.map((
    name,
  ) => [
    name as string,
    new SimulatedTrust(
      name,
      name === "coordinator" ? "coordinator" : "participant",
      network,
      random,
    ),
  ]),
);
const introductions = new Map<string, Introduction>(
  [...trusts].map(([name, { introduction }]) => [name, introduction]),
);

interface Rig {
  readonly statements: Statements;
  readonly alarms: string[];
}

/** A node that nobody has introduced mallory to. */
function node(
  name: Name,
  trust: Trust = trusts.get(name)!,
  inNetwork = network,
  known: ReadonlyMap<string, Introduction> = introductions,
): Rig {
  const alarms: string[] = [];
  const statements = new Statements({
    name,
    network: inNetwork,
    trust,
    introductionOf: (of) => of === "mallory" ? undefined : known.get(of),
    isRevoked: () => false,
    alarm: (text) => alarms.push(text),
  });
  return { statements, alarms };
}

/** A frame of these messages, signed by a node. */
function payloadOf(name: Name, messages: readonly Message[], by = node(name)): Uint8Array {
  const clock = new Map([[name as string, 1]]);
  return encodeFrames({ number: 1, hash, clock }, messages, by.statements.sign)[0]!;
}

/** What bob believes of a frame. */
function believed(rig: Rig, from: string, payload: Uint8Array): readonly Message[] {
  const { messages, batch } = decodeFrame(payload, from);
  return rig.statements.believed(from, messages, batch).believed;
}

/** What a node has stated among others, as whoever received it can show. */
function proofOf(name: Name, message: Message, by = node(name)): Proof {
  const sent = [{ type: "order", order: otherLegs } as const, message];
  const { messages } = decodeFrame(payloadOf(name, sent, by), name);
  return (messages[1] as { proof: Proof }).proof;
}

const vote: Message = { type: "vote", transaction: T1, payment, orderHash, yes: true };
const commit: Decision = {
  type: "decision",
  transaction: T1,
  payment,
  commit: true,
  orderHash,
  decided: { number: 9, atMs: 1_700_000_000_000, clock: new Map([["coordinator", 9]]) },
};
const ordered: Message = { type: "order", order };

// Frames

Deno.test("believed() gives back what a sender has signed, in its order", () => {
  const rig = node("bob");
  const sent: Message[] = [ordered, { type: "ack", transaction: T1, payment }, vote, commit];
  const { messages, batch } = decodeFrame(payloadOf("alice", sent), "alice");
  const heard = rig.statements.believed("alice", messages, batch);
  assertEquals(heard, { believed: messages, strangers: [] });
  assertEquals(rig.alarms, []);
});

const unsigned: readonly [string, () => Uint8Array][] = [
  ["another node's", () => payloadOf("alice", [vote], node("carol"))],
  [
    "another key's in its own name",
    () => payloadOf("alice", [vote], node("alice", trusts.get("carol")!)),
  ],
  [
    "that of another network",
    () => payloadOf("alice", [vote], node("alice", undefined, "cd".repeat(32))),
  ],
  ["over another list", () => signedAs([ordered, vote], [ordered, { ...vote, yes: false }])],
  [
    "over the same list in another order",
    () => signedAs([ordered, otherOrdered], [otherOrdered, ordered]),
  ],
  ["of zeros", () => payloadOf("alice", [vote], node("alice", { ...zeros }))],
];
const otherOrdered: Message = { type: "order", order: otherLegs };

/** A frame of `told`, with the signature of one of `signed`. */
function signedAs(signed: readonly Message[], told: readonly Message[]): Uint8Array {
  const signatureAt = payloadOf("alice", []).length;
  const signature = payloadOf("alice", signed).subarray(signatureAt, signatureAt + signatureBytes);
  const payload = payloadOf("alice", told);
  payload.set(signature, signatureAt);
  return payload;
}

const zeros: Trust = {
  introduction: introductions.get("bob")!,
  sign: () => new Uint8Array(64),
  hasSigned: () => true,
  check: () => Promise.resolve(true),
  isRevoked: () => false,
};

for (const [what, make] of unsigned) {
  Deno.test(`a frame whose signature is ${what} is garbage`, () => {
    const rig = node("bob");
    assertThrows(() => believed(rig, "alice", make()), FormatError, "alice has not signed");
  });
}

Deno.test("a frame of a node that nobody has introduced is garbage, if it states anything", () => {
  const rig = node("bob");
  assertThrows(() => believed(rig, "mallory", payloadOf("mallory", [vote])), FormatError);
  const inquiry: Message = { type: "inquiry", transaction: T1, payment };
  assertEquals(believed(rig, "mallory", payloadOf("mallory", [inquiry])), [inquiry]);
});

Deno.test("what a stranger has stated is told apart, and believed once it is introduced", () => {
  const known = new Map(introductions);
  known.delete("alice");
  const rig = node("bob", undefined, undefined, known);
  const theirs: Message = {
    type: "prepare",
    transaction: T1,
    order,
    proof: proofOf("alice", ordered),
  };
  const { messages, batch } = decodeFrame(
    payloadOf("coordinator", [theirs, commit]),
    "coordinator",
  );
  const heard = rig.statements.believed("coordinator", messages, batch);
  assertEquals(heard, { believed: [messages[1]!], strangers: [messages[0]!] });
  known.set("alice", introductions.get("alice")!);
  const again = rig.statements.believed("coordinator", heard.strangers, batch);
  assertEquals(again, { believed: heard.strangers, strangers: [] });
  assertEquals(rig.alarms, []);
});

Deno.test("a signature is checked once, however many statements it is of", () => {
  let checked = 0;
  const trust: Trust = {
    ...zeros,
    hasSigned: (by, bytes, signature) => {
      checked++;
      return trusts.get("bob")!.hasSigned(by, bytes, signature);
    },
  };
  const rig = node("bob", trust);
  const prepare = (proof: Proof): Message => ({ type: "prepare", transaction: T1, order, proof });
  const proof = proofOf("alice", ordered);
  const sent = [prepare(proof), prepare(proof), { ...commit }, { ...commit, transaction: T2 }];
  assertEquals(believed(rig, "coordinator", payloadOf("coordinator", sent)).length, sent.length);
  assertEquals(checked, 2);
});

// Orders that a coordinator passes on

const changed = orderOf("alice", ["-900 USD main@alice", "900 USD main@bob"]);
const batch = proofOf("alice", ordered);

const prepares: readonly [string, Proof | undefined, typeof order][] = [
  ["invented", undefined, order],
  ["of another amount than was signed", batch, changed],
  ["with the signature of another order", proofOf("alice", otherOrdered), order],
  ["with the signature of a vote on it", proofOf("alice", vote), order],
  ["with the signature of its commit", proofOf("alice", commit), order],
  ["signed by another than its originator", proofOf("carol", ordered), order],
  ["signed by another in its originator's name", {
    ...batch,
    batch: { ...batch.batch, signature: proofOf("carol", ordered).batch.signature },
  }, order],
  ["with the index of another statement", { ...batch, index: 0 }, order],
  ["with an index out of range", { ...batch, index: 2 }, order],
  ["with a list that is cut short", {
    ...batch,
    batch: { ...batch.batch, list: batch.batch.list.slice(0, -1) },
  }, order],
  ["with a changed list", {
    ...batch,
    batch: { ...batch.batch, list: proofOf("alice", otherOrdered).batch.list },
  }, otherLegs],
  [
    "signed for another network",
    proofOf("alice", ordered, node("alice", undefined, "cd".repeat(32))),
    order,
  ],
];

for (const [what, proof, asked] of prepares) {
  Deno.test(`a prepare of an order ${what} is dropped with an alarm, and no other message`, () => {
    const rig = node("bob");
    const ack: Message = { type: "ack", transaction: T2, payment };
    const prepare: Message = { type: "prepare", transaction: T1, order: asked, proof };
    const payload = payloadOf("coordinator", [prepare, ack]);
    assertEquals(believed(rig, "coordinator", payload), [ack]);
    assertEquals(rig.alarms, [
      `coordinator asks to prepare ${payment}, which alice has not signed`,
    ]);
  });
}

Deno.test("a prepare of an order that its originator has signed is believed", () => {
  const rig = node("bob");
  const prepare: Message = { type: "prepare", transaction: T1, order, proof: batch };
  const [found] = believed(rig, "coordinator", payloadOf("coordinator", [prepare]));
  assertEquals((found as { proof: Proof }).proof, batch);
  assertEquals(rig.alarms, []);
});

Deno.test("a prepare of an originator that nobody has introduced is dropped: it comes again", () => {
  const rig = node("bob");
  const unknown = orderOf("mallory", ["-100 USD main@mallory", "100 USD main@bob"]);
  for (const proof of [undefined, batch, proofOf("mallory", { type: "order", order: unknown })]) {
    const prepare: Message = { type: "prepare", transaction: T1, order: unknown, proof };
    assertEquals(believed(rig, "coordinator", payloadOf("coordinator", [prepare])), []);
  }
  assertEquals(rig.alarms, []);
});

Deno.test("a node's own order needs no proof", () => {
  const rig = node("alice");
  const prepare: Message = { type: "prepare", transaction: T1, order };
  assertEquals(believed(rig, "coordinator", payloadOf("coordinator", [prepare])).length, 1);
  assertEquals(rig.alarms, []);
});

// Decisions that peers pass on

const signedCommit = proofOf("coordinator", commit);
const abort: Decision = { ...commit, commit: false, orderHash: undefined, code: "vote_timeout" };

const passedOn: readonly [string, Decision][] = [
  ["of another transaction", { ...commit, transaction: T2, proof: signedCommit }],
  ["of another order", { ...commit, orderHash: otherLegs.hash, proof: signedCommit }],
  ["of another entry", {
    ...commit,
    decided: { ...commit.decided!, number: 8 },
    proof: signedCommit,
  }],
  ["that was an abort", { ...commit, proof: proofOf("coordinator", abort) }],
  ["that was a commit", { ...abort, proof: signedCommit }],
  ["with another code", {
    ...abort,
    code: "insufficient_funds",
    proof: proofOf("coordinator", abort),
  }],
  ["by another key", {
    ...commit,
    proof: proofOf("coordinator", commit, node("coordinator", trusts.get("carol")!)),
  }],
  ["out of range", { ...commit, proof: { ...signedCommit, index: 2 } }],
];

for (const [what, decision] of passedOn) {
  Deno.test(`a decision that a peer passes on ${what} is dropped with an alarm`, () => {
    const rig = node("bob");
    assertEquals(believed(rig, "carol", payloadOf("carol", [decision])), []);
    assertEquals(rig.alarms, [
      `carol passes on a decision of ${decision.transaction} that coordinator has not signed`,
    ]);
  });
}

Deno.test("a decision that a peer passes on as its author signed it is believed", () => {
  for (const decision of [commit, abort]) {
    const rig = node("bob");
    const proof = proofOf("coordinator", decision);
    const [found] = believed(rig, "carol", payloadOf("carol", [{ ...decision, proof }]));
    assertEquals((found as Decision).proof, proof);
    assertEquals(rig.alarms, []);
  }
});

Deno.test("a decision by a node that nobody has introduced is dropped: it comes again", () => {
  const rig = node("bob");
  const decision = { ...abort, proof: proofOf("mallory", abort) };
  assertEquals(believed(rig, "carol", payloadOf("carol", [decision])), []);
  assertEquals(rig.alarms, []);
});

// Introductions, by real certificates

const { coordinator, alice, bob, late } = await makeNetwork();
const stranger = await makeNetwork();

function introductionOf({ certDer: certificate, voucher }: Identity): Introduction {
  return { certificate, voucher };
}

const trusting = new IdentityTrust(coordinator);
const changedVoucher = alice.voucher.with(-70, alice.voucher.at(-70)! ^ 1);

const falseOnes: readonly [string, Introduction, RegExp][] = [
  ["of another name", introductionOf(bob), /the certificate is that of "bob"/],
  ["of another network", introductionOf(stranger.alice), /the certificate of/],
  ["with another's voucher", { ...introductionOf(alice), voucher: bob.voucher }, /that of "bob"/],
  [
    "with a voucher of another network",
    { ...introductionOf(alice), voucher: stranger.alice.voucher },
    /is for the network/,
  ],
  ["with a changed voucher", { ...introductionOf(alice), voucher: changedVoucher }, /not signed/],
  ["without a voucher", { ...introductionOf(alice), voucher: new Uint8Array() }, /the voucher of/],
  ["that is no certificate", { ...introductionOf(alice), certificate: new Uint8Array(9) }, /./],
];

for (const [what, introduction, why] of falseOnes) {
  Deno.test(`an introduction ${what} is not taken from a directory, and is an alarm`, async () => {
    const rig = node("carol", trusting);
    const nodes: Address[] = [
      { name: "alice", address: "alice:1", introduction },
      { name: "bob", address: "bob:1", introduction: introductionOf(bob) },
    ];
    const directory = await rig.statements.introduced("coordinator", { type: "directory", nodes });
    assertEquals(directory.nodes, [nodes[1]!]);
    assertEquals(rig.alarms.length, 1);
    assertMatch(rig.alarms[0]!, /^coordinator introduces "alice" falsely: /);
    assertMatch(rig.alarms[0]!, why);
    await assertRejects(() => trusting.check("alice", introduction), Error);
  });
}

for (
  const [what, introduction] of [
    ["without an introduction", undefined],
    ["whose certificate has expired", introductionOf(late)],
  ] as const
) {
  Deno.test(`a node ${what} is known by name and address alone, which is no alarm`, async () => {
    const rig = node("carol", trusting);
    const nodes = [{ name: "late", address: "late:1", introduction }];
    const directory = await rig.statements.introduced("coordinator", { type: "directory", nodes });
    const [known] = directory.nodes;
    assertEquals([known?.name, known?.address, known?.introduction], ["late", "late:1", undefined]);
    assertEquals(rig.alarms, []);
  });
}

Deno.test("what an introduction's node has signed holds, and nothing else", () => {
  const bytes = new TextEncoder().encode("stated");
  const signature = new IdentityTrust(alice).sign(bytes);
  assert(trusting.hasSigned(introductionOf(alice), bytes, signature));
  assert(!trusting.hasSigned(introductionOf(bob), bytes, signature));
  assert(!trusting.hasSigned(introductionOf(alice), bytes.slice(1), signature));
});

// A whole node

Deno.test("a node takes what a peer has signed, and calls garbage what it has not", async () => {
  const folder = await Deno.makeTempDir({ prefix: "handfast-trust-" });
  const certs = `${folder}/certs`;
  await initCertificates({ dir: certs, nodes: ["coordinator", "alice", "bob"] });
  const anywhere = { hostname: "127.0.0.1", port: 0 };
  const lines: string[] = [];
  const { node: running, stop } = await startNode({
    role: "coordinator",
    name: "coordinator",
    certs,
    data: `${folder}/coordinator`,
    listen: anywhere,
    http: anywhere,
    serverName: "coordinator",
    open: [],
    logLevel: "error",
  }, (_level, line) => lines.push(line));
  try {
    const own = new Map<string, Rig>();
    for (const name of ["alice", "bob"] as const) {
      const identity = await loadIdentity({ certs, name });
      own.set(name, node(name, new IdentityTrust(identity), identity.network));
      const clock = new Map([[name as string, 1]]);
      const introduction = introductionOf(identity);
      running.linkUp(name, "participant", { address: `${name}:1`, clock, introduction });
    }
    await running.status();
    running.received("alice", payloadOf("alice", [ordered], own.get("alice")));
    assertEquals((await running.status()).open, 1);
    // The link closes with what is thrown, as with any garbage.
    const forged = payloadOf("alice", [otherOrdered], own.get("bob"));
    assertThrows(() => running.received("alice", forged), FormatError, "alice has not signed");
  } finally {
    await stop();
    await Deno.remove(folder, { recursive: true });
  }
});
