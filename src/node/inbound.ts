/** What becomes of a peer's frame until the core hears of it: nothing counts that is not shown to hold. */

import type { Frame } from "../codec/frame.ts";
import { decodeFrame } from "../codec/frame.ts";
import { FormatError } from "../errors.ts";
import { queueEventsMax, strangersMax } from "../limits.ts";
import type { Role } from "../names.ts";
import type { OpenedDetails } from "../protocol/details.ts";
import type { TransactionId } from "../protocol/id.ts";
import type { Directory, Message, Prepare } from "../protocol/message.ts";
import type { CommonEvent, MessageEvent } from "../protocol/step.ts";
import type { Loop } from "./loop.ts";
import type { Observer } from "./observer.ts";
import type { Peers } from "./peers.ts";
import type { Sealing } from "./sealing.ts";
import { openDetails } from "./sealing.ts";
import type { Statements } from "./trust.ts";

/** What of opened details goes to the core. */
export type Told = Pick<MessageEvent, "details" | "card">;

export interface InboundOptions {
  /** Of this node. */
  readonly name: string;
  readonly role: Role;
  readonly peers: Peers;
  readonly statements: Statements;
  readonly sealing: Sealing;
  readonly observer: Pick<Observer, "received">;
  readonly loop: Pick<Loop<CommonEvent, never>, "queued" | "receive" | "enqueue" | "settled">;
  readonly told: (details: OpenedDetails | undefined) => Told;
  /** The node can't go on. */
  readonly fail: (error: Error) => void;
}

export class Inbound {
  readonly #options: InboundOptions;
  /** Transactions of prepares whose details are being opened. */
  readonly #opening = new Set<TransactionId>();
  #introducing: Promise<void> = Promise.resolve();
  /** Directories that are being checked. */
  #directories = 0;
  /** Messages that wait for it. */
  #strangers = 0;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /**
   * Takes a frame's payload. Returns whether what is sent next is an answer to it.
   *
   * @throws {FormatError} if it is none, or none that its sender may send
   */
  received(peer: string, payload: Uint8Array): boolean {
    const { peers, statements, loop, role } = this.#options;
    const frame = decodeFrame(payload, peer);
    if (frame.clock.get(peer) !== frame.number) {
      throw new FormatError("a clock that does not count its sender's own entries");
    }
    // What is not read now is sent again; without a bound one peer could fill the memory.
    if (loop.queued + this.#opening.size + this.#directories > queueEventsMax) {
      throw new FormatError(`more than ${queueEventsMax} messages wait here`);
    }
    const isKnown = peers.areKnown(peer, frame.clock);
    // What it says may depend on entries that this node's own would then not have in their past. It is
    // lost, and comes again when the coordinator has told who is there, or has recorded it. For others
    // a coordinator can't wait: it is the one who tells.
    if (!isKnown && (role === "participant" || peers.isNewcomer(peer))) return false;
    const { believed, strangers } = statements.believed(peer, frame.messages, frame.batch);
    const isAnswered = this.#take(peer, frame, believed, isKnown);
    // A directory that introduces them may stand in the same frame. Else they come again, a second later.
    if (strangers.length > 0 && this.#directories > 0 && this.#strangers < strangersMax) {
      this.#takeLater(peer, frame, strangers, isKnown);
    }
    return isAnswered;
  }

  /** Once the directories have been checked that have come by now. */
  #takeLater(peer: string, frame: Frame, strangers: readonly Message[], isKnown: boolean): void {
    const { peers, statements, fail } = this.#options;
    const link = peers.linkOf(peer);
    this.#strangers += strangers.length;
    this.#introducing = this.#introducing.then(() => {
      this.#strangers -= strangers.length;
      // Over a new link a peer may have begun anew: what it said over the last one is past.
      if (peers.linkOf(peer) !== link) return;
      const { believed } = statements.believed(peer, strangers, frame.batch);
      this.#take(peer, frame, believed, isKnown);
    }).catch(fail);
  }

  /** Messages that are believed. Returns whether what is sent next is an answer to them. */
  #take(peer: string, frame: Frame, messages: readonly Message[], isKnown: boolean): boolean {
    const { observer, loop } = this.#options;
    observer.received(peer, frame, messages);
    const isAnswered = messages.some(({ type }) => type === "prepare");
    const later = messages.filter((message) => this.#takesTime(peer, message));
    const now = later.length === 0 ? messages : messages.filter((one) => !later.includes(one));
    loop.receive(peer, frame, now, isKnown);
    // Certificates are checked, and details opened, in their own time.
    for (const message of later) {
      if (message.type === "directory") this.#introduce(peer, message);
      else if (message.type === "prepare") this.#open(peer, message);
    }
    return isAnswered;
  }

  #takesTime(peer: string, message: Message): boolean {
    const { peers, role } = this.#options;
    // Only a coordinator introduces others; from anybody else the core hears of it as it came.
    if (message.type === "directory") return peers.isCoordinator(peer);
    // And only a coordinator asks to prepare: from others nothing is opened.
    return message.type === "prepare" && message.order.detailsHash !== undefined &&
      role === "participant" && peers.isCoordinator(peer);
  }

  /** What comes after it meanwhile overtakes it, as messages may. */
  #open(from: string, message: Prepare): void {
    const { sealing, name, loop, told, fail } = this.#options;
    const { order, details, transaction } = message;
    // It comes again every second until it is answered.
    if (this.#opening.has(transaction)) return;
    this.#opening.add(transaction);
    openDetails(sealing, name, order, details).then(
      (details) => loop.enqueue({ type: "message", from, message, ...told(details) }),
      fail,
    ).finally(() => this.#opening.delete(transaction));
  }

  /** One after the other: what came first must not count last. */
  #introduce(from: string, directory: Directory): void {
    const { statements, loop, fail } = this.#options;
    this.#directories++;
    this.#introducing = this.#introducing.then(async () => {
      const message = await statements.introduced(from, directory);
      await loop.settled({ type: "message", from, message });
      this.#directories--;
    }).catch(fail);
  }
}
