/**
 * Hybrid public key encryption (RFC 9180), one message a key agreement (6.1), base mode, over
 * DHKEM(X25519, HKDF-SHA256) and HKDF-SHA256.
 *
 * Apart from `seal.ts`, which says what Handfast uses, so that the vectors of the RFC pass through the same
 * code with their AEAD and their ephemeral key.
 */

import {
  type Aes128Gcm,
  CipherSuite,
  DecapError,
  DeserializeError,
  DhkemX25519HkdfSha256,
  EncapError,
  HkdfSha256,
  OpenError,
} from "@hpke/core";
import { FormatError } from "../errors.ts";

/** Bytes of the ephemeral public key, which come first in what is sealed. */
export const encBytes = 32;
/** Bytes of the tag at the end of what is sealed, with any AES-GCM. */
export const tagBytes = 16;

/** The suite with that AEAD: `Aes128Gcm` or a class derived from it. */
export function hpkeSuite(aead: Aes128Gcm): CipherSuite {
  return new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead });
}

export interface HpkeContext {
  readonly suite: CipherSuite;
  /** At most 65,536 bytes. */
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
}

/**
 * Resolves to `enc || ciphertext`. The key pair that is used once is random, or derived from `ikmE`
 * (RFC 9180, 7.1.3): 32 bytes that are as good as random and never come with anything else to seal.
 *
 * Throws {@linkcode FormatError} for a public key that is none or of small order (RFC 9180, 7.1.4: the
 * agreed secret would be all zero).
 */
export async function hpkeSeal(
  { suite, info, aad }: HpkeContext,
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  ikmE?: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey);
    const params = { recipientPublicKey, info, ekm: ikmE };
    const { enc, ct } = await suite.seal(params, plaintext, aad);
    const sealed = new Uint8Array(enc.byteLength + ct.byteLength);
    sealed.set(new Uint8Array(enc));
    sealed.set(new Uint8Array(ct), enc.byteLength);
    return sealed;
  } catch (thrown) {
    if (!(thrown instanceof DeserializeError || thrown instanceof EncapError)) throw thrown;
    throw new FormatError(`nothing can be sealed to ${publicKey.toHex()}: it is no X25519 key`);
  }
}

/** Nothing where it was not sealed to this key with this info and aad, or was changed since. */
export async function hpkeOpen(
  { suite, info, aad }: HpkeContext,
  recipientKey: CryptoKeyPair,
  sealed: Uint8Array,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const enc = sealed.slice(0, encBytes);
  try {
    const params = { recipientKey, enc, info };
    return new Uint8Array(await suite.open(params, sealed.slice(encBytes), aad));
  } catch (thrown) {
    const isRefusal = thrown instanceof DeserializeError || thrown instanceof DecapError ||
      thrown instanceof OpenError;
    if (isRefusal) return undefined;
    throw thrown;
  }
}
