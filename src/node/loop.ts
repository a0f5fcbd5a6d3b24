/**
 * The one place that orders writes and sends. A turn takes what is queued, steps it, appends all its
 * records as one entry, and only when that is durable lets the turn's messages and replies go. What
 * arrives meanwhile gathers for the next turn: group commit, with no timer. Where there is no disk to
 * wait for, what lies at the sockets together is taken together all the same: each turn that sends
 * costs a frame for each peer, with a signature to make and to check.
 *
 * Long for one file, as that order is to be checked in one place.
 */

import type { FrameHeader, Sign } from "../codec/frame.ts";
import { encodeFrames } from "../codec/frame.ts";
import type { Witness } from "../codec/record.ts";
import { lookUpsMax, turnEventsMax } from "../limits.ts";
import type { Log } from "../log/log.ts";
import type { SealedDetails } from "../protocol/details.ts";
import type { Frozen } from "../protocol/frozen.ts";
import type { Message } from "../protocol/message.ts";
import type { EntryContext, LogRecord } from "../protocol/record.ts";
import type { Alarm, CommonEvent, LookUpKey, Send, Turn } from "../protocol/step.ts";
import { Output } from "../protocol/step.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { mergeClocks, withComponent } from "../protocol/vector_clock.ts";
import { Arrivals } from "./arrivals.ts";
import type { Time } from "./surroundings.ts";

/** A role's state machine, as the loop sees it. */
export interface Core<Event, Reply> {
  step(event: Event | CommonEvent, turn: Turn, out: Output<Reply>): void;
  readonly state: {
    freeze(context: EntryContext): Frozen;
    rotate(): void;
  };
  indexed(mark: string, hasKeys: boolean): void;
}

export interface LoopOptions<Event, Reply> {
  readonly name: string;
  readonly core: Core<Event, Reply>;
  /** Replayed into the core. */
  readonly log: Log;
  /** Hands a frame's payload to the link with a peer; without one it is lost. */
  readonly send: (peer: string, payload: Uint8Array) => void;
  /** Signs what this node states. */
  readonly sign: Sign;
  /** The peers with a link. */
  readonly peers: () => Iterable<string>;
  readonly reply: (reply: Reply) => void;
  readonly alarm: (alarm: Alarm) => void;
  /** Told of what an operator may want to know. */
  readonly note: (text: string) => void;
  /** Told of an entry's records once they are durable. */
  readonly recorded: (records: readonly LogRecord[], context: EntryContext) => void;
  /** Awaited before and after every append; production does nothing there. */
  readonly pause?: (when: "before" | "after", records: readonly LogRecord[]) => Promise<void>;
  readonly time: Pick<Time, "wallMs" | "monotonicMs" | "nextPoll">;
  readonly checkpointRecords: number;
}

/** Who waits for a turn to be durable. */
interface Waiter {
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** Between two records of a log: after all entries before `number`, and after `at` records of that one. */
export interface Place {
  readonly number: number;
  readonly at: number;
}

/** A look at the state, which is the fold of the log up to a place; told when all of that is synced. */
class Look {
  constructor(readonly look: (upTo: Place) => Waiter) {}
}

/** An event whose durability is waited for. */
class Awaited<Event> {
  constructor(readonly event: Event | CommonEvent, readonly waiter: Waiter) {}
}

/** Witnesses are to be made durable. */
class Keep {}

/** Messages to a peer, ready to be sent. */
interface Frames {
  readonly peer: string;
  readonly payloads: readonly Uint8Array[];
  /** Of the entry that they tell of. */
  readonly number: number;
}

type Item<Event> = Event | CommonEvent | Look | Awaited<Event> | Keep;

export class Loop<Event extends { readonly type: string }, Reply> {
  readonly #options: LoopOptions<Event, Reply>;
  #queue: Item<Event>[] = [];
  readonly #arrivals: Arrivals;
  #turns = 0;
  #appendingSinceMs: number | undefined;
  #wake: (() => void) | undefined;
  #isStopping = false;
  #failure: { readonly error: unknown } | undefined;
  readonly #waiting = new Set<Waiter>();
  /** What the index is to be asked for, and how much it is asked for now. */
  readonly #toLookUp = new Set<LookUpKey>();
  #lookingUp = 0;
  /** Applied, but waiting for a turn that must append. */
  #pending: LogRecord[] = [];
  #pendingBytes = 0;
  #pendingDetails = new Map<LogRecord, readonly SealedDetails[]>();
  /** What says that those are durable. */
  #confirmations: Send[] = [];
  /** Merged from all that was received; its own component is not kept. */
  #received: VectorClock;
  readonly #seen: Map<string, Witness>;
  #hasNewWitness = false;
  /** The entry that each peer was last told of. */
  readonly #announced = new Map<string, number>();
  #lastAtMs = 0;
  #recordsSinceCheckpoint: number;
  #isCheckpointing = false;

  /** @param replayed records folded since the last checkpoint */
  constructor(options: LoopOptions<Event, Reply>, replayed: number) {
    this.#options = options;
    this.#arrivals = new Arrivals(() => options.time.monotonicMs());
    this.#received = options.log.clock;
    this.#seen = new Map(options.log.witnesses);
    this.#recordsSinceCheckpoint = replayed;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Since when an entry has been on its way to the disk; nothing where none is. */
  get appendingSinceMs(): number | undefined {
    return this.#appendingSinceMs;
  }

  /** Turns begun: as long as it stays the same, nothing more of what is queued has been stepped. */
  get turns(): number {
    return this.#turns;
  }

  /** The latest entry seen of a peer. */
  seenOf(peer: string): Witness | undefined {
    return this.#seen.get(peer);
  }

  /** What this node knows, and has on disk. */
  get clock(): VectorClock {
    const { log, name } = this.#options;
    return withComponent(this.#received, name, log.head.number);
  }

  enqueue(event: Event | CommonEvent): void {
    this.#push(event);
  }

  /**
   * Queues messages of a frame. Its header counts from the next turn on.
   *
   * @param isKnown whether all of its clock is taken over; only then is the sender's entry cited, whose
   * past has to be in that of the entry that cites it
   */
  receive(
    from: string,
    { number, hash, clock }: FrameHeader,
    messages: readonly Message[],
    isKnown = true,
  ): void {
    this.hear(isKnown ? clock : new Map([[from, number]]));
    const seen = this.#seen.get(from);
    if (isKnown && (!seen || number > seen.number)) {
      this.#seen.set(from, { number, hash });
      this.#hasNewWitness = true;
    }
    for (const message of messages) this.#push({ type: "message", from, message });
  }

  /** Takes over what a peer's clock says. */
  hear(clock: VectorClock): void {
    this.#received = mergeClocks(this.#received, clock);
  }

  /** Resolves once what the event changed is durable; rejects if the loop fails before. */
  settled(event: Event | CommonEvent): Promise<void> {
    return new Promise((done, fail) => {
      this.#push(new Awaited(event, this.#wait({ done, fail })));
    });
  }

  /**
   * A look at the state. It is told when nothing of it is unsynced any more.
   *
   * @param look is told up to where the state is the fold of the log
   */
  read<T>(look: (upTo: Place) => T): Promise<T> {
    return new Promise((resolve, fail) => {
      let value: T;
      const waiter = this.#wait({ done: () => resolve(value), fail });
      const read = (upTo: Place) => {
        value = look(upTo);
        return waiter;
      };
      this.#push(new Look(read));
    });
  }

  /** Those who wait are not chained to one promise of failure, which would never let go of them. */
  #wait(waiter: Waiter): Waiter {
    if (this.#failure) waiter.fail(this.#failure.error);
    else this.#waiting.add(waiter);
    return waiter;
  }

  /** Makes what was seen of peers durable, if it is not: one of them has gone, or this node goes. */
  keepWitnesses(): void {
    this.#push(new Keep());
  }

  /** Runs turns until {@linkcode Loop.stop}. Rejects when a turn fails: nothing may follow then. */
  async run(): Promise<void> {
    try {
      await this.#runTurns();
    } catch (error) {
      this.#failure = { error };
      for (const { fail } of this.#waiting) fail(error);
      this.#waiting.clear();
      throw error;
    } finally {
      this.#toLookUp.clear();
    }
  }

  async #runTurns(): Promise<void> {
    while (!this.#isStopping || this.#queue.length > 0 || this.#pending.length > 0) {
      if (this.#queue.length === 0 && !this.#isStopping && !this.#failure) {
        await new Promise<void>((wake) => this.#wake = wake);
      }
      await this.#options.time.nextPoll();
      this.#expectSound();
      await this.#turn();
    }
    this.#expectSound();
  }

  /** Ends `run` once all that is queued is done and durable. */
  stop(): void {
    this.keepWitnesses();
    this.#isStopping = true;
  }

  #push(item: Item<Event>): void {
    this.#arrivals.push();
    this.#queue.push(item);
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  async #turn(): Promise<void> {
    const { log, name, recorded, reply, alarm, note, pause } = this.#options;
    const number = log.head.number + 1;
    const nowMs = this.#options.time.monotonicMs();
    this.#turns++;
    const turn: Turn = {
      number,
      clock: withComponent(this.#received, name, number),
      atMs: this.#wallMs(),
      nowMs,
      waitedMs: this.#arrivals.begin(nowMs),
    };
    const out = new Output<Reply>(this.#pendingBytes);
    const waiters: Waiter[] = [];
    const mustAppend = this.#stepQueued(turn, out, waiters);
    this.#pending = this.#pending.concat(out.records);
    for (const [record, details] of out.details) this.#pendingDetails.set(record, details);
    this.#pendingBytes = out.bytes;
    for (const raised of out.alarms) alarm(raised);
    for (const text of out.notes) note(text);
    for (const early of out.earlyReplies) reply(early);
    this.#confirmations.push(...out.confirmations);
    let frames: readonly Frames[] = [];
    if (mustAppend) {
      const records = this.#pending;
      const witnesses = new Map(this.#seen);
      const details = this.#pendingDetails;
      this.#pendingDetails = new Map();
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#hasNewWitness = false;
      this.#appendingSinceMs = nowMs;
      if (pause) await pause("before", records);
      const { atMs, clock } = turn;
      const sends = out.sends.concat(this.#confirmations);
      this.#confirmations = [];
      await log.append({ atMs, clock, witnesses, records, details }, (head) => {
        // They are written and signed while the disk is busy, and leave when it is done.
        frames = this.#frames(sends, { ...head, clock });
      });
      if (pause) await pause("after", records);
      this.#appendingSinceMs = undefined;
      recorded(records, turn);
      this.#recordsSinceCheckpoint += records.length;
    } else {
      const isAllDurable = this.#pending.length === 0;
      const sends = isAllDurable ? out.sends.concat(this.#confirmations) : out.sends;
      if (isAllDurable) this.#confirmations = [];
      if (sends.length > 0) frames = this.#frames(sends, this.#header);
    }
    // From here on everything that the turn says is true after a crash, too.
    for (const ofPeer of frames) this.#tell(ofPeer);
    for (const late of out.replies) reply(late);
    for (const waiter of waiters) {
      this.#waiting.delete(waiter);
      waiter.done();
    }
    for (const key of out.lookUps) this.#toLookUp.add(key);
    this.#lookUp();
    if (mustAppend) this.#checkpointIfDue(turn);
  }

  /** Steps what is queued, as much as fits an entry. Returns whether it has to be appended now. */
  #stepQueued(turn: Turn, out: Output<Reply>, waiters: Waiter[]): boolean {
    const items = this.#queue;
    this.#queue = [];
    let mustAppend = this.#isStopping && this.#pending.length > 0;
    let at = 0;
    for (; at < items.length && at < turnEventsMax && !out.isFull; at++) {
      const item = items[at]!;
      if (item instanceof Look) {
        const records = this.#pending.length + out.records.length;
        waiters.push(item.look({ number: turn.number, at: records }));
        mustAppend = true;
      } else if (item instanceof Awaited) {
        this.#step(item.event, turn, out);
        waiters.push(item.waiter);
        mustAppend = true;
      } else if (item instanceof Keep) {
        out.mustAppend ||= this.#hasNewWitness;
      } else {
        this.#step(item, turn, out);
        if (item.type !== "tick") continue;
        // Records that could wait have waited long enough.
        mustAppend = true;
        this.announce();
      }
    }
    this.#arrivals.take(at);
    if (at < items.length) this.#queue = items.slice(at).concat(this.#queue);
    const isThereAny = this.#pending.length + out.records.length > 0;
    return out.mustAppend || out.isFull || (mustAppend && isThereAny);
  }

  #step(event: Event | CommonEvent, turn: Turn, out: Output<Reply>): void {
    const before = out.records.length;
    this.#options.core.step(event, turn, out);
    for (let i = before; i < out.records.length; i++) {
      const record = out.records[i]!;
      // Whatever it comes back with is what is known of it from then on.
      if (record.type === "readmitted") this.#seen.delete(record.name);
    }
  }

  /** What goes to each peer, in the bytes in which it goes. */
  #frames(sends: readonly Send[], header: FrameHeader): Frames[] {
    const byPeer = new Map<string, Message[]>();
    for (const { to, message } of sends) {
      const messages = byPeer.get(to);
      if (messages) messages.push(message);
      else byPeer.set(to, [message]);
    }
    return Array.from(byPeer, ([peer, messages]) => this.#framesTo(peer, messages, header));
  }

  #framesTo(peer: string, messages: readonly Message[], header: FrameHeader): Frames {
    const payloads = encodeFrames(header, messages, this.#options.sign);
    return { peer, payloads, number: header.number };
  }

  /** Of a frame that leaves now. */
  get #header(): FrameHeader {
    const { number, hash } = this.#options.log.head;
    return { number, hash, clock: this.clock };
  }

  #tell({ peer, payloads, number }: Frames): void {
    for (const payload of payloads) this.#options.send(peer, payload);
    this.#announced.set(peer, number);
  }

  /** Tells peers of this node's head, so that they can witness also what no message followed. */
  announce(): void {
    const { head } = this.#options.log;
    let header: FrameHeader | undefined;
    for (const peer of this.#options.peers()) {
      if (this.#announced.get(peer) === head.number) continue;
      this.#tell(this.#framesTo(peer, [], header ??= this.#header));
    }
  }

  /** A link with a peer is new: what the last one was told may not have arrived. */
  announceAgain(peer: string): void {
    this.#announced.delete(peer);
  }

  #lookUp(): void {
    for (const key of this.#toLookUp) {
      if (this.#lookingUp === lookUpsMax) return;
      this.#toLookUp.delete(key);
      this.#lookingUp++;
      this.#options.log.lookUp(key).then(
        (found) => this.#push({ type: "lookedUp", key, found }),
        (error) => this.#fail(error),
      ).finally(() => {
        this.#lookingUp--;
        this.#lookUp();
      });
    }
  }

  #expectSound(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** After a failure outside a turn no other one begins. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#toLookUp.clear();
    this.#wakeUp();
  }

  #wallMs(): number {
    // Entries don't go back in time where the machine's clock does, until the node is started again: a
    // clock that was years ahead once must not be so for ever.
    this.#lastAtMs = Math.max(this.#lastAtMs, Math.floor(this.#options.time.wallMs()));
    return this.#lastAtMs;
  }

  #checkpointIfDue(turn: Turn): void {
    if (this.#isCheckpointing || this.#pending.length > 0) return;
    if (this.#recordsSinceCheckpoint < this.#options.checkpointRecords) return;
    this.#recordsSinceCheckpoint = 0;
    this.#isCheckpointing = true;
    // Now, between two turns and with nothing pending, the state is the fold of the log up to its head.
    const { core, log } = this.#options;
    const { number, clock, atMs } = turn;
    const checkpoint = log.beginCheckpoint(core.state.freeze({ number, clock, atMs }));
    core.state.rotate();
    const write = async () => {
      await log.writeCheckpoint(checkpoint);
      await this.settled({ type: "record", record: checkpoint.record });
      await log.finishCheckpoint(checkpoint);
      core.indexed(log.mark, log.indexHasKeys);
    };
    write().catch((error) => this.#fail(error)).finally(() => this.#isCheckpointing = false);
  }
}
