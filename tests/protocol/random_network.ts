/** A coordinator and participants in memory, with everything between them going wrong by a seed. */

import { invariant } from "../../src/errors.ts";
import { Coordinator } from "../../src/protocol/coordinator.ts";
import type { PaymentId } from "../../src/protocol/id.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Order } from "../../src/protocol/order.ts";
import { Participant } from "../../src/protocol/participant.ts";
import type { Answer, Reply } from "../../src/protocol/participant_event.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import type { Found, LookUpKey, Send, Turn } from "../../src/protocol/step.ts";
import { Output } from "../../src/protocol/step.ts";
import { atMs, genesisOf, orderOf, paymentAt } from "./example.ts";

/** Mulberry32: the same numbers for the same seed, from 0 up to 1. */
export function randomOf(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const participants = ["alice", "bob", "carol"] as const;
export const opening = 300n;

function keyOf(record: LogRecord): LookUpKey | undefined {
  if ("order" in record) return record.order.payment;
  return "payment" in record ? record.payment : undefined;
}

/** A node whose entries are durable once `append` has been called; all else is lost in a crash. */
export class Node {
  role: Coordinator | Participant;
  /** Every durable record; the first `covered` of them are in the checkpoint and the index. */
  readonly log: Found[] = [];
  readonly network: Network;
  #checkpoint: Found[] = [];
  #covered = 0;
  #mark = "";
  #number = 0;
  #pending: Found[] = [];
  #held: Output<Reply>[] = [];
  #confirmations: Send[] = [];
  #starts = 0;

  constructor(readonly name: string, network: Network) {
    this.network = network;
    this.role = this.#fresh();
    this.restart();
  }

  #fresh(): Coordinator | Participant {
    return this.name === "coordinator"
      ? new Coordinator()
      : new Participant(this.name, "coordinator");
  }

  /** What is not durable is gone, and with it what waited for it. */
  restart(): void {
    this.#pending = [];
    this.#held = [];
    this.#confirmations = [];
    this.role = this.#fresh();
    for (const [context, record] of [...this.#checkpoint, ...this.log.slice(this.#covered)]) {
      this.role.state.apply(record, context);
    }
    if (this.#mark) this.role.indexed(this.#mark, true);
    const role = this.name === "coordinator" ? "coordinator" : "participant";
    const nonce = (++this.#starts).toString(16).padStart(12, "0");
    this.step({ type: "start", genesis: genesisOf(this.name, role), nonce });
    this.append();
  }

  step(event: Parameters<Participant["step"]>[0]): void {
    const { nowMs } = this.network;
    const number = this.#number + 1;
    const clock = new Map([[this.name, number]]);
    const turn: Turn = { number, clock, atMs: atMs + nowMs, nowMs };
    const out = new Output<Reply>();
    if (this.role instanceof Participant) this.role.step(event, turn, out);
    else this.role.step(event as Parameters<Coordinator["step"]>[0], turn, out as Output<never>);
    for (const record of out.records) this.#pending.push([turn, record]);
    for (const reply of out.earlyReplies) this.network.told(reply);
    this.#confirmations.push(...out.confirmations);
    if (out.mustAppend || this.#held.length > 0) this.#held.push(out);
    else this.#release(out);
    for (const key of out.lookUps) {
      const found = [...this.log, ...this.#pending].filter(([, record]) => keyOf(record) === key);
      this.step({ type: "lookedUp", key, found });
    }
  }

  append(): void {
    this.log.push(...this.#pending);
    if (this.#pending.length > 0) this.#number++;
    this.#pending = [];
    for (const out of this.#held.splice(0)) this.#release(out);
    for (const { to, message } of this.#confirmations.splice(0)) this.#send(to, message);
  }

  #release(out: Output<Reply>): void {
    for (const { to, message } of out.sends) this.#send(to, message);
    for (const reply of out.replies) this.network.told(reply);
  }

  #send(to: string, message: Message): void {
    this.network.messages.push({ from: this.name, to, message });
  }

  /** What is settled leaves memory. */
  checkpoint(): void {
    this.append();
    const { state } = this.role;
    state.rotate();
    const clock = new Map([[this.name, this.#number]]);
    this.#checkpoint = [...state.snapshot({ number: this.#number, clock, atMs })];
    this.#covered = this.log.length;
    for (const [, record] of this.log) {
      const key = keyOf(record);
      if (key !== undefined && key > this.#mark) this.#mark = key;
    }
    this.role.indexed(this.#mark, true);
  }
}

interface Sent {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

/** How often users sent a payment, and what they were told. */
export interface Asked {
  readonly order: Order;
  sends: number;
  readonly answers: Answer[];
}

export class Network {
  nowMs = 0;
  messages: Sent[] = [];
  readonly asked = new Map<PaymentId, Asked>();
  readonly #requests: PaymentId[] = [];
  readonly #random: () => number;
  readonly nodes = new Map<string, Node>();
  readonly #linked = new Set<string>();

  constructor(seed: number) {
    this.#random = randomOf(seed);
    for (const name of ["coordinator", ...participants]) this.nodes.set(name, new Node(name, this));
    for (const name of participants) {
      this.node(name).step({
        type: "open",
        request: -1,
        account: "main",
        currency: "USD",
        opening,
      });
      this.node(name).append();
      this.#link(name);
    }
  }

  node(name: string): Node {
    const node = this.nodes.get(name);
    invariant(node !== undefined, `no node ${name}`);
    return node;
  }

  told({ request, answer }: Reply): void {
    const payment = this.#requests[request];
    if (payment) this.asked.get(payment)!.answers.push(answer);
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  #link(name: string): void {
    if (this.#linked.has(name)) return;
    this.#linked.add(name);
    const coordinator = this.node("coordinator");
    const { epoch } = coordinator.role.state.membership;
    coordinator.step({ type: "linkUp", peer: name, address: `${name}:1` });
    this.node(name).step({ type: "linkUp", peer: "coordinator", address: "coordinator:1", epoch });
  }

  #unlink(name: string): void {
    if (!this.#linked.delete(name)) return;
    this.node("coordinator").step({ type: "linkDown", peer: name });
    this.node(name).step({ type: "linkDown", peer: "coordinator" });
  }

  #crash(name: string): void {
    for (const peer of name === "coordinator" ? participants : [name]) this.#unlink(peer);
    this.node(name).restart();
  }

  #submit(): void {
    const old = this.#random() < 0.3 && this.asked.size > 0;
    const order = old ? this.#pick([...this.asked.values()]).order : this.#newOrder();
    let asked = this.asked.get(order.payment);
    if (!asked) this.asked.set(order.payment, asked = { order, sends: 0, answers: [] });
    asked.sends++;
    const request = this.#requests.push(order.payment) - 1;
    const deadlineMs = this.nowMs + 3_000;
    this.node(order.originator).step({ type: "submit", request, order, deadlineMs });
  }

  #newOrder(): Order {
    const [payer, payee, third] = [...participants].sort(() => this.#random() - 0.5);
    const amount = 1 + Math.floor(this.#random() * 120);
    const isSplit = this.#random() < 0.3;
    const legs = isSplit
      ? [`-${amount + 7} USD main@${payer}`, `${amount} USD main@${payee}`, `7 USD main@${third}`]
      : [`-${amount} USD main@${payer}`, `${amount} USD main@${payee}`];
    return orderOf(payer!, legs, paymentAt(atMs + this.nowMs, this.asked.size + 1));
  }

  #deliver(at: number): void {
    const { from, to, message } = this.messages.splice(at, 1)[0]!;
    const link = from === "coordinator" ? to : to === "coordinator" ? from : undefined;
    if (link && !this.#linked.has(link)) return;
    this.node(to).step({ type: "message", from, message });
  }

  /** One thing happens, more often than not a wrong one. */
  disturb(): void {
    const chance = this.#random();
    const name = this.#pick([...this.nodes.keys()]);
    const at = Math.floor(this.#random() * this.messages.length);
    this.nowMs += Math.floor(this.#random() * 60);
    if (chance < 0.08) this.#submit();
    else if (chance < 0.1) this.#crash(name);
    else if (chance < 0.13) this.#unlink(this.#pick(participants));
    else if (chance < 0.18) this.#link(this.#pick(participants));
    else if (chance < 0.28) this.node(name).step({ type: "tick" });
    else if (chance < 0.5) this.node(name).append();
    else if (chance < 0.51) this.node(name).checkpoint();
    else if (this.messages.length === 0) return;
    else if (chance < 0.54) this.messages.splice(at, 1);
    else if (chance < 0.57) this.messages.push(this.messages[at]!);
    else this.#deliver(at);
  }

  /** All works again, for long enough. */
  heal(): void {
    for (const name of participants) this.#link(name);
    for (let round = 0; round < 40; round++) {
      this.nowMs += 500;
      for (const node of this.nodes.values()) node.step({ type: "tick" });
      for (let count = 0; count < 2_000; count++) {
        for (const node of this.nodes.values()) node.append();
        if (this.messages.length === 0) break;
        this.#deliver(0);
      }
    }
  }
}
