/** How a participant is told to pay: within its process, or as its users do, over HTTP. */

import { TextLineStream } from "@std/streams/text-line-stream";
import { generate as generateUuid7 } from "@std/uuid/v7";
import type { ParticipantNode } from "../node/participant_node.ts";
import type { DetailsFor } from "../protocol/details.ts";
import type { Leg } from "../protocol/order.ts";
import { legJson } from "../protocol/order.ts";
import type { Payment } from "./workload.ts";

/** By the function that the API calls, by `POST /v1/payments`, or by `POST /v1/payments/batch`. */
export type Via = "submit" | "http" | "batch";

export interface Payer {
  /** The participant. */
  readonly name: string;
  /** Sends payments as one request, and tells of each what came of it once it is known. */
  pay(payments: readonly Payment[], told: (outcome: Outcome) => void): Promise<unknown>;
}

/** Rejected: certainly not begun. */
export type Outcome =
  | { readonly state: "committed" | "aborted" | "pending" }
  | { readonly state: "rejected"; readonly code: string };

/** Where a participant's API is. */
export interface Api {
  /** Of the participant. */
  readonly name: string;
  readonly url: string;
  readonly token: string;
}

const waitMs = 30_000;
const linesType = "application/x-ndjson";

export function inProcess(node: ParticipantNode): Payer {
  const pay = ({ legs, memo }: Payment, told: (outcome: Outcome) => void) =>
    node.submit({ legs, details: memo ? detailsOf(legs, memo) : undefined, waitMs }).then(told);
  return {
    name: node.name,
    pay: (payments, told) =>
      payments.length === 1
        ? pay(payments[0]!, told)
        : Promise.all(payments.map((payment) => pay(payment, told))),
  };
}

/** For each that is credited the same. */
function detailsOf(legs: readonly Leg[], memo: string): DetailsFor[] {
  const recipients = new Set(legs.slice(1).map(({ participant }) => participant));
  return Array.from(recipients, (recipient) => ({ recipient, details: { memo } }));
}

/** Each payment as a request of its own; as many connections are kept as requests are under way. */
export function overHttp(api: Api): Payer {
  return {
    name: api.name,
    pay: async (payments, told) => {
      await Promise.all(payments.map(async (payment) => {
        const response = await post(api, "/v1/payments", "application/json", bodyOf(payment));
        told(outcomeIn(await response.json()));
      }));
    },
  };
}

/** Payments that come together go in one request, a line each. */
export function byBatch(api: Api): Payer {
  return {
    name: api.name,
    pay: async (payments, told) => {
      const body = payments.map(bodyOf).join("\n");
      const response = await post(api, "/v1/payments/batch", linesType, body);
      if (!response.ok) {
        const refusal = outcomeIn(await response.json());
        return payments.forEach(() => told(refusal));
      }
      const lines = response.body!.pipeThrough(new TextDecoderStream())
        .pipeThrough(new TextLineStream());
      let left = payments.length;
      for await (const line of lines) {
        told(outcomeIn(JSON.parse(line)));
        left--;
      }
      if (left !== 0) throw new Error(`${left} lines of a batch for ${api.name} were not answered`);
    },
  };
}

function post({ url, token }: Api, path: string, type: string, body: string): Promise<Response> {
  return fetch(`${url}${path}?wait=${waitMs / 1_000}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": type },
    body,
  });
}

/** With an id, as every program should: what is sent a second time then pays once. */
function bodyOf({ legs, memo }: Payment): string {
  return JSON.stringify({
    id: generateUuid7(),
    legs: legs.map(legJson),
    memo,
  });
}

/** @throws {Error} where the outcome is unknown, or the request was no good: then so is the benchmark */
function outcomeIn(answer: { state?: string; status?: unknown; code?: string }): Outcome {
  switch (answer.state) {
    case "committed":
    case "aborted":
    case "pending":
      return { state: answer.state };
    case "rejected":
    case "not_started":
      return { state: "rejected", code: answer.code ?? "" };
    default:
      throw new Error(`a node answered ${JSON.stringify(answer)}`);
  }
}
