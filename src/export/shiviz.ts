/**
 * Entries as ShiViz reads them (https://bestchai.bitbucket.io/shiviz/), which draws who knew what when.
 *
 * It takes only vector clocks whose own component grows by one an event, and in which nothing is counted
 * that is not among the events: as these logs are kept, with nodes left out whose logs are not there.
 */

import type { Entry } from "../codec/record.ts";
import { cardIdOf } from "../protocol/card.ts";
import type { LogRecord } from "../protocol/record.ts";

/** From a file, ShiViz takes its first line for the expression that reads events, and the second for what
 * separates several executions. */
export const shivizHead: readonly string[] = [
  String.raw`(?<host>\S*) (?<clock>{.*})\n(?<event>.*)`,
  "",
];

/** Of a kind in one entry, told one by one. */
const subjectsMax = 8;

/**
 * An entry in two lines: whose it is and its clock, then what happened in it.
 *
 * @param lengths of all logs that are written, by their nodes
 */
export function shivizLines(
  node: string,
  { clock, records }: Entry,
  lengths: ReadonlyMap<string, number>,
): [string, string] {
  const known: Record<string, number> = {};
  for (const [name, count] of clock) {
    // A node that came back with amnesia may have fewer entries than its peers have seen.
    const there = Math.min(count, lengths.get(name) ?? 0);
    if (there > 0) known[name] = there;
  }
  return [`${node} ${JSON.stringify(known)}`, eventText(records)];
}

/** Such as `posted 01926a3e-7d24-7c54-9a3b-52b1c3f8e6a1; checkpointed 40`. */
function eventText(records: readonly LogRecord[]): string {
  // ShiViz takes spaces and lines off the end of a file: an empty event there would be none.
  if (records.length === 0) return "nothing";
  const told = new Map<string, string[]>();
  for (const record of records) {
    const subjects = told.get(record.type) ?? [];
    told.set(record.type, subjects);
    subjects.push(subjectOf(record));
  }
  return [...told].map(([type, subjects]) => {
    const more = subjects.length - subjectsMax;
    const shown = subjects.slice(0, subjectsMax).join(", ");
    return `${type} ${shown}${more > 0 ? ` and ${more} more` : ""}`;
  }).join("; ");
}

/** What a record is about, in one word. */
function subjectOf(record: LogRecord): string {
  switch (record.type) {
    case "genesis":
    case "introduced":
    case "readmitted":
      return record.name;
    case "started":
    case "joined":
      return String(record.epoch.counter);
    case "checkpointed":
      return String(record.number);
    case "opened":
    case "balance":
    case "carded":
      return record.account;
    case "uncarded":
      return cardIdOf(record.hash);
    case "prepared":
    case "committed":
    case "aborted":
    case "forced":
      return record.order.payment;
    case "keyed":
    case "posted":
    case "released":
    case "ended":
    case "refused":
    case "mismatch":
    case "acknowledged":
    case "unacknowledged":
    case "erased":
      return record.payment;
    default:
      return record satisfies never;
  }
}
