/** From an order to what is answered: status and body, and the headers that go with them. */

import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { messageOf } from "../errors.ts";
import type {
  ParticipantApi,
  PaymentAnswer,
  PaymentRequest,
  PaymentView,
  SubmitRejectionCode,
} from "./node_api.ts";
import { OutcomeUnknownError } from "./node_api.ts";
import type { PaymentJson } from "./payment_view.ts";
import { paymentJson } from "./payment_view.ts";
import type { Problem, ProblemParts } from "./problem.ts";
import { problemBody, sendProblem } from "./problem.ts";

export const pendingSchema = z.object({ id: z.string(), state: z.literal("pending") });

export type PaymentOutcome =
  | { readonly status: 200 | 201; readonly body: PaymentJson }
  | { readonly status: 202; readonly body: z.infer<typeof pendingSchema> }
  | { readonly status: RefusalStatus; readonly body: Problem };

type RefusalStatus = 400 | 409 | 422 | 500 | 503;

/** Orders a payment, and tells what became of it. Never rejects. */
export async function orderPayment(
  node: ParticipantApi,
  request: PaymentRequest,
  onError: (line: string) => void,
): Promise<PaymentOutcome> {
  try {
    return outcomeOf(await node.submit(request));
  } catch (thrown) {
    // The node stopped meanwhile: the outcome is unknown, and must be told so.
    const id = thrown instanceof OutcomeUnknownError ? thrown.id : request.id;
    onError(`payment ${id ?? "without an id of its user's"}: ${messageOf(thrown)}`);
    const what = id ? "ask for it by its id, or send it again" : "send it again with the same key";
    const detail = `The node could not tell the payment's outcome; ${what}`;
    return refusal(500, "outcome_unknown", detail, { id, state: "unknown" });
  }
}

export function respond(c: Context, outcome: PaymentOutcome) {
  switch (outcome.status) {
    case 200:
      return c.json(outcome.body, 200);
    case 201:
      return c.json(outcome.body, 201, locationOf(outcome.body.id));
    case 202:
      return c.json(outcome.body, 202, locationOf(outcome.body.id));
    case 503:
      return sendProblem(c, 503, outcome.body, { "Retry-After": "1" });
    default:
      return sendProblem(c, outcome.status, outcome.body);
  }
}

function locationOf(id: string): Record<string, string> {
  return { Location: `/v1/payments/${id}` };
}

/** 200 tells that the payment was there before, committed or aborted. */
function outcomeOf(answer: PaymentAnswer): PaymentOutcome {
  switch (answer.state) {
    case "committed":
      return { status: answer.replayed ? 200 : 201, body: paymentJson(answer.payment) };
    case "aborted":
      if (answer.replayed) return { status: 200, body: paymentJson(answer.payment) };
      return aborted(answer.payment);
    case "pending":
      return { status: 202, body: { id: answer.id, state: "pending" } };
    case "rejected":
      return rejected(answer.id, answer.code);
    default:
      return answer satisfies never;
  }
}

function aborted({ id, code }: PaymentView): PaymentOutcome {
  const detail = `Payment ${id} was aborted: ${code ?? "no code"}`;
  return refusal(422, code ?? "aborted", detail, { id, state: "aborted" });
}

function rejected(id: string, code: SubmitRejectionCode): PaymentOutcome {
  const state = "rejected";
  switch (code) {
    case "id_reused": {
      const detail = `Payment id ${id} was used for another payment; ask for that by its id`;
      return refusal(422, code, detail, { id, payment: id, state });
    }
    case "key_reused": {
      // Under the id of this request, if it has one, there is nothing.
      const detail =
        `This Idempotency-Key was used for another request, of payment ${id}; ask for that by its id`;
      return refusal(422, code, detail, { payment: id, state });
    }
    case "id_in_use":
      return refusal(409, code, `Payment ${id} is under way for another originator`, { id, state });
    case "id_ahead": {
      const detail = `id: the time in ${id} lies too far ahead of this node's clock, or of the ` +
        "coordinator's";
      return refusal(400, code, detail, { id, state, field: "id" });
    }
    case "overloaded":
      return notStarted(id, code, "Too many payments are under way");
    case "coordinator_unreachable":
      return notStarted(id, code, "There is no link to the coordinator");
    case "participant_unknown": {
      const detail =
        "A participant that is to be told something, by a memo or by card, is not in " +
        `this network as far as this node knows; payment ${id} was not started`;
      return refusal(422, code, detail, { id, state: "not_started" });
    }
    default:
      return code satisfies never;
  }
}

function notStarted(id: string, code: SubmitRejectionCode, reason: string): PaymentOutcome {
  const detail = `${reason}; payment ${id} was not started by this request, so send it again`;
  return refusal(503, code, detail, { id, state: "not_started" });
}

function refusal(
  status: RefusalStatus,
  code: string,
  detail: string,
  members: Omit<ProblemParts, "headers">,
): PaymentOutcome {
  return { status, body: problemBody(status, code, detail, members) };
}
