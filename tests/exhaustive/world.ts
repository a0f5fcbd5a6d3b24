/** A small network in all its states, and what can happen to it: one node at a time, as messages wait. */

import { messageOf } from "../../src/errors.ts";
import type { Epoch } from "../../src/protocol/id.ts";
import { transactionParts } from "../../src/protocol/id.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Proof } from "../../src/protocol/proof.ts";
import type { LogRecord } from "../../src/protocol/record.ts";
import { isParticipantOf } from "../../src/protocol/order.ts";
import { atMs, genesisOf } from "../protocol/example.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Happening, Kept } from "./node.ts";
import { checkpoint, Node } from "./node.ts";
import type { OpenCore } from "./open_core.ts";
import { doubtsIn, untrueIn } from "./rules.ts";
import type { Scope } from "./scope.ts";
import { coordinator, requestFor, tickMs, waitMs } from "./scope.ts";

/** A state in which a node can be. */
export interface Local extends Kept {
  readonly id: number;
  readonly name: string;
  /** Whether it has a link with the coordinator; that has always one with all. */
  readonly isLinked: boolean;
  /** Starts so far. */
  readonly life: number;
  /** Whether its log has been lost. */
  readonly isLost: boolean;
  /** What that had. */
  readonly lost: readonly LogRecord[];
  /** How often its users and operators have asked. */
  readonly asked: number;
  /** One way that leads here: what was kept of the life before, and what has happened in this one. */
  readonly before: Kept;
  readonly since: readonly Happening[];
  /** What becomes of it: by what can happen in words, and by the numbers of what it gets. */
  readonly steps: Map<string, Step>;
  readonly heard: (Step | undefined)[];
}

type LocalFields = Omit<Local, "id" | "steps" | "heard" | keyof Kept>;

export interface Envelope {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly message: Message;
  readonly delivery: Option;
}

/** A state of a node, and what it has sent on the way there. */
export interface Step {
  readonly local: Local;
  readonly sent: readonly Envelope[];
  /** Another attempt than the scope has begins: what follows is not looked at. */
  readonly isBeyond: boolean;
  /** The rule that it breaks by what it says. */
  readonly untrue?: string;
}

/** What can happen to a node. */
export interface Option {
  /** In words, which tell it from all others that can happen to the node, but for messages. */
  readonly what: string;
  readonly happenings: readonly Happening[];
  /** Its life ends, and another begins. */
  readonly isCrash?: true;
  /** And its log with it, but for so many entries. */
  readonly kept?: number;
  /** And those readmit it that know it: until then it ends. */
  readonly isReadmitted?: true;
  readonly isAsked?: true;
  /** Whether it has a link from then on; as before, if nothing is said. */
  readonly isLinked?: boolean;
}

export class World {
  readonly names: readonly string[];
  readonly #scope: Scope;
  readonly #core: OpenCore;
  readonly #locals = new Map<string, Local>();
  readonly #envelopes = new Map<string, Envelope>();
  readonly #envelopesTo = new Map<string, Envelope[]>();

  constructor(scope: Scope, core: OpenCore) {
    this.#scope = scope;
    this.#core = core;
    this.names = [coordinator, ...scope.participants];
    for (const name of this.names) this.#envelopesTo.set(name, []);
  }

  /** States of nodes that were met. */
  get localCount(): number {
    return this.#locals.size;
  }

  get messageCount(): number {
    return this.#envelopes.size;
  }

  /** All messages to a node that were ever sent, on whatever way. */
  to(name: string): readonly Envelope[] {
    return this.#envelopesTo.get(name)!;
  }

  /** All that were ever sent by the coordinator, or to it; and inquiries, which go again as long as they matter. */
  ofCoordinator(): Envelope[] {
    return [...this.#envelopes.values()].filter(({ from, to, message }) =>
      from === coordinator || to === coordinator || message.type === "inquiry"
    );
  }

  /** Everybody knows everybody, and is linked with the coordinator. */
  first(): Local[] {
    const kept = { log: [], told: new Set<string>(), alarms: new Set<string>(), isIndexed: false };
    return this.names.map((name) => {
      const since = [...this.#setUp(name), tick];
      const of = { name, life: 1, isLinked: true, isLost: false, lost: [], asked: 0 };
      const first = { ...of, before: kept, since };
      return this.#met(this.#run(first, 0), first).local;
    });
  }

  #setUp(name: string): Happening[] {
    const { participants, opening } = this.#scope;
    const start = this.#start(name, 1);
    if (name === coordinator) return [start, ...participants.map((peer) => linkUp(peer))];
    const nodes = this.names.map((name) => ({ name, address: addressOf(name) }));
    const message = { type: "directory", nodes } as const;
    return [
      start,
      opens(opening),
      linkUp(coordinator, { counter: 1, nonce: nonceOf(1) }),
      { event: { type: "message", from: coordinator, message } },
    ];
  }

  #start(name: string, life: number): Happening {
    const role = name === coordinator ? "coordinator" : "participant";
    return { event: { type: "start", genesis: genesisOf(name, role), nonce: nonceOf(life) } };
  }

  /** What can happen to a node whether or not somebody has sent it something. */
  options(local: Local, locals: readonly Local[]): Option[] {
    const { name, isLinked, asked } = local;
    const {
      crashesMax,
      crasher = name,
      asksMax,
      participants,
      orders,
      areForced,
      areForgotten,
      areRestored,
      loser,
    } = this.#scope;
    const options: Option[] = [ticking(name)];
    if (name === coordinator && loser && isToReadmit(locals, loser)) {
      options.push(readmitting(loser));
    }
    if (!isLinked) {
      if (!isToReadmit(locals, name)) options.push(linking(name, locals[0]!));
      for (const peer of participants) if (peer !== name) options.push(meeting(name, peer));
    } else if (name !== coordinator) options.push(unlinking(name));
    const crashes = locals.reduce((sum, { life, isLost }) => sum + life - (isLost ? 2 : 1), 0);
    if (crashes < crashesMax && name === crasher) options.push(this.#crash(local));
    if (name === loser) {
      if (name === coordinator) options.push(...this.#oldCopies(local));
      else options.push(...local.isLost ? restoring(local, locals[0]!) : [this.#loss(local)]);
    }
    if (areRestored && name !== coordinator) options.push(...restoring(local, locals[0]!));
    if (areForgotten) {
      options.push({ what: `${name} forgets what is over`, happenings: [{ event: checkpoint }] });
    }
    if (areForced && name !== coordinator) options.push(...forcing(local));
    if (asked >= asksMax) return options;
    for (const [at, order] of orders.entries()) {
      if (order.originator === name) options.push(this.ordering(local, at));
    }
    return options;
  }

  #crash({ name, life }: Local): Option {
    const happenings = [this.#start(name, life + 1)];
    if (name === coordinator) {
      for (const peer of this.#scope.participants) happenings.push(linkUp(peer));
    }
    const what = `${name} crashes and starts`;
    return { what, happenings, isCrash: true, isLinked: name === coordinator };
  }

  /** It starts from an empty folder, and hears from its peers that they have seen more. */
  #loss({ name, life }: Local): Option {
    const start = this.#start(name, life + 1);
    const happenings = [
      start,
      opens(this.#scope.opening),
      { event: { type: "amnesia", peer: coordinator } } as const,
    ];
    return {
      what: `${name} loses its log`,
      happenings,
      isCrash: true,
      kept: 0,
      isLinked: false,
    };
  }

  /** The coordinator starts from what its folder was before, and hears from a peer that this has seen more. */
  #oldCopies({ name, life, isLost, log }: Local): Option[] {
    if (isLost) return [];
    const happenings: Happening[] = [this.#start(name, life + 1), { event: { type: "amnesia" } }];
    for (const peer of this.#scope.participants) happenings.push(linkUp(peer));
    if (this.#scope.isFolderLost) {
      const what = `${name} starts from an empty folder`;
      return [{ what, happenings, isCrash: true, kept: 0, isReadmitted: true, isLinked: true }];
    }
    const options: Option[] = [];
    for (let kept = this.#scope.participants.length + 2; kept < log.length; kept++) {
      const what = `${name} starts from a copy with ${kept} of its ${log.length} entries`;
      options.push({ what, happenings, isCrash: true, kept, isLinked: true });
    }
    return options;
  }

  /** A user orders what the scope has, at its originator. */
  ordering({ name, asked, since }: Local, at: number): Option {
    const order = this.#scope.orders[at]!;
    const nowMs = since.reduce((sum, { afterMs = 0 }) => sum + afterMs, 0);
    const request = requestFor(at, asked);
    const event = { type: "submit", request, order, deadlineMs: nowMs + waitMs } as const;
    return {
      what: `${name}'s user orders (request ${request})`,
      happenings: [{ event }],
      isAsked: true,
    };
  }

  /** What comes of a message. */
  hear(local: Local, { id, delivery }: Envelope): Step {
    return local.heard[id] ??= this.#stepped(local, delivery);
  }

  step(local: Local, option: Option): Step {
    const known = local.steps.get(option.what);
    if (known) return known;
    const step = this.#stepped(local, option);
    local.steps.set(option.what, step);
    return step;
  }

  #stepped(local: Local, option: Option): Step {
    const { happenings, isCrash, kept, isAsked, isLinked = local.isLinked } = option;
    const { name, told, alarms } = local;
    const isLoss = kept !== undefined;
    const log = isLoss ? local.log.slice(0, kept) : local.log;
    const isIndexed = local.isIndexed && !isLoss;
    const fields = {
      name,
      isLinked,
      life: local.life + (isCrash ? 1 : 0),
      isLost: local.isLost || isLoss,
      lost: isLoss ? local.log : local.lost,
      asked: local.asked + (isAsked ? 1 : 0),
      before: isCrash ? { log, told, alarms, isIndexed } : local.before,
      since: isCrash ? happenings : local.since.concat(happenings),
    };
    try {
      return this.#met(this.#run(fields, happenings.length), fields);
    } catch (error) {
      // An invariant of the state machine does not hold.
      return {
        local,
        sent: [],
        isBeyond: false,
        untrue: `${local.name} fails: ${messageOf(error)}`,
      };
    }
  }

  /** @param last how many of what has happened to it count as what it does now */
  #run({ name, before, since }: Pick<Local, "name" | "before" | "since">, last: number): Node {
    const { Coordinator, Participant } = this.#core;
    const isCoordinator = name === coordinator;
    const make = () => isCoordinator ? new Coordinator() : new Participant(name, coordinator);
    const node = new Node(make, before);
    for (const [at, happening] of since.entries()) {
      if (at === since.length - last) node.sent = [];
      node.happen(happening);
    }
    return node;
  }

  #met(node: Node, fields: LocalFields): Step {
    const { name, life, asked, isLinked, isLost, lost } = fields;
    const key = [name, life, asked, isLinked, isLost, fingerprint(lost, 0), node.fingerprint].join(
      " ",
    );
    let local = this.#locals.get(key);
    if (!local) {
      const { log, told, alarms, isIndexed } = node;
      local = {
        id: this.#locals.size,
        log,
        told,
        alarms,
        isIndexed,
        ...fields,
        steps: new Map(),
        heard: [],
      };
      this.#locals.set(key, local);
    }
    // Of a directory nothing comes: all know all.
    const sent = node.sent.filter(({ message }) => message.type !== "directory")
      .map(({ to, message }) => this.#envelope(name, to, message));
    const isBeyond = sent.some(({ message }) =>
      message.type === "prepare" &&
      transactionParts(message.transaction).sequence > this.#scope.attemptsMax
    );
    const untrue = untrueIn(local, node.sent.map(({ message }) => message));
    return { local, sent, isBeyond, untrue };
  }

  #envelope(from: string, to: string, message: Message): Envelope {
    const key = `${from} ${to} ${fingerprint(message, 0)}`;
    const known = this.#envelopes.get(key);
    if (known) return known;
    const stated = signed(from, message);
    const delivery: Option = {
      what: `${to} gets ${wordOf(message)} from ${from}`,
      happenings: [{ event: { type: "message", from, message: stated } }],
    };
    const envelope = { id: this.#envelopes.size, from, to, message: stated, delivery };
    this.#envelopes.set(key, envelope);
    this.#envelopesTo.get(to)!.push(envelope);
    return envelope;
  }
}

/** Whether a node hears of what a peer has sent. Participants dial each other when they have to. */
export function hears({ isLinked }: Local, from: string): boolean {
  return isLinked || from !== coordinator;
}

function opens(opening: bigint): Happening {
  return { event: { type: "open", request: 0, account: "main", currency: "USD", opening } };
}

const decided = { number: 1, clock: new Map<string, number>(), atMs };
const tick: Happening = { event: { type: "tick" }, afterMs: tickMs };

export function ticking(name: string): Option {
  return { what: `${name} ticks`, happenings: [tick] };
}

/** @param there the coordinator */
export function linking(name: string, { life, log }: Local): Option {
  const what = `${name} links with the coordinator in its life ${life}`;
  const epoch = { counter: startsIn(log), nonce: nonceOf(life) };
  return { what, happenings: [linkUp(coordinator, epoch)], isLinked: true };
}

function unlinking(name: string): Option {
  const happenings: Happening[] = [{ event: { type: "linkDown", peer: coordinator } }];
  return { what: `${name} loses its link with the coordinator`, happenings, isLinked: false };
}

/** Without the coordinator a participant links with another for a moment, and asks. */
function meeting(name: string, peer: string): Option {
  const linkDown: Happening = { event: { type: "linkDown", peer } };
  return { what: `${name} meets ${peer}`, happenings: [linkUp(peer), linkDown] };
}

/** Whether a node has lost its log, and the coordinator does not link with it yet. */
export function isToReadmit(locals: readonly Local[], loser: string): boolean {
  const isLost = locals.some(({ name, isLost }) => name === loser && isLost);
  return isLost && !locals[0]!.log.some(({ type }) => type === "readmitted");
}

function startsIn(log: readonly LogRecord[]): number {
  return log.filter(({ type }) => type === "started").length;
}

/** A participant's operator takes back the coordinator, with which there is no link. */
export function readmittingBack(name: string): Option {
  const record = { type: "readmitted", name: coordinator, by: "ann" } as const;
  const happenings: Happening[] = [
    { event: { type: "linkDown", peer: coordinator } },
    { event: { type: "record", record } },
  ];
  return { what: `${name}'s operator readmits the coordinator`, happenings, isLinked: false };
}

export function readmitting(name: string): Option {
  const record = { type: "readmitted", name, by: "ann" } as const;
  const what = `the coordinator's operator readmits ${name}`;
  return { what, happenings: [{ event: { type: "record", record } }] };
}

/** Of what the coordinator has committed with it. */
export function restoring({ name }: Local, { log }: Local): Option[] {
  const options: Option[] = [];
  for (const record of log) {
    if (record.type !== "committed" || !isParticipantOf(record.order, name)) continue;
    const { transaction, order } = record;
    const proofs = { ordered: proofBy(order.originator), proof: proofBy(coordinator) };
    const event = { type: "restore", request: 0, order, transaction, decided, ...proofs } as const;
    options.push({ what: `${name} is given back ${transaction}`, happenings: [{ event }] });
  }
  return options;
}

/** An operator decides by hand what is in doubt, either way. */
function forcing({ name, log }: Local): Option[] {
  return doubtsIn(log).flatMap((transaction) =>
    [true, false].map((commit) => {
      const event = { type: "resolve", request: 0, transaction, commit, by: "ann" } as const;
      const what = `${name}'s operator forces ${transaction} to ${commit ? "commit" : "abort"}`;
      return { what, happenings: [{ event }] };
    })
  );
}

function linkUp(peer: string, epoch?: Epoch): Happening {
  return { event: { type: "linkUp", peer, address: addressOf(peer), epoch } };
}

function addressOf(name: string): string {
  return `${name}:7443`;
}

function nonceOf(life: number): string {
  return `${life}`.padStart(12, "0");
}

/** As it comes out of a frame: what its sender states has its sender's signature. */
function signed(from: string, message: Message): Message {
  switch (message.type) {
    case "order":
    case "vote":
    case "decision":
      return message.proof ? message : { ...message, proof: proofBy(from) };
    default:
      return message;
  }
}

const proofs = new Map<string, Proof>();

function proofBy(signer: string): Proof {
  const none = new Uint8Array(0);
  const proof = proofs.get(signer) ?? { batch: { signer, list: none, signature: none }, index: 0 };
  proofs.set(signer, proof);
  return proof;
}

function wordOf(message: Message): string {
  switch (message.type) {
    case "vote":
      return `${message.yes ? "yes" : "no"}${codeOf(message)} to ${message.transaction}`;
    case "decision":
      return `${message.commit ? "commit" : "abort"}${codeOf(message)} of ${message.transaction}`;
    case "outcome":
      return `outcome ${message.outcome.state}`;
    case "order":
    case "directory":
      return message.type;
    default:
      return `${message.type} of ${message.transaction}`;
  }
}

function codeOf({ code }: { readonly code?: string }): string {
  return code ? ` (${code})` : "";
}
