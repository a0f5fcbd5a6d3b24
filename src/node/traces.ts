/**
 * The newest payments on their way: who voted what, who acked. Votes and acks are messages, so no log
 * keeps them. Under load only a sample is followed, and the rest costs one failed look-up a message.
 */

import type {
  HeuristicView,
  NodeEventType,
  PaymentTrace,
  PaymentView,
  Stage,
  TraceStep,
  VoteView,
} from "../http/node_api.ts";
import type { Role } from "../names.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Message } from "../protocol/message.ts";
import { decisionText } from "../protocol/message.ts";
import type { Order, RefusalCode } from "../protocol/order.ts";
import type { EntryContext, LogRecord } from "../protocol/record.ts";
import type { Found } from "../protocol/step.ts";
import { isOfPayment, paymentIn } from "./events.ts";
import { forcedAfter } from "./view.ts";

const tracesKept = 50;
const stepsMax = 200;
/** Payments begun between two ticks that are followed. */
const begunMax = 5;

interface Trace {
  readonly order: Pick<Order, "payment" | "legs" | "originator">;
  /** Of a clock that never jumps; nothing where the beginning was not seen. */
  readonly startMs?: number;
  stage: Stage;
  isPrepared: boolean;
  state: PaymentView["state"];
  code?: RefusalCode;
  forced?: HeuristicView;
  transaction?: TransactionId;
  clock: PaymentView["clock"];
  atMs: number;
  readonly votes: Map<string, { readonly yes: boolean; readonly code?: RefusalCode }>;
  readonly acks: Set<string>;
  readonly steps: TraceStep[];
}

export interface TracesOptions {
  readonly role: Role;
  /** A payment that is followed was decided, so long after this node heard of it. */
  readonly decided?: (latencyMs: number) => void;
}

export class Traces {
  readonly #options: TracesOptions;
  #traces = new Map<PaymentId, Trace>();
  #mayBegin = begunMax;

  constructor(options: TracesOptions) {
    this.#options = options;
  }

  tick(): void {
    this.#mayBegin = begunMax;
  }

  /** Newest first, by the time that is shown of them; of one moment by when their ids were made. */
  all(): PaymentTrace[] {
    const byId = [...this.#traces].sort(([a], [b]) => a < b ? 1 : -1);
    return byId.map(([, trace]) => this.#view(trace))
      .sort((a, b) => b.payment.atMs - a.payment.atMs);
  }

  get(payment: PaymentId): PaymentTrace | undefined {
    const trace = this.#traces.get(payment);
    return trace && this.#view(trace);
  }

  /** Payments that are on their way as far as was noticed. */
  unfinished(): PaymentId[] {
    return [...this.#traces].filter(([, trace]) => !isOver(trace)).map(([id]) => id);
  }

  forget(payment: PaymentId): void {
    this.#traces.delete(payment);
  }

  /** What the log says of payments older than those followed, oldest first. */
  recall(views: readonly PaymentView[], isOpen: (payment: PaymentId) => boolean): void {
    const older = new Map<PaymentId, Trace>();
    for (const view of views) {
      if (!this.#traces.has(view.id)) older.set(view.id, traceOf(view, isOpen(view.id)));
    }
    this.#traces = new Map([...older, ...this.#traces]);
    this.#trim();
  }

  /** A user's order, sent to the coordinator. */
  ordered(order: Order): void {
    if (this.#mayBegin > 0) this.#begin(order, "ordered", "ordered here");
  }

  received(from: string, message: Message): void {
    switch (message.type) {
      case "order":
        if (this.#mayBegin > 0) this.#begin(message.order, "prepare", `order from ${from}`);
        return;
      case "prepare":
        return this.#prepare(from, message);
      case "vote": {
        const trace = this.#traces.get(message.payment);
        if (!trace || trace.votes.has(from) || trace.stage === "done") return;
        const { yes, code } = message;
        trace.votes.set(from, { yes, code });
        trace.transaction = message.transaction;
        if (trace.stage === "prepare") trace.stage = "votes";
        return note(trace, `${from} votes ${yes ? "yes" : `no${code ? `: ${code}` : ""}`}`);
      }
      case "ack": {
        const trace = this.#traces.get(message.payment);
        if (!trace || trace.acks.has(from)) return;
        trace.acks.add(from);
        if (trace.stage === "decision") trace.stage = "acks";
        return note(trace, `${from} acks`);
      }
      case "decision": {
        const trace = this.#traces.get(message.payment);
        if (!trace || isOver(trace)) return;
        const { commit, code } = message;
        trace.stage = "decision";
        return note(trace, `decision from ${from}: ${commit ? "commit" : reason(code)}`);
      }
      case "outcome":
        return this.#outcome(from, message);
    }
  }

  #prepare(from: string, { order, transaction }: Extract<Message, { type: "prepare" }>): void {
    const known = this.#traces.get(order.payment);
    if (!known || known.stage === "lost") {
      const what = `prepare from ${from}`;
      if (known || this.#mayBegin > 0) this.#begin(order, "ordered", what, transaction);
    } else if (known.transaction !== transaction && known.stage === "ordered") {
      known.transaction = transaction;
      note(known, `prepare from ${from}`);
    }
  }

  /** Of an order that started no transaction. */
  #outcome(from: string, { payment, outcome }: Extract<Message, { type: "outcome" }>): void {
    const trace = this.#traces.get(payment);
    if (!trace || (trace.stage !== "ordered" && trace.stage !== "lost")) return;
    trace.stage = "done";
    if (outcome.state === "aborted") trace.code = outcome.code;
    if (outcome.state === "committed" || outcome.state === "aborted") {
      trace.state = outcome.state;
      const { clock, atMs } = outcome.decided;
      trace.clock = clock;
      trace.atMs = atMs;
    } else {
      this.#traces.delete(payment);
    }
    note(trace, `outcome from ${from}: ${outcome.state}`);
  }

  recorded(records: readonly LogRecord[], context: EntryContext): void {
    if (this.#traces.size === 0) return;
    for (const record of records) {
      if (!isOfPayment(record)) continue;
      const trace = this.#traces.get(paymentIn(record));
      if (trace) this.#record(trace, record, context);
    }
  }

  #record(
    trace: Trace,
    record: Extract<LogRecord, { readonly type: NodeEventType }>,
    context: EntryContext,
  ): void {
    const isDecided = trace.state === "committed" || trace.state === "aborted";
    const { number: entry, clock, atMs } = context;
    trace.steps.push({ what: recordText(record), atMs, entry, clock });
    trace.forced = forcedAfter(trace.forced, record, context);
    // Of what an operator knows or has done, not of what became of the payment.
    if (record.type === "acknowledged" || record.type === "erased") return;
    switch (record.type) {
      case "prepared":
        trace.stage = "prepared";
        trace.isPrepared = true;
        trace.state = "prepared";
        trace.transaction = record.transaction;
        break;
      case "committed":
        trace.stage = "decision";
        trace.state = "committed";
        trace.transaction = record.transaction;
        break;
      case "posted":
        trace.stage = "done";
        trace.state = "committed";
        break;
      case "aborted":
        trace.stage = "done";
        trace.isPrepared = false;
        trace.state = "aborted";
        trace.code = record.code;
        break;
      case "released":
        // Without a code only this attempt was aborted: the payment may commit when it comes again.
        trace.stage = record.code ? "done" : "lost";
        trace.state = record.code ? "aborted" : "pending";
        trace.code = record.code;
        break;
      case "mismatch":
        trace.stage = "done";
        trace.state = record.commit ? "committed" : "aborted";
        if (!record.commit) trace.code = "forced_otherwise";
        break;
      case "ended":
        trace.stage = "done";
        break;
    }
    if (record.type !== "ended") {
      const place = ("decided" in record ? record.decided : undefined) ?? context;
      trace.clock = place.clock;
      trace.atMs = place.atMs;
    }
    const isNowDecided = trace.state === "committed" || trace.state === "aborted";
    if (!isDecided && isNowDecided && trace.startMs !== undefined) {
      this.#options.decided?.(performance.now() - trace.startMs);
    }
  }

  #begin(order: Order, stage: Stage, what: string, transaction?: TransactionId): void {
    const known = this.#traces.get(order.payment);
    if (known?.stage === "lost") {
      known.stage = stage;
      known.isPrepared = false;
      known.transaction = transaction;
      known.atMs = Date.now();
      return note(known, what);
    }
    // Sent again while it is under way, or after its end: nothing new moves.
    if (known) return;
    this.#mayBegin--;
    const atMs = Date.now();
    this.#traces.set(order.payment, {
      order,
      startMs: performance.now(),
      stage,
      isPrepared: false,
      state: "pending",
      transaction,
      clock: new Map(),
      atMs,
      votes: new Map(),
      acks: new Set(),
      steps: [{ what, atMs }],
    });
    this.#trim();
  }

  #trim(): void {
    for (const payment of this.#traces.keys()) {
      if (this.#traces.size <= tracesKept) return;
      this.#traces.delete(payment);
    }
  }

  #view(trace: Trace): PaymentTrace {
    const { order, stage, isPrepared, state, code, forced, transaction, clock, atMs, steps } =
      trace;
    const { payment: id, legs, originator } = order;
    return {
      payment: { id, state, code, forced, legs, originator, transaction, clock, atMs },
      stage,
      isPrepared,
      votes: this.#options.role === "coordinator" ? votesOf(trace) : [],
      steps: [...steps],
    };
  }
}

/** A payment as the log alone tells it. */
export function traceFromLog(
  view: PaymentView,
  found: readonly Found[],
  role: Role,
  isOpen: boolean,
): PaymentTrace {
  const trace = traceOf(view, isOpen);
  const steps = found.flatMap(([{ number: entry, clock, atMs }, record]) =>
    isOfPayment(record) ? [{ what: recordText(record), atMs, entry, clock }] : []
  );
  const votes = role === "coordinator" ? votesOf(trace) : [];
  const { stage, isPrepared } = trace;
  return { payment: view, stage, isPrepared, votes, steps };
}

function traceOf(view: PaymentView, isOpen: boolean): Trace {
  const { id: payment, legs, originator, state, code, forced, clock, atMs } = view;
  return {
    order: { payment, legs, originator },
    stage: stageOf(state, isOpen),
    // A participant's view of an aborted payment names a transaction only where it held something.
    isPrepared: state !== "pending" && view.transaction !== undefined,
    state,
    code,
    forced,
    transaction: view.transaction as TransactionId | undefined,
    clock,
    atMs,
    votes: new Map(),
    acks: new Set(),
    steps: [],
  };
}

function stageOf(state: PaymentView["state"], isOpen: boolean): Stage {
  if (state === "prepared") return "prepared";
  if (state === "pending") return "ordered";
  return isOpen ? "decision" : "done";
}

function votesOf({ order, votes, acks, state, stage }: Trace): VoteView[] {
  const participants = new Set(order.legs.map(({ participant }) => participant));
  return [...participants].map((participant) => {
    const known = votes.get(participant);
    // A commit says that all voted yes, also where the votes themselves were not followed.
    const isYes = known?.yes ?? (state === "committed" ? true : undefined);
    return {
      participant,
      vote: isYes === undefined ? "none" : isYes ? "yes" : "no",
      code: known?.code,
      isAcked: acks.has(participant) || (state === "committed" && stage === "done"),
    };
  });
}

/** The payment, or this attempt at it. */
function isOver({ stage }: Trace): boolean {
  return stage === "done" || stage === "lost";
}

function note(trace: Trace, what: string): void {
  if (trace.steps.length < stepsMax) trace.steps.push({ what, atMs: Date.now() });
}

function reason(code: RefusalCode | undefined): string {
  return code ? `abort, ${code}` : "abort this attempt";
}

function recordText(record: Extract<LogRecord, { readonly type: NodeEventType }>): string {
  switch (record.type) {
    case "aborted":
      return `aborted: ${record.code}`;
    case "released":
      return `released: ${record.code ?? "only this attempt was aborted"}`;
    case "forced":
      return `forced to ${decisionText(record.commit)} by ${record.by}`;
    case "mismatch":
      return `mismatch: the decision was ${decisionText(record.commit)}`;
    case "acknowledged":
      return `mismatch acknowledged by ${record.by}`;
    case "erased":
      return `details erased by ${record.by}`;
    default:
      return record.type;
  }
}
