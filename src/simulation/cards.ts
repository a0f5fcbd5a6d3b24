/** Cards: each participant has issued one, and others charge it, not always by what is right. */

import type { NewCard } from "../http/node_api.ts";
import type { CardKeeping } from "../node/cards.ts";
import { expiryText, hasCheckDigit } from "../protocol/card.ts";
import type { Card } from "../protocol/details.ts";
import type { Random } from "./random.ts";

/** The account from which the cards of every participant pay. */
export const cardedAccount = "till";

const expiry = { year: 2049, month: 12 };
const cvv = "123";

/** An issuer's key: numbers are known by their digits, as nobody here reads a log to find them. */
export const cardKeeping: CardKeeping = {
  key: {
    hashOf: (digits) => digits.padEnd(64, "0"),
    cvvOf: () => cvv,
    isCvv: (given) => given === cvv,
  },
  wasKept: true,
  keep: () => Promise.resolve(),
};

/** The card that a participant has issued. */
export function newCardOf(participant: string): NewCard {
  return { account: cardedAccount, number: numberOf(participant), expiry };
}

/** As its holder gives it. */
export function cardOf(participant: string): Card {
  return { number: numberOf(participant), expiry: expiryText(expiry), cvv };
}

/** One that nobody has issued, or that is not given as it is. */
export function wrongCardOf(participant: string, random: Random): Card {
  const card = cardOf(participant);
  return random.pick([
    { ...card, number: numberOf("nobody") },
    { ...card, number: card.number.replace(/.$/, (digit) => `${(Number(digit) + 1) % 10}`) },
    { ...card, expiry: "11/49" },
    { ...card, cvv: "321" },
  ]);
}

/** Of the letters of its name. */
function numberOf(participant: string): string {
  const digits = [...participant].map((letter) => letter.charCodeAt(0) % 10).join("").padEnd(
    11,
    "7",
  );
  const last = [..."0123456789"].find((digit) => hasCheckDigit(digits + digit));
  return `${digits}${last}`;
}
