/** A disk that takes its time, fails, and keeps what was synced, whatever happens to its machine. */

import type { MemoryDisk, Storage, StorageKey, StoredValue, Write } from "../log/storage.ts";
import { MemoryStorage } from "../log/storage.ts";
import type { Life } from "./machine.ts";
import type { World } from "./world.ts";

/** The disk said that a write failed. The write may be on it all the same. */
export class DiskFailure extends Error {
  override name = "DiskFailure";
}

/** Of a write on a disk that can't keep up. */
const crawlingMs: readonly [number, number] = [300, 700];

/** One life's view of its machine's disk. */
export class SimulatedStorage implements Storage {
  readonly #world: World;
  readonly #life: Life;
  readonly #memory: MemoryStorage;
  /** Told of what has become durable. */
  readonly #written: (writes: readonly Write[]) => void;
  /** Not on the disk yet, oldest first. */
  readonly #waiting: (readonly Write[])[] = [];
  #freeAtMs = 0;

  constructor(
    world: World,
    life: Life,
    disk: MemoryDisk,
    written: (writes: readonly Write[]) => void,
  ) {
    this.#world = world;
    this.#life = life;
    this.#memory = new MemoryStorage(disk);
    this.#written = written;
  }

  async get(key: StorageKey): Promise<Uint8Array | undefined> {
    await this.#seek();
    return await this.#memory.get(key);
  }

  async *listFrom(word: string, from: StorageKey): AsyncIterable<StoredValue> {
    await this.#seek();
    yield* this.#memory.listFrom(word, from);
  }

  async commit(writes: readonly Write[]): Promise<void> {
    const { schedule, random, chaos } = this.#world;
    const isSlow = random.chance(chaos.slowDiskRate);
    const isCrawling = schedule.nowMs < this.#life.machine.crawlsUntilMs;
    const doneMs = Math.max(this.#freeAtMs, schedule.nowMs) +
      random.between(isSlow ? chaos.slowDiskMs : isCrawling ? crawlingMs : chaos.diskMs);
    this.#freeAtMs = doneMs;
    const hasFailed = random.chance(chaos.failedWriteRate);
    this.#waiting.push(writes);
    await this.#life.sleep(doneMs - schedule.nowMs);
    this.#waiting.shift();
    if (hasFailed && random.chance(0.5)) throw new DiskFailure("the disk failed");
    this.#life.mayCrash("before a write");
    if (this.#life.isAlive) await this.#write(writes);
    this.#life.mayCrash("after a write");
    // Durable, and not yet told to the node: what follows here may never come.
    await this.#life.sleep(random.between(chaos.diskMs) / 2);
    if (hasFailed) throw new DiskFailure("the disk failed after it had written");
  }

  /** The power fails: of what was being written the disk has a part, in order, or nothing. */
  async cut(): Promise<void> {
    const count = this.#world.random.below(this.#waiting.length + 1);
    for (const writes of this.#waiting.splice(0).slice(0, count)) await this.#write(writes);
  }

  close(): void {}

  async #write(writes: readonly Write[]): Promise<void> {
    const writing = this.#memory.commit(writes);
    this.#written(writes);
    await writing;
  }

  async #seek(): Promise<void> {
    const { random, chaos } = this.#world;
    const isSlow = random.chance(chaos.slowDiskRate);
    if (!isSlow && !random.chance(0.2)) return;
    await this.#life.sleep(random.between(isSlow ? chaos.slowDiskMs : chaos.diskMs));
  }
}
