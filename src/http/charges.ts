/** `POST /v1/charges`: a merchant is paid by a card. */

import { createRoute } from "@hono/zod-openapi";
import type { OpenAPIHono, RouteHandler } from "@hono/zod-openapi";
import type { Handler } from "hono";
import { waitMsDefault } from "../limits.ts";
import { cardAccount } from "../protocol/order.ts";
import { refuseRoutes } from "./access.ts";
import { cardSchema } from "./card_schema.ts";
import type { AnyNodeApi } from "./node_api.ts";
import { orderInput, orderRequest } from "./order_input.ts";
import { orderPayment, respond } from "./payment_answer.ts";
import { canonicalText, positiveAmountSchema } from "./payment_request.ts";
import { outcomeResponses } from "./payments.ts";
import { malformed, secretFaultsOf } from "./problem.ts";
import {
  currencySchema,
  nameSchema,
  objectSchema,
  ownAddressSchema,
  paymentIdSchema,
} from "./schema.ts";

export function addChargeRoute(
  app: OpenAPIHono,
  node: AnyNodeApi,
  onError: (line: string) => void,
): void {
  if (node.role === "coordinator") return refuseRoutes(app, node, [chargeRoute]);
  const charge: RouteHandler<typeof chargeRoute> = async (c) => {
    const input = await orderInput(c, chargeRoute.request, secretFaultsOf);
    if (input instanceof Response) return input;
    const { waitMs = waitMsDefault, key } = input;
    const { id, issuer, to, amount, currency, card } = input.body;
    if (to.participant !== undefined && to.participant !== node.name) {
      const reason =
        `must be an account of this node, ${node.name}: charge it at the node that is paid`;
      return malformed(c, [{ field: "to", reason }]);
    }
    const legs = [
      { account: cardAccount, participant: issuer, amount: -amount, currency },
      { account: to.account, participant: node.name, amount, currency },
    ];
    const request = {
      id,
      legs,
      details: [{ recipient: issuer, details: { card } }],
      waitMs,
      // The card is not part of what a key stands for: its hash would be kept, and tells the number to
      // whoever tries them all.
      key: key === undefined ? undefined : { key, request: canonicalText(id, legs, {}) },
    };
    return respond(c, await orderPayment(node, request, onError));
  };
  app.openAPIRegistry.registerPath(chargeRoute);
  app.post(chargeRoute.path, charge as Handler);
}

const chargeSchema = objectSchema({
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
  request: orderRequest(chargeSchema),
  responses: outcomeResponses,
});
