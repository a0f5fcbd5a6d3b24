/** What of a node's answers the commands read. */

import { z } from "zod";
import { linkStates } from "../http/node_api.ts";

export const accountAnswer = z.object({
  account: z.string(),
  currency: z.string(),
  posted: digits(),
  pendingDebits: digits(),
  pendingCredits: digits(),
  available: digits(),
});
export type AccountAnswer = z.infer<typeof accountAnswer>;

const leg = z.object({ account: z.string(), amount: digits(), currency: z.string() });
const decision = z.enum(["commit", "abort"]);

export const paymentAnswer = z.object({
  id: z.string(),
  state: z.enum(["pending", "prepared", "committed", "aborted"]),
  code: z.string().optional(),
  legs: z.array(leg),
  /** At the issuer of the card that pays: the account behind it. */
  card: z.string().optional(),
  originator: z.string(),
  /** Of what it tells the node asked; one line each. */
  memo: z.string().optional(),
  reference: z.string().optional(),
  details: z.enum(["erased", "unreadable", "withheld"]).optional(),
  transaction: z.string().optional(),
  /** What an operator of the node asked has decided. */
  forced: z.object({
    decision,
    by: z.string(),
    at: z.string(),
    /** The real decision, where it is known. */
    decided: decision.optional(),
    acknowledged: z.object({ by: z.string(), at: z.string() }).optional(),
  }).optional(),
  /** Of one in a list of those that are open. */
  open: z.object({ waitingFor: z.array(z.string()), since: z.string() }).optional(),
  clock: z.record(z.string(), z.number()),
  at: z.string(),
});

export type PaymentAnswer = z.infer<typeof paymentAnswer>;

const mismatchAnswer = z.object({
  transaction: z.string(),
  payment: z.string(),
  forced: z.object({ decision, by: z.string() }),
  decision,
  at: z.string(),
});
export type MismatchAnswer = z.infer<typeof mismatchAnswer>;

export const inDoubtAnswer = z.object({
  inDoubt: z.array(z.object({
    transaction: z.string(),
    payment: z.string(),
    /** Seconds. */
    age: z.number(),
    participants: z.array(z.string()),
    /** Who is asked, and has no link. */
    unreachable: z.array(z.string()),
    /** Who is asked, has a link, and tells nothing. */
    unanswered: z.array(z.string()).optional(),
    held: z.array(leg),
    forced: z.object({ decision, by: z.string(), at: z.string(), legs: z.array(leg) }).optional(),
  })),
  mismatches: z.array(mismatchAnswer),
});
export type InDoubtAnswer = z.infer<typeof inDoubtAnswer>;

export const statusAnswer = z.object({
  name: z.string(),
  role: z.enum(["coordinator", "participant"]),
  notReady: z.string().optional(),
  epoch: z.string(),
  clock: z.record(z.string(), z.number()),
  peers: z.array(z.object({ name: z.string(), address: z.string(), link: z.enum(linkStates) })),
  open: z.number(),
  inDoubt: z.number(),
  /** Seconds. */
  longestDoubt: z.number().optional(),
  forced: z.number().optional(),
  /** Seconds. */
  clockOffset: z.number().optional(),
  unacknowledged: z.array(
    z.object({ participant: z.string(), payments: z.number(), longest: z.number() }),
  ).optional(),
  committed: z.number(),
  aborted: z.number(),
  throughput: z.number(),
  latency: z.object({ p50ms: z.number().nullable(), p99ms: z.number().nullable() }),
  certificateNotAfter: z.string().optional(),
  revocationList: z.number().optional(),
  mismatches: z.array(mismatchAnswer),
  alarms: z.array(z.string()),
});
export type StatusAnswer = z.infer<typeof statusAnswer>;

/** What the node asked has seen of a peer's log. */
export const memoryAnswer = z.object({
  seen: z.number().optional(),
  forgotten: z.object({
    ends: z.number(),
    payments: z.object({
      count: z.number(),
      all: z.boolean(),
      since: z.string().optional(),
      among: z.number(),
    }).optional(),
  }).optional(),
});
export type MemoryAnswer = z.infer<typeof memoryAnswer>;

export const readmitAnswer = memoryAnswer.extend({ readmitted: z.string() });

export const retryAnswer = z.object({ asked: z.number() });

export const resolveAnswer = z.object({
  transaction: z.string(),
  payment: z.string(),
  decision,
  by: z.string(),
});

export const acknowledgeAnswer = z.object({
  acknowledged: z.string(),
  payment: z.string(),
  by: z.string(),
});

const cardAnswer = z.object({
  id: z.string(),
  account: z.string(),
  masked: z.string(),
  expiry: z.string(),
  at: z.string(),
});

export const cardsAnswer = z.object({
  cards: z.array(cardAnswer),
  declined: z.array(z.object({
    payment: z.string(),
    merchant: z.string(),
    masked: z.string().optional(),
    amount: digits(),
    currency: z.string(),
    reason: z.string(),
    at: z.string(),
  })),
});
export type CardsAnswer = z.infer<typeof cardsAnswer>;

export const addedCardAnswer = cardAnswer.extend({ cvv: z.string() });

export const removedCardAnswer = z.object({ removed: z.string() });

export const eraseAnswer = z.object({ erased: z.string(), by: z.string(), at: z.string() });

const moved = { posted: z.string(), amount: digits(), balance: digits() };

/** A line of a statement. */
export const statementAnswer = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("opening"),
    /** Nodes of earlier versions leave it out. */
    node: z.string().optional(),
    account: z.string(),
    currency: z.string(),
    from: z.string().optional(),
    to: z.string().optional(),
    /** Of the node's look at its books. */
    at: z.string(),
    balance: digits(),
  }),
  z.object({ type: z.literal("opened"), ...moved }),
  z.object({
    type: z.literal("payment"),
    ...moved,
    decided: z.string(),
    payment: z.string(),
    accounts: z.array(z.string()),
    forced: z.boolean().optional(),
    memo: z.string().optional(),
    reference: z.string().optional(),
    details: z.enum(["erased", "unreadable", "withheld"]).optional(),
  }),
  z.object({ type: z.literal("closing"), balance: digits(), debits: digits(), credits: digits() }),
  z.object({ type: z.literal("reading"), entries: z.number() }),
]);
type StatementAnswer = z.infer<typeof statementAnswer>;
export type OpeningAnswer = Extract<StatementAnswer, { type: "opening" }>;
export type ClosingAnswer = Extract<StatementAnswer, { type: "closing" }>;
/** What moved the account. */
export type MovementAnswer = Extract<StatementAnswer, { type: "opened" | "payment" }>;

/** An outcome or a refusal, as far as it can be told which payment it is about. */
const outcomeAnswer = z.object({
  id: z.string().optional(),
  state: z.string().optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
  lost: z.boolean().optional(),
});
export type OutcomeAnswer = z.infer<typeof outcomeAnswer>;

/** Nothing of an answer that is not a node's. */
export function outcomeIn(body: unknown): OutcomeAnswer {
  return outcomeAnswer.safeParse(body).data ?? {};
}

const problemAnswer = z.object({ code: z.string(), detail: z.string().optional() });

/** The problem details (RFC 9457) in an answer. */
export function problemIn(body: unknown): z.infer<typeof problemAnswer> | undefined {
  return problemAnswer.safeParse(body).data;
}

/** An amount in minor units. */
function digits() {
  return z.string().regex(/^-?\d{1,30}$/).transform(BigInt);
}
