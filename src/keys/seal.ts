/** Sealing bytes so that one node alone can read them: HPKE (RFC 9180) with AES-256-GCM. */

import { createPrivateKey } from "node:crypto";
import { Aes256Gcm } from "@hpke/core";
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
