/** Of what a certificate is written: an outcome that the coordinator has signed, and no other. */

import { assert, assertEquals } from "@std/assert";
import {
  decisionStatement,
  listOf,
  orderStatement,
  signedBytes,
} from "../../src/codec/statement.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { IntroductionHistory } from "../../src/node/introduction_history.ts";
import { provePayment } from "../../src/node/prove.ts";
import { decodePaymentProof } from "../../src/proof/payment_proof.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { Introduction } from "../../src/protocol/message.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { Random } from "../../src/simulation/random.ts";
import { SimulatedTrust } from "../../src/simulation/trust.ts";
import { nowMs, order } from "./loop_rig.ts";

const network = "00".repeat(32);
const random = new Random(1);
const trusts = {
  coordinator: new SimulatedTrust("coordinator", "coordinator", network, random),
  alice: new SimulatedTrust("alice", "participant", network, random),
  bob: new SimulatedTrust("bob", "participant", network, random),
};
type Name = keyof typeof trusts;

const transaction = "1-0123456789ab-1" as TransactionId;
const paid = order();
const { payment, hash: orderHash } = paid;
const decided = { number: 7, atMs: 1_700_000_000_000, clock: new Map([["coordinator", 7]]) };

function by(signer: Name, statement: Uint8Array): Proof {
  const list = listOf(statement);
  const signature = trusts[signer].sign(signedBytes(network, { signer, list }));
  return { batch: { signer, list, signature }, index: 0 };
}

/** The certificate that bob writes of these records, each in an entry of its own. */
async function provenOf(...records: LogRecord[]) {
  const log = await Log.open(new MemoryStorage());
  await log.replay(() => {});
  for (const [index, record] of records.entries()) {
    const clock = new Map([["bob", index + 1]]);
    await log.append({ atMs: nowMs, clock, witnesses: new Map(), records: [record] });
  }
  const introductionOf = (name: string) => trusts[name as Name].introduction;
  const history = new IntroductionHistory(log);
  const options = { name: "bob", network, log, trust: trusts.bob, introductionOf, history };
  const bytes = await provePayment(options, payment, true);
  return bytes && decodePaymentProof(bytes);
}

const prepared: LogRecord = {
  type: "prepared",
  transaction,
  order: paid,
  proof: by("alice", orderStatement(paid)),
};
const aborted = decisionStatement({ transaction, payment, commit: false });

Deno.test("what the coordinator has committed is proven with order, own vote and decision", async () => {
  const statement = decisionStatement({ transaction, payment, commit: true, orderHash, decided });
  const proof = by("coordinator", statement);
  const proven = await provenOf(prepared, { type: "posted", transaction, payment, decided, proof });
  assert(proven);
  const { writer, commit, proofs, signers } = proven;
  assertEquals([writer, commit], ["bob", true]);
  assertEquals(proofs.map(({ batch }) => batch.signer), ["alice", "bob", "coordinator"]);
  assertEquals(signers.map(({ name }) => name), ["alice", "bob", "coordinator"]);
});

Deno.test("what somebody signed before they came with another key is proven by the one they had", async () => {
  const before = new SimulatedTrust("alice", "participant", network, random);
  const list = listOf(orderStatement(paid));
  const signature = before.sign(signedBytes(network, { signer: "alice", list }));
  const ordered = { batch: { signer: "alice", list, signature }, index: 0 };
  const statement = decisionStatement({ transaction, payment, commit: true, orderHash, decided });
  const proof = by("coordinator", statement);
  const records: LogRecord[] = [
    { ...prepared, proof: ordered },
    { type: "posted", transaction, payment, decided, proof },
  ];
  assertEquals(await provenOf(...records), undefined);
  const introduced = (introduction: Introduction): LogRecord => ({
    ...{ type: "introduced", name: "alice", address: "alice:1", introduction },
  });
  const now = introduced(trusts.alice.introduction);
  const proven = await provenOf(introduced(before.introduction), now, ...records);
  const signer = proven?.signers.find(({ name }) => name === "alice");
  assertEquals(signer?.introduction, before.introduction);
});

Deno.test("what the coordinator has aborted is proven as aborted", async () => {
  const proof = by("coordinator", aborted);
  const proven = await provenOf(prepared, { type: "released", transaction, payment, proof });
  assertEquals([proven?.commit, proven?.proofs.length], [false, 3]);
});

const unproven: [claim: string, records: LogRecord[]][] = [
  ["what is still in doubt", [prepared]],
  ["what a peer's refusal has ended", [
    prepared,
    { type: "released", transaction, payment, proof: by("alice", aborted) },
  ]],
  ["what was given up for another attempt", [
    prepared,
    { type: "released", transaction, payment },
  ]],
  ["what another attempt has begun of since", [
    prepared,
    { type: "released", transaction, payment, proof: by("coordinator", aborted) },
    { ...prepared, transaction: "1-0123456789ab-2" as TransactionId },
  ]],
  ["what an operator has forced", [
    prepared,
    { type: "forced", transaction, order: paid, commit: true, by: "ann" },
  ]],
];

for (const [claim, records] of unproven) {
  Deno.test(`there is no certificate of ${claim}`, async () => {
    assertEquals(await provenOf(...records), undefined);
  });
}
