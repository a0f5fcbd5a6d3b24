/** `/v1/in-doubt`: what waits for a decision that this node can't make, unless an operator does. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { decisionText } from "../protocol/message.ts";
import { legJson } from "../protocol/order.ts";
import { refuseRoutes } from "./access.ts";
import { mismatchJson, mismatchSchema } from "./mismatches.ts";
import type { AnyNodeApi, InDoubtView } from "./node_api.ts";
import { problem, problems } from "./problem.ts";
import {
  decisionSchema,
  digitsSchema,
  jsonOf,
  objectSchema,
  operatorDefault,
  operatorSchema,
  parsed,
  timeSchema,
  transactionIdSchema,
} from "./schema.ts";

export function addInDoubtRoutes(app: OpenAPIHono, node: AnyNodeApi): void {
  app.openapi(inDoubtRoute, async (c) => {
    const [inDoubt, { mismatches }] = await Promise.all([inDoubtAt(node), node.status()]);
    return c.json({
      inDoubt: inDoubt.map(inDoubtJson),
      mismatches: mismatches.map(mismatchJson),
    }, 200);
  });

  if (node.role === "coordinator") return refuseRoutes(app, node, [retryRoute, resolveRoute]);
  app.openapi(retryRoute, async (c) => c.json({ asked: await node.inquire() }, 200));

  app.openapi(resolveRoute, async (c) => {
    const { transaction } = c.req.valid("param");
    const { decision: commit, by = operatorDefault } = c.req.valid("json");
    const answer = await node.resolve({ transaction, commit, by });
    if (answer.result === "not_in_doubt") {
      const detail = `Transaction ${transaction} is not in doubt at ${node.name}: ` +
        "it was not prepared here, or its decision is known";
      return problem(c, 404, "transaction_not_found", detail);
    }
    const { payment, ...resolution } = answer.resolution;
    const forced = resolutionJson(resolution);
    switch (answer.result) {
      case "forced":
        return c.json({ transaction, payment, ...forced }, 200);
      case "was_forced": {
        const detail = `Transaction ${transaction} was forced to ${forced.decision} by ` +
          `${forced.by} at ${forced.at}, and that stands`;
        return problem(c, 409, "already_forced", detail);
      }
      default:
        return answer satisfies never;
    }
  });
}

/** A coordinator decides, so it never doubts. */
export async function inDoubtAt(node: AnyNodeApi): Promise<InDoubtView[]> {
  return node.role === "participant" ? await node.inDoubt() : [];
}

export function inDoubtJson(view: InDoubtView): z.infer<typeof inDoubtSchema> {
  const { forced } = view;
  return {
    transaction: view.transaction,
    payment: view.payment,
    age: Math.floor(view.ageMs / 1000),
    participants: [...view.participants],
    unreachable: [...view.unreachable],
    unanswered: view.unanswered && [...view.unanswered],
    held: view.held.map(legJson),
    forced: forced && { ...resolutionJson(forced), legs: forced.legs.map(legJson) },
  };
}

function resolutionJson(
  { commit, by, atMs }: { readonly commit: boolean; readonly by: string; readonly atMs: number },
): z.infer<typeof resolutionSchema> {
  return { decision: decisionText(commit), by, at: new Date(atMs).toISOString() };
}

const legSchema = z.object({ account: z.string(), amount: digitsSchema, currency: z.string() });

const resolutionSchema = z.object({
  decision: decisionSchema,
  by: z.string().openapi({ description: "The operator, as they named themselves" }),
  at: timeSchema,
});

const inDoubtSchema = z.object({
  transaction: z.string(),
  payment: z.string(),
  age: z.number().int().openapi({ description: "Seconds since it was prepared, or forced" }),
  participants: z.array(z.string()),
  unreachable: z.array(z.string()).openapi({
    description: "Who could tell the decision and has no link to this node: the coordinator, and " +
      "where it is away or has no answer, the other participants",
  }),
  unanswered: z.array(z.string()).optional().openapi({
    description: "The coordinator, where it is linked and has told nothing for some seconds",
  }),
  held: z.array(legSchema).openapi({ description: "None once an operator has decided" }),
  forced: resolutionSchema.extend({
    legs: z.array(legSchema).openapi({ description: "Posted or released by it" }),
  }).optional().openapi({
    description: "An operator has decided; the real decision is still unknown",
  }),
}).openapi("InDoubt");

const resolveBodySchema = objectSchema({
  decision: parsed(
    (text) => text === "commit" ? true : text === "abort" ? false : undefined,
    "commit or abort",
  ).openapi({ type: "string", enum: ["commit", "abort"], example: "abort" }),
  by: operatorSchema.optional(),
}).openapi("Resolve");

const inDoubtRoute = createRoute({
  method: "get",
  path: "/v1/in-doubt",
  summary: "Transactions prepared here with the decision unknown, oldest first; after them those " +
    "that an operator has forced meanwhile",
  responses: {
    200: jsonOf(
      "None at a coordinator",
      z.object({ inDoubt: z.array(inDoubtSchema), mismatches: z.array(mismatchSchema) }),
    ),
    ...problems(401, 421),
  },
});

const retryRoute = createRoute({
  method: "post",
  path: "/v1/in-doubt/retry",
  summary: "Ask now about everything in doubt: the coordinator, and where it is away or has told " +
    "nothing for some seconds, the other participants (participants only)",
  responses: {
    200: jsonOf(
      "How many transactions were asked about",
      z.object({ asked: z.number().int() }),
    ),
    ...problems(401, 403, 405, 421),
  },
});

const resolveRoute = createRoute({
  method: "post",
  path: "/v1/in-doubt/{transaction}",
  summary: "Decide for a transaction in doubt, which may break atomicity (participants only)",
  request: {
    params: z.object({ transaction: transactionIdSchema }),
    body: { required: true, content: { "application/json": { schema: resolveBodySchema } } },
  },
  responses: {
    200: jsonOf(
      "Decided, and recorded",
      resolutionSchema.extend({ transaction: z.string(), payment: z.string() }),
    ),
    ...problems(400, 401, 403, 404, 405, 409, 413, 415, 421),
  },
});
