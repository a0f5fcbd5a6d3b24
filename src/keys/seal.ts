/** Sealing bytes so that one node alone can read them: HPKE (RFC 9180) with AES-256-GCM. */

import { createHmac, createPrivateKey } from "node:crypto";
import { Aes256Gcm } from "@hpke/core";
import { Writer } from "../bytes.ts";
import { FormatError } from "../errors.ts";
import { encBytes, hpkeOpen, hpkeSeal, hpkeSuite, tagBytes } from "./hpke.ts";
import { rawPublicKey } from "./public_key.ts";

/** A node's X25519 key pair, whose private half can't be taken out of it. */
export interface SealingKey {
  /** 32 raw bytes. */
  readonly publicKey: Uint8Array;
  readonly pair: CryptoKeyPair;
}

/** How much longer what is sealed is than what was sealed. */
export const sealExtraBytes = encBytes + tagBytes;

/**
 * Seals to the owner of a public key (32 raw bytes). `info` says what this is for, `aad` what it
 * belongs to; who opens it must give the same. Neither is in the result, which is the ephemeral public
 * key (32 bytes), the ciphertext and its tag (16). The same bytes sealed again look different.
 *
 * HPKE in base mode does not say who sealed.
 *
 * Throws {@linkcode FormatError} for what is no X25519 public key, or one of small order.
 */
export async function seal(
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  return await hpkeSeal({ suite, info, aad }, publicKey, plaintext);
}

/**
 * As {@linkcode seal}, but the same secret and arguments give the same bytes, so that what is sent again
 * after a crash is what was sent before.
 *
 * The key pair that is otherwise random is derived from a keyed hash of all that goes into the sealing:
 * the recipient's key, `info`, `aad` and the plaintext. With anything of it changed the hash is another,
 * and with it the pair, the agreed secret, and AES-GCM's key and nonce: these come twice only with the
 * same plaintext, and then give the same bytes. That is how RFC 6979 has signatures without randomness
 * and RFC 5297 (SIV) encryption. To whoever lacks the secret the hash is as good as random.
 *
 * What is lost: equal bytes tell of equal contents, so `aad` should name what comes once; and whoever has
 * the secret can try guesses at what was sealed, by sealing them. The secret has to be kept as a key is.
 *
 * @param secret at least 32 bytes that only the sealing node has
 */
export async function sealRepeatably(
  secret: Uint8Array,
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const w = new Writer(1024);
  // Each with its length: nothing can be moved from one to the next.
  for (const part of [publicKey, info, aad, plaintext]) w.blob(part);
  const ikmE = createHmac("sha256", secret).update("handfast sealing").update(w.view()).digest();
  return await hpkeSeal({ suite, info, aad }, publicKey, plaintext, new Uint8Array(ikmE));
}

/**
 * The bytes that {@linkcode seal} took. Nothing where they were sealed to another key, with another
 * `info` or `aad`, or were changed since: which of these can't be told.
 */
export async function open(
  key: SealingKey,
  info: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return await hpkeOpen({ suite, info, aad }, key.pair, sealed);
}

/** Reads a PKCS#8 PEM (RFC 8410). Throws if it is none, or no X25519 private key. */
export async function parseSealingKey(pem: string): Promise<SealingKey> {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== "x25519") throw new FormatError("it is no X25519 key");
  const publicKey = rawPublicKey(key);
  const pkcs8 = new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
  const [privateKey, publicHalf] = await Promise.all([
    crypto.subtle.importKey("pkcs8", pkcs8, "X25519", false, ["deriveBits"]),
    crypto.subtle.importKey("raw", publicKey, "X25519", true, []),
  ]);
  return { publicKey, pair: { privateKey, publicKey: publicHalf } };
}

const suite = hpkeSuite(new Aes256Gcm());
