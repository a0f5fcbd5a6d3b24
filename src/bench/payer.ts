/** How a participant is told to pay. */

import type { ParticipantNode } from "../node/participant_node.ts";
import type { Payment } from "./workload.ts";

export interface Payer {
  /** The participant. */
  readonly name: string;
  /** Sends payments as one request, and tells of each what came of it once it is known. */
  pay(payments: readonly Payment[], told: (outcome: Outcome) => void): Promise<void>;
}

/** Rejected: certainly not begun. */
export type Outcome =
  | { readonly state: "committed" | "aborted" | "pending" }
  | { readonly state: "rejected"; readonly code: string };

const waitMs = 30_000;

export function inProcess(node: ParticipantNode): Payer {
  const pay = async ({ legs, memo }: Payment) => {
    const recipients = new Set(memo ? legs.slice(1).map(({ participant }) => participant) : []);
    const details = [...recipients].map((recipient) => ({ recipient, details: { memo } }));
    return await node.submit({ legs, details: memo ? details : undefined, waitMs });
  };
  return {
    name: node.name,
    pay: async (payments, told) => {
      await Promise.all(payments.map(async (payment) => told(await pay(payment))));
    },
  };
}
