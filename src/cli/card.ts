import { UsageError } from "../errors.ts";
import { isCardId } from "../protocol/card.ts";
import { amountText } from "./amounts.ts";
import { addedCardAnswer, cardsAnswer, removedCardAnswer } from "./answers.ts";
import type { CardsAnswer } from "./answers.ts";
import { show } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { cardNotes, hiddenCard, readCard } from "./card_input.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import type { Io } from "./io.ts";
import { nodeFlags } from "./node_address.ts";
import type { Style } from "./style.ts";
import { parseName } from "./values.ts";

export const card: Command = {
  name: "card",
  summary: "the cards that a node has issued: add one to an account, list them, remove one",
  usage: ["card add --account NAME", "card list", "card remove [--id ID]"],
  positionals: ["add|list|remove"],
  flags: [
    { name: "account", value: "NAME", help: "of add: the account that the card pays from" },
    { name: "id", value: "ID", help: "of remove: as list shows it (default: the card is read)" },
    ...nodeFlags,
    jsonFlag,
  ],
  hidden: hiddenCard,
  notes: [
    ...cardNotes,
    "A node keeps no number, but a keyed hash, six digits and the last four. Together with card.key",
    "in its data folder these give a number away: give an issuer a --log-key.",
  ],
  run: runCard,
};

async function runCard(args: Arguments, io: Io): Promise<number> {
  switch (args.positional("add|list|remove")) {
    case "add":
      refuse(args, "add", "id");
      return await add(args, io);
    case "list":
      refuse(args, "list", "id");
      refuse(args, "list", "account");
      return await show(args, io, { method: "GET", path: "/v1/cards" }, cardsAnswer, cardLines);
    case "remove":
      refuse(args, "remove", "account");
      return await remove(args, io);
    default:
      // Without what was typed, which may be a number.
      throw new UsageError('"card" does one of add, list and remove');
  }
}

function refuse(args: Arguments, action: string, flag: string): void {
  if (args.text(flag) === undefined) return;
  throw new UsageError(`"card ${action}" takes no --${flag}`);
}

async function add(args: Arguments, io: Io): Promise<number> {
  const account = parseName(args.required("account"), "--account");
  const { number, expiry } = await readCard(io, ["number", "expiry"]);
  const request = { method: "POST", path: "/v1/cards", body: { account, number, expiry } } as const;
  return await show(args, io, request, addedCardAnswer, ({ id, masked, cvv, ...added }) => [
    `card ${id}, ${masked}, pays from ${added.account} until ${added.expiry}`,
    `CVV ${cvv}: it is shown here only, and kept nowhere`,
  ]);
}

async function remove(args: Arguments, io: Io): Promise<number> {
  const id = args.text("id");
  if (id !== undefined && !isCardId(id)) {
    throw new UsageError('--id is no card\'s id: give one that "card list" shows');
  }
  const request = id === undefined
    ? { method: "POST", path: "/v1/cards/remove", body: await readCard(io, ["number"]) } as const
    : { method: "DELETE", path: `/v1/cards/${id}` } as const;
  return await show(args, io, request, removedCardAnswer, ({ removed }) => [
    `removed card ${removed}: it pays no more`,
  ]);
}

function cardLines({ cards, declined }: CardsAnswer, style: Style): string[] {
  const lines = cards.length === 0 ? ["no cards"] : style.table([
    ["card", "number", "account", "expiry", "added"],
    ...cards.map(({ id, masked, account, expiry, at }) => [id, masked, account, expiry, at]),
  ]);
  if (declined.length === 0) return lines;
  const rows = declined.map(({ at, masked, merchant, amount, currency, reason, payment }) => [
    ...[at, masked ?? "unread", merchant, amountText(amount, currency), reason, payment],
  ]);
  const heading = ["declined", "number", "merchant", "amount", "why", "payment"];
  return [...lines, "", ...style.table([heading, ...rows])];
}
