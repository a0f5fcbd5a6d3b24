/** `POST /v1/charges`: a merchant is paid by a card. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { waitMsDefault } from "../limits.ts";
import { cardAccount } from "../protocol/order.ts";
import { participantOnly } from "./access.ts";
import { cardSchema } from "./card_schema.ts";
import type { NodeApi } from "./node_api.ts";
import { orderPayment, respond } from "./payment_answer.ts";
import {
  canonicalText,
  keyHeaderSchema,
  positiveAmountSchema,
  waitQuerySchema,
} from "./payment_request.ts";
import { outcomeResponses } from "./payments.ts";
import { secretHook } from "./problem.ts";
import { currencySchema, nameSchema, ownAddressSchema, paymentIdSchema } from "./schema.ts";

export function addChargeRoute(
  app: OpenAPIHono,
  node: NodeApi,
  onError: (line: string) => void,
): void {
  app.openapi(
    { ...chargeRoute, middleware: participantOnly(node, []) },
    async (c) => {
      const { id, issuer, to, amount, currency, card } = c.req.valid("json");
      const { wait } = c.req.valid("query");
      // The card is not part of what a key stands for: its hash would be kept, and tells the number to
      // whoever tries them all.
      const key = c.req.valid("header")["idempotency-key"];
      const legs = [
        { account: cardAccount, participant: issuer, amount: -amount, currency },
        { account: to.account, participant: to.participant ?? node.name, amount, currency },
      ];
      const request = {
        id,
        legs,
        details: [{ recipient: issuer, details: { card } }],
        waitMs: wait ?? waitMsDefault,
        key: key === undefined ? undefined : { key, request: canonicalText(id, legs, {}) },
      };
      return respond(c, await orderPayment(node, request, onError));
    },
    secretHook,
  );
}

const chargeSchema = z.strictObject({
  id: paymentIdSchema.optional(),
  issuer: nameSchema.openapi({ description: "The participant that issued the card" }),
  to: ownAddressSchema,
  amount: positiveAmountSchema,
  currency: currencySchema,
  card: cardSchema,
}).openapi("Charge");

const chargeRoute = createRoute({
  method: "post",
  path: "/v1/charges",
  summary: "Be paid by a card, whose issuer alone reads it (participants only)",
  request: {
    query: waitQuerySchema,
    headers: keyHeaderSchema,
    body: { required: true, content: { "application/json": { schema: chargeSchema } } },
  },
  responses: outcomeResponses,
});
