/** The routes under `/v1/cards`: what an issuer's operator does. No number leaves it. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { expiryText } from "../protocol/card.ts";
import type { Decline } from "../protocol/declines.ts";
import { isTold, readsOnly, refuseRoutes } from "./access.ts";
import { cardIdSchema, checkedNumberSchema, expirySchema } from "./card_schema.ts";
import type { AnyNodeApi, CardView, ParticipantApi } from "./node_api.ts";
import { malformed, problem, problems, secretHook } from "./problem.ts";
import { digitsSchema, jsonOf, nameSchema, objectSchema, timeSchema } from "./schema.ts";

export function addCardRoutes(app: OpenAPIHono, node: AnyNodeApi): void {
  if (node.role === "coordinator") {
    const routes = [listRoute, addRoute, removeRoute, removeByNumberRoute];
    return refuseRoutes(app, node, routes);
  }

  app.openapi(listRoute, async (c) => {
    if (!isTold(c)) return readsOnly(c, "the list of cards needs");
    const { cards, declined } = await node.cards();
    return c.json({ cards: cards.map(cardJson), declined: declined.map(declineJson) }, 200);
  });

  app.openapi(addRoute, async (c) => {
    const card = c.req.valid("json");
    const answer = await node.addCard(card);
    switch (answer.result) {
      case "added":
      case "existed": {
        const status = answer.result === "added" ? 201 : 200;
        return c.json({ ...cardJson(answer.card), cvv: answer.cvv }, status);
      }
      case "differs": {
        const detail =
          "This card is there already, with another account or expiry: remove it first";
        return problem(c, 409, "card_exists", detail);
      }
      case "account_not_found": {
        const detail = `There is no account "${card.account}" at ${node.name}`;
        return problem(c, 404, "account_not_found", detail);
      }
      case "key_lost": {
        const detail =
          "Cards were added here with a key that is not in the data folder: put a copy " +
          "of card.key back, or remove those cards, and start the node again";
        return problem(c, 409, "card_key_lost", detail);
      }
      case "expired":
        return malformed(c, [{ field: "expiry", reason: "must not be over" }]);
      default:
        return answer satisfies never;
    }
  }, secretHook);

  const removed = async (card: Parameters<ParticipantApi["removeCard"]>[0]) => {
    const id = await node.removeCard(card);
    return id === undefined ? undefined : { removed: id };
  };
  const missing = "This node has issued no such card; see GET /v1/cards";

  app.openapi(removeRoute, async (c) => {
    const answer = await removed(c.req.valid("param"));
    return answer ? c.json(answer, 200) : problem(c, 404, "card_not_found", missing);
  }, secretHook);

  app.openapi(removeByNumberRoute, async (c) => {
    const answer = await removed(c.req.valid("json"));
    return answer ? c.json(answer, 200) : problem(c, 404, "card_not_found", missing);
  }, secretHook);
}

function cardJson({ id, account, masked, expiry, atMs }: CardView): z.infer<typeof cardViewSchema> {
  return { id, account, masked, expiry: expiryText(expiry), at: new Date(atMs).toISOString() };
}

function declineJson(decline: Decline): z.infer<typeof declineSchema> {
  const { payment, merchant, masked, amount, currency, reason, atMs } = decline;
  const at = new Date(atMs).toISOString();
  return { payment, merchant, masked, amount: amount.toString(), currency, reason, at };
}

const cardViewSchema = z.object({
  id: z.string(),
  account: z.string(),
  masked: z.string().openapi({ example: "411111******1111" }),
  expiry: z.string().openapi({ example: "12/29" }),
  at: timeSchema,
}).openapi("IssuedCard");

const declineSchema = z.object({
  payment: z.string(),
  merchant: z.string(),
  masked: z.string().optional(),
  amount: digitsSchema,
  currency: z.string(),
  reason: z.string().openapi({ example: "insufficient_funds" }),
  at: timeSchema,
}).openapi("Decline");

const newCardSchema = objectSchema({
  account: nameSchema,
  number: checkedNumberSchema,
  expiry: expirySchema,
}).openapi("NewCard");

const listRoute = createRoute({
  method: "get",
  path: "/v1/cards",
  summary: "The cards that this node has issued, and charges of them declined since it started " +
    "(participants only)",
  responses: {
    200: jsonOf(
      "Numbers show six digits and four at most; why a charge was declined is told only here",
      z.object({ cards: z.array(cardViewSchema), declined: z.array(declineSchema) }),
    ),
    ...problems(401, 403, 405, 421),
  },
});

const addedSchema = cardViewSchema.extend({
  cvv: z.string().openapi({ description: "Not kept: it is made of the card and the node's key" }),
});

const addRoute = createRoute({
  method: "post",
  path: "/v1/cards",
  summary: "Let a card pay from an account (participants only)",
  request: {
    body: { required: true, content: { "application/json": { schema: newCardSchema } } },
  },
  responses: {
    200: jsonOf("It was there already, the same", addedSchema),
    201: jsonOf("Added", addedSchema),
    ...problems(400, 401, 403, 404, 405, 409, 413, 415, 421),
  },
});

const removedSchema = z.object({ removed: z.string().openapi({ description: "The card's id" }) });

const removeRoute = createRoute({
  method: "delete",
  path: "/v1/cards/{id}",
  summary: "End a card (participants only)",
  request: { params: z.object({ id: cardIdSchema }) },
  responses: {
    200: jsonOf("It pays no more", removedSchema),
    ...problems(400, 401, 403, 404, 405, 421),
  },
});

const removeByNumberRoute = createRoute({
  method: "post",
  path: "/v1/cards/remove",
  summary: "End the card of a number (participants only)",
  request: {
    body: {
      required: true,
      content: { "application/json": { schema: objectSchema({ number: checkedNumberSchema }) } },
    },
  },
  responses: {
    200: jsonOf("It pays no more", removedSchema),
    ...problems(400, 401, 403, 404, 405, 413, 415, 421),
  },
});
