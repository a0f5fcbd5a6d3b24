/** A coordinator in every state that a payment can be in, and every event that can meet it there. */

import { resendIntervalMs, voteTimeoutMs } from "../../src/limits.ts";
import type { CoordinatorEvent } from "../../src/protocol/coordinator.ts";
import { Coordinator } from "../../src/protocol/coordinator.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Order, RefusalCode } from "../../src/protocol/order.ts";
import type { Reply } from "../../src/protocol/participant_event.ts";
import type { Found } from "../../src/protocol/step.ts";
import { Output } from "../../src/protocol/step.ts";
import {
  epochs,
  genesisOf,
  order,
  otherLegs,
  otherOriginator,
  otherPayment,
  payment,
  transactions,
  turnOf,
} from "./example.ts";

const { T0, T1, Tbefore, Ttwin } = transactions;

export type Step = CoordinatorEvent & { readonly afterMs?: number; readonly waitedMs?: number };

function from(name: string, message: Message): Step {
  return { type: "message", from: name, message };
}

export function orders(name: string, ordered: Order): Step {
  return from(name, { type: "order", order: ordered });
}

function votes(
  name: string,
  yes: boolean,
  code?: RefusalCode,
  transaction = T1,
  { hash: orderHash }: Order = order,
): Step {
  return from(name, { type: "vote", transaction, payment, orderHash, yes, code });
}

function asks(name: string, transaction = T1): Step {
  return from(name, { type: "inquiry", transaction, payment });
}

function acks(name: string, transaction = T1): Step {
  return from(name, { type: "ack", transaction, payment });
}

function tick(afterMs: number): Step {
  return { type: "tick", afterMs };
}

export function links(peer: string, address = `${peer}:7443`): Step {
  return { type: "linkUp", peer, address };
}

function readmits(name: string): Step {
  return { type: "record", record: { type: "readmitted", name, by: "ann" } };
}

function finds(...found: Found[]): Step {
  return { type: "lookedUp", key: payment, found };
}

const entry = turnOf("coordinator", 3);
const committed: Found = [entry, { type: "committed", transaction: T1, order, proofs: [] }];
const aborted: Found = [entry, { type: "aborted", order, code: "vote_timeout" }];

// Began, and was lost for want of a debit's confirmation, so that T1 is not the epoch's first.
const lost = [orders("alice", order), votes("alice", false, undefined, T0)];
const begun = [...lost, orders("alice", order)];
const decided = [...begun, votes("alice", true), votes("bob", true)];

/** How the coordinator came to be in a state. `checkpoint`: what is settled has left memory. */
export const states: Readonly<Record<string, readonly (Step | "checkpoint")[]>> = {
  "new": lost,
  "looking up": [...lost, "checkpoint", orders("alice", order)],
  "voting": begun,
  "one yes": [...begun, votes("bob", true)],
  "committing": decided,
  "one ack": [...decided, acks("bob")],
  "committed": [...decided, acks("alice"), acks("bob")],
  "aborted": [...begun, votes("bob", false, "account_not_found")],
  "indexed": [...decided, acks("alice"), acks("bob"), "checkpoint"],
};
export const events: Readonly<Record<string, Step>> = {
  "order": orders("alice", order),
  "order of other legs": orders("alice", otherLegs),
  "order of another originator": orders("bob", otherOriginator),
  "order in another's name": orders("bob", order),
  "yes of alice": votes("alice", true),
  "yes of bob": votes("bob", true),
  "yes of a stranger": votes("carol", true),
  "yes on an older transaction": votes("bob", true, undefined, T0),
  "yes of a stranger on an older transaction": votes("carol", true, undefined, T0),
  "yes to another order": votes("bob", true, undefined, T1, otherLegs),
  "no with a code": votes("bob", false, "account_not_found"),
  "no without a code": votes("alice", false),
  "no to another order": votes("bob", false, "account_not_found", T1, otherLegs),
  "no of a stranger": votes("carol", false, "account_not_found"),
  "no on an older transaction": votes("bob", false, "account_not_found", T0),
  "inquiry": asks("bob"),
  "inquiry of a stranger": asks("carol"),
  "inquiry about an older transaction": asks("bob", T0),
  "inquiry of a stranger about an older transaction": asks("carol", T0),
  "inquiry about the epoch before": asks("bob", Tbefore),
  "inquiry about an epoch not in the log": asks("bob", Ttwin),
  "ack of alice": acks("alice"),
  "ack of bob": acks("bob"),
  "ack of a stranger": acks("carol"),
  "ack of an older transaction": acks("bob", T0),
  "link up": links("bob"),
  "link up from elsewhere": links("bob", "elsewhere:7443"),
  "bob is readmitted": readmits("bob"),
  "a stranger is readmitted": readmits("carol"),
  "link down": { type: "linkDown", peer: "bob" },
  "tick": tick(resendIntervalMs - 1),
  "tick when a resend is due": tick(resendIntervalMs),
  "tick at the vote timeout": tick(voteTimeoutMs),
  "index has nothing": finds(),
  "index has a commit": finds(committed),
  "index has an abort": finds(aborted),
  "decision": from("bob", { type: "decision", transaction: T1, payment, commit: false }),
};

export class Bench {
  readonly coordinator = new Coordinator();
  #number = 0;

  constructor() {
    const genesis = genesisOf("coordinator", "coordinator");
    this.step({ type: "start", genesis, nonce: epochs.before.nonce });
    this.step({ type: "start", genesis, nonce: epochs.present.nonce });
    for (const peer of ["alice", "bob"]) this.step(links(peer));
  }

  static in(state: string): Bench {
    const bench = new Bench();
    for (const step of states[state]!) {
      if (step === "checkpoint") bench.checkpoint();
      else bench.step(step);
    }
    return bench;
  }

  step(event: Step, number = ++this.#number): Output<Reply> {
    const out = new Output<never>();
    const turn = turnOf("coordinator", number, event.afterMs, event.waitedMs);
    this.coordinator.step(event, turn, out);
    return out;
  }

  /** What is settled leaves memory for the index. */
  checkpoint(): void {
    this.coordinator.state.rotate();
    this.coordinator.indexed(otherPayment);
  }
}
