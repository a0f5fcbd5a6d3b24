/** A statement as it is printed, line by line as it comes: it may be longer than memory. */

import { formatAmount } from "../protocol/money.ts";
import { amountText } from "./amounts.ts";
import type { ClosingAnswer, MovementAnswer, OpeningAnswer } from "./answers.ts";
import type { Io } from "./io.ts";
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

  opening({ account, currency, from, to, at, balance }: OpeningAnswer): void {
    this.#currency = currency;
    const since = from === undefined ? "its beginning" : utcText(from);
    // What ends later than now has not ended.
    const until = to === undefined || to > at ? `now, ${utcText(at)}` : utcText(to);
    this.#io.out(`${account} in ${currency}, from ${since} to ${until}, times in UTC`);
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

  constructor(io: Io) {
    this.#io = io;
  }

  opening({ currency, from = "", balance }: OpeningAnswer): void {
    this.#currency = currency;
    this.#row(csvColumns);
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
    const start = ["", "", "closing", "", "", "", left, this.#currency];
    this.#row([...start, "", "", debited, credited]);
  }

  #amount(units: bigint): string {
    return formatAmount(units, this.#currency);
  }

  #row(cells: readonly string[]): void {
    const row = csvColumns.map((_, column) => csvCell(cells[column] ?? ""));
    // The line feed comes with every line.
    this.#io.out(`${row.join(",")}\r`);
  }
}

/** The last two are sums, and so stand apart from the amounts that they are of. */
const csvColumns: readonly string[] = [
  ...["posted", "decided", "kind", "payment", "accounts", "amount", "balance", "currency"],
  ...["memo", "reference", "debits", "credits"],
];

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
