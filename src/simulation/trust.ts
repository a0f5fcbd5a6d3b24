/** Real signatures, by keys that the seed makes; who has which is given, not certified. */

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readSigningPublicKey } from "../keys/public_key.ts";
import { signBytes, verifyBytes } from "../keys/signature.ts";
import { decodeVoucher, encodeVoucher } from "../keys/voucher.ts";
import type { Role } from "../names.ts";
import type { Introduction } from "../protocol/message.ts";
import type { Trust } from "../node/trust.ts";
import type { Random } from "./random.ts";

/** What comes before the 32 bytes of an Ed25519 key in PKCS#8 (RFC 8410). */
const privatePrefix = "302e020100300506032b657004220420";

export class SimulatedTrust implements Trust {
  readonly introduction: Introduction;
  readonly #name: string;
  readonly #privateKey: KeyObject;
  readonly #keys = new WeakMap<Uint8Array, KeyObject>();

  constructor(name: string, role: Role, network: string, random: Random) {
    const der = Buffer.from(privatePrefix + random.hex(64), "hex");
    this.#name = name;
    this.#privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.#privateKey).export({ format: "der", type: "spki" });
    const voucher = {
      network,
      name,
      role,
      signingKey: new Uint8Array(spki.subarray(spki.length - 32)),
      sealingKey: new Uint8Array(32),
      signature: new Uint8Array(64),
    };
    this.introduction = {
      certificate: new TextEncoder().encode(name),
      voucher: encodeVoucher(voucher),
    };
  }

  sign(bytes: Uint8Array): Uint8Array {
    return signBytes(this.#privateKey, bytes);
  }

  hasSigned({ voucher }: Introduction, bytes: Uint8Array, signature: Uint8Array): boolean {
    return verifyBytes(this.#keyOf(voucher), bytes, signature);
  }

  check(name: string, { certificate }: Introduction): Promise<boolean> {
    if (new TextDecoder().decode(certificate) === name) return Promise.resolve(true);
    return Promise.reject(new Error(`${this.#name} knows "${name}" by another certificate`));
  }

  /** Here keys are never stolen. */
  isRevoked(): boolean {
    return false;
  }

  #keyOf(voucher: Uint8Array): KeyObject {
    let key = this.#keys.get(voucher);
    if (!key) {
      key = readSigningPublicKey(decodeVoucher(voucher).signingKey);
      this.#keys.set(voucher, key);
    }
    return key;
  }
}
