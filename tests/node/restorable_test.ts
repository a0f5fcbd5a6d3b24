/** Of what certificates a participant takes a payment back, and of what others it does not. */

import { assertEquals, assertRejects } from "@std/assert";
import {
  decisionStatement,
  listOf,
  orderStatement,
  signedBytes,
  voteStatement,
} from "../../src/codec/statement.ts";
import { loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { Log } from "../../src/log/log.ts";
import { MemoryStorage } from "../../src/log/storage.ts";
import { IdentityTrust } from "../../src/node/identity_trust.ts";
import { IntroductionHistory } from "../../src/node/introduction_history.ts";
import { provePayment } from "../../src/node/prove.ts";
import { restorableFrom } from "../../src/node/restorable.ts";
import { ProofError } from "../../src/proof/check.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { nowMs, order } from "./loop_rig.ts";

const dir = await Deno.makeTempDir();
await initCertificates({ dir, nodes: ["coordinator", "alice", "bob"] });
await initCertificates({ dir, nodes: ["second"], coordinator: "second" });
const load = (name: string) => loadIdentity({ certs: dir, name });
const identities = {
  coordinator: await load("coordinator"),
  second: await load("second"),
  alice: await load("alice"),
  bob: await load("bob"),
};
type Name = keyof typeof identities;
await Deno.remove(dir, { recursive: true });
const { network } = identities.alice;
const trustOf = (name: Name) => new IdentityTrust(identities[name]);

const transaction = "1-0123456789ab-1" as TransactionId;
const paid = order();
const { payment, hash: orderHash, originator } = paid;
const decided = { number: 2, atMs: nowMs, clock: new Map([["coordinator", 2]]) };

function by(signer: Name, statement: Uint8Array): Proof {
  const list = listOf(statement);
  const signature = trustOf(signer).sign(signedBytes(network, { signer, list }));
  return { batch: { signer, list, signature }, index: 0 };
}

/** The certificate that a node writes whose log has this record. */
async function provenBy(name: Name, ...records: LogRecord[]): Promise<Uint8Array> {
  const log = await Log.open(new MemoryStorage());
  await log.replay(() => {});
  for (const [index, record] of [{ ...started }, ...records].entries()) {
    const clock = new Map([[name, index + 1]]);
    await log.append({ atMs: nowMs, clock, witnesses: new Map(), records: [record] });
  }
  const introductionOf = (of: string) => trustOf(of as Name).introduction;
  const history = new IntroductionHistory(log);
  const options = { name, network, log, trust: trustOf(name), introductionOf, history };
  return (await provePayment(options, payment, false))!;
}

const started: LogRecord = { type: "started", epoch: { counter: 1, nonce: "0123456789ab" } };
const ordered = by("alice", orderStatement(paid));
const yes = voteStatement({ transaction, orderHash, yes: true });
const votes = [by("alice", yes), by("bob", yes)];
const committed: LogRecord = {
  ...{ type: "committed", transaction, order: paid, proofs: [ordered, ...votes] },
};
const restorable = (bytes: Uint8Array, name = "alice", coordinator = "coordinator") =>
  restorableFrom(bytes, identities.alice, { name, coordinator });

Deno.test("the coordinator's certificate gives back what was committed, with what was signed", async () => {
  assertEquals(originator, "alice");
  for (const name of ["alice", "bob"]) {
    const found = await restorable(await provenBy("coordinator", committed), name);
    assertEquals([found.order.payment, found.transaction], [payment, transaction]);
    assertEquals([found.decided.number, found.ordered.batch.signer], [2, "alice"]);
    assertEquals(found.proof.batch.signer, "coordinator");
    assertEquals(found.signers.map(({ name }) => name), ["alice", "bob", "coordinator"]);
  }
});

const decision = decisionStatement({ transaction, payment, commit: true, orderHash, decided });
const prepared: LogRecord = { type: "prepared", transaction, order: paid, proof: ordered };
const posted: LogRecord = {
  ...{ type: "posted", transaction, payment, decided, proof: by("coordinator", decision) },
};
const abort = decisionStatement({ transaction, payment, commit: false });
const released: LogRecord = {
  ...{ type: "released", transaction, payment, proof: by("coordinator", abort) },
};

const refused: readonly [what: string, bytes: Promise<Uint8Array>, name: Name, why: string][] = [
  [
    "another participant's, which has not this node's vote",
    provenBy("bob", prepared, posted),
    "alice",
    '"alice" has not signed a yes to payment',
  ],
  ["an attempt that was aborted", provenBy("bob", prepared, released), "bob", "is attempt_aborted"],
  [
    "another coordinator's",
    provenBy("second", committed),
    "alice",
    'was decided by "second", not by "coordinator"',
  ],
  ["a payment of others", provenBy("coordinator", committed), "second", '"second" has not signed'],
  ["nothing", Promise.resolve(new Uint8Array()), "alice", "it can't be read"],
];

for (const [what, bytes, name, why] of refused) {
  Deno.test(`nothing is restored from a certificate of ${what}`, async () => {
    const certificate = await bytes;
    await assertRejects(() => restorable(certificate, name), ProofError, why);
  });
}

Deno.test("no byte of a certificate can be changed so that something is restored by it", async () => {
  const bytes = await provenBy("coordinator", committed);
  for (let at = 0; at < bytes.length; at += 7) {
    const changed = bytes.with(at, bytes[at]! ^ 1);
    await assertRejects(() => restorable(changed), ProofError);
  }
});
