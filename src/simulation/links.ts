/**
 * Links over a network that loses, doubles, delays and reorders. Who is at the other end is given; what
 * both ends remember of each other is checked as in production.
 */

import type { Endpoint } from "../endpoint.ts";
import { invariant, messageOf } from "../errors.ts";
import {
  handshakeTimeoutMs,
  holderAnswerMsMax,
  reconnectMsMax,
  reconnectMsMin,
  resendIntervalMs,
  silenceMsMax,
} from "../limits.ts";
import type { Greeted, Greeting, LinkHost, LinkLayer } from "../link/host.ts";
import { checkMemory, entryShown } from "../link/memory.ts";
import { Refusal } from "../link/refusal.ts";
import type { Role } from "../names.ts";
import type { Life } from "./machine.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

const silenceCheckMs = resendIntervalMs;

/** One end of a link. */
interface End {
  readonly life: Life;
  readonly link: SimulatedLink;
  readonly isDialer: boolean;
  isUp: boolean;
  /** Not up yet: what comes waits for it. */
  isComing: boolean;
  /** When something last could have come from the other end. */
  heardMs: number;
  /** Until when what the other end has sent keeps its order. */
  busyMs: number;
}

class SimulatedLink {
  readonly dialer: End;
  readonly listener: End;

  constructor(dialer: Life, listener: Life, nowMs: number) {
    this.dialer = this.#end(dialer, true, nowMs);
    this.listener = this.#end(listener, false, nowMs);
  }

  other(end: End): End {
    return end === this.dialer ? this.listener : this.dialer;
  }

  #end(life: Life, isDialer: boolean, nowMs: number): End {
    return { life, link: this, isDialer, isUp: false, isComing: true, heardMs: nowMs, busyMs: 0 };
  }
}

export class SimulatedLinks implements LinkLayer {
  /** Set by the node as it is made. */
  host: LinkHost | undefined;
  readonly #world: World;
  readonly #life: Life;
  readonly #ends = new Map<string, End>();
  /** Whom this node dials, and where. */
  readonly #dialled = new Map<string, { readonly role: Role; address: string }>();

  constructor(world: World, life: Life) {
    this.#world = world;
    this.#life = life;
  }

  get #name(): string {
    return this.#life.machine.name;
  }

  get #host(): LinkHost {
    invariant(this.host !== undefined, "links before their node");
    return this.host;
  }

  #greeting(): Greeted {
    const { introduction } = this.#life.machine.trust;
    return { ...this.#host.greeting(), introduction };
  }

  listen(at: Endpoint): Endpoint {
    return at;
  }

  dial(name: string, role: Role, address: string): void {
    const known = this.#dialled.get(name);
    if (known) {
      known.address = address;
      return;
    }
    const dialled = { role, address };
    this.#dialled.set(name, dialled);
    this.#keepDialling(name, dialled);
  }

  hangUp(name: string): void {
    this.#dialled.delete(name);
    const end = this.#ends.get(name);
    if (end?.isDialer) this.#close(end, "nothing more to ask");
  }

  hurry(): void {
    for (const [name, { role, address }] of [...this.#dialled]) {
      this.#dialled.delete(name);
      this.dial(name, role, address);
    }
  }

  closeLink(peer: string, reason: string): void {
    const end = this.#ends.get(peer);
    if (end) this.#close(end, reason);
  }

  send(peer: string, payload: Uint8Array): boolean {
    const end = this.#ends.get(peer);
    if (!end?.isUp) return false;
    const world = this.#world;
    const { random, chaos } = world;
    this.#life.mayCrash("between two sends");
    if (!this.#life.isAlive) return false;
    world.watch.sent(this.#life, peer, payload);
    if (random.chance(chaos.lossRate)) return true;
    this.#carry(end, payload);
    if (random.chance(chaos.duplicateRate)) this.#carry(end, payload);
    return true;
  }

  async close(): Promise<void> {
    this.#dialled.clear();
    for (const end of [...this.#ends.values()]) this.#close(end, "this node stops");
    await Promise.resolve();
  }

  /** The machine has lost its power: nobody here is told, and the other ends notice late. */
  cut(): void {
    for (const end of this.#ends.values()) this.#leave(end);
    this.#ends.clear();
  }

  /** Breaks the link with a peer, as networks do. */
  break(peer: string): void {
    this.closeLink(peer, "it was broken");
  }

  peers(): string[] {
    return [...this.#ends.keys()];
  }

  #carry(end: End, payload: Uint8Array): void {
    const { schedule, random, chaos } = this.#world;
    const other = end.link.other(end);
    let delayMs = random.between(chaos.latencyMs);
    if (!chaos.isReordering) {
      other.busyMs = Math.max(other.busyMs, schedule.nowMs + delayMs);
      delayMs = other.busyMs - schedule.nowMs;
    }
    const [from, to] = [end.life, other.life];
    const arrive = () => {
      if (other.isComing && to.isAlive) return schedule.after(1, arrive);
      if (!other.isUp || !to.isAlive || this.#isBlocked(from, to)) return;
      // A machine that lost its power takes some of what it had just sent with it.
      if (!from.isAlive && random.chance(0.5)) return;
      to.links.#deliver(other, this.#name, payload);
    };
    schedule.after(delayMs, arrive);
  }

  #deliver(end: End, from: string, payload: Uint8Array): void {
    this.#world.trace(() => this.#world.watch.describe(from, this.#name, payload));
    end.heardMs = this.#world.schedule.nowMs;
    try {
      this.#host.received(from, payload);
    } catch (error) {
      this.#world.fail(
        new Violation("no alarm", `${this.#name} calls garbage of ${from}: ${messageOf(error)}`),
      );
    }
  }

  #isBlocked(from: Life, to: Life): boolean {
    return this.#world.isBlocked(from.machine.name, to.machine.name);
  }

  /** This end is down at once; the other hears of it, if it can, or falls silent itself. */
  #close(end: End, reason: string): void {
    if (!end.isUp) return;
    const other = end.link.other(end);
    const peer = other.life.machine.name;
    this.#leave(end);
    this.#world.trace(() => `down ${this.#name} with ${peer}: ${reason}`);
    this.#life.after(0, () => {
      // Not before: the node would hear of the next link first, and take that for the one that is down.
      this.#ends.delete(peer);
      this.#host.linkDown(peer, reason);
    });
  }

  #leave(end: End): void {
    const { schedule, random, chaos } = this.#world;
    end.isUp = false;
    end.isComing = false;
    const other = end.link.other(end);
    schedule.after(random.between(chaos.latencyMs), () => {
      const canHear = other.life.isAlive && !this.#isBlocked(end.life, other.life);
      if (canHear) other.life.links.#close(other, "the other end closed it");
    });
  }

  // Linking

  async #keepDialling(
    name: string,
    dialled: { readonly role: Role; address: string },
  ): Promise<void> {
    const { random } = this.#world;
    for (let failures = 0; this.#dialled.get(name) === dialled; failures++) {
      if (!this.#ends.has(name)) {
        const isOver = await this.#attempt(name, dialled.role, dialled.address);
        if (isOver) return;
        if (this.#ends.has(name)) failures = 0;
      }
      const pauseMs = Math.min(reconnectMsMin * 2 ** failures, reconnectMsMax);
      await this.#life.sleep(pauseMs * (0.5 + random.next() / 2));
    }
  }

  /** Resolves to whether it was refused for good. */
  async #attempt(name: string, role: Role, address: string): Promise<boolean> {
    await this.#pass();
    const peer = this.#world.lifeAt(address);
    if (!peer?.isServing || !this.#canTalk(peer)) return false;
    // The other node may die at any point, and then nothing of it ever answers.
    const late = this.#life.sleep(handshakeTimeoutMs).then(() => false);
    return await Promise.race([this.#shakeHands(name, role, peer), late]);
  }

  async #shakeHands(name: string, role: Role, peer: Life): Promise<boolean> {
    const me = this.#life;
    const there = peer.links;
    if (!there.#host.seenOf(this.#name)) peer.mayCrashAtMeeting(me);
    // Both show what the other asks for, each while its own node goes on.
    const seen = this.#host.seenOf(name);
    const shown = await entryShown(there.#host, seen?.number ?? 0);
    await this.#pass();
    if (!this.#canTalk(peer)) return false;
    const greeting = there.#greeting();
    try {
      checkMemory(this.#host, this.#name, name, seen, { shows: shown, greeting });
      object(this.#host, name, role, greeting);
    } catch (thrown) {
      return this.#refused(peer, me, thrown);
    }
    const seenThere = there.#host.seenOf(this.#name);
    const shownHere = await entryShown(this.#host, seenThere?.number ?? 0);
    await this.#pass();
    if (!this.#canTalk(peer)) return false;
    try {
      const greeting = this.#host.greeting();
      checkMemory(there.#host, name, this.#name, seenThere, { shows: shownHere, greeting });
      object(there.#host, this.#name, me.machine.role, greeting);
    } catch (thrown) {
      return this.#refused(me, peer, thrown);
    }
    if (await there.#isFree(this.#name) && this.#canTalk(peer)) {
      await this.#establish(name, role, peer, greeting);
    }
    return false;
  }

  #canTalk(peer: Life): boolean {
    return this.#life.isAlive && peer.isAlive && !this.#isBlocked(this.#life, peer) &&
      !this.#isBlocked(peer, this.#life);
  }

  /** `refused` hears of its amnesia. */
  #refused(refused: Life, by: Life, thrown: unknown): boolean {
    if (!(thrown instanceof Refusal)) throw thrown;
    this.#world.trace(() =>
      `${by.machine.name} refuses ${refused.machine.name}: ${thrown.message}`
    );
    if (thrown.code !== "amnesia") return false;
    if (refused.isAlive) refused.links.#host.amnesia(thrown.message);
    return refused === this.#life;
  }

  /** Whether a name is free: its holder is asked, and loses it if there is no answer. */
  async #isFree(name: string): Promise<boolean> {
    const end = this.#ends.get(name);
    if (!end) return true;
    const other = end.link.other(end);
    if (other.isUp && this.#canTalk(other.life)) return false;
    await this.#life.sleep(holderAnswerMsMax);
    this.#close(end, "its holder did not answer");
    await this.#pass();
    return !this.#ends.has(name);
  }

  async #establish(
    name: string,
    role: Role,
    peer: Life,
    greeting: Greeted,
  ): Promise<void> {
    const me = this.#life;
    const { schedule } = this.#world;
    const there = peer.links;
    if (there.#ends.has(this.#name)) return;
    const link = new SimulatedLink(me, peer, schedule.nowMs);
    const own = this.#greeting();
    there.#raise(link.listener, this.#name, me.machine.role, own);
    await this.#pass();
    // Hung up meanwhile, or linked the other way.
    if (!this.#dialled.has(name) || this.#ends.has(name) || !link.listener.isUp) {
      this.#leave(link.dialer);
      return;
    }
    this.#raise(link.dialer, name, role, greeting);
  }

  #raise(end: End, peer: string, role: Role, greeting: Greeted): void {
    const world = this.#world;
    world.trace(() => `link ${this.#name} with ${peer}`);
    world.watch.linked(this.#life, peer);
    end.isUp = true;
    end.isComing = false;
    end.heardMs = world.schedule.nowMs;
    this.#ends.set(peer, end);
    this.#host.linkUp(peer, role, greeting);
    const check = () => {
      if (!end.isUp) return;
      const other = end.link.other(end);
      const isHeard = other.isUp && other.life.isAlive && !this.#isBlocked(other.life, this.#life);
      const { nowMs } = world.schedule;
      if (isHeard) end.heardMs = nowMs;
      else if (nowMs - end.heardMs > silenceMsMax) {
        return this.#close(end, "the other end is silent");
      }
      this.#life.after(silenceCheckMs, check);
    };
    this.#life.after(silenceCheckMs, check);
  }

  /** One way over the network. */
  async #pass(): Promise<void> {
    const { random, chaos } = this.#world;
    await this.#life.sleep(random.between(chaos.latencyMs));
  }
}

/** What a node itself has against a peer. */
function object(host: LinkHost, peer: string, role: Role, greeting: Greeting): void {
  const reason = host.objection(peer, role, greeting);
  if (reason !== undefined) throw new Refusal("objection", reason);
}
