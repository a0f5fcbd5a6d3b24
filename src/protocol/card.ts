/** Payment cards: how they are written, and what is known of one without its number. */

import { cardDigitsMax, cardDigitsMin } from "../limits.ts";

/** The last month in which a card is good. */
export interface Expiry {
  readonly year: number;
  /** From 1. */
  readonly month: number;
}

export function sameMonth(a: Expiry, b: Expiry): boolean {
  return a.year === b.year && a.month === b.month;
}

/** What an issuer's shell has read of a card in the details of a prepare. */
export interface CardClaim {
  /** Of the number, under the issuer's card key, 32 bytes, hexadecimal. */
  readonly hash: string;
  readonly masked: string;
  /** By its length and its check digit. */
  readonly isNumber: boolean;
  /** Nothing where none could be read. */
  readonly expiry?: Expiry;
  /** When that month ends, milliseconds since 1970. */
  readonly expiresMs: number;
  /** False only if one was given that is not this card's. */
  readonly isCvvRight: boolean;
}

/** What stands for a card towards people: of its hash the first 12 digits. */
export function cardIdOf(hash: string): string {
  return hash.slice(0, 12);
}

export function isCardId(text: string): boolean {
  return /^[0-9a-f]{12}$/.test(text);
}

/** The digits of a number written with spaces or dashes between them; nothing where it is none. */
export function parseCardDigits(text: string): string | undefined {
  if (!/^\d([ -]?\d)*$/.test(text)) return undefined;
  const digits = text.replaceAll(/[ -]/g, "");
  return digits.length >= cardDigitsMin && digits.length <= cardDigitsMax ? digits : undefined;
}

/** Whether a number's last digit is the check digit of the others (Luhn; ISO/IEC 7812-1, annex B). */
export function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
}

/** At least so many digits of a number are never shown. */
const hiddenMin = 6;

/** At most the first six and the last four digits (PCI DSS 3.4.1), fewer of a shorter number. */
export function maskedNumber(digits: string): string {
  const last = Math.max(0, Math.min(4, digits.length - hiddenMin));
  const first = Math.max(0, Math.min(6, digits.length - hiddenMin - last));
  const hidden = "*".repeat(digits.length - first - last);
  return digits.slice(0, first) + hidden + digits.slice(digits.length - last);
}

/** Reads `MM/YY`. */
export function parseExpiry(text: string): Expiry | undefined {
  const match = /^(0[1-9]|1[0-2])\/(\d\d)$/.exec(text);
  return match ? { year: 2000 + Number(match[2]), month: Number(match[1]) } : undefined;
}

/** `MM/YY`. */
export function expiryText({ year, month }: Expiry): string {
  return `${String(month).padStart(2, "0")}/${String(year % 100).padStart(2, "0")}`;
}

/** Three or four digits, as they stand on a card. */
export function isCvv(text: string): boolean {
  return /^\d{3,4}$/.test(text);
}
