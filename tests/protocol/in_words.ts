/** What a step wants done, as one line: `committed T1, sync > alice commit T1 @now > bob commit T1 @now`.
 * `@now`: the decision stands in this step's entry; `@then`: in an earlier one, or another node's. */

import type { TransactionId } from "../../src/protocol/id.ts";
import type { Decided, Message } from "../../src/protocol/message.ts";
import type { Order } from "../../src/protocol/order.ts";
import type { Answer, Reply } from "../../src/protocol/participant_event.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import type { Output } from "../../src/protocol/step.ts";
import { entryNow, order, otherLegs, transactions } from "./example.ts";

/**
 * Records first, `sync` if they must be durable before anything leaves; then `> NODE MESSAGE`, or
 * `~ NODE MESSAGE` where it waits until all that was recorded before is durable, too;
 * `= ANSWER` to a user, `=early` where it need not wait for the disk; `?` asks the index; `!` alarms.
 */
export function inWords(out: Output<Reply>): string {
  const records = out.records.map(recordInWords);
  if (out.mustAppend) records.push("sync");
  return [
    records.join(", "),
    ...out.sends.map(({ to, message }) => `> ${to} ${messageInWords(message)}`),
    ...out.confirmations.map(({ to, message }) => `~ ${to} ${messageInWords(message)}`),
    ...out.earlyReplies.map(({ request, answer }) => `=early ${request} ${answerInWords(answer)}`),
    ...out.replies.map(({ request, answer }) => `= ${request} ${answerInWords(answer)}`),
    ...out.lookUps.map(() => "?"),
    ...out.alarms.map(() => "!"),
  ].filter((words) => words !== "").join(" ");
}

export function nameOf(transaction: TransactionId): string {
  for (const [name, id] of Object.entries(transactions)) if (id === transaction) return name;
  return transaction;
}

function words(...parts: (string | false | undefined)[]): string {
  return parts.filter((part) => part).join(" ");
}

function at(decided: Decided | undefined): string {
  return decided ? decided.number === entryNow ? "@now" : "@then" : "";
}

function orderInWords(given: Order): string {
  return given === order ? "" : given === otherLegs ? "of other legs" : given.originator;
}

function recordInWords(record: LogRecord): string {
  const { type } = record;
  switch (type) {
    case "prepared":
      return words(type, nameOf(record.transaction), record.hasDetails && "told");
    case "committed":
    case "ended":
    case "refused":
      return words(type, nameOf(record.transaction));
    case "posted":
      return words(type, nameOf(record.transaction), at(record.decided));
    case "released":
      return words(type, nameOf(record.transaction), record.code, at(record.decided));
    case "aborted":
      return words(type, record.code, at(record.decided));
    case "mismatch":
      return words(type, nameOf(record.transaction), record.commit ? "commit" : "abort");
    case "forced": {
      const decision = record.commit ? "commit" : "abort";
      return words(type, nameOf(record.transaction), decision, "by", record.by);
    }
    case "acknowledged":
      return words(type, nameOf(record.transaction), "by", record.by);
    case "erased":
      return words(type, "by", record.by);
    case "introduced":
      return words(type, record.name);
    case "joined":
    case "started":
      return words(type, `${record.epoch.counter}`);
    default:
      return type;
  }
}

function messageInWords(message: Message): string {
  const { type } = message;
  switch (type) {
    case "order":
      return words(type, orderInWords(message.order));
    case "prepare":
    case "ack":
    case "inquiry":
      return words(type, nameOf(message.transaction));
    case "vote":
      return words(message.yes ? "yes" : "no", nameOf(message.transaction), message.code);
    case "decision": {
      const { commit, transaction, code, decided } = message;
      return words(commit ? "commit" : "abort", nameOf(transaction), code, at(decided));
    }
    case "undecided":
      return words(type, nameOf(message.transaction), message.why);
    case "outcome": {
      const { outcome } = message;
      if (outcome.state === "rejected") return words("outcome", outcome.state, outcome.code);
      const code = outcome.state === "aborted" && outcome.code;
      return words("outcome", outcome.state, code, at(outcome.decided), again(outcome));
    }
    case "directory":
      return words(type, message.nodes.map(({ name }) => name).join("+"));
  }
}

function again({ replayed }: { readonly replayed: boolean }): string {
  return replayed ? "replayed" : "";
}

export function answerInWords(answer: Answer): string {
  switch (answer.state) {
    case "committed":
      return words(answer.state, nameOf(answer.transaction), at(answer.decided), again(answer));
    case "aborted":
      return words(answer.state, answer.code, at(answer.decided), again(answer));
    case "rejected":
      return words(answer.state, answer.code);
    case "claimed":
      return words(answer.state, answer.isSameContent ? "for the same" : "for other content");
    case "account":
    case "card":
    case "restoration":
      return words(answer.state, answer.result);
    case "resolved": {
      if (answer.result === "not_in_doubt") return words(answer.state, answer.result);
      const { commit, by } = answer.resolution;
      return words(answer.state, answer.result, commit ? "commit" : "abort", "by", by);
    }
    case "acknowledged":
      return words(answer.state, answer.payment ? "mismatch" : "nothing");
    case "erased":
      return words(answer.state, answer.atMs === undefined && "nothing: under way");
    case "inquired":
      return words(answer.state, `${answer.count}`);
    case "pending":
      return answer.state;
  }
}

/** One event and what it does in each state; states that do the same stand together. */
export interface Row {
  readonly event: string;
  /** The rule that the row holds to. */
  readonly rule: string;
  readonly does: Readonly<Record<string, string>>;
}

/** What the row says of a state: by its name, or as of all that it does not name. */
export function expectedIn(state: string, { does }: Row): string | undefined {
  for (const [names, expected] of Object.entries(does)) {
    if (names.split(", ").includes(state)) return expected;
  }
  return does.otherwise;
}
