/** Everything that a run consists of. */

import type { Chaos } from "./chaos.ts";
import type { Life } from "./machine.ts";
import { coordinatorName, Machine } from "./machine.ts";
import type { Random } from "./random.ts";
import { Schedule } from "./schedule.ts";
import type { Violation } from "./violation.ts";
import { Watch } from "./watch.ts";

export class World {
  readonly schedule = new Schedule();
  readonly random: Random;
  readonly machines: readonly Machine[];
  readonly watch: Watch;
  /** As it is now: milder once the faults have ended. */
  chaos: Chaos;
  /** The first; the run ends with it. */
  violation: { readonly violation: Violation; readonly step: number } | undefined;
  /** What a put back machine is to get back, and up to which entry its copy goes. */
  readonly putBack = new Map<Machine, { readonly head: number; readonly restore: () => void }>();
  readonly #record: ((line: string) => void) | undefined;
  readonly #blocked = new Map<string, number>();

  constructor(random: Random, chaos: Chaos, record?: (line: string) => void) {
    this.random = random;
    this.chaos = chaos;
    this.#record = record;
    const participants = names.slice(0, chaos.participants);
    this.machines = [
      new Machine(this, coordinatorName, "coordinator"),
      ...participants.map((name) => new Machine(this, name, "participant")),
    ];
    this.watch = new Watch(this);
  }

  get coordinator(): Machine {
    return this.machines[0]!;
  }

  get participants(): readonly Machine[] {
    return this.machines.slice(1);
  }

  /** A line of the run's trace, made only where somebody reads it. */
  trace(line: () => string): void {
    this.#record?.(`${this.schedule.step} ${this.schedule.nowMs} ${line()}`);
  }

  fail(violation: Violation): void {
    this.violation ??= { violation, step: this.schedule.step };
    this.trace(() => `VIOLATION ${violation.rule}: ${violation.message}`);
  }

  lifeAt(address: string): Life | undefined {
    for (const { life } of this.machines) if (life?.address === address) return life;
    return undefined;
  }

  /** Whether nothing passes from one machine to another. */
  isBlocked(from: string, to: string): boolean {
    if ((this.#blocked.get(`${from}>${to}`) ?? 0) > 0) return true;
    return this.putBack.size > 0 && (this.#hasSeenNothing(from, to) ||
      this.#hasSeenNothing(to, from));
  }

  block(from: string, to: string): void {
    const way = `${from}>${to}`;
    this.#blocked.set(way, (this.#blocked.get(way) ?? 0) + 1);
  }

  unblock(from: string, to: string): void {
    const way = `${from}>${to}`;
    this.#blocked.set(way, (this.#blocked.get(way) ?? 0) - 1);
  }

  /** A machine that was put back has been found out, and gets its own disk again. */
  refusedForAmnesia(machine: Machine): void {
    this.putBack.get(machine)?.restore();
  }

  /** Who has not seen what a machine has lost can't refuse it: such machines are kept apart. */
  #hasSeenNothing(name: string, of: string): boolean {
    for (const [machine, { head }] of this.putBack) {
      if (machine.name !== of) continue;
      const peer = this.machines.find((other) => other.name === name);
      const host = peer?.life?.links.host;
      if (!peer?.life?.isServing || !host) return true;
      return (host.seenOf(of)?.number ?? 0) <= head;
    }
    return false;
  }
}

const names = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
export const participantsMax = names.length;
