/** A coordinator and participants that play in memory, deterministically, and log to real files. */

import { assert } from "@std/assert";
import type { Role } from "../../src/names.ts";
import { parsePaymentId } from "../../src/protocol/id.ts";
import type { PaymentId, TransactionId } from "../../src/protocol/id.ts";
import type { Sign } from "../../src/codec/frame.ts";
import { decodeFrame, encodeFrames } from "../../src/codec/frame.ts";
import { encodeOrder } from "../../src/codec/order.ts";
import type { Witness } from "../../src/codec/record.ts";
import { listOf, signedBytes } from "../../src/codec/statement.ts";
import { formatVersion } from "../../src/codec/values.ts";
import { KvStorage } from "../../src/log/kv_storage.ts";
import { Log } from "../../src/log/log.ts";
import type { EntryContent } from "../../src/log/log.ts";
import { Coordinator } from "../../src/protocol/coordinator.ts";
import type { CoordinatorEvent } from "../../src/protocol/coordinator.ts";
import type { Frozen } from "../../src/protocol/frozen.ts";
import type { Introduction, Message } from "../../src/protocol/message.ts";
import type { Order } from "../../src/protocol/order.ts";
import { Participant } from "../../src/protocol/participant.ts";
import type { ParticipantEvent, Reply } from "../../src/protocol/participant_event.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import type { Genesis, LogRecord } from "../../src/protocol/record.ts";
import type { MessageEvent } from "../../src/protocol/step.ts";
import { Output } from "../../src/protocol/step.ts";
import type { VectorClock } from "../../src/protocol/vector_clock.ts";
import { emptyClock, mergeClocks, withComponent } from "../../src/protocol/vector_clock.ts";
import { Random } from "../../src/simulation/random.ts";
import { SimulatedTrust } from "../../src/simulation/trust.ts";

export type NodeName = "coordinator" | "alice" | "bob";

/** Changes what a node appends, before it does: its peers then witness the changed entry. */
export type Tamper = (node: NodeName, content: EntryContent, number: number) => EntryContent;

/** Messages that never arrive. */
export type Lose = (to: NodeName, message: Message) => boolean;

const startMs = Date.UTC(2026, 0, 1);
export const network = "ab".repeat(32);

export function paymentId(n: number): PaymentId {
  const time = (startMs + n).toString(16).padStart(12, "0");
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, "0")}`;
  return parsePaymentId(id)!;
}

export function orderOf(n: number, from: NodeName, to: NodeName, amount: bigint): Order {
  const currency = "USD";
  return encodeOrder({
    payment: paymentId(n),
    originator: from,
    legs: [
      { account: "main", participant: from, amount: -amount, currency },
      { account: "main", participant: to, amount, currency },
    ],
  });
}

/** The records of an entry with one replaced by none, one or several. */
export function replaced(
  content: EntryContent,
  isIt: (record: LogRecord) => boolean,
  by: (record: LogRecord) => LogRecord[],
): EntryContent {
  const records = content.records.flatMap((record) => isIt(record) ? by(record) : [record]);
  return { ...content, records };
}

interface Sent {
  readonly from: NodeName;
  readonly to: NodeName;
  /** One message. */
  readonly payload: Uint8Array;
}

/** The key of a node, and what it is known by; they are the same in every scene. */
export function trustOf(name: NodeName): SimulatedTrust {
  const role = name === "coordinator" ? "coordinator" : "participant";
  return new SimulatedTrust(name, role, network, new Random(name.length));
}

/** What a node states alone, signed as it would be. */
export function signed(signer: NodeName, statement: Uint8Array): Proof {
  const list = listOf(statement);
  const signature = trustOf(signer).sign(signedBytes(network, { signer, list }));
  return { batch: { signer, list, signature }, index: 0 };
}

class SceneNode {
  readonly core: Coordinator | Participant;
  received: VectorClock = emptyClock;
  readonly seen = new Map<string, Witness>();
  readonly trust: SimulatedTrust;

  constructor(readonly name: NodeName, readonly role: Role, readonly log: Log) {
    this.core = role === "coordinator" ? new Coordinator() : new Participant(name, "coordinator");
    this.trust = trustOf(name);
  }

  readonly sign: Sign = (list) =>
    this.trust.sign(signedBytes(network, { signer: this.name, list }));
}

export class Scene {
  readonly #nodes = new Map<NodeName, SceneNode>();
  readonly #tamper: Tamper;
  lose: Lose = () => false;
  /** Takes all that comes within one `settle` in one turn. */
  slow: NodeName | undefined;
  nowMs = 0;
  readonly #queue: Sent[] = [];

  private constructor(readonly path: string, tamper: Tamper) {
    this.#tamper = tamper;
  }

  /** Three nodes, started and linked, with 1000.00 USD each for alice and bob. */
  static async begin(tamper: Tamper = (_, content) => content): Promise<Scene> {
    const scene = new Scene(await Deno.makeTempDir({ prefix: "handfast-verify-" }), tamper);
    await scene.#add("coordinator", "coordinator");
    await scene.#add("alice", "participant");
    await scene.#add("bob", "participant");
    for (const peer of ["alice", "bob"] as const) {
      const opening = 100_000n;
      const account = "main";
      await scene.step(peer, { type: "open", request: 0, account, currency: "USD", opening });
      await scene.step(peer, {
        type: "linkUp",
        peer: "coordinator",
        address: "localhost:7443",
        introduction: scene.introductionOf("coordinator"),
        epoch: { counter: 1, nonce: "000000000001" },
      });
      await scene.step("coordinator", {
        type: "linkUp",
        peer,
        address: `localhost:${peer.length}`,
        introduction: scene.introductionOf(peer),
      });
    }
    await scene.settle();
    return scene;
  }

  /** What most tests look at: payments committed and refused, and a checkpoint of each node. */
  static async play(tamper?: Tamper): Promise<Scene> {
    const scene = await Scene.begin(tamper);
    await scene.pay(1, "alice", "bob", 2_500n);
    await scene.pay(2, "bob", "alice", 1_000n);
    await scene.pay(3, "alice", "bob", 900_000n);
    for (const name of ["coordinator", "alice", "bob"] as const) await scene.checkpoint(name);
    await scene.pay(4, "alice", "bob", 300n);
    await scene.pay(5, "bob", "alice", 700n);
    return scene;
  }

  dir(name: NodeName): string {
    return `${this.path}/${name}`;
  }

  get dirs(): string[] {
    return [...this.#nodes.keys()].map((name) => this.dir(name));
  }

  async #add(name: NodeName, role: Role): Promise<void> {
    await Deno.mkdir(this.dir(name));
    const log = await Log.open(await KvStorage.open(`${this.dir(name)}/log.kv`));
    await log.replay(() => {});
    this.#nodes.set(name, new SceneNode(name, role, log));
    const genesis: Genesis = { type: "genesis", network, name, role, version: formatVersion };
    await this.step(name, { type: "start", genesis, nonce: "000000000001" });
  }

  /** One turn, mostly of one event. */
  async step(
    name: NodeName,
    ...events: readonly (CoordinatorEvent | ParticipantEvent)[]
  ): Promise<void> {
    const node = this.#nodes.get(name)!;
    const { core, log, received, seen } = node;
    const number = log.head.number + 1;
    const clock = withComponent(received, name, number);
    const { nowMs } = this;
    const turn = { number, clock, atMs: startMs + 60_000 + number, nowMs, waitedMs: 0 };
    const out = new Output<Reply>();
    for (const event of events) {
      if (core instanceof Coordinator) core.step(event as CoordinatorEvent, turn, out as never);
      else core.step(event as ParticipantEvent, turn, out);
    }
    if (out.records.length > 0) {
      for (const record of out.records) if (record.type === "readmitted") seen.delete(record.name);
      const { atMs } = turn;
      const content = { atMs, clock, witnesses: new Map(seen), records: out.records };
      await log.append(this.#tamper(name, content, number));
    }
    const { hash } = log.head;
    const header = {
      number: log.head.number,
      hash,
      clock: withComponent(node.received, name, log.head.number),
    };
    for (const { to, message } of [...out.sends, ...out.confirmations]) {
      const [payload] = encodeFrames(header, [message], node.sign);
      this.#queue.push({ from: name, to: to as NodeName, payload: payload! });
    }
  }

  /** Delivers until nothing is under way. */
  async settle(): Promise<void> {
    const waiting: MessageEvent[] = [];
    for (let sent = this.#queue.shift(); sent; sent = this.#queue.shift()) {
      const { from, to, payload } = sent;
      const { number, hash, clock, messages } = decodeFrame(payload, from);
      const message = messages[0]!;
      if (this.lose(to, message)) continue;
      const node = this.#nodes.get(to)!;
      node.received = mergeClocks(node.received, clock);
      const last = node.seen.get(from);
      if (!last || number > last.number) node.seen.set(from, { number, hash });
      const event: MessageEvent = { type: "message", from, message };
      if (to === this.slow) waiting.push(event);
      else await this.step(to, event);
    }
    if (!this.slow || waiting.length === 0) return;
    await this.step(this.slow, ...waiting);
    await this.settle();
  }

  async pay(n: number, from: NodeName, to: NodeName, amount: bigint): Promise<void> {
    const order = orderOf(n, from, to, amount);
    await this.step(from, { type: "submit", request: n, order, deadlineMs: 1e9 });
    await this.settle();
  }

  /** Lets time pass, so that what was lost is sent again. */
  async tick(): Promise<void> {
    this.nowMs += 1_500;
    for (const name of this.#nodes.keys()) await this.step(name, { type: "tick" });
    await this.settle();
  }

  /** An operator decides what is in doubt at a participant. */
  async force(name: NodeName, n: number, commit: boolean): Promise<TransactionId> {
    const core = this.#nodes.get(name)!.core as Participant;
    const { transaction } = core.state.open(paymentId(n))!;
    await this.step(name, { type: "resolve", request: 0, transaction, commit, by: "ann" });
    return transaction;
  }

  /**
   * @param change what is written instead of the state
   * @param isFinished whether the power stays on until it counts
   */
  async checkpoint(
    name: NodeName,
    change: (state: Frozen) => Frozen = (state) => state,
    isFinished = true,
  ): Promise<void> {
    const { core, log } = this.#nodes.get(name)!;
    const { number } = log.head;
    const { clock, atMs } = await log.entry(number);
    const checkpoint = log.beginCheckpoint(change(core.state.freeze({ number, clock, atMs })));
    core.state.rotate();
    await log.writeCheckpoint(checkpoint);
    await this.step(name, { type: "record", record: checkpoint.record });
    if (!isFinished) return;
    await log.finishCheckpoint(checkpoint);
    core.state.dropIndexed();
  }

  introductionOf(name: NodeName): Introduction {
    return this.#nodes.get(name)!.trust.introduction;
  }

  headOf(name: NodeName): number {
    return this.#nodes.get(name)!.log.head.number;
  }

  stop(): void {
    for (const { log } of this.#nodes.values()) log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

export function assertFound(lines: readonly string[], pattern: RegExp): void {
  assert(lines.some((line) => pattern.test(line)), `${pattern} is not in:\n${lines.join("\n")}`);
}
