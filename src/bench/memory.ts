/** How much memory this process has, on average over a time: garbage makes it rise and fall by the second. */

const intervalMs = 1_000;

export class ResidentMemory {
  #sum = 0;
  #count = 0;

  constructor() {
    Deno.unrefTimer(setInterval(() => this.#look(), intervalMs));
  }

  /** In bytes, since it was last taken. */
  take(): number {
    this.#look();
    const mean = this.#sum / this.#count;
    this.#sum = this.#count = 0;
    return Math.round(mean);
  }

  #look(): void {
    this.#sum += Deno.memoryUsage().rss;
    this.#count++;
  }
}
