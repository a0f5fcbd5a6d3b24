/** A payment as the API shows it. */

import { z } from "@hono/zod-openapi";
import type { PaymentView } from "./node_api.ts";
import { clockSchema, digitsSchema, timeSchema } from "./schema.ts";

export const paymentSchema = z.object({
  id: z.string(),
  state: z.enum(["pending", "prepared", "committed", "aborted"]),
  code: z.string().optional().openapi({ description: "Why it was aborted" }),
  legs: z.array(z.object({ account: z.string(), amount: digitsSchema, currency: z.string() })),
  originator: z.string(),
  transaction: z.string().optional(),
  clock: clockSchema,
  at: timeSchema,
}).openapi("Payment");

export type PaymentJson = z.infer<typeof paymentSchema>;

export function paymentJson(payment: PaymentView): PaymentJson {
  return {
    id: payment.id,
    state: payment.state,
    code: payment.code,
    legs: payment.legs.map(({ account, participant, amount, currency }) => ({
      account: `${account}@${participant}`,
      amount: amount.toString(),
      currency,
    })),
    originator: payment.originator,
    transaction: payment.transaction,
    clock: Object.fromEntries(payment.clock),
    at: new Date(payment.atMs).toISOString(),
  };
}
