/** From what a node answers to an order to status, headers and body. */

import type { Context } from "hono";
import type { PaymentAnswer, PaymentView, SubmitRejectionCode } from "./node_api.ts";
import { paymentJson } from "./payment_view.ts";
import { problem } from "./problem.ts";

/**
 * `keyed`: sent with an `Idempotency-Key`. Its replay has the status of the first answer; without
 * one, 200 tells that the payment was there before.
 */
export function respond(c: Context, answer: PaymentAnswer, keyed: boolean) {
  switch (answer.state) {
    case "committed":
      if (answer.replayed && !keyed) return c.json(paymentJson(answer.payment), 200);
      return c.json(paymentJson(answer.payment), 201, locationOf(answer.payment.id));
    case "aborted":
      if (answer.replayed && !keyed) return c.json(paymentJson(answer.payment), 200);
      return aborted(c, answer.payment);
    case "pending":
      return c.json({ id: answer.id, state: "pending" as const }, 202, locationOf(answer.id));
    case "rejected":
      return rejected(c, answer.id, answer.code);
    default:
      return answer satisfies never;
  }
}

function locationOf(id: string): Record<string, string> {
  return { Location: `/v1/payments/${id}` };
}

function aborted(c: Context, { id, code }: PaymentView) {
  return problem(c, 422, code ?? "aborted", `Payment ${id} was aborted: ${code ?? "no code"}`, {
    id,
    state: "aborted",
  });
}

function rejected(c: Context, id: string, code: SubmitRejectionCode) {
  const state = "rejected" as const;
  switch (code) {
    case "id_reused":
      return problem(c, 422, code, `Payment id ${id} was used for another payment`, { id, state });
    case "key_reused":
      return problem(c, 422, code, "This Idempotency-Key was used for another request", {
        id,
        state,
      });
    case "id_in_use":
      return problem(c, 409, code, `Payment ${id} is under way for another originator`, {
        id,
        state,
      });
    case "id_ahead":
      return problem(
        c,
        400,
        code,
        `id: the time in ${id} lies too far ahead of this node's clock`,
        {
          id,
          state,
          field: "id",
        },
      );
    case "overloaded":
      return notStarted(c, id, code, "Too many payments are under way");
    case "coordinator_unreachable":
      return notStarted(c, id, code, "There is no link to the coordinator");
    case "participant_unknown": {
      const detail = "A participant that is to be told something is not known here; payment " +
        `${id} was not started`;
      return problem(c, 422, code, detail, { id, state: "not_started" });
    }
    default:
      return code satisfies never;
  }
}

function notStarted(c: Context, id: string, code: SubmitRejectionCode, reason: string) {
  return problem(c, 503, code, `${reason}; payment ${id} was not started, so send it again`, {
    id,
    state: "not_started",
    headers: { "Retry-After": "1" },
  });
}
