/** `POST /v1/payments/batch`: many payments in one request, each of them all or nothing by itself. */

import { createRoute, z } from "@hono/zod-openapi";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { messageOf } from "../errors.ts";
import {
  paymentBatchesMax,
  paymentBatchLinesMax,
  paymentBatchRetryMs,
  paymentBatchUnderWayMax,
  waitMsDefault,
} from "../limits.ts";
import { refuseRoutes } from "./access.ts";
import type { AnyNodeApi, ParticipantApi } from "./node_api.ts";
import type { PaymentOutcome } from "./payment_answer.ts";
import { orderPayment, pendingSchema } from "./payment_answer.ts";
import {
  parsePaymentLine,
  paymentBodySchema,
  paymentRequest,
  waitQuerySchema,
} from "./payment_request.ts";
import { paymentSchema } from "./payment_view.ts";
import {
  malformed,
  malformedBody,
  problem,
  problems,
  problemSchema,
  unsupportedMediaType,
} from "./problem.ts";

export const batchPath = "/v1/payments/batch";
/** JSON values, one a line. Not as a literal: the types would take it for a kind of JSON. */
export const linesType: string = "application/x-ndjson";

export function addBatchRoute(
  app: OpenAPIHono,
  node: AnyNodeApi,
  onError: (line: string) => void,
): void {
  if (node.role === "coordinator") return refuseRoutes(app, node, [batchRoute]);
  let underWay = 0;
  app.openapi(batchRoute, async (c) => {
    const { wait } = c.req.valid("query");
    if (!isOfLines(c)) return unsupportedMediaType(c, "batch", linesType);
    if (c.req.header("idempotency-key") !== undefined) {
      const reason = "is not for a batch: each line is safe to send again by an id of its own";
      return malformed(c, [{ field: "idempotency-key", reason }]);
    }
    const lines = linesIn(await c.req.text());
    if (lines.length === 0) return malformed(c, [{ field: "body", reason: "must hold a payment" }]);
    if (lines.length > paymentBatchLinesMax) {
      const detail = `A batch may have ${paymentBatchLinesMax} payments at most`;
      return problem(c, 413, "too_large", detail, { state: "not_started" });
    }
    if (underWay === paymentBatchesMax) {
      const detail = "Too many batches are under way; nothing of this one was started, so send " +
        "it again";
      return problem(c, 503, "overloaded", detail, {
        state: "not_started",
        headers: { "Retry-After": "1" },
      });
    }
    underWay++;
    const outcomes = new BatchOutcomes(lines, async ({ line, text }) => {
      const { status, body } = await outcomeOf(node, text, wait ?? waitMsDefault, onError);
      return `${JSON.stringify({ line, status, ...body })}\n`;
    });
    outcomes.all.catch((bug) => onError(`POST ${batchPath}: ${messageOf(bug)}`))
      .finally(() => underWay--);
    return new Response(outcomes.stream, { headers: { "Content-Type": linesType } });
  });
}

interface Line {
  /** From 1, as an editor counts. */
  readonly line: number;
  readonly text: string;
}

/** Those that are not blank. */
function linesIn(text: string): Line[] {
  const lines: Line[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() !== "") lines.push({ line: index + 1, text: line });
  }
  return lines;
}

function isOfLines(c: Context): boolean {
  return c.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase() === linesType;
}

/** What the line would be answered as a request of its own. */
async function outcomeOf(
  node: ParticipantApi,
  text: string,
  waitMs: number,
  onError: (line: string) => void,
): Promise<PaymentOutcome> {
  const body = parsePaymentLine(text);
  if ("faults" in body) return { status: 400, body: malformedBody(body.faults) };
  const endMs = performance.now() + waitMs;
  for (let leftMs = waitMs;; leftMs = endMs - performance.now()) {
    const request = paymentRequest(body, Math.max(0, leftMs), undefined, node.name);
    if ("field" in request) return { status: 400, body: malformedBody([request]) };
    const outcome = await orderPayment(node, request, onError);
    // Nothing was begun. A batch can wait for room, where else all its lines would soon be rejected.
    const isTooMuch = outcome.status === 503 && outcome.body.code === "overloaded";
    if (!isTooMuch || !node.isReady() || leftMs <= paymentBatchRetryMs) return outcome;
    await new Promise((resolve) => setTimeout(resolve, paymentBatchRetryMs));
  }
}

/**
 * Does something for each line, so many at a time, and tells each outcome as soon as those of the lines
 * before it are told. It goes on where nobody reads: what was sent is carried out.
 */
class BatchOutcomes {
  readonly stream: ReadableStream<Uint8Array>;
  /** Resolves when every line has its outcome; rejects by a bug alone. */
  readonly all: Promise<unknown>;
  readonly #lines: readonly Line[];
  readonly #outcomes: (string | undefined)[];
  /** Of the line to be begun next, and of that to be told next. */
  #next = 0;
  #first = 0;
  #wake: () => void = () => {};

  constructor(lines: readonly Line[], outcome: (line: Line) => Promise<string>) {
    this.#lines = lines;
    this.#outcomes = lines.map(() => undefined);
    // A line that takes its time holds up none but those told after it.
    const length = Math.min(paymentBatchUnderWayMax, lines.length);
    const begun = Array.from({ length }, () => this.#work(outcome));
    this.all = Promise.all(begun);
    const encoder = new TextEncoder();
    this.stream = new ReadableStream({
      // Whoever reads must not take the rest for told.
      start: (controller) => void this.all.catch((bug) => controller.error(bug)),
      pull: async (controller) => {
        controller.enqueue(encoder.encode(await this.#known()));
        if (this.#first === lines.length) controller.close();
      },
    });
  }

  async #work(outcome: (line: Line) => Promise<string>): Promise<void> {
    while (this.#next < this.#lines.length) {
      const index = this.#next++;
      this.#outcomes[index] = await outcome(this.#lines[index]!);
      if (index === this.#first) this.#wake();
    }
  }

  /** All outcomes that can be told, at least one. */
  async #known(): Promise<string> {
    while (this.#outcomes[this.#first] === undefined) {
      await new Promise<void>((wake) => this.#wake = wake);
    }
    const end = this.#outcomes.indexOf(undefined, this.#first);
    const known = this.#outcomes.slice(this.#first, end === -1 ? undefined : end);
    this.#first += known.length;
    return known.join("");
  }
}

const outcomeSchema = z.object({
  line: z.number().int().openapi({ description: "Of the request, from 1; blank lines count" }),
  status: z.number().int().openapi({
    description: "That the line would have been answered as a request of its own",
  }),
}).and(z.union([paymentSchema, pendingSchema, problemSchema])).openapi("PaymentOutcome");

const batchRoute = createRoute({
  method: "post",
  path: batchPath,
  summary: "Order many payments, each all or nothing by itself (participants only)",
  description:
    `JSON lines: each is a payment as POST /v1/payments takes it, at most ${paymentBatchLinesMax}; ` +
    "blank lines are passed over. The answer has a line for each, in the order of the request, and " +
    "streams: a line is there once its outcome and all before it are known. Payments of a batch are " +
    "independent of each other, and made side by side in no certain order: one that is malformed or " +
    "refused stops no other. Each waits for its outcome as long as a request of its own would, from " +
    "when it is begun, and one that finds too much under way is tried again until then. All that was sent is carried out, also where the client goes away. An id makes " +
    "a line safe to send again: it pays once, and is then answered as before, with status 200. A " +
    "line without one pays each time.",
  request: {
    query: waitQuerySchema,
    body: { required: true, content: { [linesType]: { schema: paymentBodySchema } } },
  },
  responses: {
    200: {
      description: "An outcome a line",
      content: { [linesType]: { schema: outcomeSchema } },
    },
    ...problems(400, 401, 403, 405, 413, 415, 421, 503),
  },
});
