/** What the certificate of a payment shows to a participant that has lost the payment. */

import { decisionStatement, orderStatement, statementOf } from "../codec/statement.ts";
import { invariant } from "../errors.ts";
import type { Authority } from "../keys/certificate.ts";
import type { CheckedMembers } from "../proof/check.ts";
import { checkPaymentProof, ProofError } from "../proof/check.ts";
import type { Signer } from "../proof/payment_proof.ts";
import { decodePaymentProof } from "../proof/payment_proof.ts";
import { sameBytes } from "../protocol/order.ts";
import type { RestoreEvent } from "../protocol/participant_event.ts";

export interface Restorable extends Omit<RestoreEvent, "type" | "request" | "card"> {
  /** By what those are known who have signed it. */
  readonly signers: readonly Signer[];
}

/**
 * Resolves to it where the payment was committed, and the node itself had signed its yes.
 *
 * @throws {ProofError} naming what is missing, or does not hold
 */
export async function restorableFrom(
  bytes: Uint8Array,
  authority: Authority,
  { name, coordinator }: { readonly name: string; readonly coordinator: string },
  checked?: CheckedMembers,
): Promise<Restorable> {
  const proven = await checkPaymentProof(bytes, authority, checked);
  const { state, votes } = proven;
  const { order, transaction, decided, proofs, signers } = decodePaymentProof(bytes);
  const { payment, hash: orderHash } = order;
  if (state !== "committed") throw new ProofError(`payment ${payment} is ${state}`);
  if (proven.coordinator !== coordinator) {
    throw new ProofError(
      `payment ${payment} was decided by "${proven.coordinator}", not by "${coordinator}", which ` +
        "is the coordinator of this node (--server-name)",
    );
  }
  if (!votes.includes(name)) {
    throw new ProofError(
      `"${name}" has not signed a yes to payment ${payment}: take the coordinator's proof of it`,
    );
  }
  const by = (signer: string, statement: Uint8Array) =>
    proofs.find((proof) =>
      proof.batch.signer === signer && sameBytes(statementOf(proof), statement)
    );
  const ordered = by(order.originator, orderStatement(order));
  const decision = { transaction, payment, commit: true, orderHash, decided };
  const proof = by(coordinator, decisionStatement(decision));
  const isWhole = decided !== undefined && ordered !== undefined && proof !== undefined;
  invariant(isWhole, "a proof that holds has what it was found to hold by");
  return { order, transaction, decided, ordered, proof, signers };
}
