/** The latest log entries that a node knows of, its own and its peers', for a space-time diagram. */

import type { FrameHeader } from "../codec/frame.ts";
import type { ActivityEntry } from "../http/node_api.ts";
import type { Message } from "../protocol/message.ts";
import { decisionText } from "../protocol/message.ts";
import type { EntryContext, LogRecord } from "../protocol/record.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { isOfPayment } from "./events.ts";

const entriesKept = 200;

/** Described only when somebody looks. */
interface Noticed {
  readonly sequence: number;
  readonly node: string;
  readonly number: number;
  readonly clock: VectorClock;
  /** The record or message that says most, and how many there are. */
  readonly main: LogRecord | Message | undefined;
  readonly count: number;
}

export class Activity {
  readonly #name: string;
  readonly #ring: Noticed[] = [];
  readonly #heard = new Map<string, number>();
  #sequence = 0;

  constructor(name: string) {
    this.#name = name;
  }

  recorded(records: readonly LogRecord[], { number, clock }: EntryContext): void {
    const main = records.find(isOfPayment) ?? records[0];
    this.#add(this.#name, number, clock, main, records.length);
  }

  /** A peer's frame tells of its latest entry. */
  received(peer: string, { number, clock }: FrameHeader, messages: readonly Message[]): void {
    if (number <= (this.#heard.get(peer) ?? 0)) return;
    this.#heard.set(peer, number);
    const last = messages.at(-1);
    // The frame's clock may be of a moment after the entry; a decision brings the entry's own.
    const isExact = last?.type === "decision" && last.decided?.number === number;
    const known = isExact && last.decided ? last.decided.clock : clock;
    this.#add(peer, number, known, messages[0], messages.length);
  }

  /** A peer may come back with a shorter log. */
  forget(peer: string): void {
    this.#heard.delete(peer);
  }

  after(sequence: number): ActivityEntry[] {
    return this.#ring
      .filter((noticed) => noticed.sequence > sequence)
      .sort((a, b) => a.sequence - b.sequence)
      .map(({ main, count, ...entry }) => ({ ...entry, what: describe(main, count) }));
  }

  #add(
    node: string,
    number: number,
    clock: VectorClock,
    main: Noticed["main"],
    count: number,
  ): void {
    const sequence = ++this.#sequence;
    this.#ring[sequence % entriesKept] = { sequence, node, number, clock, main, count };
  }
}

function describe(main: Noticed["main"], count: number): string {
  if (!main) return "";
  const more = count > 1 ? ` and ${count - 1} more` : "";
  return describeOne(main) + more;
}

function describeOne(main: LogRecord | Message): string {
  switch (main.type) {
    case "order":
      return `sent order ${shortId(main.order.payment)}`;
    case "prepare":
      return `sent prepare ${shortId(main.order.payment)}`;
    case "vote":
      return `sent vote ${main.yes ? "yes" : "no"} ${shortId(main.payment)}`;
    case "decision":
      return `sent ${decisionText(main.commit)} ${shortId(main.payment)}`;
    case "ack":
    case "inquiry":
    case "undecided":
    case "outcome":
      return `sent ${main.type} ${shortId(main.payment)}`;
    case "directory":
      return "sent directory";
    case "opened":
      return `opened ${main.account}`;
    case "carded":
      return "added a card";
    case "uncarded":
      return "removed a card";
    case "introduced":
    case "readmitted":
      return `${main.type} ${main.name}`;
    default:
      return "payment" in main || "order" in main
        ? `${main.type} ${shortId("order" in main ? main.order.payment : main.payment)}`
        : main.type;
  }
}

/** The end of an id: ids of one minute begin alike. */
function shortId(id: string): string {
  return `…${id.slice(-8)}`;
}
