/**
 * What the shells of both roles have in common: a log, a loop, links, and what users may look at.
 *
 * Long for one file, as it is where all parts of a node meet; what each of them does is elsewhere.
 */

import { formatVersion } from "../codec/values.ts";
import { formatEndpoint } from "../endpoint.ts";
import { IntegrityError } from "../errors.ts";
import type {
  LinkState,
  MismatchView,
  NodeApi,
  NodeStatus,
  PaymentPage,
  PaymentQuery,
  PaymentView,
  PeerMemory,
  ReadmitAnswer,
} from "../http/node_api.ts";
import type { Identity } from "../keys/identity.ts";
import {
  checkpointRecordsDefault,
  diskWaitMsMax,
  drainMs,
  peersMax,
  tickIntervalMs,
} from "../limits.ts";
import type { Greeted, Greeting, LinkHost, LinkLayer, Seen } from "../link/host.ts";
import type { Role } from "../names.ts";
import type { OpenedDetails } from "../protocol/details.ts";
import type { PaymentId, TransactionId } from "../protocol/id.ts";
import type { Introduction } from "../protocol/message.ts";
import type { Membership } from "../protocol/membership.ts";
import type { Order } from "../protocol/order.ts";
import type { EntryContext, Genesis, LogRecord } from "../protocol/record.ts";
import type { Alarm, CommonEvent, Found } from "../protocol/step.ts";
import type { VectorClock } from "../protocol/vector_clock.ts";
import { Alarms } from "./alarms.ts";
import { Expiry } from "./expiry.ts";
import { ForgetfulPeers, lostPayments } from "./forgotten.ts";
import { FreeSpace } from "./free_space.ts";
import { haltAt } from "./halt.ts";
import { Inbound, type Told } from "./inbound.ts";
import type { Core, Place } from "./loop.ts";
import { Loop } from "./loop.ts";
import { IntroductionHistory } from "./introduction_history.ts";
import { Meter } from "./meter.ts";
import { Samples } from "./samples.ts";
import { Observer } from "./observer.ts";
import { listPayments } from "./payment_list.ts";
import { Peers } from "./peers.ts";
import { provePayment } from "./prove.ts";
import type { ShellOptions } from "./shell_options.ts";
import type { Time } from "./surroundings.ts";
import { openDetails } from "./sealing.ts";
import { Statements } from "./trust.ts";
import { givenUpMs, pendingView, viewOf } from "./view.ts";

/** A role's state machine, and what the shell reads of its state. */
interface ShellCore<Event, Reply> extends Core<Event, Reply> {
  readonly state: Core<Event, Reply>["state"] & {
    readonly membership: Membership;
    apply(record: LogRecord, context: EntryContext): void;
  };
}

const drainPollMs = 20;

export abstract class Shell<
  OwnRole extends Role,
  Event extends { readonly type: string },
  Reply,
> implements LinkHost {
  readonly name: string;
  readonly role: OwnRole;
  /** Rejects when the node can't go on. */
  readonly failed: Promise<never>;
  protected readonly options: ShellOptions;
  protected readonly core: ShellCore<Event, Reply>;
  protected readonly links: LinkLayer;
  protected readonly meter = new Meter();
  protected readonly observer: Observer;
  protected isDraining = false;
  /** Peers have seen entries that it lacks: what it says now could be against what it has forgotten. */
  protected isRefused = false;
  readonly #peers: Peers;
  readonly #alarms = new Alarms();
  readonly #samples = new Samples(this.meter);
  readonly #freeSpace: FreeSpace;
  readonly #statements: Statements;
  readonly #expiry: Expiry | undefined;
  readonly #introductions: IntroductionHistory;
  #loop: Loop<Event, Reply> | undefined;
  #inbound: Inbound | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopTicking: () => void = () => {};
  #address = "";
  readonly #forgetful: ForgetfulPeers;
  #hasToldLoss = false;
  #hasFailed = false;
  #fail: (error: Error) => void;

  constructor(role: OwnRole, core: ShellCore<Event, Reply>, options: ShellOptions) {
    const { identity } = options;
    this.name = identity.name;
    this.role = role;
    this.core = core;
    this.options = options;
    this.links = options.surroundings.links(this);
    this.#freeSpace = new FreeSpace(options.surroundings.freeBytes);
    this.#forgetful = new ForgetfulPeers(this.name);
    this.#introductions = new IntroductionHistory(options.log);
    this.#peers = new Peers(this.name, role, core.state.membership);
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
    const { expiresMs } = identity;
    if (expiresMs !== undefined) this.#expiry = new Expiry(this.name, expiresMs, options.print);
    this.#statements = new Statements({
      name: this.name,
      network: identity.network,
      trust: options.surroundings.trust,
      introductionOf: (name) => this.introductionOf(name),
      isRevoked: (name) => this.#peers.introductionOf(name) !== undefined,
      alarm: (text) => this.#alarm({ text }),
    });
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#fail = (error) => {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      reject(error);
      this.abandon(error);
    };
    // It may fail before anyone waits for it.
    promise.catch(() => {});
  }

  /** By what a node is known here; nothing where its certificate has been revoked since. */
  protected introductionOf(name: string): Introduction | undefined {
    const known = this.#peers.introductionOf(name);
    return known && !this.options.surroundings.trust.isRevoked(known) ? known : undefined;
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
  /** What users have under way here, and of that what is in doubt, or not acknowledged. */
  protected abstract counts(): Pick<
    NodeStatus,
    "open" | "inDoubt" | "longestDoubtMs" | "forced" | "unacknowledged"
  >;
  /** The order of a payment that is under way with nothing durable about it. */
  protected abstract orderUnderWay(payment: PaymentId): Order | undefined;
  /** The order of a payment that is open or was settled lately. */
  protected abstract orderOf(payment: PaymentId): Order | undefined;
  /** Whether a payment is under way here. */
  protected abstract isOpen(payment: PaymentId): boolean;
  protected abstract mismatches(): MismatchView[];
  /** By which records payments are made that a peer lacks that has lost them; nothing of one that has most of
   * its payments without this node. */
  protected abstract lackedBy(peer: string): ((record: LogRecord) => boolean) | undefined;
  /** What of the details that were opened goes to the core. */
  protected told(details: OpenedDetails | undefined): Told {
    return { details };
  }

  /** Own clock minus the coordinator's. */
  protected get clockOffsetMs(): number | undefined {
    return undefined;
  }

  protected abstract needsLink(peer: string): boolean;
  protected abstract linkUpEvent(peer: string, greeting: Greeted): Event;
  abstract whyNotReady(): string | undefined;

  isReady(): boolean {
    return this.whyNotReady() === undefined;
  }

  /**
   * Replays the log and begins a new epoch. Nobody is told anything before.
   *
   * @throws {IntegrityError} if the log does not hold, or is another node's
   */
  async start(): Promise<void> {
    const { log, halt, identity, surroundings } = this.options;
    const genesis = this.#genesisOf(identity);
    let replayed = 0;
    await log.replay((record, context) => {
      // Of another node's records some would not fit this one's books, and that would be told instead.
      if (record.type === "genesis") refuseOther(record, genesis);
      this.core.state.apply(record, context);
      // What a checkpoint has was counted for it.
      if (context.number > log.checkpointNumber) replayed++;
    });
    this.core.indexed(log.mark, log.indexHasKeys);
    this.#loop = new Loop({
      name: this.name,
      core: this.core,
      log,
      send: (peer, payload) => {
        if (this.isRefused) return;
        this.meter.linkBytes += payload.length;
        this.links.send(peer, payload);
      },
      sign: this.#statements.sign,
      peers: () => this.#peers.linked(),
      reply: (reply) => this.reply(reply),
      alarm: (alarm) => this.#alarm(alarm),
      note: (text) => this.options.print("warn", text),
      recorded: (records, context) => {
        this.meter.records += records.length;
        this.#count(records);
        this.#alarms.recorded(records);
        this.observer.recorded(records, context);
      },
      pause: halt && ((when, records) => haltAt(halt, when, records)),
      time: surroundings.time,
      checkpointRecords: this.options.checkpointRecords ?? checkpointRecordsDefault,
    }, replayed);
    this.#inbound = new Inbound({
      name: this.name,
      role: this.role,
      peers: this.#peers,
      statements: this.#statements,
      sealing: surroundings.sealing,
      observer: this.observer,
      loop: this.#loop,
      told: (details) => this.told(details),
      fail: this.#fail,
    });
    this.#running = this.#loop.run().catch((error) => this.#fail(error));
    const start: CommonEvent = { type: "start", genesis, nonce: surroundings.nonce() };
    await this.#loop.settled(start);
    this.#stopTicking = surroundings.time.every(tickIntervalMs, () => this.tick());
    this.#expiry?.look(this.nowMs, this.time.wallMs());
  }

  /** For how long the disk has not answered, milliseconds. */
  protected get diskWaitMs(): number {
    return this.nowMs - (this.#loop?.appendingSinceMs ?? this.nowMs);
  }

  /** Nothing while the disk answers. */
  protected whyNotDurable(): string | undefined {
    const waitMs = this.diskWaitMs;
    if (waitMs < diskWaitMsMax) return undefined;
    return `the disk has not answered for ${Math.floor(waitMs / 1_000)} s`;
  }

  protected tick(): void {
    this.loop.enqueue({ type: "tick" });
    this.observer.tick();
    this.#samples.tick(this.nowMs, this.time.wallMs());
    this.#expiry?.look(this.nowMs, this.time.wallMs());
    this.#freeSpace.tick(this.nowMs);
  }

  #genesisOf({ network }: Pick<Identity, "network">): Genesis {
    return {
      type: "genesis",
      network,
      name: this.name,
      role: this.role,
      version: formatVersion,
    };
  }

  /** Takes links. Returns the address at which it listens. */
  listen(): string {
    const address = formatEndpoint(this.links.listen(this.options.listen));
    this.#address = this.options.advertise ?? address;
    return address;
  }

  /** Takes no more payments and waits for those under way, for a while. */
  async drain(): Promise<void> {
    this.isDraining = true;
    this.loop.enqueue({ type: "drain" });
    const deadlineMs = this.nowMs + drainMs;
    while (this.counts().open > 0 && this.nowMs < deadlineMs) {
      // Refused, it brings nothing to an end.
      if (this.#hasFailed || this.isRefused) return;
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

  objection(peer: string, _role: Role, _greeting: Greeting): string | undefined {
    // It answers nobody; whoever does not refuse it is to ask others meanwhile.
    if (this.isRefused) return `"${this.name}" is refused for amnesia by its peers, and ends`;
    const { membership } = this.core.state;
    if (membership.knows(peer) || membership.directory().length < peersMax) return undefined;
    return `the network has ${peersMax} nodes, which is the most there can be`;
  }

  linkUp(peer: string, role: Role, greeting: Greeted): void {
    const peers = this.#peers;
    this.options.print("info", `link with ${peer} is up`);
    this.#forgetful.delete(peer);
    this.#tellLoss(peer, greeting.clock);
    peers.linkUp(peer, role, greeting.introduction);
    if (peers.areKnown(peer, greeting.clock)) this.loop.hear(greeting.clock);
    this.loop.announceAgain(peer);
    const event = this.linkUpEvent(peer, greeting);
    if (!peers.isNewcomer(peer)) return this.loop.enqueue(event);
    // A loop that fails is told of by whom it runs for.
    this.loop.settled(event).then(() => peers.recorded(peer), () => {});
  }

  linkDown(peer: string, reason: string): void {
    this.#peers.linkDown(peer, this.time.wallMs());
    this.options.print("info", `link with ${peer} is down: ${reason}`);
    this.loop.enqueue({ type: "linkDown", peer });
    this.loop.keepWitnesses();
  }

  received(peer: string, payload: Uint8Array): boolean {
    if (this.isRefused) return false;
    return this.#inbound!.received(peer, payload);
  }

  forgot(peer: string, clock: VectorClock): void {
    // While it is linked, somebody else has a copy of its log.
    if (!this.isLinkedTo(peer)) this.#forgetful.refused(peer, clock);
  }

  /** Whether a peer has come back without entries that this node has seen, and nobody has readmitted it. */
  protected refuses(peer: string): boolean {
    return this.#forgetful.get(peer) !== undefined;
  }

  amnesia(detail: string): void {
    this.isRefused = true;
    this.#fail(new IntegrityError(detail));
  }

  /** Readmitted, a node hears from its peers' clocks what they have seen of it before. */
  #tellLoss(peer: string, clock: VectorClock): void {
    const seen = clock.get(this.name) ?? 0;
    if (this.#hasToldLoss || seen <= this.options.log.head.number) return;
    this.#hasToldLoss = true;
    const line = `peers have seen entry ${seen} of this node's own log. ${this.lossText()}`;
    this.options.print("warn", line);
    this.lacksEntries(peer);
  }

  /** It may have said what it does not know any more, as a peer has shown. */
  protected lacksEntries(_peer: string): void {}

  protected lossText(): string {
    const { number } = this.options.log.head;
    return `Here the log ends at entry ${number}, so these books lack what was done since, less what was restored: see ` +
      '"A lost data folder" in the README';
  }

  refused(peer: string, code: string, message: string): void {
    this.#fail(new Error(`there can be no link with ${peer} (${code}): ${message}`));
  }

  log(level: "info" | "warn" | "error", line: string): void {
    this.options.print(level, line);
  }

  // Users

  async payment(id: PaymentId): Promise<PaymentView | undefined> {
    const view = await this.#view(id);
    const told = view && await this.toldOf(id);
    return told ? { ...view, told } : view;
  }

  /** What the payment tells this node, as far as users may see it. */
  protected async toldOf(id: PaymentId): Promise<PaymentView["told"]> {
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

  async givenUpMs(id: PaymentId): Promise<number | undefined> {
    return givenUpMs(await this.history(id));
  }

  hasLostEntries(): boolean {
    return this.isRefused || this.#hasToldLoss;
  }

  /** A coordinator is the one who tells of commits. */
  lostIn(_id: PaymentId): Promise<TransactionId | undefined> {
    return Promise.resolve(undefined);
  }

  /** What this node's log says of a payment, each record with its entry. */
  async history(id: PaymentId): Promise<Found[]> {
    await this.look(() => {});
    return await this.options.log.lookUp(id);
  }

  /** By what a peer was known, as of the log. */
  protected introductionsOf(name: string): Promise<readonly Introduction[]> {
    return this.#introductions.of(name);
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
    const history = this.#introductions;
    const options = { name, network, log, trust, introductionOf, history };
    return await provePayment(options, payment, hasEntry);
  }

  async payments(query: PaymentQuery): Promise<PaymentPage> {
    const { log } = this.options;
    // What anybody has been told is in the log by then.
    await this.look(() => {});
    const told = query.hasDetails ? (id: PaymentId) => this.toldOf(id) : undefined;
    return await listPayments(log, log.head.number, this.name, query, told);
  }

  async memoryOf(name: string): Promise<PeerMemory | undefined> {
    const seen = await this.look(() => this.loop.seenOf(name)?.number);
    if (seen === undefined) return undefined;
    const forgetful = this.#forgetful.get(name);
    if (!forgetful) return { seen };
    const { ends, known } = forgetful;
    const isLacked = this.lackedBy(name);
    if (!isLacked) return { seen, forgotten: { ends } };
    const lost = await lostPayments(this.options.log, known, isLacked);
    // What the peer knows may be of the log that this node has lost itself.
    const payments = { ...lost, isAll: lost.isAll && !this.#hasToldLoss };
    return { seen, forgotten: { ends, payments } };
  }

  async readmit(name: string, by: string): Promise<ReadmitAnswer> {
    if (!this.core.state.membership.knows(name)) return "unknown";
    // It would give up what this node has seen of the peer, for nothing.
    if (this.isLinkedTo(name)) return "linked";
    await this.settled({ type: "record", record: { type: "readmitted", name, by } });
    this.#forgetful.delete(name);
    this.observer.activity.forget(name);
    this.options.print(
      "warn",
      `${name} is readmitted by ${by}: what it comes back with is believed`,
    );
    return "readmitted";
  }

  readonly subscribe: NodeApi["subscribe"] = (listener) => this.observer.subscribe(listener);
  readonly eventsAfter: NodeApi["eventsAfter"] = (id, max) => this.observer.eventsAfter(id, max);
  readonly recent: NodeApi["recent"] = () => this.observer.recent();
  readonly trace: NodeApi["trace"] = (id) => this.observer.trace(id);
  readonly activity: NodeApi["activity"] = (sequence) => this.observer.activity.after(sequence);
  readonly samples: NodeApi["samples"] = (sequence) => this.#samples.after(sequence);

  status(): Promise<NodeStatus> {
    return this.look(() => {
      const { membership } = this.core.state;
      const { epoch } = membership;
      const { network } = this.options.identity;
      const peers = membership.directory().map(({ name, address }) => {
        const downSinceMs = this.#peers.downSinceMs(name);
        return { name, address, link: this.#linkWith(name), downSinceMs };
      });
      const { committed, aborted } = this.meter;
      return {
        name: this.name,
        role: this.role,
        whyNotReady: this.whyNotReady(),
        network,
        epoch: epoch ? `${epoch.counter}-${epoch.nonce}` : "",
        clock: this.loop.clock,
        peers,
        ...this.counts(),
        clockOffsetMs: this.clockOffsetMs,
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
        certificateEndsMs: this.options.identity.expiresMs,
        revocationList: this.options.identity.revocations?.number || undefined,
        dataFreeBytes: this.#freeSpace.bytes(this.nowMs),
        mismatches: this.mismatches(),
        alarms: this.#alarms.texts(),
      };
    });
  }

  #linkWith(peer: string): LinkState {
    if (this.isLinkedTo(peer)) return "up";
    return this.needsLink(peer) ? "down" : "not_needed";
  }

  /** Ends links with peers whose certificates the CA has revoked, and this node, if its own is: all refuse it. */
  dropRevoked(): void {
    const { trust } = this.options.surroundings;
    if (this.isListening && trust.isRevoked(trust.introduction)) {
      const remedy = "have the CA's owner sign for another key, and start the node anew with it";
      this.#fail(
        new Error(`the certificate of "${this.name}" was revoked by the network's CA: ${remedy}`),
      );
      return;
    }
    for (const peer of [...this.#peers.linked()]) {
      if (this.introductionOf(peer)) continue;
      this.links.closeLink(peer, "its certificate was revoked by the network's CA");
    }
  }

  protected closeLinks(reason: string): void {
    for (const peer of [...this.#peers.linked()]) this.links.closeLink(peer, reason);
  }

  protected isLinkedTo(peer: string): boolean {
    return this.#peers.isLinked(peer);
  }

  protected look<T>(read: (upTo: Place) => T): Promise<T> {
    return this.loop.read(read);
  }

  protected settled(event: Event | CommonEvent): Promise<void> {
    return this.loop.settled(event);
  }

  #alarm(alarm: Alarm): void {
    const line = this.#alarms.raise(alarm, this.time.wallMs());
    if (line !== undefined) this.options.print("error", `ALARM: ${line}`);
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

/** @throws {IntegrityError} unless a log begins as this node's own would */
function refuseOther(genesis: Genesis, own: Genesis): void {
  for (const field of ["network", "name", "role", "version"] as const) {
    if (genesis[field] === own[field]) continue;
    throw new IntegrityError(
      `The log is of ${field} "${genesis[field]}", but this node is of ${field} ` +
        `"${own[field]}": name the right data folder with --data`,
    );
  }
}
