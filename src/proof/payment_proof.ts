/**
 * The certificate of a payment: what was ordered, who voted, what was decided, and the entry in which the
 * node that writes it has that, all as it was signed. Whoever has the network's CA certificate can check
 * it, and needs to trust none of the nodes.
 */

import { Reader, Writer } from "../bytes.ts";
import { decodeOrder } from "../codec/order.ts";
import {
  DecidedReader,
  DecidedWriter,
  hashBytes,
  ProofReader,
  ProofWriter,
  readCode,
  readFlag,
  readName,
  readTransaction,
  signatureBytes,
  writeCode,
  writeTransaction,
} from "../codec/values.ts";
import { FormatError } from "../errors.ts";
import { legsMax } from "../limits.ts";
import type { TransactionId } from "../protocol/id.ts";
import type { Decided, Introduction } from "../protocol/message.ts";
import type { Order, RefusalCode } from "../protocol/order.ts";
import { refusalCodes, sameBytes } from "../protocol/order.ts";
import type { Proof } from "../protocol/proof.ts";

/** A node that has signed something here. */
export interface Signer {
  readonly name: string;
  readonly introduction: Introduction;
}

export interface PaymentProof {
  /** SHA-256 of the CA's certificate, hexadecimal. */
  readonly network: string;
  /** The node that writes it. */
  readonly writer: string;
  readonly order: Order;
  readonly transaction: TransactionId;
  readonly commit: boolean;
  /** Sorted by name, each once. */
  readonly signers: readonly Signer[];
  /** Of the order, of votes and of the decision, as far as the writer has them. */
  readonly proofs: readonly Proof[];
  /** Why the payment, not only this transaction, was aborted. */
  readonly code?: RefusalCode;
  /** Where the coordinator has decided so: its entry, and the clock of that. */
  readonly decided?: Decided;
  /** The entry of the writer's log that holds the outcome: its number, hash, and time by its clock. */
  readonly place: { readonly number: number; readonly hash: Uint8Array; readonly atMs: number };
  /** Its bytes, with all else that was stored in the same moment; missing where the writer keeps that. */
  readonly entry?: Uint8Array;
  /** By the writer, over all before it. */
  readonly signature: Uint8Array;
}

const domain = "handfast payment proof 1";
/** The order's, one vote a participant, and the decision's. */
const proofsMax = legsMax + 2;

/** What the writer signs: all but the signature. */
export function encodeUnsigned(proof: Omit<PaymentProof, "signature">): Uint8Array {
  const w = new Writer(4096);
  w.text(domain);
  w.hex(proof.network);
  w.text(proof.writer);
  w.blob(proof.order.bytes);
  writeTransaction(w, proof.transaction);
  w.u8(proof.commit ? 1 : 0);
  w.varint(proof.signers.length);
  for (const { name, introduction: { certificate, voucher } } of proof.signers) {
    w.text(name);
    w.blob(certificate);
    w.blob(voucher);
  }
  w.varint(proof.proofs.length);
  const proofs = new ProofWriter();
  for (const one of proof.proofs) proofs.write(w, one);
  writeCode(w, refusalCodes, proof.code);
  new DecidedWriter().write(w, proof.decided);
  w.varint(proof.place.number);
  w.raw(proof.place.hash);
  w.varint(proof.place.atMs);
  w.u8(proof.entry ? 1 : 0);
  if (proof.entry) w.blob(proof.entry);
  return w.slice();
}

export function encodePaymentProof(proof: PaymentProof): Uint8Array {
  const w = new Writer(4096);
  w.raw(encodeUnsigned(proof));
  w.raw(proof.signature);
  return w.slice();
}

/** Whether it begins as one, whatever follows. */
export function isPaymentProof(bytes: Uint8Array): boolean {
  try {
    return new Reader(bytes).text() === domain;
  } catch {
    return false;
  }
}

/** Throws {@linkcode FormatError}, also for what is not written as it would be written again. */
export function decodePaymentProof(bytes: Uint8Array): PaymentProof {
  const r = new Reader(bytes);
  if (r.text() !== domain) throw new FormatError("it is no proof of a payment that is known here");
  const network = r.hex(hashBytes);
  const writer = readName(r);
  const order = decodeOrder(r.blob());
  const transaction = readTransaction(r);
  const commit = readFlag(r);
  const signers: Signer[] = [];
  for (let count = r.varint(); count > 0; count--) {
    const name = readName(r);
    if (signers.length > 0 && signers.at(-1)!.name >= name) {
      throw new FormatError("signers in disorder");
    }
    signers.push({ name, introduction: { certificate: r.blob(), voucher: r.blob() } });
  }
  const proofs: Proof[] = [];
  const reader = new ProofReader();
  const count = r.varint();
  if (count > proofsMax) throw new FormatError(`${count} statements`);
  while (proofs.length < count) proofs.push(reader.need(r));
  const code = readCode(r, refusalCodes);
  const decided = new DecidedReader().read(r);
  const place = { number: r.varint(), hash: r.raw(hashBytes), atMs: r.varint() };
  const entry = readFlag(r) ? r.blob() : undefined;
  const signature = r.raw(signatureBytes);
  r.end();
  const proof = {
    network,
    writer,
    order,
    transaction,
    commit,
    signers,
    proofs,
    code,
    decided,
    place,
    entry,
    signature,
  };
  if (!sameBytes(encodePaymentProof(proof), bytes)) {
    throw new FormatError("it is not written as it has to be");
  }
  return proof;
}
