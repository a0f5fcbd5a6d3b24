/** What `POST /v1/payments` takes, and the order that it stands for. */

import { z } from "@hono/zod-openapi";
import {
  detailsRecipientsMax,
  idempotencyKeyLengthMax,
  legsMax,
  memoLengthMax,
  referenceLengthMax,
  waitMsDefault,
  waitMsMax,
} from "../limits.ts";
import type { Details } from "../protocol/details.ts";
import { creditedBy, isMemo, isReference } from "../protocol/details.ts";
import type { Leg } from "../protocol/order.ts";
import type { PaymentRequest } from "./node_api.ts";
import type { Fault } from "./problem.ts";
import { faultsOf, notJson, notUtf8, replacement } from "./problem.ts";
import {
  addressSchema,
  amountSchema,
  currencySchema,
  objectSchema,
  ownAddressSchema,
  parsed,
  paymentIdSchema,
} from "./schema.ts";

export const positiveAmountSchema = parsed(
  (text) => /^\d{1,18}$/.test(text) && BigInt(text) > 0n ? BigInt(text) : undefined,
  "positive minor units as up to 18 digits, such as 12500",
).openapi({ type: "string", pattern: "^\\d{1,18}$", example: "12500" });

const legSchema = objectSchema({
  account: addressSchema,
  amount: amountSchema,
  currency: currencySchema,
}).openapi("Leg");

/** What the payment tells the participants that it credits, sealed to each of them. */
const detailsForm = {
  memo: textSchema(isMemo, memoLengthMax, "Rent for May"),
  reference: textSchema(isReference, referenceLengthMax, "INV-2041"),
};

const legsFormSchema = objectSchema({
  id: paymentIdSchema.optional(),
  legs: z.array(legSchema, { error: `must be a list of 1 to ${legsMax} legs` })
    .min(1, { error: "must hold at least one leg" })
    .max(legsMax, { error: `must hold at most ${legsMax} legs` }),
  ...detailsForm,
}).openapi("PaymentByLegs");

const transferFormSchema = objectSchema({
  id: paymentIdSchema.optional(),
  from: ownAddressSchema,
  to: addressSchema,
  amount: positiveAmountSchema,
  currency: currencySchema,
  ...detailsForm,
}).openapi("PaymentFromTo");

export const paymentBodySchema = z.union([legsFormSchema, transferFormSchema], {
  error: "must be a JSON object",
});

export type PaymentBody = z.output<typeof paymentBodySchema>;

/** A body as one line of text, or what is wrong with it. */
export function parsePaymentLine(line: string): PaymentBody | { readonly faults: Fault[] } {
  if (line.includes(replacement)) return { faults: [notUtf8] };
  const value = jsonIn(line);
  if (value === undefined) return { faults: [notJson] };
  const { success, data, error } = paymentBodySchema.safeParse(value);
  return success ? data : { faults: faultsOf(error) };
}

/** Nothing where it is none. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const waitQuerySchema = z.strictObject({
  wait: parsed(parseWaitMs, `seconds from 0 to ${waitMsMax / 1000}`).optional()
    .openapi({
      type: "string",
      description: `Seconds to wait for the outcome, by default ${waitMsDefault / 1000}`,
      example: "2.5",
    }),
});

export const keyHeaderSchema = z.object({
  "idempotency-key": parsed(
    parseIdempotencyKey,
    `a quoted string or a token of 1 to ${idempotencyKeyLengthMax} characters`,
  ).optional().openapi({ type: "string", example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"' }),
});

/**
 * The request to the node, or what is wrong with it; an account without a participant is one of `ownName`.
 */
export function paymentRequest(
  body: PaymentBody,
  waitMs: number | undefined,
  key: string | undefined,
  ownName: string,
): PaymentRequest | Fault {
  const legs = "legs" in body ? body.legs.map(legOf) : transferLegs(body, ownName);
  const { id, memo, reference } = body;
  const field = memo === undefined ? reference === undefined ? undefined : "reference" : "memo";
  const recipients = field ? creditedBy(ownName, legs) : [];
  if (field && recipients.length === 0) {
    return { field, reason: "is for nobody: no other participant is credited" };
  }
  if (field && recipients.length > detailsRecipientsMax) {
    return { field, reason: `may be for ${detailsRecipientsMax} participants at most` };
  }
  const details = { memo, reference };
  return {
    id,
    legs,
    details: field && recipients.map((recipient) => ({ recipient, details })),
    waitMs: waitMs ?? waitMsDefault,
    key: key === undefined ? undefined : { key, request: canonicalText(id, legs, details) },
  };
}

function textSchema(isText: (text: string) => boolean, lengthMax: number, example: string) {
  return parsed(
    (text) => isText(text) ? text : undefined,
    `1 to ${lengthMax} characters in one line, without control characters`,
  ).optional().openapi({ type: "string", minLength: 1, maxLength: lengthMax, example });
}

function legOf({ account, amount, currency }: z.output<typeof legSchema>): Leg {
  return { account: account.account, participant: account.participant, amount, currency };
}

function transferLegs(body: z.output<typeof transferFormSchema>, ownName: string): Leg[] {
  const { from, to, amount, currency } = body;
  return [
    { account: from.account, participant: from.participant ?? ownName, amount: -amount, currency },
    { account: to.account, participant: to.participant, amount, currency },
  ];
}

/** The same for both forms of a body, however it was spaced and its fields were ordered. */
export function canonicalText(
  id: string | undefined,
  legs: readonly Leg[],
  { memo, reference }: Details,
): string {
  const told = memo === undefined && reference === undefined ? [] : [{ memo, reference }];
  return JSON.stringify([
    id ?? null,
    ...told,
    ...legs.map((leg) => [leg.account, leg.participant, leg.amount.toString(), leg.currency]),
  ]);
}

function parseWaitMs(text: string): number | undefined {
  if (!/^\d{1,5}(\.\d{1,9})?$/.test(text)) return undefined;
  const waitMs = Math.round(Number(text) * 1000);
  return waitMs <= waitMsMax ? waitMs : undefined;
}

/**
 * The key in an `Idempotency-Key` header: a structured-field string (RFC 8941, 3.3.3), or, as many
 * clients send it, the same without quotes.
 */
function parseIdempotencyKey(text: string): string | undefined {
  const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(text)?.[1];
  const key = quoted?.replace(/\\(["\\])/g, "$1") ?? /^[\w!#$%&'*+.^`|~:/=-]+$/.exec(text)?.[0];
  if (key === undefined || key.length === 0 || key.length > idempotencyKeyLengthMax) {
    return undefined;
  }
  return key;
}
