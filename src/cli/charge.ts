import { cardAccount } from "../protocol/order.ts";
import { amountText } from "./amounts.ts";
import { nameOf } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { cardNotes, hiddenCard, readCard } from "./card_input.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import type { Io } from "./io.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import type { NodeAddress } from "./node_address.ts";
import { currencyOf } from "./pay.ts";
import { idFlag, idIn, sendPayment, waitFlag, waitIn } from "./send_payment.ts";
import { parseCurrency, parseDecimal, parseName, parsePositive } from "./values.ts";

export const charge: Command = {
  name: "charge",
  summary: "be paid by a card, to an account of the node asked",
  usage: ["charge --issuer NAME --to ACCOUNT --amount 20.00"],
  flags: [
    { name: "issuer", value: "NAME", help: "the participant that issued the card" },
    { name: "to", value: "ACCOUNT", help: "the account that is paid" },
    { name: "amount", value: "AMOUNT", help: "how much, such as 20.00" },
    { name: "currency", value: "CODE", help: "default: the paid account's" },
    idFlag,
    waitFlag,
    ...nodeFlags,
    jsonFlag,
  ],
  hidden: hiddenCard,
  notes: cardNotes,
  run: runCharge,
};

async function runCharge(args: Arguments, io: Io): Promise<number> {
  const issuer = parseName(args.required("issuer"), "--issuer");
  const to = parseName(args.required("to"), "--to");
  const decimal = parseDecimal(args.required("amount"), "--amount");
  const code = args.text("currency");
  const given = code === undefined ? undefined : parseCurrency(code, "--currency");
  const id = idIn(args);
  const waitSeconds = waitIn(args);
  const node = await findNode(args);
  const currency = given ?? await currencyOf(node, to, args, io);
  const amount = parsePositive(decimal, currency, "--amount");
  const card = await readCard(io, ["number", "expiry", "cvv"]);
  return await sendPayment(args, io, node, {
    id,
    path: "/v1/charges",
    body: { id, issuer, to, amount: amount.toString(), currency, card },
    waitSeconds,
    what: `${amountText(amount, currency)} by a card of ${issuer} to ${to}`,
    other: issuer,
    legsAt: (name) => [
      { account: cardAccount, participant: issuer, amount: -amount, currency },
      { account: to, participant: name, amount, currency },
    ],
    why: (code) => whyNotCharged(node, issuer, code),
  });
}

/** A node has no introduction of itself, by which a card would be sealed to it. */
async function whyNotCharged(
  node: NodeAddress,
  issuer: string,
  code: string,
): Promise<string | undefined> {
  if (code !== "participant_unknown" || await nameOf(node) !== issuer) return undefined;
  return `a card can't be charged at its own issuer, as "${issuer}" is: charge it at another participant`;
}
