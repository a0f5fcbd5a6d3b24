/** A machine that stays, with its disk and its clock, and the node that lives on it from start to crash. */

import type { Endpoint } from "../endpoint.ts";
import type { Role } from "../names.ts";
import { CoordinatorNode } from "../node/coordinator_node.ts";
import { ParticipantNode } from "../node/participant_node.ts";
import type { ShellOptions } from "../node/shell_options.ts";
import type { Surroundings } from "../node/surroundings.ts";
import { IntegrityError, messageOf } from "../errors.ts";
import type { MemoryDisk } from "../log/storage.ts";
import { Log } from "../log/log.ts";
import type { PaymentId } from "../protocol/id.ts";
import { paymentIdStart } from "../protocol/id.ts";
import { cardKeeping, newCardOf } from "./cards.ts";
import { DiskFailure, SimulatedStorage } from "./disk.ts";
import { SimulatedLinks } from "./links.ts";
import { SimulatedSealing } from "./sealing.ts";
import { SimulatedTrust } from "./trust.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

export const coordinatorName = "coordinator";
export const currency = "USD";
export const accountNames: readonly string[] = ["main", "till"];
/** Nobody pays from or to them: checkpoints are to have something that has not changed. */
const idleNames: readonly string[] = ["deposit", "reserve", "trust"];
/** Of each account, minor units: little, so that payments compete for it. */
export const opening = 1_000n;

const network = "00".repeat(32);
/** When the simulation begins, as clocks have it. */
const epochMs = Date.UTC(2026, 0, 1);
const coordinatorPort = 7443;
const restartMs: readonly [number, number] = [0, 1_000];
/** From a newcomer's first words on; a crawling disk writes once or twice in it. */
const meetingMs: readonly [number, number] = [200, 800];
const newcomerDownMs: readonly [number, number] = [0, 3_000];

/** A node from its start until its machine crashes, or until it ends by itself. */
export class Life {
  readonly machine: Machine;
  readonly number: number;
  readonly links: SimulatedLinks;
  /** Resolves when it is over. */
  readonly over: Promise<undefined>;
  node: CoordinatorNode | ParticipantNode | undefined;
  storage: SimulatedStorage | undefined;
  /** `NAME:PORT` once it takes links. */
  address = "";
  /** Started, and reachable by users. */
  isServing = false;
  isAlive = true;
  /** Is stopping cleanly. */
  isStopping = false;
  readonly #world: World;
  readonly #bootMs: number;
  #end: () => void;

  constructor(world: World, machine: Machine, number: number) {
    this.#world = world;
    this.machine = machine;
    this.number = number;
    this.#bootMs = world.schedule.nowMs - world.random.below(100_000);
    this.links = new SimulatedLinks(world, this);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.over = promise;
    this.#end = () => resolve(undefined);
  }

  get monotonicMs(): number {
    return this.#world.schedule.nowMs - this.#bootMs;
  }

  /** Runs something later, unless this life is over by then. */
  after(ms: number, run: () => void): void {
    this.#world.schedule.after(ms, () => {
      if (this.isAlive) run();
    });
  }

  /** Never resolves once this life is over: what waits for it does not go on. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  every(intervalMs: number, run: () => void): () => void {
    let isOn = true;
    const again = () => {
      if (!isOn) return;
      run();
      this.after(intervalMs, again);
    };
    this.after(intervalMs, again);
    return () => isOn = false;
  }

  /** The power fails in just this moment, if chance has it so. */
  mayCrash(when: string): void {
    const { random, chaos } = this.#world;
    if (!this.isAlive || !random.chance(chaos.crashAtRate)) return;
    this.machine.crash(when);
    this.machine.startAfter(random.between(chaos.downMs));
  }

  /**
   * Somebody comes of whom this node has seen nothing yet. Its disk falls behind with what it has to keep
   * of that, and the power fails before it is done, if chance has it so: here alone, or at both ends, and
   * then others are back long before the newcomer.
   */
  mayCrashAtMeeting(newcomer: Life): void {
    const world = this.#world;
    const { random, schedule } = world;
    if (!random.chance(world.chaos.crashAtMeetingRate)) return;
    const crashMs = random.between(meetingMs);
    const isBoth = random.chance(0.7);
    const { machine } = this;
    machine.crawlsUntilMs = Math.max(machine.crawlsUntilMs, schedule.nowMs + crashMs);
    this.after(crashMs, () => {
      // Not once the faults have ended.
      if (world.chaos.crashAtMeetingRate === 0) return;
      machine.crash("at a first meeting");
      machine.startAfter(random.between(world.chaos.downMs));
      if (!isBoth || !newcomer.isAlive) return;
      newcomer.machine.crash("at a first meeting");
      newcomer.machine.startAfter(random.between(newcomerDownMs));
    });
  }

  end(): void {
    this.isAlive = false;
    this.isServing = false;
    this.links.cut();
    this.#end();
  }
}

export class Machine {
  readonly name: string;
  readonly role: Role;
  disk: MemoryDisk = { values: [], headVersion: 0 };
  /** Until then its disk can't keep up. */
  crawlsUntilMs = 0;
  /** How far its clock is from the time, milliseconds. */
  clockOffsetMs = 0;
  life: Life | undefined;
  /** The disk holds an older copy of what it held: the node must not get away with it. */
  isPutBack = false;
  /** An operator keeps it down. */
  isHeldDown = false;
  readonly #world: World;
  readonly trust: SimulatedTrust;
  readonly sealing: SimulatedSealing;
  #lives = 0;
  #lastCut: Promise<void> = Promise.resolve();

  constructor(world: World, name: string, role: Role) {
    this.#world = world;
    this.name = name;
    this.role = role;
    this.trust = new SimulatedTrust(name, role, network, world.random);
    this.sealing = new SimulatedSealing(this.trust.introduction);
  }

  get wallMs(): number {
    return epochMs + this.#world.schedule.nowMs + this.clockOffsetMs;
  }

  /** A payment id as someone makes it whose clock is this machine's (RFC 9562, 5.7). */
  newPaymentId(): PaymentId {
    const { random } = this.#world;
    const rest = `7${random.hex(3)}-${random.pick(["8", "9", "a", "b"])}${random.hex(3)}`;
    return `${paymentIdStart(this.wallMs)}-${rest}-${random.hex(12)}` as PaymentId;
  }

  start(): void {
    if (this.life || this.isHeldDown) return;
    const life = new Life(this.#world, this, ++this.#lives);
    this.life = life;
    this.#world.trace(() => `start ${this.name} ${life.number}`);
    this.#run(life).catch((error) => this.#failed(life, error));
  }

  /** Power off. What was being written is there or not, as the disk has it. */
  crash(why: string): void {
    const { life } = this;
    if (!life) return;
    this.#world.trace(() => `crash ${this.name} ${life.number}: ${why}`);
    life.end();
    this.life = undefined;
    this.#lastCut = life.storage?.cut() ?? Promise.resolve();
  }

  /** Starts again after a while, unless somebody else has done so by then. */
  startAfter(ms: number): void {
    this.#world.schedule.after(ms, () => this.start());
  }

  /** Stops as a signal does it: what is under way may finish, what is left is recovered. */
  async stop(): Promise<void> {
    const { life } = this;
    if (!life?.node || !life.isServing || life.isStopping) return;
    life.isStopping = true;
    this.#world.trace(() => `stop ${this.name} ${life.number}`);
    await life.node.drain();
    await life.node.stop();
    this.#world.trace(() => `stopped ${this.name} ${life.number}`);
    life.end();
    this.life = undefined;
  }

  async #run(life: Life): Promise<void> {
    const world = this.#world;
    await this.#lastCut;
    const { isPutBack } = this;
    life.storage = new SimulatedStorage(world, life, this.disk, (writes) => {
      if (!isPutBack) world.watch.written(this, writes);
    });
    const log = await Log.open(life.storage);
    const options: ShellOptions = {
      identity: { name: this.name, network },
      surroundings: this.#surroundings(life),
      log,
      listen: this.#address(life),
      print: (level, line) => this.#print(level, line),
      checkpointRecords: world.chaos.checkpointRecords,
    };
    const node = this.role === "coordinator"
      ? new CoordinatorNode(options)
      : new ParticipantNode({ ...options, coordinator: coordinatorName, cards: cardKeeping });
    node.failed.catch((error) => this.#failed(life, error));
    await node.start();
    if (node instanceof ParticipantNode) {
      for (const account of [...accountNames, ...idleNames]) {
        await node.openAccount({ account, currency, opening });
      }
      await node.addCard(newCardOf(this.name));
    }
    life.node = node;
    life.address = node.listen();
    if (node instanceof ParticipantNode) node.dial(`${coordinatorName}:${coordinatorPort}`);
    life.isServing = true;
  }

  /** The coordinator's is known to all; participants' may be another each time. */
  #address(life: Life): Endpoint {
    const { chaos } = this.#world;
    if (this.role === "coordinator") return { hostname: this.name, port: coordinatorPort };
    return { hostname: this.name, port: chaos.hasFixedAddresses ? 1_000 : 1_000 + life.number };
  }

  #surroundings(life: Life): Surroundings {
    const { random } = this.#world;
    return {
      time: {
        wallMs: () => this.wallMs,
        monotonicMs: () => life.monotonicMs,
        sleep: (ms) => life.sleep(ms),
        every: (ms, run) => life.every(ms, run),
        nextPoll: () => life.sleep(0),
      },
      nonce: () => random.hex(12),
      newPaymentId: () => {
        const id = this.newPaymentId();
        this.#world.watch.named(id);
        return id;
      },
      trust: this.trust,
      sealing: this.sealing,
      links: (host) => {
        life.links.host = host;
        return life.links;
      },
    };
  }

  #print(level: string, line: string): void {
    this.#world.trace(() => `${this.name} ${level}: ${line}`);
    if (level !== "error" || this.isPutBack) return;
    // What operators do is told loudly, and where they guess there is more to tell.
    const { operatorEveryMs, areGuessing } = this.#world.chaos;
    if (operatorEveryMs > 0 && (areGuessing || line.includes(" forced "))) return;
    this.#world.fail(new Violation("no alarm", `${this.name}: ${line}`));
  }

  #failed(life: Life, error: unknown): void {
    if (!life.isAlive) return;
    const world = this.#world;
    this.crash(messageOf(error));
    if (error instanceof Violation) return world.fail(error);
    if (error instanceof DiskFailure) return this.startAfter(world.random.between(restartMs));
    if (this.isPutBack && error instanceof IntegrityError) return world.refusedForAmnesia(this);
    const what = error instanceof Error ? error.stack ?? error.message : messageOf(error);
    world.fail(new Violation("no node fails by itself", `${this.name} failed: ${what}`));
  }
}
