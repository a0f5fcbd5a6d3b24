/** An issuer's cards at the edge: numbers come in, and only what can be kept goes on. */

import type { CardKey } from "../keys/card_key.ts";
import type { CardClaim, Expiry } from "../protocol/card.ts";
import type { Card } from "../protocol/details.ts";
import { expiryText, hasCheckDigit, maskedNumber, parseExpiry } from "../protocol/card.ts";

type Key = Pick<CardKey, "hashOf" | "cvvOf" | "isCvv">;

/** The key by which a node knows its cards. */
export interface CardKeeping {
  readonly key: Key;
  /** Whether it was on disk when the node started; else it has just been made. */
  readonly wasKept: boolean;
  /** Resolves when the key is on disk: nothing may be recorded under it before. */
  keep(): Promise<void>;
}

/** What of a card goes to the core. */
export function claimOf(key: Key, { number: digits, expiry: text, cvv }: Card): CardClaim {
  const expiry = parseExpiry(text);
  const isCvvRight = cvv === undefined ||
    (expiry !== undefined && key.isCvv(cvv, digits, expiryText(expiry)));
  return {
    hash: key.hashOf(digits),
    masked: maskedNumber(digits),
    isNumber: hasCheckDigit(digits),
    expiry,
    expiresMs: expiry ? endOf(expiry) : 0,
    isCvvRight,
  };
}

/** When a month ends, milliseconds since 1970, UTC. */
export function endOf({ year, month }: Expiry): number {
  return Date.UTC(year, month, 1);
}
