/**
 * What a payment tells its recipients, each of them alone. Details are sealed where the payment is
 * ordered and opened where they are told; between, and in all logs, there is only what hashes to
 * `Order.detailsHash`. What they are sealed and hashed as is in `codec/details.ts`.
 */

import { memoLengthMax, referenceLengthMax } from "../limits.ts";
import { isLine } from "./id.ts";
import type { Leg } from "./order.ts";

/** At least one of them. */
export interface Details {
  /** What the payment is for, in one line. */
  readonly memo?: string;
  /** By which the recipient knows what is paid, such as the number of an invoice. */
  readonly reference?: string;
  /** To whoever has issued it. */
  readonly card?: Card;
}

export interface Card {
  /** 12 to 19 digits. */
  readonly number: string;
  /** `MM/YY`, as it is printed. */
  readonly expiry: string;
  /** 3 or 4 digits. */
  readonly cvv?: string;
}

/** What one participant is to be told. */
export interface DetailsFor {
  readonly recipient: string;
  readonly details: Details;
}

/** What one participant is told, as others see it. */
export interface SealedDetails {
  readonly recipient: string;
  /** SHA-256 of what is sealed, 32 bytes. */
  readonly hash: Uint8Array;
  /** Missing where they are on their way to another recipient. */
  readonly sealed?: Uint8Array;
}

/** What has come to a recipient; unreadable also where it can't tell whether it is one. */
export type OpenedDetails = Details | "unreadable";

/** Whether what was parsed has the form of details, all of it. */
export function isDetails({ memo, reference, card }: Details): boolean {
  return (memo ?? reference ?? card) !== undefined &&
    (memo === undefined || isMemo(memo)) &&
    (reference === undefined || isReference(reference)) &&
    (card === undefined || isCard(card));
}

export function isMemo(text: unknown): boolean {
  return typeof text === "string" && isLine(text, memoLengthMax);
}

export function isReference(text: unknown): boolean {
  return typeof text === "string" && isLine(text, referenceLengthMax);
}

function isCard({ number, expiry, cvv }: Card): boolean {
  return isText(number, /^\d{12,19}$/) && isText(expiry, /^\d\d\/\d\d$/) &&
    (cvv === undefined || isText(cvv, /^\d{3,4}$/));
}

function isText(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}

/** The participants that a payment of `payer` credits, each once: whom a memo is for. */
export function creditedBy(payer: string, legs: readonly Leg[]): string[] {
  const names = new Set<string>();
  for (const { participant, amount } of legs) {
    if (amount > 0n && participant !== payer) names.add(participant);
  }
  return [...names];
}

/** What goes to one participant: of the others' details only the hashes, by which all can be checked. */
export function shownTo(
  name: string,
  details: readonly SealedDetails[] | undefined,
): readonly SealedDetails[] | undefined {
  return details?.map((one) => {
    const { recipient, hash } = one;
    return recipient === name ? one : { recipient, hash };
  });
}
