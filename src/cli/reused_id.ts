/** A node says that an id was used for another payment: what the id stands for decides what the payer is told. */

import { messageOf } from "../errors.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Leg } from "../protocol/order.ts";
import { addressOf } from "../protocol/order.ts";
import { outcomeIn, paymentAnswer } from "./answers.ts";
import type { PaymentAnswer } from "./answers.ts";
import { answerOf, lookUp, nameOf } from "./api.ts";
import type { LegText } from "./legs.ts";
import { legsText } from "./legs.ts";
import type { NodeAddress } from "./node_address.ts";
import type { PayOutcome } from "./pay_outcome.ts";
import { stateText } from "./payment.ts";
import { plainStyle } from "./style.ts";

export function isOfReusedId(outcome: PayOutcome): boolean {
  return outcome.state === "failed" && outcome.code === "id_reused";
}

/**
 * The same legs under the same id are most likely what was meant, sent before, when the payment told
 * something else or a key was another one: that nothing was paid, nobody may be told then. Nor where it is
 * not found out what the id stands for.
 *
 * @param legsAt what was ordered, at a node of that name
 */
export async function reusedIdOutcome(
  node: NodeAddress,
  id: PaymentId,
  legsAt: (name: string) => readonly Leg[],
  interrupted: AbortSignal,
): Promise<PayOutcome> {
  const path = `/v1/payments/${id}`;
  const reply = await lookUp(node, { method: "GET", path, interrupted });
  let known: PaymentAnswer;
  let name: string | undefined;
  try {
    known = answerOf(node, reply, paymentAnswer);
    name = await nameOf(node);
    if (name === undefined) throw new Error(`${node.url} does not tell its name`);
  } catch (thrown) {
    const isUnknown = reply.type === "answered" && reply.status === 404 &&
      outcomeIn(reply.body).state !== "committed";
    const why = isUnknown ? "for a payment that is not in this node's log" : messageOf(thrown);
    const remedy = `ask "handfast payment ${id}" at the coordinator`;
    return { state: "unknown", reason: `its id was used before: ${why}`, remedy };
  }
  const state = stateText(known, plainStyle);
  const legs = legsAt(name).map((leg) => ({ ...leg, account: addressOf(leg) }));
  if (known.originator === name && sameLegs(known.legs, legs)) {
    return {
      state: "unknown",
      reason:
        `its id was used for a payment of the same legs, which is ${state}; what that tells, or a ` +
        "key that signed or sealed it, is another than now, so nothing more was sent",
      remedy: `ask "handfast payment ${id}"`,
    };
  }
  return {
    state: "failed",
    reason: `payment id ${id} was used for another payment, which is ${state}: ` +
      `${legsText(known.legs)}, ordered at ${known.originator}`,
    remedy: "for a new payment leave out --id",
    code: "id_reused",
  };
}

/**
 * The node's answer, for programs: by its "rejected" they would pay again, by another id, what may have been
 * paid by this one.
 */
export function reusedIdAnswer(id: PaymentId, answer: object, outcome: PayOutcome): object {
  if (outcome.state !== "unknown") return answer;
  return { ...answer, id, state: outcome.state, detail: outcome.reason };
}

/** In whatever order: it is the same money. */
function sameLegs(a: readonly LegText[], b: readonly LegText[]): boolean {
  const keysOf = (legs: readonly LegText[]) =>
    legs.map(({ account, amount, currency }) => `${account} ${amount} ${currency}`).sort();
  return keysOf(a).join() === keysOf(b).join();
}
