/** Giving a participant back what its log has lost, by the certificates of those payments. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { restoredAtOnceMax } from "../limits.ts";
import { refuseRoutes } from "./access.ts";
import type { AnyNodeApi } from "./node_api.ts";
import { problems } from "./problem.ts";
import { jsonOf, nameSchema, objectSchema } from "./schema.ts";

export const restorePath = "/v1/restore";

export function addRestoreRoute(app: OpenAPIHono, node: AnyNodeApi): void {
  if (node.role === "coordinator") return refuseRoutes(app, node, [restoreRoute]);
  app.openapi(restoreRoute, async (c) => {
    const { proofs, card } = c.req.valid("json");
    const results = await node.restore(proofs.map((proof) => Uint8Array.fromBase64(proof)), card);
    return c.json({ results }, 200);
  });
}

const resultSchema = z.object({
  id: z.string().optional(),
  result: z.enum([
    "restored",
    "known",
    "in_doubt",
    "forced",
    "decided_otherwise",
    "of_card",
    "account_not_found",
    "currency_mismatch",
    "insufficient_funds",
    "no_proof",
  ]),
  why: z.string().optional().openapi({ description: "What the certificate lacks" }),
}).openapi("Restored");

const restoreRoute = createRoute({
  method: "post",
  path: restorePath,
  summary:
    "Post payments that this node had voted for and whose records it has lost (participants only)",
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: objectSchema({
            proofs: z.array(z.base64()).min(1).max(restoredAtOnceMax).openapi({
              description: "The coordinator's certificates, in base64; in the order of its log",
            }),
            card: nameSchema.optional().openapi({
              description:
                "The account from which cards of this node have paid those that they paid",
            }),
          }),
        },
      },
    },
  },
  responses: {
    200: jsonOf(
      "What became of each, in order; it is durable",
      z.object({ results: z.array(resultSchema) }),
    ),
    ...problems(400, 401, 403, 405, 413, 415, 421),
  },
});
