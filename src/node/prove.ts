/** Writes the certificate of a payment from what this node's log has of it. */

import {
  decisionStatement,
  listOf,
  orderStatement,
  signedBytes,
  voteStatement,
} from "../codec/statement.ts";
import type { Log } from "../log/log.ts";
import { invariant } from "../errors.ts";
import { decodeVoucher } from "../keys/voucher.ts";
import type { Signer } from "../proof/payment_proof.ts";
import { encodePaymentProof, encodeUnsigned } from "../proof/payment_proof.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Decided, Introduction } from "../protocol/message.ts";
import type { Order, RefusalCode } from "../protocol/order.ts";
import type { Batch, Proof } from "../protocol/proof.ts";
import type { EntryContext } from "../protocol/record.ts";
import type { IntroductionHistory } from "./introduction_history.ts";
import type { Trust } from "./trust.ts";

export interface ProveOptions {
  readonly name: string;
  readonly network: string;
  readonly log: Log;
  readonly trust: Trust;
  readonly introductionOf: (name: string) => Introduction | undefined;
  readonly history: Pick<IntroductionHistory, "of">;
}

interface Outcome {
  readonly transaction: TransactionId;
  readonly order: Order;
  readonly commit: boolean;
  readonly code?: RefusalCode;
  readonly decided?: Decided;
  /** The entry that holds it. */
  readonly context: EntryContext;
  readonly proofs: readonly Proof[];
}

/**
 * The proof's bytes; nothing where the log holds no outcome that the coordinator has signed.
 *
 * @param hasEntry whether the entry goes with it, with all else that was stored in the same moment
 */
export async function provePayment(
  options: ProveOptions,
  payment: PaymentId,
  hasEntry: boolean,
): Promise<Uint8Array | undefined> {
  const { name: writer, network, log, trust } = options;
  const outcome = await outcomeOf(options, payment);
  if (!outcome) return undefined;
  const { context: { number, atMs }, proofs, ...rest } = outcome;
  const signers: Signer[] = [];
  for (const name of [...new Set([writer, ...proofs.map(({ batch }) => batch.signer)])].sort()) {
    const introduction = name === writer
      ? trust.introduction
      : await introductionFor(options, name, proofs);
    if (!introduction) return undefined;
    signers.push({ name, introduction });
  }
  const hash = await log.hashOf(number);
  invariant(hash !== undefined, `entry ${number} was looked up, and is not there`);
  const unsigned = {
    network,
    writer,
    ...rest,
    signers,
    proofs,
    place: { number, hash, atMs },
    entry: hasEntry ? await log.entryBytes(number) : undefined,
  };
  const signature = trust.sign(encodeUnsigned(unsigned));
  return encodePaymentProof({ ...unsigned, signature });
}

/** By what a node was known when it signed; mostly it still is. */
async function introductionFor(
  { network, trust, introductionOf, history }: ProveOptions,
  name: string,
  proofs: readonly Proof[],
): Promise<Introduction | undefined> {
  const signed = proofs.filter(({ batch }) => batch.signer === name).map(({ batch }) => batch);
  const vouches = (introduction: Introduction) =>
    signed.every((batch) =>
      trust.hasSigned(introduction, signedBytes(network, batch), batch.signature)
    );
  const now = introductionOf(name);
  if (now && vouches(now)) return now;
  return (await history.of(name)).find(vouches);
}

async function outcomeOf(
  { name, network, log, trust, introductionOf }: ProveOptions,
  payment: PaymentId,
): Promise<Outcome | undefined> {
  /** What this node itself states, signed now as it was then. */
  const own = (statement: Uint8Array): Proof => ownProof(name, network, trust, statement);
  const isOfCoordinator = ({ batch: { signer } }: Proof) => {
    const introduction = introductionOf(signer);
    return introduction && decodeVoucher(introduction.voucher).role === "coordinator";
  };
  let prepared: { transaction: TransactionId; order: Order; proofs: Proof[] } | undefined;
  let outcome: Outcome | undefined;
  for (const [context, record] of await log.lookUp(payment)) {
    switch (record.type) {
      case "committed": {
        const { transaction, order, proofs } = record;
        const { hash: orderHash } = order;
        const decided = context;
        const decision = { transaction, payment, commit: true, orderHash, decided };
        const signed = own(decisionStatement(decision));
        return { transaction, order, commit: true, decided, context, proofs: [...proofs, signed] };
      }
      case "prepared": {
        const { transaction, order, proof } = record;
        const ordered = proof ?? own(orderStatement(order));
        const yes = voteStatement({ transaction, orderHash: order.hash, yes: true });
        prepared = { transaction, order, proofs: [ordered, own(yes)] };
        // What became of an attempt before it says nothing of this one.
        outcome = undefined;
        break;
      }
      case "posted":
      case "released": {
        const { proof, decided } = record;
        if (!prepared || !proof || prepared.transaction !== record.transaction) break;
        if (!isOfCoordinator(proof)) break;
        const { transaction, order, proofs } = prepared;
        const commit = record.type === "posted";
        const code = record.type === "released" ? record.code : undefined;
        const all = [...proofs, proof];
        outcome = { transaction, order, commit, code, decided, context, proofs: all };
        break;
      }
    }
  }
  return outcome;
}

function ownProof(signer: string, network: string, trust: Trust, statement: Uint8Array): Proof {
  const list = listOf(statement);
  const batch: Batch = {
    signer,
    list,
    signature: trust.sign(signedBytes(network, { signer, list })),
  };
  return { batch, index: 0 };
}
