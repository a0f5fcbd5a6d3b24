/** Mismatches: heuristic decisions that the real ones contradict, until an operator acknowledges. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { decisionText } from "../protocol/message.ts";
import { refuseRoutes } from "./access.ts";
import type { AnyNodeApi, MismatchView } from "./node_api.ts";
import { problem, problems } from "./problem.ts";
import {
  decisionSchema,
  emptyBodyIsNone,
  jsonOf,
  operatorBody,
  operatorDefault,
  timeSchema,
  transactionIdSchema,
} from "./schema.ts";

export function addMismatchRoutes(app: OpenAPIHono, node: AnyNodeApi): void {
  if (node.role === "coordinator") return refuseRoutes(app, node, [acknowledgeRoute]);
  app.openapi({ ...acknowledgeRoute, middleware: emptyBodyIsNone }, async (c) => {
    const { transaction } = c.req.valid("param");
    const { by = operatorDefault } = c.req.valid("json");
    const payment = await node.acknowledge(transaction, by);
    if (payment) return c.json({ acknowledged: transaction, payment, by }, 200);
    const detail = `No mismatch of transaction ${transaction} waits for anyone at ${node.name}: ` +
      "there was none, or it was acknowledged before";
    return problem(c, 404, "mismatch_not_found", detail);
  });
}

export function mismatchJson(view: MismatchView): z.infer<typeof mismatchSchema> {
  const { transaction, payment, commit, by, atMs } = view;
  return {
    transaction,
    payment,
    forced: { decision: decisionText(!commit), by },
    decision: decisionText(commit),
    at: new Date(atMs).toISOString(),
  };
}

export const mismatchSchema = z.object({
  transaction: z.string(),
  payment: z.string(),
  forced: z.object({
    decision: decisionSchema,
    by: z.string().openapi({ description: "The operator, as they named themselves" }),
  }),
  decision: decisionSchema.openapi({ description: "The real one" }),
  at: timeSchema.openapi({ description: "When the real decision came" }),
}).openapi("Mismatch");

const acknowledgeRoute = createRoute({
  method: "post",
  path: "/v1/mismatches/{transaction}/acknowledge",
  summary: "Say that a mismatch is known and seen to (participants only)",
  request: { params: z.object({ transaction: transactionIdSchema }), body: operatorBody },
  responses: {
    200: jsonOf(
      "Acknowledged, and recorded",
      z.object({ acknowledged: z.string(), payment: z.string(), by: z.string() }),
    ),
    ...problems(400, 401, 403, 404, 405, 413, 415, 421),
  },
});
