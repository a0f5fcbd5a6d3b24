/** From what a node answered to an order to what the payer is told. */

import { outcomeReason } from "../http/outcome_reason.ts";
import type { PaymentId } from "../protocol/id.ts";
import { outcomeIn } from "./answers.ts";
import type { OutcomeAnswer } from "./answers.ts";
import type { Reply } from "./node_client.ts";

export type PayOutcome =
  /** `isLost`: the ledger of the node asked lacks it. */
  | { readonly state: "committed"; readonly isLost?: boolean }
  | { readonly state: "malformed"; readonly reason: string }
  /** `remedy`: where to pay again by the same id is none. */
  | { readonly state: "unknown"; readonly reason: string; readonly remedy?: string }
  | { readonly state: "aborted"; readonly reason: string; readonly code?: string }
  /** Nothing was paid; `remedy` is for who sent this one alone. */
  | {
    readonly state: "failed";
    readonly reason: string;
    readonly remedy?: string;
    readonly code?: string;
  };

/**
 * Only what a node certainly said of this very payment is definite. All else (an answer cut off,
 * another program's, one that names no state or another payment) is unknown: to take it for a
 * failure would invite a second payment.
 *
 * @param other the participant that it is for, where there is one beside the payer's
 */
export function payOutcome(id: PaymentId, reply: Reply, other?: string): PayOutcome {
  switch (reply.type) {
    case "not_sent":
      return failed(`the payment was not sent: ${reply.reason}`, "is the node running?");
    case "broken":
      return unknown(`the connection broke: ${reply.reason}`);
    case "silent":
      return unknown(reply.reason);
    case "answered":
      return answered(id, reply.status, outcomeIn(reply.body), other);
    default:
      return reply satisfies never;
  }
}

/** For who sent this payment alone and was not told that it is committed, in one line. */
export function outcomeText(
  id: PaymentId,
  outcome: Exclude<PayOutcome, { state: "committed" }>,
): string {
  const reason = reasonText(outcome);
  switch (outcome.state) {
    case "aborted":
      return `payment ${id} was aborted: ${reason}` +
        (outcome.code === "forced_otherwise" ? "" : "; nothing was paid");
    case "unknown":
      if (outcome.remedy !== undefined) return `outcome unknown: ${reason}; ${outcome.remedy}`;
      return `outcome unknown: ${reason}; ask "handfast payment ${id}", ` +
        `or pay again with --id ${id}, which pays once`;
    case "failed":
      return outcome.remedy === undefined ? reason : `${reason}; ${outcome.remedy}`;
    case "malformed":
      return reason;
    default:
      return outcome satisfies never;
  }
}

/** Of one that is committed, where the ledger of the node that says so lacks it. */
export function lostText(id: PaymentId): string {
  return `payment ${id} is committed, but this node's log has lost it and its ledger lacks it: do not pay ` +
    "it again by another id";
}

/** With the code by which programs tell it. */
export function reasonText(outcome: Exclude<PayOutcome, { state: "committed" }>): string {
  if (outcome.state !== "aborted") return outcome.reason;
  return `${outcome.code ?? "no code"} (${outcome.reason})`;
}

function answered(
  id: PaymentId,
  status: number,
  answer: OutcomeAnswer,
  other: string | undefined,
): PayOutcome {
  const { code, detail } = answer;
  const said = detail ?? code ?? `the node answered ${status}`;
  const isThis = answer.id === id;
  switch (status) {
    case 200:
    case 201:
      if (isThis && answer.state === "committed") {
        return { state: "committed", isLost: answer.lost };
      }
      if (isThis && answer.state === "aborted") return aborted(code, other);
      return unknown(`answer ${status} does not tell its outcome`);
    case 202:
      return unknown("it is still pending");
    case 422:
      if (isThis && answer.state === "aborted") return aborted(code, other);
      if (code === "id_reused") {
        // What of, `reused_id.ts` finds out.
        return { state: "failed", reason: said, code };
      }
      if (isThis && answer.state === "not_started") return notStarted(id, said, code, other);
      return unknown(said);
    case 400:
      // Without a problem's code it is not a node that calls this malformed.
      return code === undefined ? unknown(said) : { state: "malformed", reason: said };
    case 503: {
      // Others than the node answer 503 too, such as a proxy that lost the connection behind it.
      const reason = notBegun.get(code ?? "");
      if (reason === undefined) return unknown(said);
      const remedy = `run it again with --id ${id}`;
      return failed(`payment ${id} was not ${reason} (${code})`, remedy);
    }
    default:
      if (code !== undefined && refusedUnread.has(status)) return failed(said);
      return unknown(said);
  }
}

/**
 * By codes of a node that may take this payment another time: what was not done, and why. One that is
 * stopping has not looked whether it knows the payment from before.
 */
const notBegun: ReadonlyMap<string, string> = new Map([
  ["overloaded", "started: too many payments are under way"],
  ["coordinator_unreachable", "started: there is no link to the coordinator"],
  ["stopping", "sent: the node is stopping"],
]);

/**
 * Statuses by which a node turns a request down before it looks at the payment, and 409: the id
 * is under way for another originator, so nothing was started for this one.
 */
const refusedUnread: ReadonlySet<number> = new Set([401, 403, 404, 405, 409, 413, 415, 421]);

function notStarted(
  id: PaymentId,
  said: string,
  code: string | undefined,
  other: string | undefined,
): PayOutcome {
  if (code !== "participant_unknown" || other === undefined) return failed(said);
  const reason = `no participant "${other}" in this network as far as this node knows`;
  return { state: "failed", reason, remedy: `payment ${id} was not started`, code };
}

function failed(reason: string, remedy?: string): PayOutcome {
  return { state: "failed", reason, remedy };
}

function unknown(reason: string): PayOutcome {
  return { state: "unknown", reason };
}

function aborted(code: string | undefined, other: string | undefined): PayOutcome {
  return { state: "aborted", reason: outcomeReason(code, other), code };
}
