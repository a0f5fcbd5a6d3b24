/** `/v1/in-doubt`: what waits for a decision that this node can't make. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { InDoubtView, NodeApi } from "./node_api.ts";
import { problems } from "./problem.ts";
import { digitsSchema, jsonOf } from "./schema.ts";

export function addInDoubtRoutes(app: OpenAPIHono, node: NodeApi): void {
  app.openapi(
    inDoubtRoute,
    async (c) => c.json({ inDoubt: (await node.inDoubt()).map(inDoubtJson) }, 200),
  );
}

export function inDoubtJson(view: InDoubtView): z.infer<typeof inDoubtSchema> {
  return {
    transaction: view.transaction,
    payment: view.payment,
    age: Math.floor(view.ageMs / 1000),
    participants: [...view.participants],
    unreachable: [...view.unreachable],
    held: view.held.map(({ account, participant, amount, currency }) => ({
      account: `${account}@${participant}`,
      amount: amount.toString(),
      currency,
    })),
  };
}

const inDoubtSchema = z.object({
  transaction: z.string(),
  payment: z.string(),
  age: z.number().int().openapi({ description: "Seconds since it was prepared" }),
  participants: z.array(z.string()),
  unreachable: z.array(z.string()).openapi({
    description: "Who could tell the decision and has no link to this node",
  }),
  held: z.array(z.object({ account: z.string(), amount: digitsSchema, currency: z.string() })),
}).openapi("InDoubt");

const inDoubtRoute = createRoute({
  method: "get",
  path: "/v1/in-doubt",
  summary: "Transactions prepared here with the decision unknown, oldest first",
  responses: {
    200: jsonOf("None at a coordinator", z.object({ inDoubt: z.array(inDoubtSchema) })),
    ...problems(401, 421),
  },
});
