/** What requests and responses are made of: their syntax, and what each part is parsed to. */

import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { shortened } from "../errors.ts";
import { operatorLengthMax } from "../limits.ts";
import { isName } from "../names.ts";
import { isOperator, parsePaymentId, parseTransactionId } from "../protocol/id.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";

/**
 * Text of which `parse` makes something, or nothing where it is malformed. The message names what
 * was expected and what came instead.
 */
export function parsed<T>(parse: (text: string) => T | undefined, expected: string) {
  return z.string({ error: ({ input }) => reason(expected, input) }).transform(
    (text, context): T => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message: reason(expected, text), params: { expected } });
      return z.NEVER;
    },
  );
}

function reason(expected: string, input: unknown): string {
  if (input === undefined) return `is missing; it must be ${expected}`;
  if (typeof input !== "string") return `must be ${expected}, as a string`;
  return `must be ${expected}, not ${JSON.stringify(shortened(input))}`;
}

/** A body, or an object in one, with these members and no others. */
export const objectSchema = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, { error: "must be a JSON object" });

export const paymentIdSchema = parsed<PaymentId>(parsePaymentId, "a UUIDv7")
  .openapi({ type: "string", format: "uuid", example: "0190f5d0-7b1a-7c3e-9f00-3b6f2a1c4d5e" });

export const transactionIdSchema = parsed<TransactionId>(
  parseTransactionId,
  "a transaction id, such as 1-0123456789ab-7",
).openapi({ type: "string", example: "1-0123456789ab-7" });

/** Who is recorded where a request names no operator. */
export const operatorDefault = "operator";

export const operatorSchema = parsed(
  (text) => isOperator(text) ? text : undefined,
  `a name of 1 to ${operatorLengthMax} characters in one line, without control characters`,
).openapi({ type: "string", maxLength: operatorLengthMax, default: operatorDefault });

/** The body of a request that says no more than who makes it, and may be left out. */
export const operatorBody = {
  content: {
    "application/json": { schema: objectSchema({ by: operatorSchema.optional() }) },
  },
};

/** For routes whose body may be left out: clients name its type all the same. */
export async function emptyBodyIsNone(c: Context, next: () => Promise<void>): Promise<void> {
  if (await c.req.text() === "") {
    const headers = new Headers(c.req.raw.headers);
    headers.delete("content-type");
    c.req.raw = new Request(c.req.url, { method: c.req.method, headers });
  }
  await next();
}

/** How many of a list in one answer. */
export const limitSchema = (max: number, otherwise?: number) =>
  parsed(
    (text) => {
      const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
      return limit >= 1 && limit <= max ? limit : undefined;
    },
    `a number from 1 to ${max}`,
  ).optional().openapi({ type: "integer", minimum: 1, maximum: max, default: otherwise });

export const nameSchema = parsed(
  (text) => isName(text) ? text : undefined,
  "a name: a lower-case letter, then up to 30 of a-z, 0-9 and -",
).openapi({ type: "string", pattern: "^[a-z][a-z0-9-]{0,30}$", example: "main" });

export const addressSchema = parsed(
  (text) => {
    const address = parseAddress(text);
    if (address?.participant === undefined) return undefined;
    return { account: address.account, participant: address.participant };
  },
  "ACCOUNT@PARTICIPANT, such as main@bob",
).openapi({ type: "string", example: "main@bob" });

/** Where the participant goes without saying: it is the node asked. */
export const ownAddressSchema = parsed(
  parseAddress,
  "ACCOUNT or ACCOUNT@PARTICIPANT, such as main",
).openapi({ type: "string", example: "main" });

export const amountSchema = parsed(
  (text) => /^-?\d{1,18}$/.test(text) ? BigInt(text) : undefined,
  "minor units as up to 18 digits, such as 12500 or -12500",
).openapi({ type: "string", pattern: "^-?\\d{1,18}$", example: "-12500" });

export const currencySchema = parsed(
  (text) => /^[A-Z]{3}$/.test(text) ? text : undefined,
  "an ISO 4217 code such as USD",
).openapi({ type: "string", pattern: "^[A-Z]{3}$", example: "USD" });

/** Of a transaction, in responses. */
export const decisionSchema = z.enum(["commit", "abort"]);
/** Digits, in responses. */
export const digitsSchema = z.string().openapi({ pattern: "^-?\\d+$", example: "12500" });
/** RFC 3339, UTC. */
export const timeSchema = z.string().openapi({
  format: "date-time",
  example: "2025-01-31T12:00:00.000Z",
});
export const clockSchema = z.record(z.string(), z.number().int()).openapi({
  description: "Vector clock: entries known of each node's log",
  example: { coordinator: 12, alice: 7, bob: 5 },
});

export const jsonOf = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { "application/json": { schema } },
});

interface Address {
  readonly account: string;
  readonly participant?: string;
}

function parseAddress(text: string): Address | undefined {
  const [account = "", participant, ...rest] = text.split("@");
  if (!isName(account) || rest.length > 0) return undefined;
  if (participant !== undefined && !isName(participant)) return undefined;
  return { account, participant };
}
