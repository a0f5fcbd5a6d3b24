/** Sealing to the keys for which nodes' certificates vouch, and opening with this node's own. */

import { createHmac, type KeyObject } from "node:crypto";
import type { Identity } from "../keys/identity.ts";
import { open, seal, type SealingKey, sealRepeatably } from "../keys/seal.ts";
import { decodeVoucher } from "../keys/voucher.ts";
import type { Introduction } from "../protocol/message.ts";
import type { Sealing } from "./sealing.ts";

export class IdentitySealing implements Sealing {
  readonly #info: Uint8Array;
  readonly #key: SealingKey;
  readonly #secret: Uint8Array;

  constructor({ network, signingKey, sealingKey }: Identity) {
    this.#info = new TextEncoder().encode(`handfast details 1 ${network}`);
    this.#key = sealingKey;
    this.#secret = secretOf(signingKey);
  }

  seal(
    { voucher }: Introduction,
    binding: Uint8Array,
    plaintext: Uint8Array,
  ): Promise<Uint8Array> {
    return seal(decodeVoucher(voucher).sealingKey, this.#info, binding, plaintext);
  }

  sealRepeatably(
    { voucher }: Introduction,
    binding: Uint8Array,
    plaintext: Uint8Array,
  ): Promise<Uint8Array> {
    const { sealingKey } = decodeVoucher(voucher);
    return sealRepeatably(this.#secret, sealingKey, this.#info, binding, plaintext);
  }

  open(binding: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined> {
    return open(this.#key, this.#info, binding, sealed);
  }

  digest(text: string): string {
    return createHmac("sha256", this.#secret).update("handfast digest").update(text).digest("hex");
  }
}

/**
 * A secret of the node that lasts as long as its signing key, and tells nothing of it. It has to outlive
 * restarts, and to stand elsewhere than the log: whoever has both can try guesses at what was sealed.
 */
function secretOf(signingKey: KeyObject): Uint8Array {
  const key = signingKey.export({ type: "pkcs8", format: "der" });
  return new Uint8Array(createHmac("sha256", key).update("handfast details 1").digest());
}
