/**
 * What the shells of both roles have in common: a log, a loop, links, and what users may look at.
 *
 * Long for one file, as it is where all parts of a node meet; what each of them does is elsewhere.
 */

import type { Frame } from "../codec/frame.ts";
import { decodeFrame } from "../codec/frame.ts";
import { formatVersion } from "../codec/values.ts";
import { FormatError, IntegrityError } from "../errors.ts";
import type {
  InDoubtView,
  LinkState,
  MismatchView,
  NodeApi,
  NodeStatus,
  PaymentPage,
  PaymentQuery,
  PaymentView,
} from "../http/node_api.ts";
import type { Identity } from "../keys/identity.ts";
import {
  checkpointRecordsDefault,
  drainMs,
  peersMax,
  queueEventsMax,
  strangersMax,
  tickIntervalMs,
} from "../limits.ts";
import type { Greeted, Greeting, LinkHost, LinkLayer, NodeRole, Seen } from "../link/host.ts";
import type { OpenedDetails } from "../protocol/details.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Directory, Introduction, Message, Prepare } from "../protocol/message.ts";
import type { Membership } from "../protocol/membership.ts";
import type { Order } from "../protocol/order.ts";
import type { EntryContext, Genesis, LogRecord } from "../protocol/record.ts";
import type { CommonEvent, Found, MessageEvent } from "../protocol/step.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { haltAt } from "./halt.ts";
import type { Core } from "./loop.ts";
import { Loop } from "./loop.ts";
import { Meter } from "./meter.ts";
import { Observer } from "./observer.ts";
import { listPayments } from "./payment_list.ts";
import { provePayment } from "./prove.ts";
import type { LogLevel, ShellOptions } from "./shell_options.ts";
import type { Time } from "./surroundings.ts";
import { openDetails } from "./sealing.ts";
import { Statements } from "./trust.ts";
import { pendingView, viewOf } from "./view.ts";

export type { LogLevel, ShellOptions };

/** A role's state machine, and what the shell reads of its state. */
interface ShellCore<Event, Reply> extends Core<Event, Reply> {
  readonly state: Core<Event, Reply>["state"] & {
    readonly membership: Membership;
    apply(record: LogRecord, context: EntryContext): void;
  };
}

export type Told = Pick<MessageEvent, "details" | "card">;

const alarmsKept = 100;
const drainPollMs = 20;

export abstract class Shell<Event extends { readonly type: string }, Reply> implements LinkHost {
  readonly name: string;
  readonly role: NodeRole;
  /** Rejects when the node can't go on. */
  readonly failed: Promise<never>;
  protected readonly options: ShellOptions;
  protected readonly core: ShellCore<Event, Reply>;
  protected readonly links: LinkLayer;
  protected readonly meter = new Meter();
  protected readonly observer: Observer;
  protected isDraining = false;
  protected hasFailed = false;
  /** Peers with a link, each with what stands for that one link. */
  readonly #linked = new Map<string, symbol>();
  /** Peers whose certificate says so; there is one. */
  readonly #coordinators = new Set<string>();
  /** Of peers that have linked since the start, before they are recorded. */
  readonly #introductions = new Map<string, Introduction>();
  /** Peers that a coordinator has not on its disk yet. */
  readonly #newcomers = new Set<string>();
  /** Transactions of prepares whose details are being opened. */
  readonly #opening = new Set<TransactionId>();
  readonly #alarms: string[] = [];
  readonly #statements: Statements;
  #loop: Loop<Event, Reply> | undefined;
  #running: Promise<void> = Promise.resolve();
  #introducing: Promise<void> = Promise.resolve();
  /** Directories that are being checked. */
  #directories = 0;
  /** Messages that wait for it. */
  #strangers = 0;
  #stopTicking: () => void = () => {};
  #address = "";
  #fail: (error: Error) => void;

  constructor(role: NodeRole, core: ShellCore<Event, Reply>, options: ShellOptions) {
    const { identity } = options;
    this.name = identity.name;
    this.role = role;
    this.core = core;
    this.options = options;
    this.links = options.surroundings.links(this);
    this.observer = new Observer({
      name: this.name,
      role,
      log: options.log,
      look: (read) => this.look(read),
      orderOf: (payment) => this.orderOf(payment),
      isOpen: (payment) => this.isOpen(payment),
      // The page shows it without a token.
      payment: (id) => this.#view(id),
      // A participant measures what its own users wait.
      decided: role === "coordinator" ? (ms) => this.meter.answer(ms) : undefined,
      onError: (line) => options.print("error", line),
    });
    this.#statements = new Statements({
      name: this.name,
      network: identity.network,
      trust: options.surroundings.trust,
      introductionOf: (name) => this.introductionOf(name),
      alarm: (text) => this.#alarm(text),
    });
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#fail = (error) => {
      if (this.hasFailed) return;
      this.hasFailed = true;
      reject(error);
      this.abandon(error);
    };
    // It may fail before anyone waits for it.
    promise.catch(() => {});
  }

  /** By what a node is known here. */
  protected introductionOf(name: string): Introduction | undefined {
    return this.#introductions.get(name) ?? this.core.state.membership.introductionOf(name);
  }

  protected get loop(): Loop<Event, Reply> {
    if (!this.#loop) throw new Error("the node has not replayed its log yet");
    return this.#loop;
  }

  protected get time(): Time {
    return this.options.surroundings.time;
  }

  /** False for a node that only lets an operator look. */
  protected get isListening(): boolean {
    return this.#address !== "";
  }

  protected get nowMs(): number {
    return this.time.monotonicMs();
  }

  protected abstract reply(reply: Reply): void;
  /** The node fails: users who wait are told so. */
  protected abstract abandon(error: Error): void;
  /** What users have under way here, and of that what is in doubt. */
  protected abstract counts(): { readonly open: number; readonly inDoubt: number };
  /** The order of a payment that is under way with nothing durable about it. */
  protected abstract orderUnderWay(payment: PaymentId): Order | undefined;
  /** The order of a payment that is open or was settled lately. */
  protected abstract orderOf(payment: PaymentId): Order | undefined;
  /** Whether a payment is under way here. */
  protected abstract isOpen(payment: PaymentId): boolean;
  protected abstract mismatches(): MismatchView[];
  abstract inDoubt(): Promise<InDoubtView[]>;
  /** What of the details that were opened goes to the core. */
  protected told(details: OpenedDetails | undefined): Told {
    return { details };
  }

  protected abstract needsLink(peer: string): boolean;
  protected abstract linkUpEvent(peer: string, greeting: Greeted): Event;
  abstract isReady(): boolean;

  /**
   * Replays the log and begins a new epoch. Nobody is told anything before.
   *
   * @throws {IntegrityError} if the log does not hold, or is another node's
   */
  async start(): Promise<void> {
    const { log, halt, identity, surroundings } = this.options;
    let replayed = 0;
    await log.replay((record, context) => {
      this.core.state.apply(record, context);
      replayed++;
    });
    this.core.indexed(log.mark, log.indexHasKeys);
    const genesis = this.#checkGenesis(identity);
    this.#loop = new Loop({
      name: this.name,
      core: this.core,
      log,
      send: (peer, payload) => {
        this.meter.linkBytes += payload.length;
        this.links.send(peer, payload);
      },
      sign: this.#statements.sign,
      peers: () => this.#linked.keys(),
      reply: (reply) => this.reply(reply),
      alarm: (text) => this.#alarm(text),
      note: (text) => this.options.print("warn", text),
      recorded: (records, context) => {
        this.meter.records += records.length;
        this.#count(records);
        this.observer.recorded(records, context);
      },
      pause: halt && ((when, records) => haltAt(halt, when, records)),
      time: surroundings.time,
      checkpointRecords: this.options.checkpointRecords ?? checkpointRecordsDefault,
    }, replayed);
    this.#running = this.#loop.run().catch((error) => this.#fail(error));
    const start: CommonEvent = { type: "start", genesis, nonce: surroundings.nonce() };
    await this.#loop.settled(start);
    this.#stopTicking = surroundings.time.every(tickIntervalMs, () => this.tick());
  }

  protected tick(): void {
    this.loop.enqueue({ type: "tick" });
    this.observer.tick();
  }

  #checkGenesis(identity: Pick<Identity, "network">): Genesis {
    const { network } = identity;
    const { name, role } = this;
    const expected: Genesis = { type: "genesis", network, name, role, version: formatVersion };
    const { genesis } = this.core.state.membership;
    for (const field of ["network", "name", "role", "version"] as const) {
      if (!genesis || genesis[field] === expected[field]) continue;
      throw new IntegrityError(
        `The log is of ${field} "${genesis[field]}", but this node is of ${field} ` +
          `"${expected[field]}": name the right data folder with --data`,
      );
    }
    return expected;
  }

  /** Takes links. Returns the address at which it listens. */
  listen(): string {
    const { hostname, port } = this.links.listen(this.options.listen);
    const address = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
    this.#address = this.options.advertise ?? address;
    return address;
  }

  /** Takes no more payments and waits for those under way, for a while. */
  async drain(): Promise<void> {
    this.isDraining = true;
    this.loop.enqueue({ type: "drain" });
    const deadlineMs = this.nowMs + drainMs;
    while (this.counts().open > 0 && this.nowMs < deadlineMs) {
      if (this.hasFailed) return;
      await this.time.sleep(drainPollMs);
    }
  }

  /** Ends the loop and the links, and closes the log. What is queued is done first. */
  async stop(): Promise<void> {
    this.#stopTicking();
    this.#loop?.stop();
    await this.#running;
    this.#loop?.announce();
    await this.links.close();
    this.options.log.close();
  }

  // LinkHost

  seenOf(peer: string): Seen | undefined {
    return this.loop.seenOf(peer);
  }

  entryHash(number: number): Promise<Uint8Array | undefined> {
    return this.options.log.hashOf(number);
  }

  greeting(): Greeting {
    const { membership } = this.core.state;
    const epoch = this.role === "coordinator" ? membership.epoch : undefined;
    return { address: this.#address, epoch, clock: this.loop.clock };
  }

  objection(peer: string, _role: NodeRole, _greeting: Greeting): string | undefined {
    const { membership } = this.core.state;
    if (membership.knows(peer) || membership.directory().length < peersMax) return undefined;
    return `the network has ${peersMax} nodes, which is the most there can be`;
  }

  linkUp(peer: string, role: NodeRole, greeting: Greeted): void {
    this.#linked.set(peer, Symbol(peer));
    this.#introductions.set(peer, greeting.introduction);
    if (role === "coordinator") this.#coordinators.add(peer);
    const isNew = !this.core.state.membership.knows(peer);
    if (this.role === "coordinator" && isNew) this.#newcomers.add(peer);
    if (this.#isKnown(peer, greeting.clock)) this.loop.hear(greeting.clock);
    this.loop.announceAgain(peer);
    const event = this.linkUpEvent(peer, greeting);
    if (!this.#newcomers.has(peer)) return this.loop.enqueue(event);
    // A loop that fails is told of by whom it runs for.
    this.loop.settled(event).then(() => this.#newcomers.delete(peer), () => {});
  }

  linkDown(peer: string, reason: string): void {
    this.#linked.delete(peer);
    // It is recorded by now, and may come back another.
    this.#introductions.delete(peer);
    this.options.print("info", `link with ${peer} is down: ${reason}`);
    this.loop.enqueue({ type: "linkDown", peer });
    this.loop.keepWitnesses();
  }

  received(peer: string, payload: Uint8Array): boolean {
    const frame = decodeFrame(payload, peer);
    if (frame.clock.get(peer) !== frame.number) {
      throw new FormatError("a clock that does not count its sender's own entries");
    }
    // What is not read now is sent again; without a bound one peer could fill the memory.
    if (this.loop.queued + this.#opening.size + this.#directories > queueEventsMax) {
      throw new FormatError(`more than ${queueEventsMax} messages wait here`);
    }
    const isKnown = this.#isKnown(peer, frame.clock);
    // What it says may depend on entries that this node's own would then not have in their past. It is
    // lost, and comes again when the coordinator has told who is there, or has recorded it. For others
    // a coordinator can't wait: it is the one who tells.
    if (!isKnown && (this.role === "participant" || this.#newcomers.has(peer))) return false;
    const { believed, strangers } = this.#statements.believed(peer, frame.messages, frame.batch);
    const isAnswered = this.#take(peer, frame, believed, isKnown);
    // A directory that introduces them may stand in the same frame. Else they come again, a second later.
    if (strangers.length > 0 && this.#directories > 0 && this.#strangers < strangersMax) {
      this.#takeLater(peer, frame, strangers, isKnown);
    }
    return isAnswered;
  }

  /** Once the directories have been checked that have come by now. */
  #takeLater(peer: string, frame: Frame, strangers: readonly Message[], isKnown: boolean): void {
    const link = this.#linked.get(peer);
    this.#strangers += strangers.length;
    this.#introducing = this.#introducing.then(() => {
      this.#strangers -= strangers.length;
      // Over a new link a peer may have begun anew: what it said over the last one is past.
      if (this.#linked.get(peer) !== link) return;
      const { believed } = this.#statements.believed(peer, strangers, frame.batch);
      this.#take(peer, frame, believed, isKnown);
    }).catch((error) => this.#fail(error));
  }

  /** Messages that are believed. Returns whether what is sent next is an answer to them. */
  #take(peer: string, frame: Frame, messages: readonly Message[], isKnown: boolean): boolean {
    this.observer.received(peer, frame, messages);
    const isAnswered = messages.some(({ type }) => type === "prepare");
    const isDelayed = (message: Message) => this.#takesTime(peer, message);
    if (!messages.some(isDelayed)) {
      this.loop.receive(peer, frame, messages, isKnown);
      return isAnswered;
    }
    this.loop.receive(peer, frame, messages.filter((message) => !isDelayed(message)), isKnown);
    // Certificates are checked, and details opened, in their own time.
    for (const message of messages) {
      if (!this.#takesTime(peer, message)) continue;
      if (message.type === "directory") this.#introduce(peer, message);
      else if (message.type === "prepare") this.#open(peer, message);
    }
    return isAnswered;
  }

  #takesTime(peer: string, message: Message): boolean {
    // Only a coordinator introduces others; from anybody else the core hears of it as it came.
    if (message.type === "directory") return this.#coordinators.has(peer);
    // And only a coordinator asks to prepare: from others nothing is opened.
    return message.type === "prepare" && message.order.detailsHash !== undefined &&
      this.role === "participant" && this.#coordinators.has(peer);
  }

  /** What comes after it meanwhile overtakes it, as messages may. */
  #open(from: string, message: Prepare): void {
    const { order, details, transaction } = message;
    // It comes again every second until it is answered.
    if (this.#opening.has(transaction)) return;
    this.#opening.add(transaction);
    openDetails(this.options.surroundings.sealing, this.name, order, details).then(
      (details) => this.loop.enqueue({ type: "message", from, message, ...this.told(details) }),
      (error) => this.#fail(error),
    ).finally(() => this.#opening.delete(transaction));
  }

  /** One after the other: what came first must not count last. */
  #introduce(from: string, directory: Directory): void {
    this.#directories++;
    this.#introducing = this.#introducing.then(async () => {
      const message = await this.#statements.introduced(from, directory);
      await this.loop.settled({ type: "message", from, message });
      this.#directories--;
    }).catch((error) => this.#fail(error));
  }

  /**
   * Whether all nodes that a peer's clock names are known here: a participant could fill the clocks of
   * the whole network with names of its own making. A coordinator that passed on what a newcomer says
   * would be told, after a crash, of a node that it has forgotten.
   */
  #isKnown(peer: string, clock: VectorClock): boolean {
    if (this.#coordinators.has(peer)) return true;
    if (this.#newcomers.has(peer)) return false;
    const { membership } = this.core.state;
    for (const name of clock.keys()) {
      if (name === peer || name === this.name || membership.knows(name)) continue;
      if (!this.#coordinators.has(name)) return false;
    }
    return true;
  }

  amnesia(detail: string): void {
    this.#fail(new IntegrityError(detail));
  }

  refused(peer: string, code: string, message: string): void {
    this.#fail(new Error(`${peer} refuses this node (${code}): ${message}`));
  }

  log(level: "info" | "warn" | "error", line: string): void {
    this.options.print(level, line);
  }

  // Users

  async payment(id: PaymentId): Promise<PaymentView | undefined> {
    const view = await this.#view(id);
    const told = view && await this.#told(id);
    return told ? { ...view, told } : view;
  }

  /** What the payment tells this node, as far as users may see it. */
  async #told(id: PaymentId): Promise<PaymentView["told"]> {
    const found = await this.options.log.details(id);
    if (!found?.details) return found && "erased";
    const { order, details } = found;
    const opened = await openDetails(
      this.options.surroundings.sealing,
      this.name,
      order,
      details,
    );
    if (!opened || opened === "unreadable") return "unreadable";
    const { memo, reference } = opened;
    return { memo, reference };
  }

  async #view(id: PaymentId): Promise<PaymentView | undefined> {
    const { log } = this.options;
    const order = await this.look(() => this.orderUnderWay(id));
    const view = viewOf(await log.lookUp(id));
    if (view || !order) return view;
    return pendingView(order, this.loop.clock, this.time.wallMs());
  }

  /** What this node's log says of a payment, each record with its entry. */
  async history(id: PaymentId): Promise<Found[]> {
    await this.look(() => {});
    return await this.options.log.lookUp(id);
  }

  introduction(name: string): Promise<Introduction | undefined> {
    if (name === this.name) return Promise.resolve(this.options.surroundings.trust.introduction);
    return this.look(() => this.core.state.membership.introductionOf(name));
  }

  async proof(payment: PaymentId, hasEntry: boolean): Promise<Uint8Array | undefined> {
    const { log, identity: { network }, surroundings: { trust } } = this.options;
    // What is told is durable by then.
    await this.look(() => {});
    const { name } = this;
    const introductionOf = (name: string) => this.core.state.membership.introductionOf(name);
    return await provePayment({ name, network, log, trust, introductionOf }, payment, hasEntry);
  }

  payments(query: PaymentQuery): Promise<PaymentPage> {
    return this.look(() => this.options.log.head.number).then((head) =>
      listPayments(this.options.log, head, this.name, query)
    );
  }

  async readmit(name: string, by: string): Promise<boolean> {
    if (!this.core.state.membership.knows(name)) return false;
    await this.settled({ type: "record", record: { type: "readmitted", name, by } });
    this.observer.activity.forget(name);
    this.options.print(
      "warn",
      `${name} is readmitted by ${by}: what it comes back with is believed`,
    );
    return true;
  }

  readonly subscribe: NodeApi["subscribe"] = (listener) => this.observer.subscribe(listener);
  readonly eventsAfter: NodeApi["eventsAfter"] = (id, max) => this.observer.eventsAfter(id, max);
  readonly recent: NodeApi["recent"] = () => this.observer.recent();
  readonly trace: NodeApi["trace"] = (id) => this.observer.trace(id);
  readonly activity: NodeApi["activity"] = (sequence) => this.observer.activity.after(sequence);

  status(): Promise<NodeStatus> {
    return this.look(() => {
      const { membership } = this.core.state;
      const { epoch } = membership;
      const { network } = this.options.identity;
      const peers = membership.directory().map(({ name, address }) => {
        return { name, address, link: this.#linkWith(name) };
      });
      const { committed, aborted } = this.meter;
      return {
        name: this.name,
        role: this.role,
        network,
        epoch: epoch ? `${epoch.counter}-${epoch.nonce}` : "",
        clock: this.loop.clock,
        peers,
        ...this.counts(),
        committed,
        aborted,
        throughput: this.meter.throughput(this.nowMs),
        latencyMs: { p50: this.meter.latencyMs(0.5), p99: this.meter.latencyMs(0.99) },
        latencies: this.meter.latencies(),
        written: {
          records: this.meter.records,
          logBytes: this.options.log.appendedBytes,
          linkBytes: this.meter.linkBytes,
        },
        mismatches: this.mismatches(),
        alarms: [...this.#alarms],
      };
    });
  }

  #linkWith(peer: string): LinkState {
    if (this.#linked.has(peer)) return "up";
    return this.needsLink(peer) ? "down" : "not_needed";
  }

  protected isLinkedTo(peer: string): boolean {
    return this.#linked.has(peer);
  }

  protected look<T>(read: () => T): Promise<T> {
    return this.loop.read(read);
  }

  protected settled(event: Event | CommonEvent): Promise<void> {
    return this.loop.settled(event);
  }

  #alarm(text: string): void {
    this.options.print("error", `ALARM: ${text}`);
    this.#alarms.push(`${new Date(this.time.wallMs()).toISOString()} ${text}`);
    if (this.#alarms.length > alarmsKept) this.#alarms.shift();
  }

  #count(records: readonly LogRecord[]): void {
    const { nowMs } = this;
    for (const record of records) {
      if (record.type === "committed" || record.type === "posted") this.meter.decide(true, nowMs);
      else if (record.type === "aborted" || (record.type === "released" && record.code)) {
        this.meter.decide(false, nowMs);
      }
    }
  }
}
