/** What all commands that send payments have in common: the id, the wait, and what is said of it. */

import { messageOf } from "../errors.ts";
import { waitMsDefault } from "../limits.ts";
import type { PaymentId } from "../protocol/id.ts";
import type { Leg } from "../protocol/order.ts";
import { printBody } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import type { Flag } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { Interruption } from "./interruption.ts";
import type { Io } from "./io.ts";
import { note } from "./io.ts";
import { newId } from "./new_id.ts";
import type { NodeAddress } from "./node_address.ts";
import { send } from "./node_client.ts";
import { lostText, outcomeText, payOutcome } from "./pay_outcome.ts";
import type { PayOutcome } from "./pay_outcome.ts";
import { isOfReusedId, reusedIdAnswer, reusedIdOutcome } from "./reused_id.ts";
import { parseId, parseWait } from "./values.ts";

export const idFlag: Flag = {
  name: "id",
  value: "UUIDV7",
  help: "the payment's id, to send one again (default: a new one)",
};

export const waitFlag: Flag = {
  name: "wait",
  value: "SECONDS",
  help: `how long, for the outcome (default: ${waitMsDefault / 1000})`,
};

export function idIn(args: Arguments): PaymentId {
  const id = args.text("id");
  return id === undefined ? newId() : parseId(id, "--id");
}

/** In seconds. */
export function waitIn(args: Arguments): number {
  const wait = args.text("wait");
  return wait === undefined ? waitMsDefault / 1000 : parseWait(wait, "--wait");
}

/** How long to wait before saying so. */
const noteMs = 1_000;
/** What an answer may take longer than the node was asked to wait. */
export const answerMarginMs = 5_000;

export interface Sent {
  readonly id: PaymentId;
  readonly path: string;
  readonly body: unknown;
  readonly waitSeconds: number;
  /** What is paid to whom, for people. */
  readonly what: string;
  /** The participant that it is for. */
  readonly other: string;
  /** What is ordered, at a node of that name. */
  readonly legsAt: (name: string) => readonly Leg[];
  /** Why it was not paid, where more is known of that than a refusal's code tells. */
  readonly why: (code: string) => Promise<string | undefined>;
}

/** Sends a payment and says what becomes of it; resolves to the exit code. */
export async function sendPayment(
  args: Arguments,
  io: Io,
  node: NodeAddress,
  { id, path, body, waitSeconds, what, other, legsAt, why }: Sent,
): Promise<number> {
  // Before it is sent: whatever happens then, there is an id to ask about.
  io.err(`payment ${id}`);
  const timer = io.isWatched
    ? setTimeout(() => note(io, `waiting for the outcome, up to ${waitSeconds} s …`), noteMs)
    : undefined;
  using interruption = new Interruption();
  let reply = await send(node, {
    method: "POST",
    path: `${path}?wait=${waitSeconds}`,
    body,
    timeoutMs: waitSeconds * 1000 + answerMarginMs,
    interrupted: interruption.signal,
  });
  clearTimeout(timer);
  let outcome = payOutcome(id, reply, other);
  if (isOfReusedId(outcome) && reply.type === "answered") {
    outcome = await reusedIdOutcome(node, id, legsAt, interruption.signal);
    reply = { ...reply, body: reusedIdAnswer(id, reply.body as object, outcome) };
  }
  try {
    if (args.is("json")) printBody(reply, io);
    if (outcome.state !== "committed") {
      const reason = "code" in outcome && outcome.code !== undefined && await why(outcome.code);
      io.err(`handfast: ${outcomeText(id, reason ? { ...outcome, reason } : outcome)}`);
    } else {
      if (outcome.isLost) note(io, `handfast: ${lostText(id)}`);
      if (!args.is("json")) io.out(`committed ${id}: ${what}`);
    }
  } catch (thrown) {
    // What became of the payment is known, and the exit code says it, whether or not a line can.
    note(io, `handfast: the outcome of payment ${id} could not be written: ${messageOf(thrown)}`);
  }
  return exits[outcome.state];
}

const exits: Readonly<Record<PayOutcome["state"], number>> = {
  committed: exitCode.done,
  aborted: exitCode.aborted,
  failed: exitCode.failed,
  malformed: exitCode.usage,
  unknown: exitCode.unknown,
};
