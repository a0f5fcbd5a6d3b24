/** The parts of a card in requests. What is wrong with one is said without what it was. */

import { z } from "@hono/zod-openapi";
import { cardDigitsMax, cardDigitsMin } from "../limits.ts";
import {
  expiryText,
  hasCheckDigit,
  isCardId,
  isCvv,
  parseCardDigits,
  parseExpiry,
} from "../protocol/card.ts";
import { parsed } from "./schema.ts";

const digitsText = `${cardDigitsMin} to ${cardDigitsMax} digits, spaces and dashes aside`;
const expiryExpected = "MM/YY";

/** Digits. Whether they are a card's number is for its issuer to say. */
const numberSchema = parsed(parseCardDigits, digitsText)
  .openapi({ type: "string", example: "4111 1111 1111 1111" });

export const checkedNumberSchema = parsed(
  (text) => {
    const digits = parseCardDigits(text);
    return digits !== undefined && hasCheckDigit(digits) ? digits : undefined;
  },
  `a card's number: ${digitsText}, the last of them the check digit`,
).openapi({ type: "string", example: "4111 1111 1111 1111" });

export const expirySchema = parsed(parseExpiry, expiryExpected)
  .openapi({ type: "string", pattern: "^(0[1-9]|1[0-2])/\\d\\d$", example: "12/29" });

export const cardSchema = z.strictObject({
  number: numberSchema,
  expiry: parsed((text) => {
    const expiry = parseExpiry(text);
    return expiry && expiryText(expiry);
  }, expiryExpected).openapi({ type: "string", example: "12/29" }),
  cvv: parsed((text) => isCvv(text) ? text : undefined, "3 or 4 digits").optional()
    .openapi({ type: "string", example: "123" }),
}, { error: "must hold number, expiry and, where it is known, cvv" }).openapi("Card");

export const cardIdSchema = parsed(
  (text) => isCardId(text) ? text : undefined,
  "a card's id: 12 hexadecimal digits",
).openapi({ type: "string", pattern: "^[0-9a-f]{12}$", example: "5d1f0c9a7b3e" });
