/** The real loop with a real core, over a storage that tests hold, and what it lets go. */

import { assert } from "@std/assert";
import { decodeFrame } from "../../src/codec/frame.ts";
import { encodeOrder } from "../../src/codec/order.ts";
import type { Frame } from "../../src/codec/frame.ts";
import type { Entry } from "../../src/codec/record.ts";
import { formatVersion } from "../../src/codec/values.ts";
import { Log } from "../../src/log/log.ts";
import type { Role } from "../../src/names.ts";
import type { Core } from "../../src/node/loop.ts";
import { Loop } from "../../src/node/loop.ts";
import { Coordinator, type CoordinatorEvent } from "../../src/protocol/coordinator.ts";
import type { PaymentId } from "../../src/protocol/id.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Leg, Order } from "../../src/protocol/order.ts";
import { Participant } from "../../src/protocol/participant.ts";
import type { ParticipantEvent, Reply } from "../../src/protocol/participant_event.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { stubSign } from "../codec/proofs.ts";
import { HeldStorage } from "./held_storage.ts";

export const nowMs = Date.UTC(2025, 0, 31);

export interface Sent {
  readonly to: string;
  readonly frame: Frame;
}

export class LoopRig<Event extends { readonly type: string }, R> {
  readonly storage = new HeldStorage();
  readonly sent: Sent[] = [];
  readonly replies: R[] = [];
  readonly recorded: LogRecord[] = [];

  private constructor(
    readonly loop: Loop<Event, R>,
    readonly log: Log,
    parts: Pick<LoopRig<Event, R>, "storage" | "sent" | "replies" | "recorded">,
    /** Of the loop: rejects when a turn fails. */
    readonly running: Promise<void>,
  ) {
    Object.assign(this, parts);
  }

  static async start<Event extends { readonly type: string }, R>(
    name: string,
    role: Role,
    core: Core<Event, R>,
    monotonicMs: () => number = () => 0,
  ): Promise<LoopRig<Event, R>> {
    const storage = new HeldStorage();
    const [sent, replies, recorded]: [Sent[], R[], LogRecord[]] = [[], [], []];
    const log = await Log.open(storage);
    await log.replay(() => {});
    const loop = new Loop<Event, R>({
      name,
      core,
      log,
      send: (to, payload) => sent.push({ to, frame: decodeFrame(payload, name) }),
      sign: stubSign,
      peers: () => ["coordinator", "alice", "bob"].filter((peer) => peer !== name),
      reply: (reply) => replies.push(reply),
      alarm: ({ text }) => {
        throw new Error(`an alarm: ${text}`);
      },
      note: () => {},
      recorded: (records) => recorded.push(...records),
      time: { wallMs: () => nowMs, monotonicMs, nextPoll: macrotask },
      checkpointRecords: Infinity,
    }, 0);
    const running = loop.run();
    // Tests that let it fail look at it later.
    running.catch(() => {});
    const genesis = {
      type: "genesis",
      network: "00".repeat(32),
      name,
      role,
      version: formatVersion,
    } as const;
    await loop.settled({ type: "start", genesis, nonce: "0123456789ab" });
    return new LoopRig(loop, log, { storage, sent, replies, recorded }, running);
  }

  message(from: string, message: Message): void {
    this.loop.enqueue({ type: "message", from, message });
  }

  /** Messages of a type that were sent, with whom to. */
  sentOf<T extends Message["type"]>(type: T) {
    const isOfType = (message: Message): message is Extract<Message, { type: T }> =>
      message.type === type;
    return this.sent.flatMap(({ to, frame }) =>
      frame.messages.filter(isOfType).map((message) => ({ to, message, frame }))
    );
  }

  /** All that is queued has been stepped and, unless commits are held, released. */
  async idle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await macrotask();
  }

  async entries(): Promise<Entry[]> {
    return await Array.fromAsync(this.log.entries(), ({ entry }) => entry);
  }

  async stop(): Promise<void> {
    this.loop.stop();
    await this.running;
  }
}

/** A coordinator to which alice and bob are linked. */
export async function startCoordinator(): Promise<LoopRig<CoordinatorEvent, never>> {
  const core = new Coordinator();
  const rig = await LoopRig.start<CoordinatorEvent, never>("coordinator", "coordinator", core);
  for (const peer of ["alice", "bob"]) {
    rig.loop.enqueue({ type: "linkUp", peer, address: `${peer}:1` });
  }
  await rig.loop.read(() => {});
  rig.sent.length = 0;
  return rig;
}

/** A participant linked to its coordinator, with 1000 in `main`. */
export async function startParticipant(
  name: string,
): Promise<LoopRig<ParticipantEvent, Reply> & { core: Participant }> {
  const core = new Participant(name, "coordinator");
  const rig = await LoopRig.start<ParticipantEvent, Reply>(name, "participant", core);
  const epoch = { counter: 1, nonce: "0123456789ab" };
  rig.loop.enqueue({ type: "linkUp", peer: "coordinator", address: "c:1", epoch });
  rig.loop.enqueue({ type: "open", request: 0, account: "main", currency: "USD", opening: 1000n });
  await rig.loop.read(() => {});
  assert(core.state.ledger.account("main"));
  rig.sent.length = 0;
  rig.replies.length = 0;
  rig.recorded.length = 0;
  return Object.assign(rig, { core });
}

let orders = 0;

/** An order of alice's over 10 from her to bob, unless other legs are given. */
export function order(legs?: readonly Leg[]): Order {
  const suffix = (++orders).toString(16).padStart(12, "0");
  const time = nowMs.toString(16).padStart(12, "0");
  const payment = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${suffix}` as PaymentId;
  return encodeOrder({
    payment,
    originator: "alice",
    legs: legs ?? [
      { account: "main", participant: "alice", amount: -10n, currency: "USD" },
      { account: "main", participant: "bob", amount: 10n, currency: "USD" },
    ],
  });
}

/** Lets everything run that is ready to. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
