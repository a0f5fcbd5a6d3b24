/** Alice, whose user ordered the example's payment, in every state of it, and what can meet her there. */

import { inquiryIntervalMs } from "../../src/limits.ts";
import type { TransactionId } from "../../src/protocol/id.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Order, RefusalCode } from "../../src/protocol/order.ts";
import { Participant } from "../../src/protocol/participant.ts";
import type { ParticipantEvent, Reply } from "../../src/protocol/participant_event.ts";
import type { Found } from "../../src/protocol/step.ts";
import { Output } from "../../src/protocol/step.ts";
import { proofOf } from "../codec/proofs.ts";
import {
  epochs,
  genesisOf,
  order,
  orderOf,
  otherLegs,
  otherOriginator,
  otherPayment,
  payment,
  transactions,
  turnOf,
} from "./example.ts";

const { T0, T1, T2, Tbefore, Ttwin, Tnext } = transactions;
export const waitMs = 5_000;

export type Step = ParticipantEvent & { readonly afterMs?: number; readonly waitedMs?: number };

export function from(name: string, message: Message): Step & { readonly type: "message" } {
  return { type: "message", from: name, message };
}

export function prepares(transaction: TransactionId, prepared: Order = order): Step {
  return from("coordinator", { type: "prepare", transaction, order: prepared });
}

interface Told {
  readonly code?: RefusalCode;
  readonly of?: Order;
  /** Whose decision it is; who tells it may be another. */
  readonly signer?: string;
}

export function decides(
  name: string,
  commit: boolean,
  transaction: TransactionId,
  { code, of = order, signer = name }: Told = {},
): Step {
  const decided = commit || code ? turnOf("coordinator", 70) : undefined;
  const orderHash = commit ? of.hash : undefined;
  const decision = { type: "decision", transaction, payment, commit, orderHash, code, decided };
  const stated = decision as Message & { type: "decision" };
  return from(name, { ...stated, proof: proofOf(signer, stated) });
}

export function asks(transaction: TransactionId, name = "bob"): Step {
  return from(name, { type: "inquiry", transaction, payment });
}

export function submits(request: number, submitted: Order): Step & { readonly type: "submit" } {
  return { type: "submit", request, order: submitted, deadlineMs: waitMs };
}

function resolves(commit: boolean): Step {
  return { type: "resolve", request: 9, transaction: T1, commit, by: "ann" };
}

function restores(transaction: TransactionId): Step {
  const decided = turnOf("coordinator", 70);
  const commit = { type: "decision", transaction, payment, commit: true, decided } as const;
  const proof = proofOf("coordinator", { ...commit, orderHash: order.hash });
  const ordered = proofOf("alice", { type: "order", order });
  return { type: "restore", request: 9, order, transaction, decided, ordered, proof };
}

const acknowledges: Step = { type: "acknowledge", request: 9, transaction: T1, by: "ben" };

function tick(afterMs: number): Step {
  return { type: "tick", afterMs };
}

export function links(epoch = epochs.present as { counter: number; nonce: string }): Step {
  return { type: "linkUp", peer: "coordinator", address: "coordinator:7443", epoch };
}

export function peerLinks(peer: string): Step {
  return { type: "linkUp", peer, address: `${peer}:7443` };
}

function finds(...found: Found[]): Step {
  return { type: "lookedUp", key: payment, found };
}

const [at1, at2] = [turnOf("alice", 3), turnOf("alice", 4)];
const decided = turnOf("coordinator", 70);
const prepared: Found = [at1, { type: "prepared", transaction: T1, order }];
const posted: Found = [at2, { type: "posted", transaction: T1, payment, decided }];
const preparedOlder: Found = [at1, { type: "prepared", transaction: T0, order }];
const releasedOlder: Found = [at2, { type: "released", transaction: T0, payment }];

const ordered = [submits(1, order)];
const promised = [...ordered, prepares(T1)];
const restarted = [...promised, "restart"] as const;
/** Asked to prepare what the index has to be asked of first. */
const waiting = [...ordered, "checkpoint", prepares(T1)] as const;

/** How alice came to be in a state. `checkpoint`: what is settled has left memory; `restart`: so has
 * what is not durable, and no link is up. The last two came about while a prepare waited for the index. */
export const states: Readonly<Record<string, readonly (Step | "checkpoint" | "restart")[]>> = {
  "none": [],
  "own": ordered,
  "prepared": promised,
  "restarted": restarted,
  "forced to commit": [...promised, resolves(true)],
  "forced and restarted": [...promised, resolves(true), "restart"],
  "forced to abort": [...promised, resolves(false)],
  "refused": [asks(T1)],
  "own and refused": [...ordered, asks(T1)],
  "posted": [...promised, decides("coordinator", true, T1)],
  "released": [...promised, decides("coordinator", false, T1, { code: "vote_timeout" })],
  "attempt lost": [...promised, decides("coordinator", false, T1)],
  "aborted": [...ordered, decides("coordinator", false, T1, { code: "account_not_found" })],
  "posted against the decision": [
    ...promised,
    resolves(true),
    decides("coordinator", false, T1, { code: "vote_timeout" }),
  ],
  "released against the decision": [
    ...promised,
    resolves(false),
    decides("coordinator", true, T1),
  ],
  "acknowledged": [
    ...promised,
    resolves(true),
    decides("coordinator", false, T1, { code: "vote_timeout" }),
    acknowledges,
  ],
  "looking up": [...promised, decides("coordinator", true, T1), "checkpoint", submits(1, order)],
  "indexed": [...promised, decides("coordinator", true, T1), "checkpoint"],
  "prepare waits": waiting,
  "aborted meanwhile": [
    ...waiting,
    decides("coordinator", false, T1, { code: "account_not_found" }),
  ],
  "overtaken": [...waiting, links(epochs.next)],
  "amnesiac": [{ type: "amnesia", peer: "bob" }],
};

export const events: Readonly<Record<string, Step>> = {
  "submit": submits(2, order),
  "submit of other legs": submits(2, otherLegs),
  "submit of another's": submits(2, otherOriginator),
  "prepare": prepares(T1),
  "prepare older": prepares(T0),
  "prepare newer": prepares(T2),
  "prepare changed": prepares(T2, otherLegs),
  "prepare of the epoch before": prepares(Tbefore),
  "prepare of a copy's epoch": prepares(Ttwin),
  "prepare of the next epoch": prepares(Tnext),
  "commit": decides("coordinator", true, T1),
  "commit from a peer": decides("bob", true, T1, { signer: "coordinator" }),
  "commit from a peer on its own word": decides("bob", true, T1),
  "commit of another order": decides("coordinator", true, T1, { of: otherLegs }),
  "commit of another order from a peer": decides("bob", true, T1, {
    of: otherLegs,
    signer: "coordinator",
  }),
  "commit that another has signed": decides("coordinator", true, T1, { signer: "bob" }),
  "commit of an older from a peer": decides("bob", true, T0, { signer: "coordinator" }),
  "commit of another transaction": decides("coordinator", true, T2),
  "abort": decides("coordinator", false, T1),
  "abort from a peer": decides("bob", false, T1),
  "abort from a peer that another has signed": decides("bob", false, T1, { signer: "carol" }),
  "abort of an older from a peer": decides("bob", false, T0),
  "abort with a code from a peer": decides("bob", false, T1, {
    code: "vote_timeout",
    signer: "coordinator",
  }),
  "abort with a code from a peer on its own word": decides("bob", false, T1, {
    code: "vote_timeout",
  }),
  "abort with a code": decides("coordinator", false, T1, { code: "vote_timeout" }),
  "abort of another transaction": decides("coordinator", false, T0),
  "inquiry": asks(T1),
  "inquiry about an older": asks(T0),
  "inquiry about a newer": asks(T2),
  "inquiry of a stranger": asks(T1, "carol"),
  "inquiry of a stranger about an older": asks(T0, "carol"),
  "outcome committed": from("coordinator", {
    type: "outcome",
    payment,
    outcome: { state: "committed", transaction: T1, decided, replayed: true },
  }),
  "outcome aborted": from("coordinator", {
    type: "outcome",
    payment,
    outcome: { state: "aborted", code: "vote_timeout", decided, replayed: true },
  }),
  "outcome rejected": from("coordinator", {
    type: "outcome",
    payment,
    outcome: { state: "rejected", code: "overloaded" },
  }),
  "resolve commit": resolves(true),
  "resolve abort": resolves(false),
  "resolve of another transaction": { ...resolves(true), transaction: T2 } as Step,
  "acknowledge": acknowledges,
  "restore": restores(T1),
  "restore of another transaction": restores(T2),
  "inquire": { type: "inquire", request: 9 },
  "erase": { type: "erase", request: 9, payment, by: "ann" },
  "link up": links(),
  "link up in the next epoch": links(epochs.next),
  "link up in the epoch before": links(epochs.before),
  "link up of a copy": links(epochs.twin),
  "link up of a peer": peerLinks("bob"),
  "link up of a stranger": peerLinks("carol"),
  "tick": tick(inquiryIntervalMs - 1),
  "tick when an answer is due": tick(inquiryIntervalMs),
  "tick when the wait ends": tick(waitMs),
  "index has nothing": finds(),
  "index has a post": finds(prepared, posted),
  "index has a lost attempt": finds(preparedOlder, releasedOlder),
};

export class Bench {
  participant = new Participant("alice", "coordinator");
  #number = 0;
  readonly #records: [Parameters<Participant["state"]["apply"]>[0], ReturnType<typeof turnOf>][] =
    [];

  constructor() {
    this.step({ type: "start", genesis: genesisOf("alice", "participant"), nonce: "eeeeeeeeeeee" });
    this.step({ type: "open", request: 0, account: "main", currency: "USD", opening: 1_000n });
    this.step(peerLinks("bob"));
    this.step(links());
  }

  static in(state: string): Bench {
    const bench = new Bench();
    for (const step of states[state]!) {
      if (step === "checkpoint") bench.checkpoint();
      else if (step === "restart") bench.restart();
      else bench.step(step);
    }
    return bench;
  }

  step(event: Step, number = ++this.#number): Output<Reply> {
    const out = new Output<Reply>();
    const turn = turnOf("alice", number, event.afterMs, event.waitedMs);
    this.participant.step(event, turn, out);
    for (const record of out.records) this.#records.push([record, turn]);
    return out;
  }

  /** What is settled leaves memory for the index. */
  checkpoint(): void {
    this.participant.state.rotate();
    this.participant.indexed(otherPayment, true);
  }

  /** Only the records come back. */
  restart(): void {
    this.participant = new Participant("alice", "coordinator");
    for (const [record, turn] of this.#records) this.participant.state.apply(record, turn);
  }
}

/** What of alice's account can be spent, is settled and is held. */
export function balanceOf({ participant }: Bench): string {
  const account = participant.state.ledger.account("main")!;
  return `${account.posted} -${account.pendingDebits} +${account.pendingCredits}`;
}

/** From bob, whose own participant alone may debit him. */
export function incoming(amount: bigint, id = otherPayment): Order {
  return orderOf("bob", [`-${amount} USD main@bob`, `${amount} USD main@alice`], id);
}
