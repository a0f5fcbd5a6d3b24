/** Gives a participant back what its log has lost, one payment after the other, by their certificates. */

import type { RestoreAnswer } from "../http/node_api.ts";
import type { Authority } from "../keys/certificate.ts";
import type { Log } from "../log/log.ts";
import type { CheckedMembers } from "../proof/check.ts";
import type { Signer } from "../proof/payment_proof.ts";
import { decodePaymentProof } from "../proof/payment_proof.ts";
import { sameIntroduction } from "../protocol/membership.ts";
import type { Introduction } from "../protocol/message.ts";
import type { Participant } from "../protocol/participant.ts";
import type { ParticipantEvent, Reply } from "../protocol/participant_event.ts";
import type { Introduced } from "../protocol/record.ts";
import type { Loop } from "./loop.ts";
import type { Requests } from "./requests.ts";
import { restorableFrom } from "./restorable.ts";

export interface RestorerOptions {
  readonly name: string;
  readonly coordinator: string;
  readonly participant: Participant;
  readonly log: Log;
  readonly authority: () => Authority;
  readonly loop: () => Loop<ParticipantEvent, Reply>;
  readonly requests: Requests;
  /** By what a peer was known, as of the log. */
  readonly introductionsOf: (name: string) => Promise<readonly Introduction[]>;
}

/** Of a node that has signed something restored: a link will tell. */
const addressUnknown = "unknown";

export class Restorer {
  readonly #options: RestorerOptions;
  readonly #checked: CheckedMembers = new Map();
  /** All so far are in the log: what was decided up to the last of them is known here. */
  #isWhole = true;

  constructor(options: RestorerOptions) {
    this.#options = options;
  }

  /** @throws {ProofError} if the certificate does not show that this node has to have it */
  async restore(proof: Uint8Array, card: string | undefined): Promise<RestoreAnswer> {
    const { name, coordinator, participant, authority, loop, requests } = this.#options;
    const known = await this.#knownBy(proof);
    if (known) return known;
    const { signers, ...rest } = await restorableFrom(
      proof,
      authority(),
      { name, coordinator },
      this.#checked,
    );
    const restorable = { ...rest, card };
    const id = restorable.order.payment;
    const why = await loop().read(() => participant.whyNotRestored(restorable));
    if (why !== undefined) {
      this.#isWhole &&= why === "known";
      return { id, result: why };
    }
    // By the clock peers tell what is lacking here: what follows a gap is not taken over.
    if (this.#isWhole) loop().hear(restorable.decided.clock);
    for (const signer of signers) await this.#introduce(signer);
    const event = { type: "restore", ...restorable } as const;
    const { result } = await requests.ask("restoration", event);
    this.#isWhole &&= result === "restored" || result === "known";
    return { id, result };
  }

  /** What the log has is not checked again: there may be very many. */
  async #knownBy(proof: Uint8Array): Promise<RestoreAnswer | undefined> {
    let claimed;
    try {
      claimed = decodePaymentProof(proof);
    } catch {
      // What is wrong with it is told when it is checked.
      return undefined;
    }
    const { order: { payment: id }, transaction } = claimed;
    const found = await this.#options.log.lookUp(id);
    const isPosted = found.some(([, record]) =>
      record.type === "posted" && record.transaction === transaction
    );
    return isPosted ? { id, result: "known" } : undefined;
  }

  /** That what somebody had signed holds is to be seen in this log, too. */
  async #introduce({ name, introduction }: Signer): Promise<void> {
    const { membership } = this.#options.participant.state;
    if (name === this.#options.name) return;
    if (sameIntroduction(membership.introductionOf(name), introduction)) return;
    const before = await this.#options.introductionsOf(name);
    if (before.some((known) => sameIntroduction(known, introduction))) return;
    const address = membership.addressOf(name) ?? addressUnknown;
    const now = membership.introductionOf(name);
    // The one by which it is known now goes on to be that.
    const records = [introduction, now].flatMap((one): Introduced[] =>
      one ? [{ type: "introduced", name, address, introduction: one }] : []
    );
    const loop = this.#options.loop();
    await Promise.all(records.map((record) => loop.settled({ type: "record", record })));
  }
}
