/** An issuer's secret, by which it knows its cards without their numbers. */

import { Buffer } from "node:buffer";
import { createHmac, randomBytes } from "node:crypto";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { UsageError } from "../errors.ts";
import { readSecretFile, secretBytes, writeSecretOnce } from "./folder.ts";

const cvvDigits = 3;

export class CardKey {
  readonly #secret: Uint8Array;

  /** @param secret 32 random bytes */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  static make(): CardKey {
    return new CardKey(randomBytes(secretBytes));
  }

  /**
   * What is kept of a number: 32 bytes, hexadecimal.
   *
   * @param digits of the number, nothing else
   */
  hashOf(digits: string): string {
    return this.#mac("number", digits).toString("hex");
  }

  /**
   * The card verification value of a number and its expiry. It is made again whenever it is needed, as it
   * may not be kept (PCI DSS 3.3.1.2).
   *
   * @param expiry `MM/YY`
   */
  cvvOf(digits: string, expiry: string): string {
    const value = this.#mac("verification", `${digits} ${expiry}`).readUIntBE(0, 6);
    return String(value % 10 ** cvvDigits).padStart(cvvDigits, "0");
  }

  /** Whether this is the verification value, told in the same time whatever it is. */
  isCvv(given: string, digits: string, expiry: string): boolean {
    const expected = this.cvvOf(digits, expiry);
    // Hashes have one length, so the comparison tells nothing of the value's either.
    return timingSafeEqual(this.#mac("comparison", given), this.#mac("comparison", expected));
  }

  /** For the file where it is kept. */
  toText(): string {
    return `${Buffer.from(this.#secret).toString("hex")}\n`;
  }

  #mac(purpose: string, text: string): Buffer {
    return createHmac("sha256", this.#secret).update(`handfast card ${purpose} ${text}`).digest();
  }
}

/**
 * Reads a key; nothing where there is no file.
 *
 * Throws {@linkcode UsageError} if the file holds none, or if others than its owner can use it.
 */
export async function readCardKey(path: string): Promise<CardKey | undefined> {
  const secret = await readSecretFile(
    path,
    "card key",
    ". Put back a copy of it: with another key none of this node's cards is known",
  );
  return secret && new CardKey(secret);
}

/**
 * Keeps a key in a file of mode 0600, on disk when it returns. Throws {@linkcode UsageError} if there is
 * one already: cards are known by it.
 */
export async function writeCardKey(path: string, key: CardKey): Promise<void> {
  if (await writeSecretOnce(path, key.toText())) return;
  throw new UsageError(`Cannot write "${path}": there is a card key already. Start the node again`);
}
