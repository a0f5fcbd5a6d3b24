import { messageOf, UsageError } from "../errors.ts";
import { memoLengthMax, referenceLengthMax } from "../limits.ts";
import type { PaymentId } from "../protocol/id.ts";
import { accountAnswer } from "./answers.ts";
import { amountText } from "./amounts.ts";
import { answerOf, lookUp, nameOf, printBody } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { jsonFlag } from "./command.ts";
import type { Command, Flag } from "./command.ts";
import type { Io } from "./io.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import type { NodeAddress } from "./node_address.ts";
import { payBatch } from "./pay_batch.ts";
import { idFlag, idIn, sendPayment, waitFlag, waitIn } from "./send_payment.ts";
import {
  parseAddress,
  parseCurrency,
  parseDecimal,
  parseLine,
  parseName,
  parsePositive,
} from "./values.ts";

/** Of one payment. */
const paymentFlags: readonly Flag[] = [
  { name: "to", value: "ACCOUNT@PARTICIPANT", help: "who is paid; bob means main@bob" },
  { name: "amount", value: "AMOUNT", help: "how much, such as 125.00" },
  { name: "currency", value: "CODE", help: "default: the paying account's" },
  { name: "from", value: "ACCOUNT", help: "the paying account (default: main)" },
  { name: "memo", value: "TEXT", help: "what it is for, which only who is paid can read" },
  { name: "reference", value: "TEXT", help: "such as an invoice's number; sealed likewise" },
  idFlag,
];

export const pay: Command = {
  name: "pay",
  summary: "pay from an account of the node asked",
  usage: ["pay --to ACCOUNT@PARTICIPANT --amount 125.00", "pay --batch FILE"],
  flags: [
    ...paymentFlags,
    { name: "batch", value: "FILE", help: "pays what each line of a file says; - reads stdin" },
    waitFlag,
    ...nodeFlags,
    jsonFlag,
  ],
  notes: [
    "A line of a batch is a payment in JSON, as POST /v1/payments takes it, amounts in minor units:",
    '{"id":"UUIDV7","from":"main","to":"main@bob","amount":"12500","currency":"USD"}',
    "With an id it pays once, however often it is sent; without one it is given one, which is on stderr",
    "before it is sent, as line 3: payment UUIDV7, to be put into the file if that is sent again.",
    "Each is all or nothing by itself, and its outcome is a line on stdout. The exit code is 0 where all",
    "are committed, else 4 where the outcome of any is unknown, else 1 where any failed, else 3: those",
    "that are not committed were aborted. A malformed line exits 2 before anything is sent.",
  ],
  run: async (args, io) => {
    const file = args.text("batch");
    if (file === undefined) return await payOne(args, io);
    const other = paymentFlags.find(({ name }) => args.text(name) !== undefined);
    if (other === undefined) return await payBatch(file, args, io);
    throw new UsageError(`--batch says what is paid: leave out --${other.name}`);
  },
};

async function payOne(args: Arguments, io: Io): Promise<number> {
  const wanted = parseWanted(args);
  const node = await findNode(args);
  await refuseSelf(node, wanted);
  const currency = wanted.currency ?? await currencyOf(node, wanted.from, args, io);
  const amount = parsePositive(wanted.amount, currency, "--amount");
  const { id, from, to, memo, reference, waitSeconds } = wanted;
  const [payee = "", other = ""] = to.split("@");

  return await sendPayment(args, io, node, {
    id,
    path: "/v1/payments",
    body: { id, from, to, amount: amount.toString(), currency, memo, reference },
    waitSeconds,
    what: `${amountText(amount, currency)} from ${from} to ${to}`,
    other,
    legsAt: (name) => [
      { account: from, participant: name, amount: -amount, currency },
      { account: payee, participant: other, amount, currency },
    ],
    why: (code) => whyNotPaid(node, other, code),
  });
}

/** The node is asked for its name only where its folder has the payee's. */
async function refuseSelf(node: NodeAddress, { from, to }: Wanted): Promise<void> {
  const [account, participant] = to.split("@");
  if (account !== from || node.folder?.split("/").at(-1) !== participant) return;
  if (await nameOf(node) !== participant) return;
  throw new UsageError(`from and to are the same account, ${to}: nothing was sent`);
}

/** `--to save` is taken for a participant, where an account of this node may be meant. */
async function whyNotPaid(
  node: NodeAddress,
  other: string,
  code: string,
): Promise<string | undefined> {
  if (code !== "participant_unknown" || !await hasAccount(node, other)) return undefined;
  const name = await nameOf(node);
  if (name === undefined) return undefined;
  return `no participant "${other}" is in the network; this node's own account is ${other}@${name}`;
}

async function hasAccount(node: NodeAddress, account: string): Promise<boolean> {
  const reply = await lookUp(node, { method: "GET", path: `/v1/accounts/${account}` });
  return reply.type === "answered" && reply.status === 200;
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
    memo: lineIn(args, "memo", memoLengthMax),
    reference: lineIn(args, "reference", referenceLengthMax),
    id: idIn(args),
    waitSeconds: waitIn(args),
  };
}

function lineIn(args: Arguments, flag: string, lengthMax: number): string | undefined {
  const text = args.text(flag);
  return text === undefined ? undefined : parseLine(text, lengthMax, `--${flag}`);
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
