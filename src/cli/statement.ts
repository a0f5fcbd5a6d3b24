import { shortened, UsageError } from "../errors.ts";
import { parseDate, parseTime } from "../http/time_text.ts";
import { statementAnswer } from "./answers.ts";
import { printBody, refusal, unreached } from "./api.ts";
import type { Arguments } from "./arguments.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import type { Io } from "./io.ts";
import { note } from "./io.ts";
import { findNode, nodeFlags } from "./node_address.ts";
import { sendLines } from "./node_client.ts";
import { CsvReport, TextReport } from "./statement_report.ts";
import type { StatementReport } from "./statement_report.ts";
import { parseName } from "./values.ts";

export const statement: Command = {
  name: "statement",
  summary: "all that moved an account in a period, and its balances before and after",
  usage: ["statement [--account NAME] [--from DATE] [--to DATE] [--csv]"],
  flags: [
    { name: "account", value: "NAME", help: "of the node asked (default: main)" },
    { name: "from", value: "DATE", help: "where it begins (default: with the account)" },
    { name: "to", value: "DATE", help: "where it ends (default: now)" },
    { name: "csv", help: "print CSV (RFC 4180), amounts with a decimal point" },
    ...nodeFlags,
    jsonFlag,
  ],
  notes: [
    "DATE is a day, YYYY-MM-DD in UTC, or a time by RFC 3339, such as 2026-05-01T00:00:00+02:00.",
    "The last day belongs to the statement: May is --from 2026-05-01 --to 2026-05-31. Of two times",
    "the first belongs to it and the second does not.",
    "It has what this node posted in that time, by its own clock, in that order; a payment may have",
    "been decided earlier. So the next statement begins with the balance with which this one ends.",
    "All of it is of one moment, whatever is paid meanwhile: it adds up, or there is none. What an",
    "operator forced counts as the node's books have it. What has no closing balance broke off.",
    "In CSV, the opening and the closing row have the times of their balances; that of a period which is",
    "not over yet, and of which more will be posted, is the time at which it was asked for.",
    "In CSV, a memo or reference that a spreadsheet would compute (=, +, -, @) begins with '.",
  ],
  run: runStatement,
};

/** The node says once a second that it still reads, where it has nothing else to say. */
const silenceMsMax = 30_000;
const quietMs = 2_000;

async function runStatement(args: Arguments, io: Io): Promise<number> {
  const account = parseName(args.text("account") ?? "main", "--account");
  const from = boundIn(args, "from", 0);
  // The last day is part of it.
  const to = boundIn(args, "to", dayMs);
  if (from !== undefined && to !== undefined && from > to) {
    throw new UsageError("--from is later than --to: give the earlier one as --from");
  }
  if (args.is("json") && args.is("csv")) {
    throw new UsageError("--json and --csv are two forms of it: give one of them");
  }
  const node = await findNode(args);
  const query = new URLSearchParams();
  if (from !== undefined) query.set("from", new Date(from).toISOString());
  // After the last day that can be written nothing ends.
  if (to !== undefined && to < endOfTimeMs) query.set("to", new Date(to).toISOString());
  const path = `/v1/accounts/${account}/statement?${query}`;
  const reading = new Reading(args, io);
  const reply = await sendLines(node, { path, silenceMsMax }, (value) => reading.heard(value));
  if (reading.failure) throw reading.failure;
  if (reply.type !== "answered") {
    throw new Error(
      reading.hasBegun
        ? `the statement broke off before its closing balance: ${reply.reason}`
        : unreached(node, reply.reason),
    );
  }
  if (reply.status !== 200 || !reading.hasBegun) {
    if (args.is("json")) printBody(reply, io);
    throw new Error(refusal(node, reply.status, reply.body));
  }
  if (!reading.hasEnded) throw new Error("the statement broke off before its closing balance");
  return exitCode.done;
}

const dayMs = 86_400_000;

/** Milliseconds since 1970; of a day its beginning, and `afterMs`. */
const endOfTimeMs = Date.parse("9999-12-31T24:00:00Z");

function boundIn(args: Arguments, flag: string, afterMs: number): number | undefined {
  const text = args.text(flag);
  if (text === undefined) return undefined;
  const day = parseDate(text);
  const ms = day === undefined ? parseTime(text) : day + afterMs;
  if (ms !== undefined) return ms;
  throw new UsageError(
    `--${flag} "${shortened(text)}" is no day such as 2026-05-31, and no time such as ` +
      "2026-05-31T18:00:00Z",
  );
}

/** What comes of a statement, printed as it comes, and added up again. */
class Reading {
  hasBegun = false;
  hasEnded = false;
  /** Why it can't be printed, or is not to be believed. */
  failure: unknown;
  readonly #isJson: boolean;
  readonly #io: Io;
  readonly #report: StatementReport;
  readonly #begunMs = performance.now();
  #progressMs = quietMs;
  #balance = 0n;

  constructor(args: Arguments, io: Io) {
    this.#isJson = args.is("json");
    this.#io = io;
    this.#report = args.is("csv") ? new CsvReport(io) : new TextReport(io);
  }

  /** @throws {unknown} to end the request, which would take it for a broken connection */
  heard(value: unknown): void {
    try {
      this.#take(value);
    } catch (thrown) {
      this.failure = thrown;
      throw thrown;
    }
  }

  #take(value: unknown): void {
    const { data: line } = statementAnswer.safeParse(value);
    if (line === undefined) throw new Error("the node answered otherwise than with a statement");
    if (line.type === "reading") return this.#progress(line.entries);
    switch (line.type) {
      case "opening":
        this.#balance = line.balance;
        this.hasBegun = true;
        break;
      case "opened":
      case "payment":
        this.#balance += line.amount;
        break;
      case "closing":
        this.hasEnded = true;
        break;
      default:
        line satisfies never;
    }
    if (line.balance !== this.#balance) {
      throw new Error("the statement does not add up: what was printed of it is not to be used");
    }
    if (this.#isJson) return this.#io.out(JSON.stringify(value));
    if (line.type === "opening") this.#report.opening(line);
    else if (line.type === "closing") this.#report.closing(line);
    else this.#report.movement(line);
  }

  /** After a while, and then the less often the longer it takes. */
  #progress(entries: number): void {
    const takenMs = performance.now() - this.#begunMs;
    if (!this.#io.isWatched || takenMs < this.#progressMs) return;
    this.#progressMs = 2 * takenMs;
    note(this.#io, `reading the node's log: ${entries.toLocaleString("en")} entries so far`);
  }
}
