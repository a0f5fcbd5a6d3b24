/** A payment as the API shows it. */

import { z } from "@hono/zod-openapi";
import { decisionText } from "../protocol/message.ts";
import { legJson } from "../protocol/order.ts";
import type { HeuristicView, OpenPaymentView, PaymentView } from "./node_api.ts";
import { clockSchema, decisionSchema, digitsSchema, timeSchema } from "./schema.ts";

/** Withheld from who has only the token that looks. */
export const toldInsteadSchema = z.enum(["erased", "unreadable", "withheld"]);

export const paymentSchema = z.object({
  id: z.string(),
  state: z.enum(["pending", "prepared", "committed", "aborted"]),
  code: z.string().optional().openapi({ description: "Why it was aborted" }),
  legs: z.array(z.object({ account: z.string(), amount: digitsSchema, currency: z.string() })),
  card: z.string().optional().openapi({
    description: "At the issuer of the card in the legs: the account behind it",
  }),
  originator: z.string(),
  memo: z.string().optional().openapi({ description: "Only where it was told to this node" }),
  reference: z.string().optional(),
  details: toldInsteadSchema.optional().openapi({
    description: "In place of what was told to this node",
  }),
  transaction: z.string().optional(),
  forced: z.object({
    decision: decisionSchema,
    by: z.string(),
    at: timeSchema,
    decided: decisionSchema.optional().openapi({
      description: "The real decision; missing until it is known here",
    }),
    acknowledged: z.object({ by: z.string(), at: timeSchema }).optional(),
  }).optional().openapi({
    description: "What an operator of this node has decided, which stands in its books",
  }),
  lost: z.literal(true).optional().openapi({
    description:
      "In the answer to an order: it is committed, as the coordinator tells, but this node's " +
      "log has lost it, and its ledger lacks it",
  }),
  open: z.object({
    waitingFor: z.array(z.string()).openapi({
      description:
        "Who has not voted where it is pending, or not acknowledged where it is committed",
    }),
    since: timeSchema,
  }).optional().openapi({ description: "Of a coordinator's list of those that are open" }),
  clock: clockSchema,
  at: timeSchema.openapi({
    description:
      "When it was decided, by the coordinator's clock; before that, and where an operator has " +
      "forced it otherwise, when this node recorded what it tells",
  }),
}).openapi("Payment");

export type PaymentJson = z.infer<typeof paymentSchema>;

/** @param isTold whether what it tells may be shown */
export function paymentJson(payment: PaymentView, isTold = true): PaymentJson {
  return {
    id: payment.id,
    state: payment.state,
    code: payment.code,
    legs: payment.legs.map(legJson),
    card: payment.card,
    originator: payment.originator,
    ...toldJson(payment.told, isTold),
    transaction: payment.transaction,
    forced: payment.forced && forcedJson(payment.forced),
    lost: payment.isLost,
    clock: Object.fromEntries(payment.clock),
    at: new Date(payment.atMs).toISOString(),
  };
}

export function openPaymentJson(payment: OpenPaymentView): PaymentJson {
  const { waitingFor, sinceMs } = payment;
  const open = { waitingFor: [...waitingFor], since: new Date(sinceMs).toISOString() };
  return { ...paymentJson(payment), open };
}

/** @param isTold whether it may be shown */
export function toldJson(
  told: PaymentView["told"],
  isTold: boolean,
): Pick<PaymentJson, "memo" | "reference" | "details"> {
  if (typeof told === "string") return { details: told };
  if (told === undefined || isTold) return { ...told };
  return { details: "withheld" };
}

function forcedJson(
  { commit, by, atMs, decided, acknowledged }: HeuristicView,
): PaymentJson["forced"] {
  return {
    decision: decisionText(commit),
    by,
    at: new Date(atMs).toISOString(),
    decided: decided === undefined ? undefined : decisionText(decided),
    acknowledged: acknowledged &&
      { by: acknowledged.by, at: new Date(acknowledged.atMs).toISOString() },
  };
}
