/**
 * Details sealed at once, where HPKE by WebCrypto would come back outside the run's schedule. Anyone could
 * compute what opens them; that none but their recipient does is what runs look at.
 */

import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import type { Introduction } from "../protocol/message.ts";
import type { Sealing } from "../node/sealing.ts";

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

export class SimulatedSealing implements Sealing {
  readonly #introduction: Introduction;
  #sealed = 0;

  constructor(introduction: Introduction) {
    this.#introduction = introduction;
  }

  seal(to: Introduction, binding: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
    const nonce = hmac(`nonce ${++this.#sealed}`, to.voucher, binding).subarray(0, nonceBytes);
    return Promise.resolve(this.#seal(to, binding, plaintext, nonce));
  }

  sealRepeatably(
    to: Introduction,
    binding: Uint8Array,
    plaintext: Uint8Array,
  ): Promise<Uint8Array> {
    const nonce = hmac("nonce", to.voucher, binding, plaintext).subarray(0, nonceBytes);
    return Promise.resolve(this.#seal(to, binding, plaintext, nonce));
  }

  #seal(
    to: Introduction,
    binding: Uint8Array,
    plaintext: Uint8Array,
    nonce: Uint8Array,
  ): Uint8Array {
    const cipher = createCipheriv(algorithm, hmac("key", to.voucher), nonce);
    cipher.setAAD(binding);
    const sealed = new Uint8Array(nonceBytes + plaintext.length + tagBytes);
    sealed.set(nonce);
    sealed.set(cipher.update(plaintext), nonceBytes);
    cipher.final();
    sealed.set(cipher.getAuthTag(), nonceBytes + plaintext.length);
    return sealed;
  }

  open(binding: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#open(binding, sealed));
  }

  #open(binding: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < nonceBytes + tagBytes) return undefined;
    const nonce = sealed.subarray(0, nonceBytes);
    const decipher = createDecipheriv(algorithm, hmac("key", this.#introduction.voucher), nonce);
    decipher.setAAD(binding);
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    const plaintext = decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return new Uint8Array(plaintext);
  }

  digest(text: string): string {
    return hmac("digest", this.#introduction.voucher, new TextEncoder().encode(text)).toHex();
  }
}

function hmac(key: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHmac("sha256", key);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
