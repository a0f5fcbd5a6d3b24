/** How much room the disk of a data folder has: one that is full ends its node. */

import { statfs } from "node:fs/promises";

const intervalMs = 5_000;

/** Measured now and then, beside all else: a disk that does not answer keeps nobody waiting. */
export class FreeSpace {
  readonly #measure: (() => Promise<number>) | undefined;
  #isMeasuring = false;
  #measuredMs = -Infinity;
  #bytes: number | undefined;

  constructor(measure: (() => Promise<number>) | undefined) {
    this.#measure = measure;
  }

  /**
   * As last measured; nothing where it could not be, or the disk has not answered since.
   *
   * @param nowMs of a clock that only goes forward
   */
  bytes(nowMs: number): number | undefined {
    return nowMs - this.#measuredMs < 3 * intervalMs ? this.#bytes : undefined;
  }

  /** @param nowMs of a clock that only goes forward */
  tick(nowMs: number): void {
    if (!this.#measure || this.#isMeasuring || nowMs - this.#measuredMs < intervalMs) return;
    this.#isMeasuring = true;
    this.#measuredMs = nowMs;
    this.#measure()
      .then((bytes) => this.#bytes = bytes, () => this.#bytes = undefined)
      .finally(() => this.#isMeasuring = false);
  }
}

/** Bytes that are free for its owner, by statfs. */
export async function freeBytesIn(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
