/** What happens to machines and network, when and to whom, as the seed has it. */

import type { MemoryDisk } from "../log/storage.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** Nobody needs longer to find out what was put back; an operator looks then. */
const putBackMs = 10_000;
const awayMs: readonly [number, number] = [8_000, 25_000];
const jumpsMs: readonly number[] = [1_000, 60_000, 10 * 60_000, 24 * 60 * 60_000];
const crawlMs: readonly [number, number] = [1_000, 4_000];
const restartMs: readonly [number, number] = [0, 1_000];

export class Faults {
  readonly #world: World;
  readonly #copies = new Map<Machine, { readonly disk: MemoryDisk; readonly head: number }>();
  #areOn = true;

  constructor(world: World) {
    this.#world = world;
  }

  begin(): void {
    const { chaos } = this.#world;
    this.#every(chaos.crashEveryMs, () => this.#crash());
    this.#every(chaos.crashEveryMs * 3, () => void this.#stop());
    this.#every(chaos.partitionEveryMs, () => this.#partition());
    this.#every(chaos.linkBreakEveryMs, () => this.#breakLink());
    this.#every(chaos.clockJumpEveryMs, () => this.#jump());
    this.#every(chaos.crawlEveryMs, () => this.#crawl());
    this.#every(chaos.putBackEveryMs, () => this.#putBack());
  }

  #crawl(): void {
    const { random, machines, schedule } = this.#world;
    const machine = random.pick(machines);
    this.#world.trace(() => `the disk of ${machine.name} crawls`);
    machine.crawlsUntilMs = schedule.nowMs + random.between(crawlMs);
  }

  /** Nothing goes wrong any more; what is down comes back. */
  end(): void {
    this.#areOn = false;
    const world = this.#world;
    world.trace(() => "the faults end");
    for (const { restore } of [...world.putBack.values()]) restore();
    for (const machine of world.machines) {
      machine.crawlsUntilMs = 0;
      machine.isHeldDown = false;
      machine.start();
    }
  }

  #every(meanMs: number, happen: () => void): void {
    if (meanMs === 0) return;
    const { schedule, random } = this.#world;
    const again = () => {
      if (!this.#areOn) return;
      happen();
      schedule.after(meanMs * 2 * random.next(), again);
    };
    schedule.after(meanMs * 2 * random.next(), again);
  }

  #crash(): void {
    const { random, machines, chaos } = this.#world;
    const machine = random.pick(machines);
    if (!machine.life) return;
    machine.crash("its power failed");
    const isAway = random.chance(chaos.awayRate);
    machine.startAfter(random.between(isAway ? awayMs : chaos.downMs));
  }

  async #stop(): Promise<void> {
    const { random, machines } = this.#world;
    const machine = random.pick(machines);
    if (machine.isPutBack) return;
    await machine.stop();
    if (!machine.life) machine.startAfter(random.between(restartMs));
  }

  /** One way, both ways, or one machine from all. */
  #partition(): void {
    const world = this.#world;
    const { random, machines, schedule, chaos } = world;
    const one = random.pick(machines);
    const isFromAll = random.chance(0.3);
    const others = isFromAll ? machines : [random.pick(machines)];
    const isOneWay = random.chance(0.3);
    const ways: [string, string][] = [];
    for (const other of others) {
      if (other === one) continue;
      ways.push([one.name, other.name]);
      if (!isOneWay) ways.push([other.name, one.name]);
    }
    for (const [from, to] of ways) world.block(from, to);
    world.trace(() => `blocked ${ways.map((way) => way.join(">")).join(" ")}`);
    const heal = () => {
      for (const [from, to] of ways) world.unblock(from, to);
      world.trace(() => `unblocked ${ways.map((way) => way.join(">")).join(" ")}`);
    };
    schedule.after(random.between(chaos.partitionMs), heal);
  }

  #breakLink(): void {
    const { random, machines } = this.#world;
    const { life } = random.pick(machines);
    const peers = life?.links.peers() ?? [];
    if (peers.length > 0) life?.links.break(random.pick(peers));
  }

  /** A clock is set, forth or back. */
  #jump(): void {
    const { random, machines } = this.#world;
    const machine = random.pick(machines);
    const jumpMs = random.pick(jumpsMs) * (random.chance(0.5) ? 1 : -1);
    machine.clockOffsetMs = random.chance(0.5) ? machine.clockOffsetMs + jumpMs : jumpMs;
    this.#world.trace(() => `clock ${machine.name} is off by ${machine.clockOffsetMs}`);
  }

  /** Takes a copy of a disk; or puts one back that was taken before. */
  #putBack(): void {
    const world = this.#world;
    const { random, schedule } = world;
    const machine = random.pick(world.machines);
    const copy = this.#copies.get(machine);
    if (!copy || machine.isPutBack) {
      const { values, headVersion } = machine.disk;
      const head = world.watch.views.of(machine.name).hashes.length;
      if (head > 0 && !machine.isPutBack) {
        this.#copies.set(machine, { disk: { values: [...values], headVersion }, head });
      }
      return;
    }
    this.#copies.delete(machine);
    machine.crash("its folder is put back");
    const { disk } = machine;
    // What was being written is on the true disk before it is put aside.
    schedule.after(1, () => {
      if (!this.#areOn || machine.life || machine.isPutBack) return machine.start();
      machine.disk = copy.disk;
      machine.isPutBack = true;
      const restore = () => {
        if (!world.putBack.delete(machine)) return;
        machine.crash("its true folder is put back");
        world.trace(() => `restored ${machine.name}`);
        machine.disk = disk;
        machine.isPutBack = false;
        machine.startAfter(1);
      };
      world.putBack.set(machine, { head: copy.head, restore });
      world.trace(() => `put back ${machine.name} to entry ${copy.head}`);
      machine.start();
      schedule.after(putBackMs, restore);
    });
  }
}
