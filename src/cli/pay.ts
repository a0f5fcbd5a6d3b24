import { messageOf } from "../errors.ts";
import { waitMsDefault } from "../limits.ts";
import type { PaymentId } from "../protocol/id.ts";
import { accountAnswer } from "./answers.ts";
import { amountText } from "./amounts.ts";
import { answerOf, lookUp, printBody } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { jsonFlag } from "./command.ts";
import type { Command, Flag } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { newId } from "./new_id.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import type { NodeAddress } from "./node_address.ts";
import { send } from "./node_client.ts";
import { payOutcome } from "./pay_outcome.ts";
import {
  parseAddress,
  parseCurrency,
  parseDecimal,
  parseId,
  parseName,
  parsePositive,
  parseWait,
} from "./values.ts";

export const pay: Command = {
  name: "pay",
  summary: "pay from an account of the node asked",
  usage: ["pay --to ACCOUNT@PARTICIPANT --amount 125.00"],
  flags: [
    { name: "to", value: "ACCOUNT@PARTICIPANT", help: "who is paid; bob means main@bob" },
    { name: "amount", value: "AMOUNT", help: "how much, such as 125.00" },
    { name: "currency", value: "CODE", help: "default: the paying account's" },
    { name: "from", value: "ACCOUNT", help: "the paying account (default: main)" },
    { name: "memo", value: "TEXT", help: "what it is for, which only who is paid can read" },
    { name: "reference", value: "TEXT", help: "such as an invoice's number; sealed likewise" },
    ...sendFlags(),
    ...nodeFlags,
    jsonFlag,
  ],
  run: runPay,
};

/** Flags of all that is sent as a payment. */
export function sendFlags(): readonly Flag[] {
  return [
    {
      name: "id",
      value: "UUIDV7",
      help: "the payment's id, to send one again (default: a new one)",
    },
    {
      name: "wait",
      value: "SECONDS",
      help: `how long, for the outcome (default: ${waitMsDefault / 1000})`,
    },
  ];
}

export function sendIn(args: Arguments): Pick<Sent, "id" | "waitSeconds"> {
  const id = args.text("id");
  const wait = args.text("wait");
  return {
    id: id === undefined ? newId() : parseId(id, "--id"),
    waitSeconds: wait === undefined ? waitMsDefault / 1000 : parseWait(wait, "--wait"),
  };
}

/** How long to wait before saying so. */
const noteMs = 1_000;
/** What an answer may take longer than the node was asked to wait. */
const answerMarginMs = 5_000;

async function runPay(args: Arguments, io: Io): Promise<number> {
  const wanted = parseWanted(args);
  const node = await findNode(args);
  const currency = wanted.currency ?? await currencyOf(node, wanted.from, args, io);
  const amount = parsePositive(wanted.amount, currency, "--amount");
  const { id, from, to, memo, reference, waitSeconds } = wanted;

  return await sendPayment(args, io, node, {
    id,
    path: "/v1/payments",
    body: { id, from, to, amount: amount.toString(), currency, memo, reference },
    waitSeconds,
    what: `${amountText(amount, currency)} from ${from} to ${to}`,
  });
}

export interface Sent {
  readonly id: PaymentId;
  readonly path: string;
  readonly body: unknown;
  readonly waitSeconds: number;
  /** What is paid to whom, for people. */
  readonly what: string;
}

/** Sends a payment and says what becomes of it; resolves to the exit code. */
export async function sendPayment(
  args: Arguments,
  io: Io,
  node: NodeAddress,
  { id, path, body, waitSeconds, what }: Sent,
): Promise<number> {
  // Before it is sent: whatever happens then, there is an id to ask about.
  io.err(`payment ${id}`);
  const note = io.isWatched
    ? setTimeout(() => io.err(`waiting for the outcome, up to ${waitSeconds} s …`), noteMs)
    : undefined;
  const reply = await send(node, {
    method: "POST",
    path: `${path}?wait=${waitSeconds}`,
    body,
    timeoutMs: waitSeconds * 1000 + answerMarginMs,
  });
  clearTimeout(note);
  const outcome = payOutcome(id, reply);
  if (args.is("json")) printBody(reply, io);
  if (outcome.exit !== exitCode.done) io.err(`handfast: ${outcome.line}`);
  else if (!args.is("json")) io.out(`${outcome.line}: ${what}`);
  return outcome.exit;
}

interface Wanted {
  readonly id: PaymentId;
  readonly from: string;
  readonly to: string;
  /** Decimal: its minor units depend on the currency. */
  readonly amount: string;
  readonly currency?: string;
  readonly memo?: string;
  readonly reference?: string;
  readonly waitSeconds: number;
}

function parseWanted(args: Arguments): Wanted {
  const currency = args.text("currency");
  return {
    to: parseAddress(args.required("to"), "--to"),
    amount: parseDecimal(args.required("amount"), "--amount"),
    currency: currency === undefined ? undefined : parseCurrency(currency, "--currency"),
    from: parseName(args.text("from") ?? "main", "--from"),
    memo: args.text("memo"),
    reference: args.text("reference"),
    ...sendIn(args),
  };
}

/** @throws {Error} where the account is not found; nothing has been sent then */
export async function currencyOf(
  node: NodeAddress,
  account: string,
  args: Arguments,
  io: Io,
): Promise<string> {
  const reply = await lookUp(node, { method: "GET", path: `/v1/accounts/${account}` });
  try {
    return answerOf(node, reply, accountAnswer).currency;
  } catch (thrown) {
    if (args.is("json")) printBody(reply, io);
    throw new Error(`no payment of "${account}" was sent: ${messageOf(thrown)}`);
  }
}
