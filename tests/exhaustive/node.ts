/** A node as it is explored: a state machine, its log, and the rule by which what it says leaves it. */

import type { Coordinator, CoordinatorEvent } from "../../src/protocol/coordinator.ts";
import type { Participant } from "../../src/protocol/participant.ts";
import type { ParticipantEvent, Reply } from "../../src/protocol/participant_event.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import type { Found, Send, Turn } from "../../src/protocol/step.ts";
import { Output } from "../../src/protocol/step.ts";
import { atMs } from "../protocol/example.ts";
import { fingerprint } from "./fingerprint.ts";

export type NodeEvent = CoordinatorEvent | ParticipantEvent;

/** An event, and how long after the last one; or what is settled leaves memory for the log's index. */
export interface Happening {
  readonly event: NodeEvent | typeof checkpoint;
  readonly afterMs?: number;
}

export const checkpoint = { type: "checkpoint" } as const;

/** Above all that are explored. */
const highestId = "ffffffff-ffff-7fff-bfff-ffffffffffff";
/** Of all entries: nothing that is explored goes by which of them says what. */
const context = { number: 1, clock: new Map<string, number>(), atMs };

/** What of a node a crash leaves. */
export interface Kept {
  /** Synced. */
  readonly log: readonly LogRecord[];
  /** What its users were told, and its operators: they remember. */
  readonly told: ReadonlySet<string>;
  readonly alarms: ReadonlySet<string>;
  /** Whether a look into the index is needed for what memory does not have. */
  readonly isIndexed: boolean;
}

type Core = Coordinator | Participant;

export class Node {
  readonly #make: () => Core;
  readonly core: Core;
  readonly log: LogRecord[];
  readonly told: Set<string>;
  readonly alarms: Set<string>;
  isIndexed = false;
  sent: Send[] = [];
  #nowMs = 0;
  #pending: LogRecord[] = [];
  /** A second one of a kind says nothing more. */
  readonly #confirmations = new Map<string, Send>();

  /** Comes back with what it has kept. */
  constructor(make: () => Core, { log, told, alarms, isIndexed }: Kept) {
    this.#make = make;
    this.core = make();
    this.log = [...log];
    this.told = new Set(told);
    this.alarms = new Set(alarms);
    for (const record of log) this.core.state.apply(record, context);
    if (isIndexed) this.#checkpoint();
  }

  happen({ event, afterMs = 0 }: Happening): void {
    this.#nowMs += afterMs;
    if (event.type === "checkpoint") this.#checkpoint();
    else this.#turn(event);
  }

  /** Begins where all is synced that is applied, as in the loop, and is over at once. */
  #checkpoint(): void {
    if (this.#pending.length > 0) return;
    this.core.state.rotate();
    this.core.indexed(highestId, true);
    this.isIndexed = true;
  }

  /** A turn of `src/node/loop.ts` with one event, on a disk that takes no time. */
  #turn(event: NodeEvent): void {
    const turn: Turn = { ...context, nowMs: this.#nowMs, waitedMs: 0 };
    const out = new Output<Reply>();
    const core = this.core as { step(event: NodeEvent, turn: Turn, out: Output<Reply>): void };
    core.step(event, turn, out);
    this.#pending.push(...out.records);
    for (const send of out.confirmations) this.#confirmations.set(fingerprint(send, 0), send);
    for (const { text, forced } of out.alarms) {
      if (!forced && !isOfThePast(text) && !(this.#hasLost && isOfLoss(text))) {
        this.alarms.add(text);
      }
    }
    this.#tell(out.earlyReplies);
    if (out.mustAppend || event.type === "tick") this.log.push(...this.#pending.splice(0));
    this.sent.push(...out.sends);
    if (this.#pending.length === 0) {
      this.sent.push(...this.#confirmations.values());
      this.#confirmations.clear();
    }
    this.#tell(out.replies);
    for (const key of out.lookUps) {
      const found = this.log.filter((record) => paymentIn(record) === key)
        .map((record): Found => [context, record]);
      this.#turn({ type: "lookedUp", key, found });
    }
  }

  #tell(replies: readonly Reply[]): void {
    for (const { request, answer } of replies) {
      const code = "code" in answer ? ` ${answer.code}` : "";
      this.told.add(`${request} ${answer.state}${code}`);
    }
  }

  /** It knows that its log lacks entries. */
  get #hasLost(): boolean {
    const { state } = this.core;
    return ("lost" in state ? state.lost : state.lostEpochs) !== undefined;
  }

  /** The same for two of one name only where nothing that can happen to them tells them apart. */
  get fingerprint(): string {
    const { core, log, told, alarms } = this;
    const all = [
      ...[
        core,
        this.#pending,
        [...this.#confirmations.keys()],
        [...told].sort(),
        this.isIndexed,
        [...alarms].sort(),
      ],
      // What a crash would leave; in which order it was written shows only in that.
      ...[log.map((record) => fingerprint(record, 0)).sort(), fingerprint(this.#folded(), 0)],
    ];
    return fingerprint(all, this.#nowMs);
  }

  #folded(): unknown {
    const { state } = this.#make();
    for (const record of this.log) state.apply(record, context);
    return state;
  }
}

/** Messages of a life before come late here, over links that they were never sent over. */
function isOfThePast(alarm: string): boolean {
  return alarm.includes("it is out of date, or a copy");
}

/** As it has to be raised where a log lacks what the coordinator has, or the coordinator's what it decided. */
function isOfLoss(alarm: string): boolean {
  return [
    "which is not prepared here: nothing changed",
    "it has lost entries, and the ledger here",
    "about transactions of before this log lost entries",
  ].some((text) => alarm.includes(text));
}

function paymentIn(record: LogRecord): string | undefined {
  if ("order" in record) return record.order.payment;
  return "payment" in record ? record.payment : undefined;
}
