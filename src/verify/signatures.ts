/**
 * Whether what a log has as stated by others was: orders by their originators, yes votes by every
 * participant, decisions by the coordinator. The keys are those that the log itself was introduced to;
 * that a certificate vouched for them was checked when they came, and is checked again where the CA is given
 * (`certificates.ts`), and by `verify-proof`.
 */

import type { KeyObject } from "node:crypto";
import type { Entry } from "../codec/record.ts";
import {
  decisionStatement,
  orderStatement,
  signedBytes,
  statementOf,
  voteStatement,
} from "../codec/statement.ts";
import { FormatError } from "../errors.ts";
import { readSigningPublicKey } from "../keys/public_key.ts";
import { verifyBytes } from "../keys/signature.ts";
import { decodeVoucher } from "../keys/voucher.ts";
import type { PaymentId } from "../protocol/id.ts";
import { isParticipantOf, participantsOf, sameBytes } from "../protocol/order.ts";
import type { Batch, Proof } from "../protocol/proof.ts";
import type { Committed, Introduced, LogRecord, Prepared } from "../protocol/record.ts";
import type { Chain } from "./chain.ts";
import type { Findings } from "./findings.ts";

export class SignatureCheck {
  readonly #name: string;
  readonly #network: string;
  readonly #coordinator: string | undefined;
  #vouched: string | undefined;
  readonly #findings: Findings;
  /** All that each name has had: certificates are renewed, and keys with them. */
  readonly #keys = new Map<string, KeyObject[]>();
  readonly #checked = new WeakMap<Batch, boolean>();
  /** Of what is prepared and not settled. */
  readonly #orders = new Map<PaymentId, Prepared>();

  /** @param coordinator its name, if it is known */
  constructor(
    { genesis: { name, network } }: Chain,
    coordinator: string | undefined,
    findings: Findings,
  ) {
    this.#coordinator = coordinator;
    this.#name = name;
    this.#network = network;
    this.#findings = findings;
  }

  /** Returns who has signed the decision by which a payment is settled here, if that holds. */
  add(record: LogRecord, entry: Entry): string | undefined {
    switch (record.type) {
      case "introduced":
        this.#introduce(record, entry);
        return undefined;
      case "committed":
        this.#checkCommitted(record, entry);
        return undefined;
      case "prepared": {
        const { order, proof } = record;
        this.#orders.set(order.payment, record);
        if (order.originator === this.#name) return undefined;
        const what = `prepares ${order.payment} without ${order.originator}'s signature on it`;
        this.#expect(proof, order.originator, orderStatement(order), entry, what);
        return undefined;
      }
      case "posted": {
        const { payment, transaction, decided, proof } = record;
        const prepared = this.#orders.get(payment);
        this.#orders.delete(payment);
        const orderHash = prepared?.order.hash;
        if (!orderHash) return undefined;
        const commit = true;
        const statement = decisionStatement({
          transaction,
          payment,
          commit,
          orderHash,
          decided,
        });
        const what = `posts ${payment} without the coordinator's signature on its decision`;
        return this.#expect(proof, this.#decider, statement, entry, what);
      }
      case "released": {
        const { payment, transaction, code, decided, proof } = record;
        const prepared = this.#orders.get(payment);
        this.#orders.delete(payment);
        // Given up for a newer attempt: nobody has stated anything.
        if (!proof && !code) return undefined;
        const commit = false;
        const statement = decisionStatement({ transaction, payment, commit, code, decided });
        const what = `releases ${payment} by a decision that nobody has signed who could`;
        // That it has refused is any participant's to say, and all else the coordinator's.
        const isRefusal = code === undefined && decided === undefined && proof !== undefined &&
          prepared !== undefined && isParticipantOf(prepared.order, proof.batch.signer);
        const signer = isRefusal ? undefined : this.#decider;
        return this.#expect(proof, signer, statement, entry, what);
      }
      default:
        return undefined;
    }
  }

  /** The coordinator, by name; where that is not known, by the role for which it was vouched. */
  get #decider(): string | undefined {
    return this.#coordinator ?? this.#vouched;
  }

  #introduce({ name, introduction }: Introduced, entry: Entry): void {
    if (!introduction) return;
    try {
      const voucher = decodeVoucher(introduction.voucher);
      if (voucher.name !== name || voucher.network !== this.#network) {
        return this.#violation(entry, `introduces ${name} by a voucher that is not its own`);
      }
      if (voucher.role === "coordinator") this.#vouched = name;
      const keys = this.#keys.get(name) ?? [];
      this.#keys.set(name, [...keys, readSigningPublicKey(voucher.signingKey)]);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#violation(entry, `introduces ${name} by a voucher that is none: ${error.message}`);
    }
  }

  #checkCommitted({ transaction, order, proofs }: Committed, entry: Entry): void {
    const { payment, originator, hash: orderHash } = order;
    const by = (signer: string, statement: Uint8Array) =>
      proofs.find((proof) =>
        proof.batch.signer === signer && sameBytes(this.#statementIn(proof), statement)
      );
    const ordered = orderStatement(order);
    const what = `commits ${payment} without ${originator}'s signature on it`;
    this.#expect(by(originator, ordered), originator, ordered, entry, what);
    const yes = voteStatement({ transaction, orderHash, yes: true });
    for (const name of participantsOf(order)) {
      const what = `commits ${payment} without the signed yes of ${name}`;
      this.#expect(by(name, yes), name, yes, entry, what);
    }
  }

  /** Returns who has signed the statement: `signer`, or anybody where it is not known who has to. */
  #expect(
    proof: Proof | undefined,
    signer: string | undefined,
    statement: Uint8Array,
    entry: Entry,
    what: string,
  ): string | undefined {
    const holds = proof !== undefined && (signer === undefined || proof.batch.signer === signer) &&
      sameBytes(this.#statementIn(proof), statement) && this.#isSigned(proof.batch);
    if (holds) return proof.batch.signer;
    this.#violation(entry, what);
    return undefined;
  }

  #statementIn(proof: Proof): Uint8Array {
    try {
      return statementOf(proof);
    } catch (error) {
      if (error instanceof FormatError) return new Uint8Array(0);
      throw error;
    }
  }

  #isSigned(batch: Batch): boolean {
    let holds = this.#checked.get(batch);
    if (holds === undefined) {
      const bytes = signedBytes(this.#network, batch);
      const keys = this.#keys.get(batch.signer) ?? [];
      holds = keys.some((key) => verifyBytes(key, bytes, batch.signature));
      this.#checked.set(batch, holds);
    }
    return holds;
  }

  #violation({ number }: Entry, what: string): void {
    this.#findings.violation("signatures", `${this.#name}: entry ${number} ${what}`);
  }
}
