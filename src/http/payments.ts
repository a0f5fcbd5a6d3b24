/** The routes under `/v1/payments`. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono, RouteHandler } from "@hono/zod-openapi";
import type { Handler } from "hono";
import { FormatError } from "../errors.ts";
import { listLimitDefault, listLimitMax } from "../limits.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import { isTold, readsOnly, refuseRoutes } from "./access.ts";
import type { AnyNodeApi, HeuristicView, PaymentPage, PaymentView } from "./node_api.ts";
import { orderInput, orderRequest } from "./order_input.ts";
import { orderPayment, pendingSchema, respond } from "./payment_answer.ts";
import { paymentBodySchema, paymentRequest } from "./payment_request.ts";
import { openPaymentJson, paymentJson, paymentSchema } from "./payment_view.ts";
import { malformed, problem, problems } from "./problem.ts";
import {
  emptyBodyIsNone,
  jsonOf,
  limitSchema,
  nameSchema,
  operatorBody,
  operatorDefault,
  parsed,
  paymentIdSchema,
  timeSchema,
} from "./schema.ts";

export function addPaymentRoutes(
  app: OpenAPIHono,
  node: AnyNodeApi,
  onError: (line: string) => void,
): void {
  addSubmitRoute(app, node, onError);

  app.openapi(paymentRoute, async (c) => {
    const { id } = c.req.valid("param");
    const payment = await node.payment(id);
    if (payment !== undefined) return c.json(paymentJson(payment, isTold(c)), 200);
    const lostIn = await node.lostIn(id);
    if (lostIn !== undefined) {
      const detail = lostText(id, lostIn, node.name);
      return problem(c, 404, "payment_not_found", detail, { id, state: "committed" });
    }
    const detail = node.hasLostEntries()
      ? forgottenText(id, node.name)
      : unknownText(id, await node.givenUpMs(id));
    return problem(c, 404, "payment_not_found", detail, { id });
  });

  app.openapi(proofRoute, async (c) => {
    const { id } = c.req.valid("param");
    // Others' records stand in an entry, too.
    const { entry: hasEntry = isTold(c) } = c.req.valid("query");
    if (hasEntry && !isTold(c)) return readsOnly(c, "the log's entry in a proof needs");
    const proof = await node.proof(id, hasEntry);
    if (proof !== undefined) return c.json({ id, proof: proof.toBase64() }, 200);
    const why = whyUnproven(await node.payment(id));
    const detail = `Of payment ${id} no outcome is known here that was signed: ${why}`;
    return problem(c, 404, "proof_not_found", detail, { id });
  });

  addEraseRoute(app, node);

  app.openapi(listRoute, async (c) => {
    const { limit = listLimitDefault, cursor, account, details, open } = c.req.valid("query");
    if (open) {
      if (node.role === "participant") {
        const reason = "is a coordinator's to tell: this node is a participant, see /v1/in-doubt";
        return malformed(c, [{ field: "open", reason }]);
      }
      if ((cursor ?? account ?? details) !== undefined) {
        return malformed(c, [{ field: "open", reason: "goes with no other parameter than limit" }]);
      }
      const payments = await node.openPayments(limit);
      return c.json({ payments: payments.map(openPaymentJson) }, 200);
    }
    if (details && !isTold(c)) return readsOnly(c, "?details=true needs");
    const query = { limit, cursor, account, hasDetails: details };
    const page = await pageOf(() => node.payments(query));
    if (page === undefined) {
      return malformed(c, [{ field: "cursor", reason: "must be the next of an earlier answer" }]);
    }
    const payments = page.payments.map((payment) => paymentJson(payment));
    return c.json({ payments, next: page.next }, 200);
  });
}

function addSubmitRoute(
  app: OpenAPIHono,
  node: AnyNodeApi,
  onError: (line: string) => void,
): void {
  if (node.role === "coordinator") return refuseRoutes(app, node, [submitRoute], ["GET", "HEAD"]);
  const submit: RouteHandler<typeof submitRoute> = async (c) => {
    const input = await orderInput(c, submitRoute.request);
    if (input instanceof Response) return input;
    const request = paymentRequest(input.body, input.waitMs, input.key, node.name);
    if ("field" in request) return malformed(c, [request]);
    return respond(c, await orderPayment(node, request, onError));
  };
  app.openAPIRegistry.registerPath(submitRoute);
  app.post(submitRoute.path, submit as Handler);
}

function addEraseRoute(app: OpenAPIHono, node: AnyNodeApi): void {
  if (node.role === "coordinator") return refuseRoutes(app, node, [eraseRoute]);
  app.openapi({ ...eraseRoute, middleware: emptyBodyIsNone }, async (c) => {
    const { id } = c.req.valid("param");
    const { by = operatorDefault } = c.req.valid("json");
    const answer = await node.erase(id, by);
    switch (answer.result) {
      case "erased":
      case "was_erased":
        return c.json(
          { erased: id, by: answer.by, at: new Date(answer.atMs).toISOString() },
          200,
        );
      case "under_way": {
        const detail = `Payment ${id} is not over at ${node.name}: erase its details afterwards`;
        return problem(c, 409, "payment_under_way", detail, { id });
      }
      case "none": {
        const detail = `${node.name} has been told no details of payment ${id}`;
        return problem(c, 404, "details_not_found", detail, { id });
      }
      default:
        return answer satisfies never;
    }
  });
}

/** It was made, whatever this node's log says: to make it by another id would be to make it twice. */
function lostText(id: PaymentId, transaction: TransactionId, node: string): string {
  return `Payment ${id} is committed by ${transaction}, as the coordinator tells, but it is not in ` +
    `the log of ${node}, whose ledger lacks it: do not make it again by another id`;
}

/** It may have been made by what was lost. */
function forgottenText(id: PaymentId, node: string): string {
  return `No outcome of payment ${id} is in the log of ${node}, but this log has lost entries, so nothing ` +
    "follows from that: ask the other nodes that it concerns";
}

/** Who asks wants to know whether they have paid. */
function unknownText(id: PaymentId, givenUpMs: number | undefined): string {
  if (givenUpMs === undefined) {
    return `Payment ${id} is not in this node's log, so the same id may be sent again, which pays once`;
  }
  return `Nothing was paid here by ${id}: its last attempt was aborted at ` +
    `${new Date(givenUpMs).toISOString()}, as nobody had it as committed; ` +
    "the same id may be sent again";
}

/** The state of one that was forced is what was decided elsewhere, where that is known. */
function whyUnproven(payment: PaymentView | undefined): string {
  if (payment === undefined) return "it is not known here";
  const { state, forced } = payment;
  if (forced !== undefined) {
    const done = forced.commit ? "committed" : "aborted";
    return `it was ${done} here by force by ${forced.by}, ${decidedText(forced)}`;
  }
  if (state !== "aborted") return `it is ${state} here`;
  return "it is aborted here; of an abort, participants have one that had voted yes";
}

function decidedText({ commit, decided }: HeuristicView): string {
  if (decided === undefined) return "and the real decision is not known here";
  if (decided === commit) return "as it was decided";
  return decided
    ? "but it was committed: ask the coordinator, or others who have posted it"
    : "but it was aborted: ask others who had voted yes";
}

/** Nothing where the cursor is none. */
async function pageOf(list: () => Promise<PaymentPage>): Promise<PaymentPage | undefined> {
  try {
    return await list();
  } catch (thrown) {
    if (thrown instanceof FormatError) return undefined;
    throw thrown;
  }
}

export const outcomeResponses = {
  200: jsonOf("The same payment as before, committed or aborted", paymentSchema),
  201: jsonOf("Committed", paymentSchema),
  202: jsonOf("The wait ended first: ask at Location", pendingSchema),
  ...problems(400, 401, 403, 405, 409, 413, 415, 421, 422, 500, 503),
};

const submitRoute = createRoute({
  method: "post",
  path: "/v1/payments",
  summary: "Order a payment and wait for its outcome (participants only)",
  request: orderRequest(paymentBodySchema),
  responses: outcomeResponses,
});

const paymentRoute = createRoute({
  method: "get",
  path: "/v1/payments/{id}",
  summary: "One payment",
  request: { params: z.object({ id: paymentIdSchema }) },
  responses: { 200: jsonOf("The payment", paymentSchema), ...problems(400, 401, 404, 421) },
});

const eraseRoute = createRoute({
  method: "post",
  path: "/v1/payments/{id}/erase",
  summary: "Erase what a payment told this node (participants only)",
  request: { params: z.object({ id: paymentIdSchema }), body: operatorBody },
  responses: {
    200: jsonOf(
      "Erased and recorded, by this request or by an earlier one",
      z.object({ erased: z.string(), by: z.string(), at: timeSchema }),
    ),
    ...problems(400, 401, 403, 404, 405, 409, 413, 415, 421),
  },
});

const cursorSchema = parsed(
  (text) => text === "" ? undefined : text,
  "the next of an earlier answer",
)
  .optional().openapi({ type: "string" });

const choiceSchema = (description: string) =>
  parsed(
    (text) => text === "true" ? true : text === "false" ? false : undefined,
    "true or false",
  ).optional().openapi({ type: "string", enum: ["true", "false"], description });

const proofRoute = createRoute({
  method: "get",
  path: "/v1/payments/{id}/proof",
  summary:
    "The certificate of a payment, which verify-proof checks with the CA's certificate alone",
  request: {
    params: z.object({ id: paymentIdSchema }),
    query: z.object({
      entry: choiceSchema(
        "Whether the log's entry goes with it, and so all that was stored with it; with the token " +
          "that only looks it does not",
      ),
    }),
  },
  responses: {
    200: jsonOf(
      "Order, votes and decision as they were signed, and the entry that holds them",
      z.object({ id: z.string(), proof: z.string().openapi({ description: "In base64" }) }),
    ),
    ...problems(400, 401, 403, 404, 421),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/v1/payments",
  summary: "Payments, newest first",
  request: {
    query: z.strictObject({
      limit: limitSchema(listLimitMax, listLimitDefault),
      cursor: cursorSchema,
      account: nameSchema.optional(),
      details: choiceSchema(
        "Whether memo, reference and details go with each payment, as with one that is asked for alone",
      ),
      open: choiceSchema(
        "At a coordinator: only what is being voted on, or committed and not acknowledged by all, the " +
          "oldest first, in one page",
      ),
    }),
  },
  responses: {
    200: jsonOf(
      "A page of them, maybe of fewer than the limit or of none, where the log has much else; next is " +
        "the cursor of the page after it, and missing where there is none",
      z.object({ payments: z.array(paymentSchema), next: z.string().optional() }),
    ),
    ...problems(400, 401, 403, 421),
  },
});
