/** Checks the certificate of a payment, with nothing but the network's CA certificate. */

import type { KeyObject } from "node:crypto";
import { decodeEntry } from "../codec/record.ts";
import {
  decisionStatement,
  orderStatement,
  signedBytes,
  statementOf,
  voteStatement,
} from "../codec/statement.ts";
import { FormatError, messageOf } from "../errors.ts";
import type { Authority } from "../keys/certificate.ts";
import { parseCertificate, verifyPeerCertificate } from "../keys/certificate.ts";
import { readSigningPublicKey } from "../keys/public_key.ts";
import { verifyBytes } from "../keys/signature.ts";
import { decodeVoucher, verifyVoucher } from "../keys/voucher.ts";
import type { Role } from "../names.ts";
import { decisionText } from "../protocol/message.ts";
import type { Order, RefusalCode } from "../protocol/order.ts";
import { participantsOf, sameBytes } from "../protocol/order.ts";
import type { Proof } from "../protocol/proof.ts";
import { sha256 } from "../sha256.ts";
import type { PaymentProof } from "./payment_proof.ts";
import { decodePaymentProof, encodeUnsigned, isPaymentProof } from "./payment_proof.ts";

/** Why a proof does not hold. */
export class ProofError extends Error {
  override name = "ProofError";
}

export interface Proven {
  readonly order: Order;
  readonly transaction: string;
  /** `attempt_aborted`: this transaction was, which says nothing of the payment. */
  readonly state: "committed" | "aborted" | "attempt_aborted";
  readonly code?: RefusalCode;
  readonly writer: string;
  readonly coordinator: string;
  /** Participants whose signed yes is there. */
  readonly votes: readonly string[];
  /** Where the writer's log has it, and when by its clock. */
  readonly place: { readonly number: number; readonly atMs: number };
  /** Whether the entry itself is there, and holds it. */
  readonly hasEntry: boolean;
}

interface Member {
  readonly name: string;
  readonly role: Role;
  readonly key: KeyObject;
  readonly expiresMs: number;
}

/** Certificates and vouchers that were found to be good, by their hash: many proofs show the same. */
export type CheckedMembers = Map<string, Member>;

/**
 * Resolves to what is proven.
 *
 * @param checked of the same authority
 * @throws {ProofError} naming what does not hold
 */
export async function checkPaymentProof(
  bytes: Uint8Array,
  authority: Authority,
  checked: CheckedMembers = new Map(),
): Promise<Proven> {
  const proof = readProof(bytes);
  if (proof.network !== authority.network) {
    throw new ProofError(`it is of the network ${proof.network}, the CA's is ${authority.network}`);
  }
  await proving("its last signature", () => checkWriter(proof));
  const members = await membersOf(proof, authority, checked);
  const { order, transaction, commit, code, decided, writer, place } = proof;
  const { payment, hash: orderHash } = order;
  const coordinator = [...members].find(([, { role }]) => role === "coordinator")?.[0];
  if (coordinator === undefined) throw new ProofError("no coordinator has signed it");
  for (const { batch } of proof.proofs) {
    const member = members.get(batch.signer);
    if (!member) throw new ProofError(`there is no certificate of "${batch.signer}"`);
    if (verifyBytes(member.key, signedBytes(proof.network, batch), batch.signature)) continue;
    throw new ProofError(`a signature is not that of "${batch.signer}"`);
  }
  const by = (signer: string, statement: Uint8Array) =>
    proof.proofs.some((one) => one.batch.signer === signer && sameBytes(stated(one), statement));
  if (!by(order.originator, orderStatement(order))) {
    throw new ProofError(`${order.originator} has not signed the order`);
  }
  if (commit && !decided) throw new ProofError("it does not say where the commit stands");
  const decision = { transaction, payment, commit, orderHash, code, decided };
  if (!by(coordinator, decisionStatement(decision))) {
    throw new ProofError(`${coordinator} has not signed the ${decisionText(commit)}`);
  }
  const yes = voteStatement({ transaction, orderHash, yes: true });
  const votes = participantsOf(order).filter((name) => by(name, yes));
  if (writer === coordinator && commit && votes.length < participantsOf(order).length) {
    throw new ProofError("a participant's yes is missing");
  }
  await proving("its entry", () => checkEntry(proof));
  const { number, atMs } = place;
  return {
    order,
    transaction,
    state: commit ? "committed" : code ? "aborted" : "attempt_aborted",
    code,
    writer,
    coordinator,
    votes,
    place: { number, atMs },
    hasEntry: proof.entry !== undefined,
  };
}

function readProof(bytes: Uint8Array): PaymentProof {
  try {
    return decodePaymentProof(bytes);
  } catch (error) {
    const why = isPaymentProof(bytes)
      ? `so it was changed or is damaged (${messageOf(error)})`
      : "so it is no proof of a payment, or one of a later version, or is damaged";
    throw new ProofError(`it can't be read, ${why}`);
  }
}

async function proving<T>(what: string, check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof ProofError) throw error;
    throw new ProofError(`${what}: ${messageOf(error)}`);
  }
}

function stated(proof: Proof): Uint8Array {
  try {
    return statementOf(proof);
  } catch (error) {
    if (error instanceof FormatError) throw new ProofError(messageOf(error));
    throw error;
  }
}

/** Nearly every changed byte is found here, before any certificate is looked at. */
function checkWriter(proof: PaymentProof): void {
  const { writer, signers, signature } = proof;
  const introduction = signers.find(({ name }) => name === writer)?.introduction;
  if (!introduction) throw new ProofError(`there is no certificate of "${writer}"`);
  const key = readSigningPublicKey(decodeVoucher(introduction.voucher).signingKey);
  if (verifyBytes(key, encodeUnsigned(proof), signature)) return;
  throw new ProofError(
    `it is not as "${writer}" has written and signed it: it was changed or is damaged`,
  );
}

/** Certificates must not have expired when the entry was written. One renewed since vouches as well. */
async function membersOf(
  { signers, place: { atMs } }: PaymentProof,
  authority: Authority,
  checked: CheckedMembers,
): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  for (const { name, introduction: { certificate, voucher } } of signers) {
    await proving(`the certificate of "${name}"`, async () => {
      const key = sha256(new Uint8Array([...certificate, ...voucher])).toHex();
      const known = checked.get(key);
      if (known?.name === name && atMs <= known.expiresMs) return members.set(name, known);
      const { notBefore } = parseCertificate(certificate);
      const nowMs = Math.max(atMs, notBefore.getTime());
      const peer = await verifyPeerCertificate(authority, certificate, nowMs);
      if (peer.name !== name) throw new ProofError(`it is that of "${peer.name}"`);
      const { role, signingKey } = verifyVoucher(authority, peer, voucher);
      const member = { name, role, key: signingKey, expiresMs: peer.expiresMs };
      checked.set(key, member);
      return members.set(name, member);
    });
  }
  return members;
}

/** If the entry is there, it is the one that the writer names, and holds the outcome. */
function checkEntry({ entry: bytes, place, order, transaction, commit }: PaymentProof): void {
  if (!bytes) return;
  const entry = decodeEntry(bytes);
  const isNamed = entry.number === place.number && entry.atMs === place.atMs &&
    sameBytes(sha256(bytes), place.hash);
  if (!isNamed) {
    throw new ProofError("it is another than the writer names");
  }
  const holds = entry.records.some((record) => {
    if (!("transaction" in record) || record.transaction !== transaction) return false;
    if (commit && record.type === "committed") return sameBytes(record.order.bytes, order.bytes);
    if (!("payment" in record) || record.payment !== order.payment) return false;
    return record.type === (commit ? "posted" : "released");
  });
  if (!holds) throw new ProofError(`it does not hold the outcome of ${order.payment}`);
}
