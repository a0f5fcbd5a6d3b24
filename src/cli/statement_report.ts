/** A statement as it is printed, line by line as it comes: it may be longer than memory. */

import { formatAmount } from "../protocol/money.ts";
import { addressOf } from "../protocol/order.ts";
import { amountText } from "./amounts.ts";
import type { ClosingAnswer, MovementAnswer, OpeningAnswer } from "./answers.ts";
import type { Io } from "./io.ts";
import { note } from "./io.ts";
import { detailsCells } from "./payments.ts";

export interface StatementReport {
  opening(opening: OpeningAnswer): void;
  movement(movement: MovementAnswer): void;
  closing(closing: ClosingAnswer): void;
}

/** Rows whose columns are as wide as each other. */
const tableRowsMax = 1_000;

/** For people. */
export class TextReport implements StatementReport {
  readonly #io: Io;
  #currency = "";
  #rows: string[][] = [];

  constructor(io: Io) {
    this.#io = io;
  }

  opening(opening: OpeningAnswer): void {
    const { node, account, currency, from, to, at, balance } = opening;
    this.#currency = currency;
    const whose = node === undefined ? account : addressOf({ account, participant: node });
    const since = from === undefined ? "its beginning" : utcText(from);
    const end = endOf(opening);
    const until = end === to ? utcText(end) : `now, ${utcText(at)}`;
    this.#io.out(`${whose} in ${currency}, from ${since} to ${until}, times in UTC`);
    const unfinished = notOver(opening);
    if (unfinished !== undefined) this.#io.out(unfinished);
    this.#io.out(`opening balance: ${amountText(balance, currency)}`);
    const head = ["posted", "decided", "payment", "with", "amount", "balance", "memo", "reference"];
    this.#rows = [head];
  }

  movement(movement: MovementAnswer): void {
    const { posted, amount, balance } = movement;
    const amounts = [amount, balance].map((units) => amountText(units, this.#currency));
    this.#rows.push(
      movement.type === "opened" ? [utcText(posted), "", "opened", "", ...amounts, "", ""] : [
        utcText(posted),
        utcText(movement.decided),
        movement.forced ? `${movement.payment} (forced)` : movement.payment,
        movement.accounts.join(", "),
        ...amounts,
        ...detailsCells(movement),
      ],
    );
    if (this.#rows.length > tableRowsMax) this.#print();
  }

  closing({ balance, debits, credits }: ClosingAnswer): void {
    this.#print();
    const [debited, credited, left] = [debits, credits, balance].map((units) =>
      amountText(units, this.#currency)
    );
    this.#io.out(`debits: ${debited}; credits: ${credited}`);
    this.#io.out(`closing balance: ${left}`);
  }

  #print(): void {
    const [head, ...rows] = this.#rows;
    // The heading alone says nothing.
    if (head === undefined || rows.length === 0) return;
    for (const line of this.#io.style.table(this.#rows)) this.#io.out(line);
    this.#rows = [head];
  }
}

/** For spreadsheets and other programs, by RFC 4180. */
export class CsvReport implements StatementReport {
  readonly #io: Io;
  #currency = "";
  /** Node and account, in each row: files of several are put together. */
  #whose: readonly string[] = [];
  #end = "";

  constructor(io: Io) {
    this.#io = io;
  }

  opening(opening: OpeningAnswer): void {
    const { node = "", account, currency, from = "", balance } = opening;
    this.#currency = currency;
    this.#end = endOf(opening);
    const unfinished = notOver(opening);
    if (unfinished !== undefined) note(this.#io, unfinished);
    this.#out(csvColumns);
    this.#whose = [node, account];
    this.#row([from, "", "opening", "", "", "", this.#amount(balance), currency]);
  }

  movement(movement: MovementAnswer): void {
    const { posted, type } = movement;
    const amounts = [this.#amount(movement.amount), this.#amount(movement.balance), this.#currency];
    if (type === "opened") return this.#row([posted, "", type, "", "", ...amounts]);
    const { decided, payment, accounts, forced } = movement;
    const kind = forced ? "forced" : type;
    const details = detailsCells(movement).map(unformulated);
    this.#row([posted, decided, kind, payment, accounts.join(" "), ...amounts, ...details]);
  }

  closing({ balance, debits, credits }: ClosingAnswer): void {
    const [debited, credited, left] = [debits, credits, balance].map((units) =>
      this.#amount(units)
    ) as [string, string, string];
    const start = [this.#end, "", "closing", "", "", "", left, this.#currency];
    this.#row([...start, "", "", debited, credited]);
  }

  #amount(units: bigint): string {
    return formatAmount(units, this.#currency);
  }

  #row(cells: readonly string[]): void {
    const columns = csvColumns.length - this.#whose.length;
    this.#out([...Array.from({ length: columns }, (_, at) => cells[at] ?? ""), ...this.#whose]);
  }

  #out(cells: readonly string[]): void {
    // The line feed comes with every line.
    this.#io.out(`${cells.map(csvCell).join(",")}\r`);
  }
}

/** Programs count on their places: new ones go to the end. Debits and credits are sums, and so stand apart
 * from the amounts that they are of. */
const csvColumns: readonly string[] = [
  ...["posted", "decided", "kind", "payment", "accounts", "amount", "balance", "currency"],
  ...["memo", "reference", "debits", "credits", "node", "account"],
];

/** When its closing balance was: what ends later than now has not ended. */
function endOf({ to, at }: OpeningAnswer): string {
  return to === undefined || to > at ? at : to;
}

/** Nothing where the period is over, or has no end. */
function notOver({ to, at }: OpeningAnswer): string | undefined {
  if (to === undefined || to <= at) return undefined;
  return `the period is not over yet: it ends at ${utcText(to)}, this is as of ${
    utcText(at)
  } (UTC)`;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A payer writes what they like, and a spreadsheet would compute with it. */
function unformulated(text: string): string {
  return /^[=+\-@]/.test(text) ? `'${text}` : text;
}

function utcText(at: string): string {
  return at.slice(0, 19).replace("T", " ");
}
